"""Faults put into clean bars on purpose, each written down in a ledger: what a checker must find.

A row is a list of six cells: time (epoch ms of the bar's open), open, high, low, close, volume. An injection changes
rows in place and returns what it did, as entries that say kind, variant, and first and last true open concerned.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

Cell = int | float | str
Row = list[Cell]
Rows = list[Row]

TIME, OPEN, HIGH, LOW, CLOSE, VOLUME = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fault of the ledger; `first` and `last` are epoch ms."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a fault goes: at row `at`, in a series of bars `step` ms long, whose close moves by `move` (a ratio, the
    standard deviation of the last hundred returns)."""

    at: int
    step: int
    move: float


Injection = Callable[[Rows, Place, random.Random], Entry]


def entry(kind: str, rows: Rows, begin: int, end: int | None = None) -> Entry:
    """Return the entry for rows `begin` to `end` (exclusive; by default one row)."""
    times = [int(row[TIME]) for row in rows[begin : begin + 1 if end is None else end]]
    return Entry(kind=kind, first=min(times), last=max(times))


def number(cell: Cell) -> float:
    """Return the number in a cell."""
    return float(cell)


def closed(row: Row) -> None:
    """Make high and low enclose open and close."""
    prices = [number(row[place]) for place in (OPEN, HIGH, LOW, CLOSE)]
    row[HIGH], row[LOW] = max(prices), min(prices)


# Rows that are absent, told twice or in the wrong place


def gap(bars: int) -> Injection:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("gap", rows, place.at, place.at + bars)
        del rows[place.at : place.at + bars]
        return told

    return inject


def twice(many: int, *, further: int = 0, other: int | None = None) -> Injection:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("duplicate", rows, place.at, place.at + many)
        again = [list(row) for row in rows[place.at : place.at + many]]
        if other is not None:
            for row in again:
                row[other] = round(number(row[other]) * 1.0007, 8) if number(row[other]) else 1.0
                closed(row)
        rows[place.at + many + further : place.at + many + further] = again
        return told

    return inject


def moved(many: int, by: int) -> Injection:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("out_of_order", rows, place.at, place.at + many + (by if by <= many else 0))
        block = rows[place.at : place.at + many]
        del rows[place.at : place.at + many]
        rows[place.at + by : place.at + by] = block
        return told

    return inject


def reordered(many: int, *, backwards: bool) -> Injection:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("out_of_order", rows, place.at, place.at + many)
        block = rows[place.at : place.at + many]
        if backwards:
            block.reverse()
        else:
            while [row[TIME] for row in block] == sorted(int(row[TIME]) for row in block):
                rng.shuffle(block)
        rows[place.at : place.at + many] = block
        return told

    return inject


# Rows that are no bars


def cells(kind: str, changes: Callable[[Row, random.Random], None]) -> Injection:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry(kind, rows, place.at)
        changes(rows[place.at], rng)
        return told

    return inject


def put(*places: int, value: Cell) -> Callable[[Row, random.Random], None]:
    def change(row: Row, rng: random.Random) -> None:
        for place in places:
            row[place] = value

    return change


def one_of(*places: int, value: Cell) -> Callable[[Row, random.Random], None]:
    def change(row: Row, rng: random.Random) -> None:
        row[rng.choice(places)] = value

    return change


def negative(*places: int) -> Callable[[Row, random.Random], None]:
    def change(row: Row, rng: random.Random) -> None:
        for place in places:
            row[place] = -(number(row[place]) or 1.0)

    return change


def swapped(row: Row, rng: random.Random) -> None:
    if row[HIGH] == row[LOW]:
        row[HIGH] = number(row[HIGH]) * 1.001
    row[HIGH], row[LOW] = row[LOW], row[HIGH]


def beyond(place: int, by: float) -> Callable[[Row, random.Random], None]:
    def change(row: Row, rng: random.Random) -> None:
        edge = number(row[HIGH] if by > 0 else row[LOW])
        row[place] = round(edge * (1 + by), 8)

    return change


def below_close(row: Row, rng: random.Random) -> None:
    row[HIGH] = round(min(number(row[OPEN]), number(row[CLOSE])) * 0.999, 8)


