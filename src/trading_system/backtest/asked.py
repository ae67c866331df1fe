"""What somebody asked for, as it was written: on a command line, in a file, or both; nothing is checked yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from trading_system.backtest.choice_table import CHOICES, SECTIONS
from trading_system.core_ai.inference.strategies.strategy import Value
from trading_system.errors import ConfigurationError

Assignment = tuple[str, Value]
"""A name, plain or with an owner before a dot, and a value as text or as it is."""

MADE_WITH: Final = frozenset({"code_version", "command", "data_sha256", "found", "sweep"})
"""What a run's `config.yaml` says besides its choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStrategy:
    """A strategy: what it is called in this run, what it is, and what is set about it alone."""

    label: str
    kind: str
    sets: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that was asked for.

    Attributes:
        bars: Each a file, a file after `SYMBOL=`, or the folder of a store.
        instruments: The symbols wanted.
        strategies: In the order in which they decide.
        policy: Path of a policy of the user's own; "" for ours.
        sets: Assignments; a later one counts.
        sha256: Hash that the bars of a symbol must have, where a run is to be made again.
    """

    bars: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    strategies: tuple[AskedStrategy, ...] = ()
    policy: str = ""
    sets: tuple[Assignment, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)


def over(file: Asked, line: Asked) -> Asked:
    """Return `file` with what the command `line` says instead, or more."""
    bars = file if not line.bars else replace(file, bars=line.bars, instruments=(), sha256={})
    return Asked(
        bars=bars.bars,
        instruments=line.instruments or bars.instruments,
        strategies=line.strategies or file.strategies,
        policy=line.policy or file.policy,
        sets=(*file.sets, *line.sets),
        sha256=bars.sha256,
    )


def strategies_of(texts: Iterable[str]) -> tuple[AskedStrategy, ...]:
    """Return strategies written as KIND or LABEL=KIND.

    Raises:
        ConfigurationError: Two have one label.
    """
    parts = [text.rpartition("=") for text in texts]
    return _once_each(AskedStrategy(label=label or kind, kind=kind) for label, _, kind in parts)


def assignments_of(texts: Iterable[str]) -> tuple[Assignment, ...]:
    """Return assignments written as NAME=VALUE.

    Raises:
        ConfigurationError: One has no name, or no `=`.
    """
    parts = [(text, *text.partition("=")) for text in texts]
    for text, name, equals, _ in parts:
        if not name or not equals:
            raise ConfigurationError(f"--set {text!r} must be written NAME=VALUE, as in --set fast=10")
    return tuple((name, value) for _, name, _, value in parts)


def asked_of(content: Any, where: str) -> Asked:
    """Return what a file of configuration asks for: one that a run wrote, or one by hand, with sections or without.

    Args:
        content: What the file holds, parsed.
        where: Names the file in errors.

    Raises:
        ConfigurationError: It is no mapping, or a part of it is of another shape.
    """
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{where}: must map names to values, as in `strategy: sma_cross`")
    left = {str(key): value for key, value in content.items() if key not in MADE_WITH}
    sections = {name: left.pop(name) for name in SECTIONS if isinstance(left.get(name), Mapping)}
    bars, instruments = _bars(sections.get("bars", {}), left, where)
    policy = dict(sections.get("policy", {}))
    own = str(policy.pop("file", "") or left.pop("policy", "") or "")
    named = _strategies(left.pop("strategies", None), where) or strategies_of(_texts(left.pop("strategy", ()), where))
    sets: list[Assignment] = []
    for name, section in {**sections, "policy": policy}.items():
        chosen = ((key, value) for key, value in section.items() if key != "sources")
        sets += [(f"{name}.{key}", _value(value, f"{where}: {name}.{key}")) for key, value in chosen]
    for owner, part in _mapping(left.pop("only", {}), f"{where}: only").items():
        sets += [(f"{owner}.{key}", _value(value, f"{where}: only.{owner}.{key}")) for key, value in part.items()]
    sets += [(key, _value(value, f"{where}: {key}")) for key, value in left.items()]
    hashes = _mapping(content.get("data_sha256", {}), f"{where}: data_sha256")
    return Asked(
        bars=bars,
        instruments=instruments,
        strategies=named,
        policy=own,
        sets=tuple(sets),
        sha256={str(symbol): str(digest) for symbol, digest in hashes.items()},
    )


def _bars(section: Mapping[str, Any], left: dict[str, Any], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take the files and symbols out of what is `left`, and return them."""
    instruments = _texts(left.pop("instruments", left.pop("instrument", ())), where)
    if "sources" not in section:
        return _texts(left.pop("bars", ()), where), instruments
    sources = section["sources"]
    if not isinstance(sources, Sequence) or not all(
        isinstance(each, Mapping) and {"symbol", "path"} <= set(each) for each in sources
    ):
        raise ConfigurationError(f"{where}: bars.sources must be a list of symbol and path")
    return tuple(f"{each['symbol']}={each['path']}" for each in sources), instruments


def _strategies(listed: Any, where: str) -> tuple[AskedStrategy, ...]:
    if not listed:
        return ()
    if not isinstance(listed, Sequence) or not all(isinstance(each, Mapping) and "strategy" in each for each in listed):
        raise ConfigurationError(f"{where}: strategies must be a list of name, strategy and set")
    return _once_each(
        AskedStrategy(
            label=str(each.get("name", each["strategy"])),
            kind=str(each["strategy"]),
            sets=tuple(
                (str(key), _value(value, f"{where}: {key}"))
                for key, value in _mapping(each.get("set", {}), f"{where}: set").items()
            ),
        )
        for each in listed
    )


def _once_each(strategies: Iterable[AskedStrategy]) -> tuple[AskedStrategy, ...]:
    found: dict[str, AskedStrategy] = {}
    for each in strategies:
        if each.label in found:
            raise ConfigurationError(
                f"two strategies are called {each.label}: name one otherwise, as in --strategy slow={each.kind}"
            )
        if not each.label.replace("_", "").replace("-", "").isalnum() or each.label in (*SECTIONS, *CHOICES, "only"):
            raise ConfigurationError(f"a strategy cannot be called {each.label!r}: letters, digits, - and _, no choice")
        found[each.label] = each
    return tuple(found.values())


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} must map names to values")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """Return one text or a list of them."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ConfigurationError(f"{where}: {value!r} must be a text or a list of texts")


def _value(value: Any, where: str) -> Value:
    if isinstance(value, Mapping | list) or value is None:
        raise ConfigurationError(f"{where} must be one value, not {value!r}")
    return value if isinstance(value, bool | int | float) else str(value)  # a date, too, as its text
