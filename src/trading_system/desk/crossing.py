"""How many lots two sleeves of one account give each other, instead of both paying the venue.

A *wish* is what a sleeve would trade at market now: to leave lots that no stop locks, or to enter. Pure functions over
plain numbers, the same at both speeds; `desk.netting` and `backtest.crossing` keep the books around them.
"""

from trading_system.blotter.state import NO_ENTRY, STOP_NONE, Asks, Sleeve, Terms
from trading_system.desk.decide import asked, held_lots
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import least_lots, leavable


@kernel
def may_cross(asks: Asks, sleeve: Sleeve) -> bool:
    """Return whether the entry in `asks` may be held back, for others of the account to give lots to it.

    It is one order at market for a number of lots that stands, of a sleeve that owns no whole lot and asks for no exit:
    so a sleeve has at most one wish. A limit has a price of its own, parts are meant to be spread, and a share of the
    cash is counted at the fill.
    """
    plain = asks.entry_limit_ticks == 0 and asks.entry_post_only == 0 and asks.entry_parts == 1
    alone = asks.exit_lots == 0 and asks.cancel_stop == 0 and held_lots(sleeve) == 0
    return asks.entry_lots != 0 and plain and alone and asks.entry_share == 0.0


@kernel
def waiting_lots(sleeve: Sleeve, price_ticks: int) -> int:
    """Return the signed lots that the sleeve will ask to leave with once its protective order is gone; 0 for none.

    Args:
        sleeve: As it is while the cancel is on its way.
        price_ticks: The last price that it has heard, ticks.
    """
    loose = Sleeve(
        terms=sleeve.terms,
        position_atoms=sleeve.position_atoms,
        entry_lots=sleeve.entry_lots,
        entry_taking=sleeve.entry_taking,
        exit_lots=sleeve.exit_lots,
        stop_lots=0,
        stop_resting_ticks=0,
        stop_limit_ticks=0,
        stop_status=STOP_NONE,
        carried=sleeve.carried,
        stop_take_ticks=0,
    )
    lots = asked(loose, sleeve.carried, price_ticks, NO_ENTRY).exit_lots
    return -lots if sleeve.position_atoms > 0 else lots


@kernel
def crossed_lots(selling: int, sells_off: bool, buying: int, covers: bool, price_ticks: int, terms: Terms) -> int:
    """Return how many lots change hands between a seller and a buyer: as many as both want.

    What leaves must not be cut down to less than the venue would take: then an entry gets fewer lots, so that the
    exit's rest can be sent, and nothing where those were too few themselves, or wanted for another exit. The rest of
    an entry is simply not sent if it is too small.

    Args:
        selling: Lots that the one wants to sell, > 0.
        sells_off: Whether it leaves a long position with them.
        buying: Lots that the other wants to buy, > 0.
        covers: Whether it leaves a short position with them.
        price_ticks: The price that both know, ticks, > 0.
        terms: The instrument.
    """
    lots, rest = min(selling, buying), abs(selling - buying)
    more_leaves, fewer_leaves = (sells_off, covers) if selling > buying else (covers, sells_off)
    if rest == 0 or not more_leaves or leavable(rest, price_ticks, terms):
        return lots
    least = least_lots(price_ticks, terms)
    fewer = max(selling, buying) - least
    return 0 if fewer_leaves or fewer < least else fewer