def cut(keep: int) -> Callable[[Row, random.Random], None]:
    def change(row: Row, rng: random.Random) -> None:
        del row[keep:]

    return change


def noise(row: Row, rng: random.Random) -> None:
    row[:] = ["".join(chr(rng.choice((0, 7, 65, 120, 233, 8364, 65533))) for _ in range(30))]


def more(row: Row, rng: random.Random) -> None:
    row.extend([1, 2.5])


def quiet(*, volume: float | None) -> Callable[[Rows, Place, random.Random], Entry]:
    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("zero_bar", rows, place.at)
        for column in (OPEN, HIGH, LOW, CLOSE):
            rows[place.at][column] = rows[place.at - 1][CLOSE]
        rows[place.at][VOLUME] = 0 if volume is None else volume
        return told

    return inject


# Bad ticks


def factor(place: Place, moves: float | None, times: float | None, rng: random.Random) -> float:
    """Return what a price is multiplied by: so many usual moves up or down, or a fixed factor."""
    if times is not None:
        return times
    assert moves is not None
    up = 1 + min(moves * place.move, 3.0)
    return up if rng.random() < 0.5 else 1 / up


def spike(
    *columns: int,
    moves: float | None = None,
    times: float | None = None,
    bars: int = 1,
    turned: bool = False,
    torn: bool = False,
) -> Injection:
    """Multiply `columns` of `bars` rows; with `turned` the open behind the last of them too; with `torn` high and low
    do not follow."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("spike", rows, place.at, place.at + bars)
        by = factor(place, moves, times, rng)
        if (columns == (HIGH,) and by < 1) or (columns == (LOW,) and by > 1):
            by = 1 / by
        for number_of, row in enumerate(rows[place.at : place.at + bars]):
            for column in columns:
                if not (turned and column == OPEN and number_of == 0):
                    row[column] = round(number(row[column]) * by, 8)
            if not torn:
                closed(row)
        if turned:
            behind = rows[place.at + bars]
            behind[OPEN] = rows[place.at + bars - 1][CLOSE]
            closed(behind)
        return told

    return inject


# A feed that stands still


def still(bars: int, *columns: int, flat: bool = False, volume: float | None = None) -> Injection:
    """Let `bars` rows repeat `columns` of the row before; `flat` at its close; `volume` as told, or as it was."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("stale", rows, place.at, place.at + bars)
        before = rows[place.at - 1]
        for row in rows[place.at : place.at + bars]:
            for column in columns:
                row[column] = before[CLOSE] if flat and column != VOLUME else before[column]
            if volume is not None:
                row[VOLUME] = volume
            closed(row)
        return told

    return inject


# Times


def late(bars: int, *, short: int = 0, ordered: bool = False, by: int = 1) -> Injection:
    """Stamp `bars` rows with their ends, `short` ms before it, or `by` bars late; `ordered`: and sort the file."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("stamped_at_end", rows, place.at, place.at + bars)
        told = replace(told, first=told.first + min(by, 0) * place.step, last=told.last + max(by, 0) * place.step)
        for row in rows[place.at : place.at + bars]:
            row[TIME] = int(row[TIME]) + by * place.step - short
        if ordered:
            rows.sort(key=lambda row: int(row[TIME]))
        return told

    return inject


def late_rest(rows: Rows, place: Place, rng: random.Random) -> Entry:
    """Stamp all rows from here on with their ends."""
    told = entry("stamped_at_end", rows, place.at, len(rows))
    for row in rows[place.at :]:
        row[TIME] = int(row[TIME]) + place.step
    return told


def late_before(rows: Rows, place: Place, rng: random.Random) -> Entry:
    """Stamp all rows up to here with their ends."""
    told = entry("stamped_at_end", rows, 0, place.at)
    for row in rows[: place.at]:
        row[TIME] = int(row[TIME]) + place.step
    return told


def late_all(rows: Rows, place: Place, rng: random.Random) -> Entry:
    """Stamp the whole file with ends."""
    told = entry("stamped_at_end", rows, 0, len(rows))
    for row in rows:
        row[TIME] = int(row[TIME]) + place.step
    return told


def finer(bars: int, parts: int) -> Injection:
    """Put `parts` shorter bars in the place of each of `bars` rows."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("wrong_interval", rows, place.at, place.at + bars)
        shorter: Rows = []
        for row in rows[place.at : place.at + bars]:
            prices = [number(row[OPEN]), number(row[HIGH]), number(row[LOW]), number(row[CLOSE])]
            for part in range(parts):
                prices_of = sorted(rng.choice(prices) for _ in range(2))
                time = int(row[TIME]) + part * place.step // parts
                shorter.append(
                    [time, prices_of[0], prices_of[1], prices_of[0], prices_of[1], number(row[VOLUME]) / parts]
                )
        rows[place.at : place.at + bars] = shorter
        return told

    return inject


