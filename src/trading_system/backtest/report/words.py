"""Numbers and words as a page shows them: with a unit, set apart by thousands, and no more digits than they mean.

Every function returns text for people; whoever puts it into HTML escapes it there.
"""

import math
from datetime import UTC, datetime
from typing import Final

from trading_system.market.timestamps import NS_PER_S

NONE: Final = "–"
"""What stands where there is no number."""

DAY_S: Final = 86_400


def signed(text: str) -> str:
    """Return `text` with a true minus and thin spaces for commas.

    >>> signed("-1,234.5")
    '−1\u202f234.5'
    """
    return text.replace(",", "\u202f").replace("-", "−")


def whole(count: float) -> str:
    """Return a count.

    >>> whole(1234567.0)
    '1\u202f234\u202f567'
    """
    return signed(f"{count:,.0f}")


def percent(fraction: float, *, plus: bool = False) -> str:
    """Return a fraction in per cent: two digits after the point, none from 1,000 % on.

    >>> percent(0.01234, plus=True), percent(-0.5), percent(123.456)
    ('+1.23\xa0%', '−50.00\xa0%', '12\u202f346\xa0%')
    """
    digits = 2 if abs(fraction) < 10.0 else 0
    return signed(f"{100.0 * fraction:{'+' if plus else ''},.{digits}f}\u00a0%")


def amount(units: float, *, plus: bool = False) -> str:
    """Return an amount of money: no cents from 10,000 on, four significant digits below one.

    >>> amount(1234567.891), amount(-12.5, plus=True), amount(0.00123456), amount(0.0)
    ('1\u202f234\u202f568', '−12.50', '0.001235', '0.00')
    """
    size = abs(units)
    digits = 0 if size >= 10_000.0 else 2
    if 0.0 < size < 1.0:
        digits = max(2, min(8, 3 - math.floor(math.log10(size))))
    return signed(f"{units:{'+' if plus else ''},.{digits}f}")


def ratio(value: float) -> str:
    """Return a number without unit.

    >>> ratio(1.23456), ratio(-1234.5)
    ('1.23', '−1\u202f234')
    """
    return signed(f"{value:,.{2 if abs(value) < 1_000.0 else 0}f}")


def bps(part: float, of: float) -> str:
    """Return `part` of `of` in basis points.

    >>> bps(1.0, 1000.0), bps(1.0, 0.0)
    ('10.0\xa0bps', '–')
    """
    return signed(f"{10_000.0 * part / of:,.1f}\u00a0bps") if of else NONE


def span(seconds: float) -> str:
    """Return a length of time in its two largest units.

    >>> span(90), span(5400), span(200_000), span(40 * 86_400)
    ('1 min 30 s', '1 h 30 min', '2 d 7 h', '40 d')
    """
    left = round(seconds)
    parts = []
    for name, size in (("d", DAY_S), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{whole(count)} {name}")
        if parts and (len(parts) == 2 or (count >= 30 and name == "d")):
            break
    return " ".join(parts) or "0 s"


def moment(ns: int) -> str:
    """Return when, to the minute, UTC.

    >>> moment(1_700_000_000_123_000_000)
    '2023-11-14 22:13'
    """
    return f"{datetime.fromtimestamp(ns // NS_PER_S, tz=UTC):%Y-%m-%d %H:%M}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count and its noun.

    >>> counted(1, "day"), counted(12_000, "entry", "entries")
    ('1 day', '12\u202f000 entries')
    """
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"
