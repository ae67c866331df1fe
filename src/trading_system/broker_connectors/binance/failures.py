"""What an answer other than 200 means for the one who asked: Binance's codes, by what is to be done next.

Source: binance-spot-api-docs, errors.md; rest-api.md, "HTTP Return Codes", "IP Limits", "Timing security".
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from trading_system.errors import (
    AuthenticationFailed,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)

REFUSED: Final = frozenset(
    {-1013, -1014, -1020, -1111, -1112, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1128, -1130, -1131}
    | {-1145}
    | set(range(-1109, -1099))
    | {-2010, -2011, -2013, -2026, -2038, -2039}
)
"""Codes that say for certain that nothing was done."""
NOT_US: Final = frozenset({-1002, -1022, -2008, -2014, -2015})
"""Codes that say that our key, its permissions or our signature is not accepted: asking again will not help."""
TOO_MUCH: Final = frozenset({-1003, -1015, -1034})
"""Codes that say that we ask too often; nothing was done."""
CLOCK_IS_OFF: Final = -1021
"""Late on the way, or stamped by a clock that is off: the venue dropped the request before it did anything."""
NO_SUCH_ORDER: Final = -2013
ORDER_ARCHIVED: Final = -2026
"""Canceled or expired more than 90 days ago, with nothing executed."""
DUPLICATE: Final = "Duplicate order sent."
"""A -2010 of this text says that an order of this name is open: perhaps this very one, doubled on the way."""

WAIT_S: Final[Mapping[int, float]] = {403: 300.0, 418: 120.0}
"""How long to wait by status where the venue does not say, seconds.

A 403 of the firewall "usually" lasts 5 minutes (Binance support, "API Frequently Asked Questions", "Web Application
Firewall Limits"); a ban, 418, lasts 2 minutes to 3 days ("IP Limits").
"""
USUAL_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 3 * 86_400.0
"""The longest ban that the documentation knows, seconds."""


class Told(msgspec.Struct, frozen=True):
    """What the venue says of a failure; no code where it says nothing that we can read."""

    code: int = 0
    msg: str = ""


def told(body: bytes) -> Told:
    """Return the code and text in the body of a failure; code 0 and the body's beginning where there is none."""
    try:
        return msgspec.json.decode(body, type=Told)
    except msgspec.DecodeError:
        return Told(code=0, msg=body[:200].decode(errors="replace"))


def failure(status: int, headers: Mapping[str, str], said: Told) -> VenueError:
    """Return the error that an answer other than 200 means.

    What is not known for certain to have done nothing is OutcomeUnknown: asking is always safe. So is every 5XX,
    whatever it says, and every 4XX whose code we do not know (409 is only told of a cancel-replace, which we never
    send). A 403 without a code comes from the firewall in front of the venue: nothing passed it.

    Args:
        headers: By lower-case name. The WebSocket API has none; its `data.retryAfter` is a moment, epoch ms,
            and not a wait: the connection's own backoff stands in for it.
    """
    message = f"HTTP {status}, code {said.code}: {said.msg}"
    if not 400 <= status < 500:
        return OutcomeUnknown(message)
    if status in (418, 429) or said.code in TOO_MUCH or (status == 403 and said.code == 0):
        return RateLimited(message, retry_after_s=wait_s(status, headers))
    if said.code in NOT_US:
        return AuthenticationFailed(f"{message}; check the key, its permissions and its list of addresses")
    if said.code == CLOCK_IS_OFF:
        return VenueUnavailable(f"{message}; nothing was done: the request came late, or this machine's clock is off")
    if said.code in REFUSED and said.msg != DUPLICATE:
        return OrderRejected(message, code=said.code)
    return OutcomeUnknown(message)


def is_out_of_time(status: int, body: bytes) -> bool:
    """Return whether a request was refused for its timestamp: the clock should be measured anew."""
    return 400 <= status < 500 and told(body).code == CLOCK_IS_OFF


def wait_s(status: int, headers: Mapping[str, str]) -> float:
    """Return how long the venue wants us to wait, seconds, 0..`LONGEST_WAIT_S`.

    `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3); a date is held against the `Date` of the
    same answer, not against our clock. Where it is neither, the wait is the usual one for the status.
    """
    text, usual = headers.get("retry-after", "").strip(), WAIT_S.get(status, USUAL_WAIT_S)
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_S)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)
    except (ValueError, TypeError, OverflowError):
        return usual
