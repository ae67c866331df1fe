"""Moments as providers and people write them: ISO 8601, in UTC, to the nanosecond."""

import re
from datetime import datetime, timedelta
from typing import Final

from trading_system.errors import DataError
from trading_system.market.timestamps import NS_PER_S

DAY_NS: Final = 86_400 * NS_PER_S
HOUR_NS: Final = 3_600 * NS_PER_S
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?)?(?:Z|([+-]\d{2}:\d{2}))?", re.ASCII
)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SECOND: Final = timedelta(seconds=1)


def moment_ns(text: str) -> int:
    """Return the UTC nanoseconds of a day or a moment; one without an offset is in UTC.

    Raises:
        DataError: It is no moment.

    >>> moment_ns("1970-01-02"), moment_ns("1970-01-01T00:00:01.000000001Z"), moment_ns("1970-01-01 01:00:00+01:00")
    (86400000000000, 1000000001, 0)
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise DataError(f"{text[:40]!r} is no moment; write it like 2024-01-31 or 2024-01-31T08:00:00Z")
    day, clock, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{offset or '+00:00'}")
    except ValueError as error:
        raise DataError(f"{text[:40]!r} is no moment: {error}") from None
    return (moment - _EPOCH) // _SECOND * NS_PER_S + int((fraction or "").ljust(9, "0"))
