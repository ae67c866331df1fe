"""Our books against the venue's: what does not agree, in words."""

from collections.abc import Mapping

from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.tickets import PREFIX
from trading_system.market.money import from_atoms


def differences(portfolio: Portfolio, open_ids: set[str], balances: Mapping[str, int]) -> tuple[str, ...]:
    """Return what differs between `portfolio` and the venue's open orders and balances (atoms, free and locked).

    While an order is on its way or in doubt the two may differ for good reason: that is said instead.
    The very first comparison has no balances of our own to compare with; the venue's are taken over.
    """
    unsettled = [
        order.ticket.client_order_id
        for order in portfolio.live_orders()
        if order.doubtful or order.status is not OrderStatus.WORKING or order.ticket.limit_ticks is None
    ]
    if unsettled:
        return tuple(f"{name} is on its way or in doubt" for name in unsettled)
    ours, theirs = set(portfolio.live), {name for name in open_ids if name.startswith(PREFIX)}
    found = [f"{name} rests at the venue and our journal does not know it as open" for name in sorted(theirs - ours)]
    found += [f"{name} is open in our journal and does not rest at the venue" for name in sorted(ours - theirs)]
    if portfolio.balances:
        for currency in sorted(portfolio.balances.keys() | balances.keys()):
            booked, counted = portfolio.balances.get(currency, 0), balances.get(currency, 0)
            if booked != counted:
                found.append(f"{currency}: we count {from_atoms(booked):f}, the venue {from_atoms(counted):f}")
    return tuple(found)
