"""`trading-system models`: what models there are, whether they hold, who stands behind them, and which one trades."""

import getpass
import json
import os
import time
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trading_system.cli.options import settings_options
from trading_system.errors import ConfigurationError
from trading_system.settings import Settings, load

if TYPE_CHECKING:
    from trading_system.core_ai.inference.manifest import Artefact
    from trading_system.core_ai.inference.registry import Change

WRONG: Final = 2
"""Exit code where a model does not hold, or may not trade."""

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_model = click.argument("model")
_reason = click.option("--reason", required=True, help="Why, one line for the history.")
_who = click.option("--who", help="Who decided it. [default: the user of this machine]")


def _registry(command: Callable[..., object]) -> Callable[..., object]:
    """Give `command` the settings' options and `--registry`; it receives `settings` and `root`."""

    @wraps(command)
    def resolved(env: str | None, assignments: tuple[str, ...], registry: Path | None, **rest: Any) -> object:
        settings = load(assignments, env=env)
        return command(settings=settings, root=registry or settings.model.registry, **rest)

    option = click.option(
        "--registry",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the models. [default: model.registry of the settings]",
    )
    return settings_options(option(resolved))


@click.group
def command() -> None:
    """Keep, sign and check trained models, and say which of them trades.

    MODEL is a name in the registry, `champion`, `demo` (the one that ships with the package), or a folder.

    Example: trading-system models verify demo
    """


@command.command
@_registry
@_json
def ls(settings: Settings, root: Path, as_json: bool) -> int:
    """List the models of the registry; the champion is marked. The exit code is 2 where one does not hold.

    Example: trading-system models ls --json
    """
    from trading_system.core_ai.inference import registry

    holder, wrong = _champion(root)
    rows: list[dict[str, Any]] = []
    for name in registry.names(root):
        try:
            rows.append({**_told(registry.find(root, name), settings), "champion": name == holder})
        except ConfigurationError as error:
            rows.append({"model": name, "wrong": str(error), "champion": name == holder})
    if as_json:
        click.echo(json.dumps({"champion": holder, "wrong": wrong, "models": rows}, indent=2))
        return WRONG if wrong or any("wrong" in row for row in rows) else 0
    for row in rows:
        mark = "*" if row["champion"] else " "
        if "wrong" in row:
            click.echo(f"{mark} {row['model']}  WRONG: {row['wrong']}")
        else:
            what = f"{row['symbol']} {row['interval']}, {row['horizon']} bars ahead, log-loss {row['log_loss']:.4f}"
            click.echo(f"{mark} {row['model']}  {what}; {row['standing']}")
    if not rows:
        click.echo(f"no model in {root}; `trading-system models add FOLDER` takes one in")
    if wrong:
        click.echo(f"  champion  WRONG: {wrong}")
    return WRONG if wrong or any("wrong" in row for row in rows) else 0


@command.command
@_model
@_registry
@_json
def show(settings: Settings, root: Path, model: str, as_json: bool) -> None:
    """Print what a model says about itself; with --json, its whole manifest.

    Example: trading-system models show demo
    """
    artefact = _found(root, model)
    if as_json:
        click.echo(artefact.content.decode(), nl=False)
        return
    told = _told(artefact, settings) | {"files": ", ".join(artefact.manifest.files), "folder": str(artefact.folder)}
    for name, value in told.items():
        click.echo(f"{name:<16}{value}")
    click.echo(artefact.manifest.verdict)


@command.command
@_model
@_registry
@_json
def verify(settings: Settings, root: Path, model: str, as_json: bool) -> int:
    """Check every file, hash, number and signature of a model, and whether it may trade under the settings.

    The exit code is 2 where it does not hold or may not trade; the message names what differs.

    Example: trading-system models verify champion --env prod
    """
    from trading_system.chosen import trust_of
    from trading_system.core_ai.inference import trust

    try:
        artefact = _found(root, model)
        trust.admit(artefact, trust_of(settings))
    except ConfigurationError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"model": model, "holds": False, "why": str(error)}))
        return WRONG
    told = _told(artefact, settings)
    if as_json:
        click.echo(json.dumps({"holds": True, **told}))
    else:
        money = "real money" if trust_of(settings).real_money else "play money"
        files = f"{len(artefact.files)} {'file' if len(artefact.files) == 1 else 'files'} and the manifest"
        click.echo(f"{told['model']} holds: {files}; {told['standing']}; it may trade {money}")
    return 0


@command.command
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_registry
@_json
def add(settings: Settings, root: Path, folder: Path, as_json: bool) -> None:
    """Take the model in FOLDER into the registry, under its own name. It does not trade by that.

    Example: trading-system models add runs/model
    """
    from trading_system.core_ai.inference import registry

    artefact = registry.add(root, folder)
    _say(_told(artefact, settings), as_json, f"{artefact.manifest.name} is in {root}")