def coarser(bars: int, of: int) -> Injection:
    """Put `bars` longer bars, each of `of` rows, in their place."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("wrong_interval", rows, place.at, place.at + bars * of)
        longer: Rows = []
        for begin in range(place.at, place.at + bars * of, of):
            part = rows[begin : begin + of]
            longer.append(
                [
                    *(part[0][TIME], part[0][OPEN], max(number(row[HIGH]) for row in part)),
                    *(min(number(row[LOW]) for row in part), part[-1][CLOSE]),
                    sum(number(row[VOLUME]) for row in part),
                ]
            )
        rows[place.at : place.at + bars * of] = longer
        return told

    return inject


def off(bars: int, by: float) -> Injection:
    """Move the stamps of `bars` rows by a part of the interval."""

    def inject(rows: Rows, place: Place, rng: random.Random) -> Entry:
        told = entry("wrong_interval", rows, place.at, place.at + bars)
        for row in rows[place.at : place.at + bars]:
            row[TIME] = int(row[TIME]) + int(place.step * by)
        return told

    return inject


BODY: Final = (OPEN, HIGH, LOW, CLOSE)
ALL: Final = (*BODY, VOLUME)

INJECTIONS: Final[Mapping[str, Mapping[str, Injection]]] = {
    "gap": {f"{bars} bars": gap(bars) for bars in (1, 2, 5, 40)},
    "duplicate": {
        "at once": twice(1),
        "further down": twice(1, further=25),
        "ten rows at once": twice(10),
        "another close": twice(1, other=CLOSE),
        "another volume": twice(1, other=VOLUME),
        "another close, further down": twice(1, further=9, other=CLOSE),
    },
    "out_of_order": {
        "two rows swapped": moved(1, 1),
        "a row moved": moved(1, 30),
        "a block moved": moved(8, 30),
        "a block backwards": reordered(10, backwards=True),
        "a block shuffled": reordered(12, backwards=False),
    },
    "ohlc": {
        "high and low swapped": cells("ohlc", swapped),
        "close above high": cells("ohlc", beyond(CLOSE, 0.002)),
        "open below low": cells("ohlc", beyond(OPEN, -0.002)),
        "close a hair above high": cells("ohlc", beyond(CLOSE, 1e-6)),
        "high below close": cells("ohlc", below_close),
    },
    "non_positive": {
        "a price is zero": cells("non_positive", one_of(*BODY, value=0)),
        "a negative price": cells("non_positive", negative(CLOSE)),
        "all prices negative": cells("non_positive", negative(*BODY)),
        "a negative low": cells("non_positive", negative(LOW)),
        "a negative volume": cells("non_positive", negative(VOLUME)),
    },
    "zero_bar": {
        "all zeros": cells("zero_bar", put(*ALL, value=0)),
        "prices zero": cells("zero_bar", put(*BODY, value=0)),
        "flat without volume": quiet(volume=None),
        "volume zero": cells("zero_bar", put(VOLUME, value=0)),
    },
    "nan": {
        "an empty cell": cells("nan", one_of(*ALL, value="")),
        "a cell says nan": cells("nan", one_of(*ALL, value="NaN")),
        "null": cells("nan", one_of(*ALL, value="null")),
        "infinity": cells("nan", one_of(*BODY, value="inf")),
        "all cells empty": cells("nan", put(*ALL, value="")),
    },
    "unreadable": {
        "a price in words": cells("unreadable", one_of(*BODY, value="n.v.t.")),
        "a time in words": cells("unreadable", put(TIME, value="yesterday")),
        "no time": cells("unreadable", put(TIME, value="")),
        "cut off": cells("unreadable", cut(3)),
        "noise": cells("unreadable", noise),
        "too many cells": cells("unreadable", more),
    },
    "spike": {
        "close, 10 moves": spike(CLOSE, moves=10),
        "close, 20 moves": spike(CLOSE, moves=20),
        "close and next open, 10 moves": spike(CLOSE, moves=10, turned=True),
        "close and next open, 20 moves": spike(CLOSE, moves=20, turned=True),
        "high, 10 moves": spike(HIGH, moves=10),
        "high, 20 moves": spike(HIGH, moves=20),
        "low, 10 moves": spike(LOW, moves=10),
        "low, 20 moves": spike(LOW, moves=20),
        "open, 10 moves": spike(OPEN, moves=10),
        "whole bar, 10 moves": spike(*BODY, moves=10),
        "whole bar, 20 moves": spike(*BODY, moves=20),
        "whole bar x 10": spike(*BODY, times=10),
        "whole bar x 0.1": spike(*BODY, times=0.1),
        "whole bar x 100": spike(*BODY, times=100),
        "close x 10": spike(CLOSE, times=10),
        "close x 1.5": spike(CLOSE, times=1.5),
        "low x 0.1": spike(LOW, times=0.1),
        "close x 10, torn": spike(CLOSE, times=10, torn=True),
        "close x 1.2, torn": spike(CLOSE, times=1.2, torn=True),
        "open x 0.5, torn": spike(OPEN, times=0.5, torn=True),
        "two bars, 15 moves": spike(*BODY, moves=15, bars=2),
        "three bars, 15 moves": spike(*BODY, moves=15, bars=3),
        "two bars turned, 15 moves": spike(*BODY, moves=15, bars=2, turned=True),
    },
    "stale": {
        "whole bar, 1": still(1, *ALL),
        "whole bar, 3": still(3, *ALL),
        "whole bar, 10": still(10, *ALL),
        "prices, 3": still(3, *BODY),
        "prices, 10": still(10, *BODY),
        "flat without volume, 5": still(5, *BODY, flat=True, volume=0),
        "flat without volume, 20": still(20, *BODY, flat=True, volume=0),
        "flat, 5": still(5, *BODY, flat=True),
        "flat, 20": still(20, *BODY, flat=True),
        "flat, 2, without volume": still(2, *BODY, flat=True, volume=0),
        "close, 10": still(10, CLOSE),
        "close, 30": still(30, CLOSE),
        "volume, 10": still(10, VOLUME),
    },
    "stamped_at_end": {
        "a stretch of 50": late(50),
        "a stretch of 50, sorted": late(50, ordered=True),
        "a stretch of 300": late(300),
        "a row": late(1),
        "a row, 1 ms short": late(1, short=1),
        "50 rows, 1 ms short": late(50, short=1),
        "50 rows, 1 s short": late(50, short=1_000),
        "four bars late, 100 rows": late(100, by=4),
        "four bars late, 100 rows, sorted": late(100, by=4, ordered=True),
        "five bars early, 100 rows": late(100, by=-5),
        "five bars early, 100 rows, sorted": late(100, by=-5, ordered=True),
        "the whole file": late_all,
        "from here on": late_rest,
        "up to here": late_before,
    },
    "wrong_interval": {
        "12 parts, 10 bars": finer(10, 12),
        "5 parts, 3 bars": finer(3, 5),
        "2 parts, 1 bar": finer(1, 2),
        "10 bars of 5": coarser(10, 5),
        "20 bars of 2": coarser(20, 2),
        "6 bars of 12": coarser(6, 12),
        "a stamp off by a third": off(1, 1 / 3),
        "20 stamps off by a tenth": off(20, 0.1),
    },
}
"""Kinds, their variants, and how each is done."""
ONCE: Final = ("the whole file", "from here on", "up to here")
"""Variants of which a file takes only one."""
