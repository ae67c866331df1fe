"""`trading-system demo`: the whole line in one go, killed on the way and recovered."""

import asyncio
import fcntl
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from trading_system.dashboard.notes import Kill
from trading_system.dashboard.story import kill_story
from trading_system.demo.report import LEDGER, PAGE, Report, report
from trading_system.demo.scene import Scene, scene_of
from trading_system.demo.screen import Screen
from trading_system.demo.supervisor import JOURNAL, LOG, OUTPUT, Ears, assignments, supervise
from trading_system.errors import ConfigurationError
from trading_system.settings import load, provenance

DIFFERENT: Final = 1
"""The exit code where our books and the exchange's do not agree."""
LEFT_BEHIND: Final = (JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm", LOG, OUTPUT, LEDGER, PAGE)
"""What an earlier demonstration left in its folder."""
CHANGING: Final = (
    "venue.rest_url",
    "venue.stream_url",
    "venue.ws_api_url",
    "journal.",
    "telemetry.",
    "secrets.",
    "data.store",
)
"""Settings that say where things are; the report shows those that say what was done."""


@click.command
@click.option(
    "--bars", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Parquet or CSV of BTCUSDT bars; the last of them happen live. [default: a synthetic market]",
)  # fmt: skip
@click.option("--seed", type=int, default=7, show_default=True, help="Of the synthetic market, and inside every bar.")
@click.option("--days", type=click.IntRange(1, 3_650), help="Simulated days. [default: 28; 2000 bars of a file]")
@click.option(
    "--model", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of a trained model."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/demo"), show_default=True,
    help="Folder for journal, log and report; an earlier demonstration's are replaced.",
)  # fmt: skip
@click.option("--open/--no-open", "open_page", default=False, help="Open the report in a browser at the end.")
def command(bars: Path | None, seed: int, days: int | None, model: Path | None, out: Path, open_page: bool) -> int:
    """Run the whole line on a local exchange, kill it between an order and its answer, and recover.

    Nothing leaves this machine. The engine is a process of its own; it is ended by SIGKILL while the exchange holds
    back the answer to an order, and started again. At the end every order, fill and balance of its journal is compared
    with the exchange's own ledger: exit code 0 where they are equal, 1 where not. The same arguments give the same
    hashes, on every run.
    """
    from trading_system.bootstrap import read_journal  # the whole house: loaded only to run

    console = Console(soft_wrap=True)
    scene = scene_of(bars, seed=seed, days=days, model=model)
    config = {
        row.path: str(row.value)
        for row in provenance(load(assignments(scene)))
        if not row.path.startswith(CHANGING) and row.value is not None
    }
    if scene.model is not None:  # under its own name, which is a hash: the page is the same wherever the folder is
        config["strategy.model"] = scene.model.name
    instrument = scene.listing.instrument
    symbol = instrument.symbol if scene.real_bars else f"{instrument.symbol} (synthetic)"
    screen = Screen(console, symbol=symbol, base=instrument.base, quote=instrument.quote)
    with _alone_in(out):
        screen.event(scene.words, style="default")

        def recovered(kill: Kill) -> None:
            for moment in kill_story(list(read_journal(out / JOURNAL)), kill):
                screen.event(f"  {moment.what}: {moment.words}", style="red" if moment.who == "us" else "default")

        ears = Ears(progress=screen.progress, event=screen.event, recovered=recovered)
        with screen.shown():
            told = asyncio.run(supervise(scene, out, ears))
        made = report(scene, told, list(read_journal(out / JOURNAL)), config, out)
    _say(console, scene, made)
    if open_page:
        webbrowser.open(made.page.resolve().as_uri())
    return DIFFERENT if made.differences else 0


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Empty `out` of what an earlier demonstration left, and keep others out meanwhile.

    Raises:
        ConfigurationError: Another demonstration runs in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"another demonstration runs in {out}; name another folder by --out") from None
        for name in LEFT_BEHIND:
            (out / name).unlink(missing_ok=True)
        yield


def _say(console: Console, scene: Scene, made: Report) -> None:
    """Print the summary: what was done, the numbers, the verdict, the hashes, and how to go on."""
    console.print(f"\n{made.done}\n", highlight=False)
    numbers = Table.grid(padding=(0, 3))
    for number in made.numbers:
        numbers.add_row(number.name, number.text, number.remark)
    console.print(numbers, highlight=False)
    market = "real bars, pretended orders" if scene.real_bars else "synthetic market with a planted pattern"
    console.print(f"No edge is claimed: {market}.\n", highlight=False)
    books = Table.grid(padding=(0, 3))
    books.add_row("", "our journal", "exchange's ledger", "")
    for tally in made.tallies:
        books.add_row(tally.kind, str(tally.ours), str(tally.theirs), "equal" if tally.equal else "DIFFERENT")
    console.print(books, highlight=False)
    for difference in made.differences:
        console.print(f"  {difference}", style="red", highlight=False, markup=False)
    verdict = "DIFFERENT" if made.differences else "EQUAL"
    console.print(
        f"Books against the exchange's ledger: {verdict}\n", style="bold red" if made.differences else "bold green"
    )
    for name, value in made.hashes.items():
        console.print(f"{name:<8} {value}", highlight=False, soft_wrap=True)
    journal = made.page.parent / JOURNAL
    console.print(f"\nreport   {made.page}", highlight=False, soft_wrap=True)
    console.print("go on    trading-system explain --last --journal", journal, highlight=False, soft_wrap=True)
    console.print("         trading-system status --journal", journal, highlight=False, soft_wrap=True)
