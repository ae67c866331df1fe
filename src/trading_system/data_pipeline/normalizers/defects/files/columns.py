"""Which column is which, by the names that exporters give them, or by place where there are none."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PRICES: Final = ("open", "high", "low", "close")

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        *("timestamp", "open_time", "opentime", "time_open", "datetime", "time", "date", "unix", "unix_timestamp"),
        *("ts", "t", "start", "start_time", "gmt_time", "local_time", "window_start", ""),
    ),
    "open": ("open", "o", "open_price", "price_open", "opening_price"),
    "high": ("high", "h", "high_price", "max", "price_high"),
    "low": ("low", "l", "low_price", "min", "price_low"),
    "close": ("close", "c", "close_price", "last", "price_close", "closing_price"),
    "volume": ("volume", "v", "vol", "base_volume", "amount", "qty", "volume_traded", "turnover"),
}
"""Names in small letters, words joined by underscores; of those that a file has, the first counts."""
END_NAMES: Final = ("close_time", "closetime", "end_time", "time_close", "end", "window_end")
"""Names of a column that says when a bar ends; used where none says when it opens."""

INDEX: Final = "index"
INDEX_NAMES: Final = (INDEX, "index_level_0", "unnamed_0", "level_0")
"""Names that data frames give to what numbers or names their rows; a time where no other column tells one."""


class Places(NamedTuple):
    """Which column holds what, by position.

    Attributes:
        time: When the bar opens, or ends where `ends`.
        prices: Open, high, low, close.
        volume: None where the file has none.
        ends: The file tells only when bars end.
        clock: A column that tells the hour of the day, if `time` does not.
    """

    time: int
    prices: tuple[int, int, int, int]
    volume: int | None
    ends: bool = False
    clock: int | None = None


def named(header: Sequence[str]) -> Places | None:
    """Return the places that `header` names, or None where it names no times or not all prices."""
    names = [_plain(name) for name in header]
    found = {field: _first(names, known) for field, known in NAMES.items()}
    prices = [found[price] for price in PRICES]
    time, ends = found["time"], False
    if time is None or (names[time] == "" and time > 0):
        time, ends = _first(names, END_NAMES), True
    if time is None:
        time, ends = _first(names, INDEX_NAMES), False
    if time is None or None in prices:
        return None
    volume = found["volume"]
    if volume is None:  # volume_btc, "Volume USD": of something, at least
        volume = next((place for place, name in enumerate(names) if name.startswith("vol")), None)
    clock = None
    if names[time] in ("date", "time") and {"date", "time"} <= set(names):
        time, clock = names.index("date"), names.index("time")
    first, high, low, last = (price for price in prices if price is not None)
    return Places(time, (first, high, low, last), volume, ends, clock)


def unnamed(cells: Sequence[str]) -> Places | None:
    """Return the places in a row without header: time, open, high, low, close and, where there is more, volume."""
    if len(cells) >= 6 and re.fullmatch(r"\d\d?:\d\d(:\d\d)?", cells[1].strip()):
        return Places(0, (2, 3, 4, 5), 6 if len(cells) > 6 else None, clock=1)
    if len(cells) < 5:
        return None
    return Places(0, (1, 2, 3, 4), 5 if len(cells) > 5 else None)


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().strip("\"'<>").lower()).strip("_")