@command.command
@click.argument("name")
@_reason
@_who
@_registry
@_json
def promote(settings: Settings, root: Path, name: str, reason: str, who: str | None, as_json: bool) -> None:
    """Make the model NAME of the registry the champion, once it holds and may trade.

    `strategy.model: champion` trades it from the next start on.

    Example: trading-system models promote lstm-0123456789ab --reason "beats the champion by 0.004 in log-loss"
    """
    from trading_system.core_ai.inference import registry

    change = registry.promote(
        root, name, at_ns=time.time_ns(), who=who or _user(), reason=reason, admit=_admit(settings)
    )
    _say_change(change, as_json)


@command.command
@_reason
@_who
@_registry
@_json
def rollback(settings: Settings, root: Path, reason: str, who: str | None, as_json: bool) -> None:
    """Make the champion before this one champion again, once it holds and may trade.

    Example: trading-system models rollback --reason "hit rate fell under the limit"
    """
    from trading_system.core_ai.inference import registry

    change = registry.rollback(root, at_ns=time.time_ns(), who=who or _user(), reason=reason, admit=_admit(settings))
    _say_change(change, as_json)


@command.command
@_registry
@_json
def history(settings: Settings, root: Path, as_json: bool) -> None:
    """Print every change of champion: when, who, what and why; the chain of its lines is checked.

    Example: trading-system models history
    """
    import msgspec

    from trading_system.core_ai.inference import registry

    changes = registry.history(root)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(changes), indent=2))
        return
    for change in changes:
        click.echo(f"{change.number:>4}  {change.at}  {change.who}  {change.did} {change.model}: {change.reason}")
    if not changes:
        click.echo(f"no champion was ever named in {root}")


@command.command
@_model
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@_registry
def card(settings: Settings, root: Path, model: str, out: Path | None) -> None:
    """Print the model card, in Markdown: what the model is, how it did, what it does not know.

    Example: trading-system models card demo --out card.md
    """
    from trading_system.core_ai.inference import model_card

    artefact = _found(root, model)
    text = model_card.card(artefact.manifest, str(_told(artefact, settings)["standing"]))
    if out is None:
        click.echo(text, nl=False)
    elif out.resolve().parent == artefact.folder.resolve():
        raise ConfigurationError(f"{out}: a model's folder holds nothing that its manifest does not list; name another")
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"{out}: the card of {artefact.manifest.name}")


@command.command
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File of the private key.")
@_json
def keygen(out: Path, as_json: bool) -> None:
    """Make a key to sign models with: FILE for whoever signs, readable by its owner alone, and FILE.pub to trust.

    Example: trading-system models keygen --out keys/models
    """
    from trading_system.core_ai.inference import signing

    public = signing.generate(out)
    told = {"private": str(out), "public_file": f"{out}.pub", "public": public}
    _say(told, as_json, f"{out}: the private key; keep it away from what trades\n{out}.pub: the public key {public}")


@command.command
@_model
@click.option("--key", required=True, help="File of a private key; `demo` is the key that everybody knows.")
@_registry
@_json
def sign(settings: Settings, root: Path, model: str, key: str, as_json: bool) -> None:
    """Sign a model, once it holds: all of its files are covered by its manifest, and the manifest by the signature.

    Example: trading-system models sign runs/model --key keys/models
    """
    from trading_system.core_ai.inference import manifest, signing

    signer = signing.private_key(key)
    signed = manifest.sign(_found(root, model).folder, signer)
    _say(_told(signed, settings), as_json, f"{signed.manifest.name} is signed by {signed.signed_by}")


def _found(root: Path, model: str) -> "Artefact":
    from trading_system.core_ai.inference import manifest, registry

    if model == registry.CHAMPION:
        return registry.champion(root)
    if model == "demo":
        return manifest.read(manifest.DEMO_MODEL)
    return registry.find(root, model) if model in registry.names(root) else manifest.read(Path(model))


def _told(artefact: "Artefact", settings: Settings) -> dict[str, str | int | float]:
    from trading_system.chosen import trust_of
    from trading_system.core_ai.inference import trust

    manifest = artefact.manifest
    model = manifest.scores.get("model")
    return {
        "model": manifest.name,
        "symbol": manifest.symbol,
        "interval": manifest.interval,
        "horizon": manifest.horizon,
        "log_loss": model.log_loss if model else float("nan"),
        "bars": manifest.bars,
        "license": manifest.license,
        "signed_by": artefact.signed_by,
        "standing": trust.standing(artefact, trust_of(settings).keys),
    }


def _champion(root: Path) -> tuple[str, str]:
    """Return the name of the champion, and what is wrong with it; "" where there is none, or nothing."""
    from trading_system.core_ai.inference import registry

    if not registry.named_once(root):
        return "", ""
    try:
        return registry.champion(root).manifest.name, ""
    except ConfigurationError as error:
        return "", str(error)


def _admit(settings: Settings) -> "Callable[[Artefact], None]":
    from trading_system.chosen import trust_of
    from trading_system.core_ai.inference import trust

    return partial(trust.admit, trust=trust_of(settings))


def _say_change(change: "Change", as_json: bool) -> None:
    import msgspec

    _say(msgspec.to_builtins(change), as_json, f"{change.model} is the champion from the next start on ({change.did})")


def _say(told: object, as_json: bool, words: str) -> None:
    click.echo(json.dumps(told) if as_json else words)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
