"""The search: worlds, cuts and futures put before probes, and all that changed in what was known before a cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from trading_system.data_pipeline.leaks.answers import Answer, Change, Probe, changes
from trading_system.data_pipeline.leaks.cuts import cuts_of
from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.worlds import World, made_up_metrics, taken, torn
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.columns import BarColumns

AGAIN: Final = "asked again"
"""The same world was put before it twice."""
STREAMED: Final = "bar by bar"
"""The same world was told bar by bar."""
_SELDOM: Final = 5
"""Rows of an answer up to which each of them gets a cut of its own."""

Tell = Callable[[int, int], None]
"""Told how many cuts are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One way in which a column is not what it was: the first case of it, and how often it was found.

    Attributes:
        name: Of the column.
        world: Which series it was found in: as it is, or torn.
        future: What was changed behind the cut, see `FUTURES`; or `AGAIN`, or `STREAMED`.
        cut_ns: The last moment before the change, UTC ns; what was known by then must not change.
        row_ns: Close of the bar whose value changed, the first of them, UTC ns.
        old, new: Its value before and after; None where there is no such row.
        ahead: The most bars, at any cut, from the first row that changed to the first bar that was another: so far it
            looks at least. 0 where no bar was changed.
        cuts: At how many cuts it was found.
        tried: At how many it was looked for.
    """

    name: str
    world: str
    future: str
    cut_ns: int
    row_ns: int
    old: float | None
    new: float | None
    ahead: int
    cuts: int
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a search.

    Attributes:
        bars: Bars of the series.
        cuts: Cuts of it that were tried, in all worlds.
        possible: Cuts that there are: behind every bar of every world.
        compared: For each column, how many defined values were held against each other.
        leaks: What was found; empty when nothing leaks.
    """

    bars: int
    cuts: int
    possible: int
    compared: Mapping[str, int]
    leaks: tuple[Leak, ...]

    @property
    def untested(self) -> tuple[str, ...]:
        """Columns that never had a value to compare: of these nothing is known."""
        return tuple(name for name, count in self.compared.items() if not count)


def search(bars: BarColumns, probes: Sequence[Probe], *, cuts: int, seed: int, tell: Tell = lambda *_: None) -> Verdict:
    """Return what leaks among `probes` on `bars`.

    In two worlds, the bars as they are and with holes and quiet stretches planted, at each cut, for each kind of
    future: everything that is declared to be known at the cut must be the same as before, to the bit. Besides, a probe
    must say the same when it is asked again, and bar by bar. The same arguments lead to the same verdict.

    Args:
        bars: Of one instrument; what a probe needs to warm up must be there twice and more.
        probes: What to test.
        cuts: How many, in each world; a few may be added, where something is known only once.
        seed: Of every random choice.
        tell: Told of the progress.

    Raises:
        ConfigurationError, DataError: A probe failed, on a part of the bars on which it had an answer.
    """
    compared: dict[str, int] = {}
    found: dict[tuple[str, str, str], Leak] = {}
    worlds = worlds_of(bars, seed)
    told = {name: [probe.ask(world) for probe in probes] for name, world in worlds.items()}
    chosen = {name: _cuts(world, told[name], cuts, seed) for name, world in worlds.items()}
    done, total = 0, sum(map(len, chosen.values()))
    for name, world in worlds.items():
        rows = chosen[name]
        _note(found, name, len(rows), world, _at_once(world, probes, told[name]))
        for answers in told[name]:
            _count(compared, answers)
        for row in rows:
            _note(found, name, len(rows), world, _at_cut(world, probes, told[name], row, seed))
            done += 1
            tell(done, total)
    possible = sum(len(world.bars) for world in worlds.values())
    return Verdict(bars=len(bars), cuts=total, possible=possible, compared=compared, leaks=tuple(found.values()))


