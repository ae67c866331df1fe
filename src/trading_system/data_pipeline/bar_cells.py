"""Columns of cells, as files hold them, to whole ticks, atoms and nanoseconds; what cannot be read gets a verdict.

Prices go through float64, from text too, and lose nothing by it. A price of `k` ticks is stored as the float64
nearest to it (polars parses text to the nearest, as Python does): off by at most 2**-53 of itself. Multiplying by the
ticks in a unit rounds once more, a tick that is no unit fraction (0.03) a third time: what comes out is within 2**-51
of `k`, relatively, so that rounding gives `k` itself below 2**49. `SLACK` allows twice that, for files whose writer
computed `ticks * 0.01`. A price that is off the tick by two parts in 10**15 is found out.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_checks import CODE, Kind, Mask, Verdicts, blame
from trading_system.errors import ConfigurationError
from trading_system.market.columns import Floats, Ints
from trading_system.market.money import ATOMS

SLACK: Final = 2.0**-50
MAX_TICKS: Final = 2**47
"""Prices beyond are refused: there the slack is an eighth of a tick, and an odd price would pass for a whole one."""
MAX_ATOMS: Final = 2**62
"""Volumes beyond, 46 billion base units in a bar, do not fit into 64 bits with room to add."""

_NOISE: Final = 1e-12
"""How far, relatively, a volume may be from a whole atom by the noise of sums alone."""

_BLOCK: Final = 1 << 15  # floats and their scratch stay in the processor's cache
_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "d": 86_400_000_000_000}
_LATEST_NS: Final = 2**63 - 1 - 366 * _NS["d"]
"""Close to the end of 64-bit nanoseconds, in 2261; a bar must still be able to close."""

_EPOCH_UNITS: Final = ("s", "ms", "us", "ns")
_FROM_S: Final = 946_684_800
_UNTIL_S: Final = 4_102_444_800
"""2000 to 2100: in these years a number tells its unit by its size, for the units' ranges do not overlap."""

_ENOUGH: Final = 10_000
"""Cells from which the unit of a column of times is told."""

_SHAPES: Final = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_UTC: Final = r"(?:Z|z| ?UTC|[+-]00:?00)$"
_UTC_ZONES: Final = (None, "UTC", "Etc/UTC", "+00:00")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Read(NamedTuple):
    """One column: (S,) whole numbers, and a verdict on each row. Numbers of rows with a verdict mean nothing.

    `rounded` are cells that were taken to the nearest whole number though they were none, beyond the noise of sums.
    """

    values: Ints
    verdicts: Verdicts
    rounded: int = 0


def ticks_of(cells: pl.Series, tick: Decimal, *, whole: bool = True) -> Read:
    """Return prices in ticks; where `whole`, a price that is none is blamed, else it goes to the nearest."""
    many, per = tick.as_integer_ratio()[::-1]
    floats, verdicts = _floats(cells)
    values = np.empty(len(floats), dtype=np.int64)
    slack = SLACK if whole else 1.0
    for at, block in _blocks(floats):
        off, nearest = _counted(block, many, per, values[at : at + len(block)])
        if nearest.min() > 0 and nearest.max() <= MAX_TICKS and (off <= nearest * slack).all():
            continue
        seen = verdicts[at : at + len(block)]
        blame(seen, ~np.isfinite(block), Kind.NUMBER)
        blame(seen, block <= 0, Kind.PRICE)
        blame(seen, nearest > MAX_TICKS, Kind.LARGE)
        blame(seen, ~(off <= nearest * slack), Kind.TICK)
    return Read(values, verdicts)


def atoms_of(cells: pl.Series) -> Read:
    """Return volumes in base atoms, to the nearest: nobody owns a bar's volume, and other programs' sums carry noise.

    A volume below 90 million units is exact to the atom.
    """
    floats, verdicts = _floats(cells)
    values = np.empty(len(floats), dtype=np.int64)
    rounded = 0
    for at, block in _blocks(floats):
        off, nearest = _counted(block, ATOMS, 1, values[at : at + len(block)])
        rounded += int(np.count_nonzero(off > nearest * _NOISE))
        if nearest.min() >= 0 and nearest.max() <= MAX_ATOMS:
            continue
        seen = verdicts[at : at + len(block)]
        blame(seen, ~np.isfinite(block), Kind.NUMBER)
        blame(seen, nearest < 0, Kind.VOLUME)
        blame(seen, nearest > MAX_ATOMS, Kind.LARGE)
    return Read(values, verdicts, rounded)


