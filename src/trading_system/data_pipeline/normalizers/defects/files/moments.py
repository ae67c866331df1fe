"""Cells that tell a moment, in whatever way, as UTC nanoseconds; each cell for itself."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects.rows import DAY_NS, MS_NS, SECOND_NS, Mask
from trading_system.market.columns import Floats, Ints

EARLIEST_NS: Final = 315_532_800 * SECOND_NS
LATEST_NS: Final = 4_102_444_800 * SECOND_NS
"""1980 to 2100: no bar is older or newer, and between them a number tells its unit by its size."""

_UNITS_NS: Final = (SECOND_NS, MS_NS, 1_000, 1)
_SHAPES: Final = (
    *("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p"),
    *("%Y%m%d %H:%M:%S%.f", "%Y%m%d %H:%M", "%Y%m%d %H%M%S", "%Y%m%d %H%M"),
    *("%b %d, %Y", "%d %b %Y", "%b %d %Y %H:%M", "%d %b %Y %H:%M:%S%.f"),
)
_EITHER: Final = (
    ("%m-%d-%Y %H:%M:%S%.f", "%d-%m-%Y %H:%M:%S%.f"),
    ("%m-%d-%Y %H:%M", "%d-%m-%Y %H:%M"),
    ("%m-%d-%Y", "%d-%m-%Y"),
)
"""Month first or day first: the one that reads more cells, and among equals the one with the smaller steps."""
_ZONE: Final = r"(?:[+-]\d\d:?\d\d|[+-]\d\d)$"


class Moments(NamedTuple):
    """(S,) moments in UTC ns, and which of them were told; the others are 0."""

    ns: Ints
    told: Mask


def moments(cells: pl.Series, *, midnight_ns: int | None = None) -> Moments:
    """Return the moments that `cells` tell.

    Numbers are epoch seconds, milli-, micro- or nanoseconds, by their size, or dates like 20240131; with
    `midnight_ns` those below a day's milliseconds count from there. Text is any of that, or a date and a clock time,
    of 24 or of 12 hours, with or without an offset; without one it is UTC.
    """
    kind = cells.dtype
    if isinstance(kind, pl.Datetime):
        unit = {"ns": 1, "us": 1_000, "ms": MS_NS}[kind.time_unit]
        return _whole(cells.to_physical(), unit)  # of a zoned moment, too, the number is UTC
    if kind == pl.Date:
        return _whole(cells.to_physical(), DAY_NS)
    if kind.is_integer():
        return _epochs(cells.cast(pl.Int64, strict=False), midnight_ns)
    if kind.is_numeric():
        return _fractions(cells.cast(pl.Float64, strict=False), midnight_ns)
    if kind == pl.String:
        return _texts(cells.str.strip_chars().str.strip_chars("\"'"), midnight_ns)
    nothing = np.zeros(len(cells), dtype=np.int64)
    return Moments(nothing, nothing != 0)


def _whole(cells: pl.Series, unit: int) -> Moments:
    told = cells.is_not_null().to_numpy()
    values = cells.fill_null(0).cast(pl.Int64).to_numpy()
    return _within(values, told, unit)


def _within(values: Ints, told: Mask, unit: int) -> Moments:
    fits = told & (values >= EARLIEST_NS // unit) & (values < LATEST_NS // unit)
    return Moments(np.where(fits, values, 0) * unit, fits)


def _epochs(cells: pl.Series, midnight_ns: int | None) -> Moments:
    told = cells.is_not_null().to_numpy()
    values = cells.fill_null(0).to_numpy()
    ns = np.zeros(len(values), dtype=np.int64)
    found = np.zeros(len(values), dtype=np.bool_)
    for unit in _UNITS_NS:
        part = _within(values, told & ~found, unit)
        ns, found = ns + part.ns, found | part.told
    if midnight_ns is not None:
        within = told & ~found & (values >= 0) & (values < DAY_NS // MS_NS)
        return Moments(np.where(within, midnight_ns + values * MS_NS, ns), found | within)
    rest = told & ~found & (values >= 19_800_101) & (values <= 20_991_231)
    if rest.any():
        dates = pl.Series(values[rest]).cast(pl.String).str.to_date("%Y%m%d", strict=False)
        days = _whole(dates.to_physical(), DAY_NS)
        ns[rest], found[rest] = days.ns, days.told
    return Moments(ns, found)


def _fractions(cells: pl.Series, midnight_ns: int | None) -> Moments:
    """Read numbers with a fraction: whole ones as they are, others as seconds or milliseconds with a rest."""
    values: Floats = cells.fill_null(np.nan).to_numpy()
    values = np.where(np.isfinite(values) & (np.abs(values) < 2.0**62), values, 0.0)
    whole = np.floor(values)
    read = _epochs(pl.Series(whole.astype(np.int64)), midnight_ns)
    rest = values - whole
    unit = np.where(np.abs(whole) < LATEST_NS // SECOND_NS, SECOND_NS, MS_NS)
    return Moments(read.ns + np.where(read.told, np.rint(rest * unit), 0).astype(np.int64), read.told)


def _texts(text: pl.Series, midnight_ns: int | None) -> Moments:
    whole = text.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    read = _epochs(whole, midnight_ns)
    left = np.flatnonzero(~read.told)
    if not len(left):
        return read
    broken = text.gather(left).cast(pl.Float64, strict=False)
    for part in (_fractions(broken, midnight_ns), _dates(text.gather(left))):
        read.ns[left[part.told]] = part.ns[part.told]
        read.told[left[part.told]] = True
    return read


def _dates(text: pl.Series) -> Moments:
    plain = (
        text.str.replace(r" ?(?:Z|z|UTC|GMT)$", "")
        .str.replace(r"(\d)T(\d)", "$1 $2")
        .str.replace(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", "$3-$2-$1")  # with dots the day is always first
        .str.replace(r"^(\d{1,4})[./](\d{1,2})[./](\d{1,4})", "$1-$2-$3")
        .str.replace(r" (\d{1,2})-?([AaPp][Mm])$", " $1:00 $2")
        .str.replace(r"^(\d{4}-\d{1,2}-\d{1,2} \d{1,2})$", "$1:00")
    )
    zone = plain.str.extract(rf":\d\d(?:\.\d+)? ?({_ZONE})", 1)
    plain = pl.select(
        pl.when(zone.is_not_null()).then(plain.str.replace(rf" ?{_ZONE}", "")).otherwise(plain)
    ).to_series()
    parsed = pl.Series([None] * len(plain), dtype=pl.Datetime("us"))
    for shape in _SHAPES:
        if not parsed.null_count():
            break
        parsed = _filled(parsed, _parsed(plain, shape))
    for shapes in _EITHER:
        if parsed.null_count():
            parsed = _filled(parsed, _likelier(plain, shapes))
    read = _whole(parsed.to_physical(), 1_000)
    return Moments(np.where(read.told, read.ns - _offsets(zone), 0), read.told)


def _parsed(text: pl.Series, shape: str) -> pl.Series:
    return text.str.to_datetime(shape, time_unit="us", strict=False)


def _filled(parsed: pl.Series, more: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(parsed, more)).to_series()


def _likelier(text: pl.Series, shapes: tuple[str, str]) -> pl.Series:
    one, other = (_parsed(text, shape) for shape in shapes)
    if one.null_count() != other.null_count():
        return one if one.null_count() < other.null_count() else other
    steps = [series.drop_nulls().to_physical().diff().abs().sum() for series in (one, other)]
    return one if steps[0] <= steps[1] else other


def _offsets(zone: pl.Series) -> Ints:
    """Return how far each offset, like +02:00, is ahead of UTC, ns; none is 0."""
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    sign = np.where((digits.str.slice(0, 1) == "-").fill_null(False).to_numpy(), -1, 1)
    offsets: Ints = sign * (hours * 3_600 + minutes * 60) * SECOND_NS
    return offsets