def _cuts(world: World, told: Sequence[Sequence[Answer]], count: int, seed: int) -> list[int]:
    """Return the rows to cut at: `count` of all kinds, and wherever something is known that is seldom known.

    What a scaler looks ahead shows at one row: the last of its training.
    """
    rows = set(cuts_of(world.bars, count, np.random.default_rng([seed, 2])).tolist())
    for answer in (answer for answers in told for answer in answers if len(answer.known_ns) <= _SELDOM):
        rows.update((np.searchsorted(world.bars.close_ns, answer.known_ns, side="right") - 1).tolist())
    return sorted(row for row in rows if row >= 0)


def worlds_of(bars: BarColumns, seed: int) -> dict[str, World]:
    """Return the worlds to search in, by name."""
    chance = np.random.default_rng([seed, 1])
    metrics = made_up_metrics(bars, chance)
    return {"as it is": World(bars, metrics), "with holes": World(torn(bars, chance), metrics)}


_Found = tuple[str, int | None, Change]
"""What was done to the future, behind which row, and what it changed."""


def _at_once(world: World, probes: Sequence[Probe], told: Sequence[Sequence[Answer]]) -> Iterator[_Found]:
    """Yield what changes although nothing was changed: where it is asked again, and where it hears bar by bar."""
    for probe, answers in zip(probes, told, strict=True):
        yield from ((AGAIN, None, change) for change in _between(answers, probe.ask(world)))
        if probe.stream is not None:
            yield from ((STREAMED, None, change) for change in _between(answers, probe.stream(world)))


def _at_cut(
    world: World, probes: Sequence[Probe], told: Sequence[Sequence[Answer]], row: int, seed: int
) -> Iterator[_Found]:
    """Yield what was known at the close of `row` and changes with what comes after it."""
    until_ns = int(world.bars.close_ns[row])
    known = [[answer.until(until_ns) for answer in answers] for answers in told]
    for number, (name, future) in enumerate(FUTURES.items()):
        other = future(world, row, np.random.default_rng([seed, 3, row, number]))
        for probe, answers in zip(probes, known, strict=True):
            try:
                retold = probe.ask(other)
            except (ConfigurationError, DataError) as error:
                if any(np.isfinite(answer.values).any() for answer in answers):
                    raise type(error)(f"{error} (on {len(other.bars)} bars, of {len(world.bars)})") from error
                continue  # it had nothing to say of these bars before either
            after = [answer.until(until_ns) for answer in retold]
            yield from ((name, row, change) for change in _between(answers, after))


def _between(told: Sequence[Answer], retold: Sequence[Answer]) -> Iterator[Change]:
    for before, after in zip(told, retold, strict=True):
        yield from changes(before, after)


def _count(compared: dict[str, int], answers: Sequence[Answer]) -> None:
    for answer in answers:
        defined = (~np.isnan(answer.values)).sum(axis=0)
        for name, count in zip(answer.names, defined.tolist(), strict=True):
            compared[name] = compared.get(name, 0) + count


def _note(found: dict[tuple[str, str, str], Leak], name: str, tried: int, world: World, news: Iterator[_Found]) -> None:
    """Add `news` of the world `name` to what was found."""
    close_ns = world.bars.close_ns
    for future, row, change in news:
        key = (change.name, name, future)
        ahead = 0 if row is None else row + 1 - int(np.searchsorted(close_ns, change.of_ns))
        if key in found:
            before = found[key]
            found[key] = replace(before, cuts=before.cuts + 1, ahead=max(before.ahead, ahead))
            continue
        found[key] = Leak(
            name=change.name,
            world=name,
            future=future,
            cut_ns=int(close_ns[-1 if row is None else row]),
            row_ns=change.of_ns,
            old=change.old,
            new=change.new,
            ahead=ahead,
            cuts=1,
            tried=1 if row is None else tried,
        )


def latest(bars: BarColumns, length: int) -> BarColumns:
    """Return the last `length` of `bars`."""
    return taken(bars, slice(max(0, len(bars) - length), None))