def places_of(cells: pl.Series, most: int) -> tuple[int, float]:
    """Return how many decimals the prices need, `most` + 1 for more than `most`, and the least price (inf: none)."""
    floats, _ = _floats(cells)
    places, least = 0, math.inf
    for _, block in _blocks(floats):
        prices = block[np.isfinite(block) & (block > 0)]
        if not len(prices):
            continue
        least = min(least, float(prices.min()))
        while places <= most and not _whole(prices, 10**places):
            places += 1
    return places, least


def usual_most(cells: pl.Series) -> float:
    """Return twice what 99 in 100 of the prices are below; infinity where there is none."""
    floats, _ = _floats(cells)
    most = floats.filter(floats.is_finite()).quantile(0.99)
    return 2.0 * most if most is not None else math.inf


def _whole(prices: Floats, many: int) -> bool:
    off, nearest = _counted(prices, many, 1, np.empty(len(prices), dtype=np.int64))
    return bool((off <= nearest * SLACK).all())


def times_of(cells: pl.Series) -> Read:
    """Return moments as UTC ns since 1970.

    Whole numbers are epoch milliseconds, or seconds, micro- or nanoseconds where their size says so: the middle one
    then lies in 2000 to 2100. Text is that, or ISO 8601 with an offset of zero or none.

    Raises:
        ConfigurationError: The column has a type that is no time, a zone that is not UTC, or is dates like 20240131.
    """
    kind = cells.dtype
    if isinstance(kind, pl.Datetime):
        if kind.time_zone not in _UTC_ZONES:
            raise ConfigurationError(f"timestamps are in {kind.time_zone}, not in UTC: convert them")
        return _scaled_times(cells.to_physical(), _NS[kind.time_unit])
    if kind == pl.Date:
        return _scaled_times(cells.to_physical(), _NS["d"])
    if kind.is_integer():
        return _epochs(cells)
    if kind.is_float():
        return _epochs_of_floats(cells)
    if kind == pl.String:
        return _texts(cells)
    raise ConfigurationError(f"timestamps of type {kind} are not understood; expected whole numbers or ISO 8601")


def _floats(cells: pl.Series) -> tuple[pl.Series, Verdicts]:
    """Return numbers of any kind as float64, nulls where there is none, with a verdict on those."""
    verdicts = np.zeros(len(cells), dtype=np.uint8)
    if cells.dtype == pl.Float32:
        raise ConfigurationError(
            f"column {cells.name!r} is float32: its seven digits cannot hold a price; store float64 or decimals"
        )
    if cells.dtype == pl.String:
        text = cells.str.strip_chars()
        blame(verdicts, _mask(text.is_null() | (text == "")), Kind.MISSING)
        cells = text.cast(pl.Float64, strict=False)
        blame(verdicts, _mask(cells.is_null()), Kind.NUMBER)
    elif not cells.dtype.is_numeric() and cells.dtype != pl.Null:
        raise ConfigurationError(f"column {cells.name!r} is of type {cells.dtype}, no number")
    elif cells.null_count():
        blame(verdicts, _mask(cells.is_null()), Kind.MISSING)
    return cells.cast(pl.Float64), verdicts


def _mask(column: pl.Series) -> Mask:
    return column.fill_null(True).to_numpy()  # a comparison with nothing: it is missing


def _blocks(floats: pl.Series) -> Iterator[tuple[int, Floats]]:
    """Yield where each stretch of a column begins, and its floats, NaN where there is none."""
    start = 0
    for chunk in floats.get_chunks():
        values = chunk.to_numpy()
        for at in range(0, len(values), _BLOCK):
            yield start + at, values[at : at + _BLOCK]
        start += len(values)


