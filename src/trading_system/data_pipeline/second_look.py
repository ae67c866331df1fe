"""A second look at rows that were set aside: by a person who releases them, or by today's rules."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.bar_checks import GOOD, Columns, Kind, kind_of
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.held_rows import judged
from trading_system.data_pipeline.normalizers.defects.kinds import DefectKind
from trading_system.errors import ConfigurationError
from trading_system.market import catalog
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Kept, Series, State

OF_ITSELF: Final = frozenset(
    {
        *(kind.value for kind in Kind if kind not in (Kind.DUPLICATE, Kind.CONTRADICTION, Kind.UNSORTED)),
        *(kind.value for kind in (DefectKind.UNREADABLE, DefectKind.OHLC, DefectKind.NON_POSITIVE, DefectKind.NAN)),
    }
)
"""Kinds that a row shows by itself, so that the row alone tells whether it still is one. All others were seen beside
other rows, which stand no longer beside it: no rule passes them, only a person."""


class Outcome(StrEnum):
    """What a second look came to."""

    STORED = "stored"
    KNOWN = "known"
    STAYS = "stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One row, what came of the second look at it, and why, in a sentence."""

    row: Kept
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What rows are to be read by instead of what they were read by; "" leaves that as it was.

    Attributes:
        tick: Price step, quote per base; else the finer one of the catalog's and the one that a row was judged by.
        interval: Length of a bar as venues write it.
    """

    tick: str = ""
    interval: str = ""


AS_READ: Final = Terms()


def replayed(
    quarantine: Quarantine, store: BarStore, rows: Iterable[Kept], *, by: str, terms: Terms = AS_READ
) -> list[Looked]:
    """Judge rows by today's rules, put what passes into the store, and mark it.

    The store comes first and the mark after it: whoever is interrupted in between finds the bar in the store and only
    marks. A row that was bad beside other rows (`OF_ITSELF` says which were not) passes only where the store says the
    same. What contradicts the store, or another row that would pass, stays.

    Args:
        rows: Those that are to be looked at; those that are not held are passed over.
        by: Who asked for it, for the record.

    Raises:
        ConfigurationError: The tick or interval of `terms` cannot be one.
        DataError: The store is damaged.
    """
    held = [row for row in rows if row.state is State.HELD]
    looked = _looked(store, held, terms, frozenset(OF_ITSELF))
    _mark(quarantine, looked, State.REPLAYED, by=by, why="")
    return looked


def released(
    quarantine: Quarantine, store: BarStore, rows: Iterable[Kept], *, by: str, why: str, terms: Terms = AS_READ
) -> list[Looked]:
    """Put rows into the store because a person says that they are right, and mark them.

    They must be possible bars all the same, and no other bar may be stored in their place. Of rows for one bar that
    contradict each other none is taken. Arguments and errors as of `replayed`; `why` is the person's reason.
    """
    open_ = [row for row in rows if row.state in (State.HELD, State.DISCARDED)]
    looked = _looked(store, open_, terms, None)
    _mark(quarantine, looked, State.RELEASED, by=by, why=why)
    return looked


def _mark(quarantine: Quarantine, looked: Sequence[Looked], state: State, *, by: str, why: str) -> None:
    for outcome in (Outcome.STORED, Outcome.KNOWN):
        ids = [each.row.id for each in looked if each.outcome is outcome]
        if ids:
            quarantine.mark(ids, state, by=by, why=why or _WHY[outcome])


_WHY: Final[Mapping[Outcome, str]] = {
    Outcome.STORED: "it is a bar, and stands in the store now",
    Outcome.KNOWN: "the store holds this very bar",
}


class _Bar(NamedTuple):
    """Open in UTC ns; prices and volume in atoms."""

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int


def _looked(store: BarStore, rows: Sequence[Kept], terms: Terms, kinds: frozenset[str] | None) -> list[Looked]:
    """Look at `rows` series by series; `kinds` are those that may go into the store, None for all."""
    found: dict[str, Looked] = {}
    series_of: defaultdict[tuple[Series, Decimal], list[Kept]] = defaultdict(list)
    for row in rows:
        series = _series(row, terms)
        tick = None if series is None else tick_of(series, terms.tick)
        if series is None or tick is None or not row.record.form:
            lacks = "its series" if series is None else "its tick" if tick is None else "how to read it again"
            found[row.id] = Looked(row=row, outcome=Outcome.STAYS, why=f"nothing says {lacks}")
        else:
            series_of[series, tick].append(row)
    for (series, tick), some in series_of.items():
        bars: dict[str, _Bar] = {}
        for row, bar, why in _judged(some, series, tick):
            if bar is None:
                found[row.id] = Looked(row=row, outcome=Outcome.STAYS, why=why)
            else:
                bars[row.id] = bar
        found |= _offered(store, series, [row for row in some if row.id in bars], bars, kinds)
    return [found[row.id] for row in rows]


def _series(row: Kept, terms: Terms) -> Series | None:
    told = row.record.series
    interval = terms.interval or (told.interval if told else "")
    return (
        None
        if told is None or not interval
        else Series(venue=told.venue, symbol=told.symbol, interval=interval, tick=told.tick)
    )


def tick_of(series: Series, asked: str = "") -> Decimal | None:
    """Return the price step to judge a row of `series` by: what is asked for, else the finer of those that are known.

    Raises:
        ConfigurationError: It is no number, or no multiple of 1e-8 above 0.
    """
    known = catalog.lookup(series.venue, series.symbol)
    texts = [asked] if asked else [series.tick] if series.tick else []
    try:
        ticks = [Decimal(text) for text in texts] + ([known.tick] if known is not None and not asked else [])
        if any(tick <= 0 or tick % _ATOM for tick in ticks):
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigurationError(f"a tick is a number like 0.01, a multiple of 1e-8, not {texts[0]!r}") from None
    return min(ticks, default=None)


_ATOM: Final = Decimal("1e-8")


def _judged(rows: Sequence[Kept], series: Series, tick: Decimal) -> Iterable[tuple[Kept, _Bar | None, str]]:
    """Yield each row with the bar that it is, or why it is none."""
    columns, verdicts = judged([row.record for row in rows], tick=tick, interval_ns=interval_ns(series.interval))
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    for row, verdict, told in zip(rows, verdicts.tolist(), numbers, strict=True):
        bar, then = _Bar(*told), row.record.open_ns
        if verdict != GOOD:
            yield row, None, _fault(kind_of(verdict), series, tick)
        elif then is not None and then != bar.open_ns:
            yield row, None, f"by itself its time reads {iso(bar.open_ns)}, among its neighbors it read {iso(then)}"
        else:
            yield row, bar, ""


def _fault(kind: Kind, series: Series, tick: Decimal) -> str:
    more = {Kind.TICK: f" (the tick is {tick:f})", Kind.GRID: f" (a bar is {series.interval} long)"}
    return f"cannot be a bar: {kind}{more.get(kind, '')}"


def _offered(
    store: BarStore, series: Series, rows: Sequence[Kept], bars: Mapping[str, _Bar], kinds: frozenset[str] | None
) -> dict[str, Looked]:
    """Offer bars to the store, except those that may not or that something contradicts."""
    stored = _stored(store, series, [bars[row.id].open_ns for row in rows])
    rivals = Counter(bar.open_ns for bar in {bars[row.id] for row in rows})
    found: dict[str, Looked] = {}
    new: dict[_Bar, list[Kept]] = defaultdict(list)
    for row in rows:
        bar = bars[row.id]
        there = stored.get(bar.open_ns)
        if there == bar:
            found[row.id] = Looked(row=row, outcome=Outcome.KNOWN, why=_WHY[Outcome.KNOWN])
        elif there is not None:
            found[row.id] = Looked(row=row, outcome=Outcome.STAYS, why=_other(bar))
        elif rivals[bar.open_ns] > 1:
            found[row.id] = Looked(row=row, outcome=Outcome.STAYS, why="another row says otherwise of the same bar")
        elif kinds is not None and row.record.kind not in kinds:
            why = f"{row.record.kind}: seen beside rows that it no longer stands beside; a person may release it"
            found[row.id] = Looked(row=row, outcome=Outcome.STAYS, why=why)
        else:
            new[bar].append(row)
    refused = _append(store, series, list(new))
    for bar, some in new.items():
        for nth, row in enumerate(some):
            outcome = Outcome.STAYS if bar.open_ns in refused else Outcome.KNOWN if nth else Outcome.STORED
            why = _other(bar) if outcome is Outcome.STAYS else _WHY[outcome]
            found[row.id] = Looked(row=row, outcome=outcome, why=why)
    return found


def _other(bar: _Bar) -> str:
    return f"the store holds another bar at {iso(bar.open_ns)}, and what is stored is not overwritten"


def _stored(store: BarStore, series: Series, opens: Sequence[int]) -> dict[int, _Bar]:
    """Return what the store holds at the times of `opens`."""
    if not opens:
        return {}
    try:
        held = store.columns(series.venue, series.symbol, series.interval, start_ns=min(opens), end_ns=max(opens) + 1)
    except ConfigurationError:  # no such series, or nothing of it there
        return {}
    asked = np.flatnonzero(np.isin(held.open_ns, np.array(opens, dtype=np.int64)))
    found = zip(*(column[asked].tolist() for column in held), strict=True)
    return {bar.open_ns: bar for bar in (_Bar(*told) for told in found)}


def _append(store: BarStore, series: Series, bars: Sequence[_Bar]) -> frozenset[int]:
    """Add `bars` to the store and return the opens of those that somebody else filled meanwhile."""
    if not bars:
        return frozenset()
    columns = Columns(*(np.array(column, dtype=np.int64) for column in zip(*bars, strict=True)))
    written = store.append(columns, series.venue, series.symbol, series.interval)
    return frozenset(written.contradicted.open_ns.tolist())
