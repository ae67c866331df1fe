"""No new risk for the rest of a UTC day in which too much was lost."""

from typing import Final

from trading_system.blotter.objections import DAILY_LOSS, NONE
from trading_system.blotter.state import AccountCarried, Policy
from trading_system.kernel import kernel

DAY_NS: Final = 86_400_000_000_000


@kernel
def day_end(close_ns: int) -> int:
    """Return the end of the UTC day that begins at or before `close_ns`: a close at midnight opens the new day."""
    return (close_ns // DAY_NS + 1) * DAY_NS


@kernel
def daily_loss(equity: float, carried: AccountCarried, policy: Policy) -> int:
    """Object to new risk once equity has fallen too far since the day began, until the next day begins.

    Args:
        equity: Marked value of the account, open positions included, quote atoms.
        carried: `day_equity` in quote atoms; `latched`, an integer of flags, without this one on a new day.
        policy: `max_daily_loss`, the largest fall allowed, a fraction of the day's first equity, 0 < limit <= 1.

    Returns:
        `DAILY_LOSS` or `NONE`. A fall of exactly the limit is allowed; what is not a number objects, and so does a
        limit outside its range.
    """
    floor = carried.day_equity * (1.0 - policy.max_daily_loss)
    sane = 0.0 < policy.max_daily_loss <= 1.0
    if carried.latched & DAILY_LOSS or not sane or not equity >= floor:
        return DAILY_LOSS
    return NONE