def _counted(block: Floats, many: int, per: int, into: Ints) -> tuple[Floats, Floats]:
    """Put `block * many / per` to the nearest into `into`; return how far off that is, and it once more as floats."""
    exact = block * float(many)
    if per != 1:
        exact /= float(per)
    nearest = np.rint(exact)
    with np.errstate(invalid="ignore"):  # what is no number becomes any number, and gets a verdict
        into[:] = nearest
        exact -= nearest
    return np.abs(exact, out=exact), nearest


def _scaled_times(cells: pl.Series, unit_ns: int) -> Read:
    verdicts = np.zeros(len(cells), dtype=np.uint8)
    if cells.null_count():
        blame(verdicts, _mask(cells.is_null()), Kind.MISSING)
        cells = cells.fill_null(0)
    values = cells.cast(pl.Int64).to_numpy(writable=unit_ns == 1)
    if len(values) and not (values.min() >= 0 and values.max() <= _LATEST_NS // unit_ns):
        blame(verdicts, (values < 0) | (values > _LATEST_NS // unit_ns), Kind.TIME)
    return Read(values if unit_ns == 1 else values * unit_ns, verdicts)


def _epochs(cells: pl.Series) -> Read:
    some = cells.gather_every(max(1, len(cells) // _ENOUGH)).drop_nulls()
    middle = some.median()
    unit = "ms"
    if isinstance(middle, float):
        unit = next((u for u in _EPOCH_UNITS if _FROM_S <= middle * _NS[u] / _NS["s"] < _UNTIL_S), unit)
        if 19_000_101 <= middle <= 21_001_231 and _calendar(some.to_numpy()):
            raise ConfigurationError(f"timestamps like {int(middle)} look like dates; write them as 2024-01-31")
    return _scaled_times(cells, _NS[unit])


def _calendar(values: NDArray[np.int64]) -> bool:
    months, days = values // 100 % 100, values % 100
    return bool(((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())


def _epochs_of_floats(cells: pl.Series) -> Read:
    whole = (cells.is_finite() & (cells.abs() < 2.0**53) & (cells == cells.round())).fill_null(False)
    return _but_missing(cells.is_null(), _epochs(cells.set(~whole, None).cast(pl.Int64)))


def _texts(cells: pl.Series) -> Read:
    text = cells.str.strip_chars()
    missing = text.is_null() | (text == "")
    some = _whole_numbers(text.head(_ENOUGH))
    if some.count() * 2 > (~missing.head(_ENOUGH)).sum():
        return _but_missing(missing, _epochs(_whole_numbers(text)))
    return _but_missing(missing, _iso_times(text))


def _whole_numbers(text: pl.Series) -> pl.Series:
    return text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)


def _but_missing(missing: pl.Series, read: Read) -> Read:
    """Tell the cells that are missing from those that could not be read."""
    unread = read.verdicts == CODE[Kind.MISSING]
    read.verdicts[unread] = CODE[Kind.TIME]
    read.verdicts[_mask(missing)] = CODE[Kind.MISSING]
    return read


def _iso_times(text: pl.Series) -> Read:
    """Read ISO 8601: all at once in the form of the first cell; one by one what is written otherwise."""
    local = text.str.replace(_UTC, "")
    first = local.drop_nulls().head(1)
    shape = next((shape for shape in _SHAPES if not _parsed(first, shape).null_count()), _SHAPES[0])
    parsed = _parsed(local, shape)
    verdicts = np.zeros(len(text), dtype=np.uint8)
    values = parsed.to_physical().fill_null(0).to_numpy(writable=True)
    for row in np.flatnonzero(parsed.is_null().to_numpy()).tolist():
        values[row], kind = _moment(text[row])
        if kind is not None:
            blame(verdicts, np.array([row]), kind)
    blame(verdicts, (values < 0) | (values > _LATEST_NS), Kind.TIME)
    return Read(values, verdicts)


def _parsed(text: pl.Series, shape: str) -> pl.Series:
    return text.str.to_datetime(shape, time_unit="ns", strict=False)


def _moment(text: str | None) -> tuple[int, Kind | None]:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return 0, Kind.TIME
    if moment.utcoffset():
        return 0, Kind.NOT_UTC
    since_ns = (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1_000
    return (since_ns, None) if 0 <= since_ns <= _LATEST_NS else (0, Kind.TIME)
