"""No new risk after too deep a fall."""

from trading_system.blotter.objections import DRAWDOWN, NONE
from trading_system.blotter.state import AccountCarried, Policy
from trading_system.kernel import kernel


@kernel
def drawdown(equity: float, carried: AccountCarried, policy: Policy) -> int:
    """Object to new risk once equity has fallen too far from its peak, and keep objecting.

    Peak and latch are carried in the journal: a restart cannot forget them, and only a person's
    release clears the latch.

    Args:
        equity: Marked value of the account, open positions included, quote atoms.
        carried: `peak_equity` in quote atoms; `latched`, an integer of flags.
        policy: `max_drawdown`, the largest fall allowed, a fraction of the peak, 0 < limit < 1.

    Returns:
        `DRAWDOWN` or `NONE`. A fall of exactly the limit is allowed; what is not a number objects, and so does a
        limit outside its range.
    """
    floor = carried.peak_equity * (1.0 - policy.max_drawdown)
    sane = 0.0 < policy.max_drawdown < 1.0
    if carried.latched & DRAWDOWN or not sane or not equity >= floor:
        return DRAWDOWN
    return NONE
