"""Our books against the venue's: what does not agree, in words."""

from collections.abc import Collection, Mapping

from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.tickets import PREFIX
from trading_system.errors import ConfigurationError
from trading_system.market.instruments import Instrument
from trading_system.market.money import from_atoms


def differences(portfolio: Portfolio, open_ids: set[str], balances: Mapping[str, int]) -> tuple[str, ...]:
    """Return what differs between `portfolio` and the venue's open orders and balances (atoms, free and locked).

    While an order is on its way or in doubt the two may differ for good reason: that is said instead.
    The very first comparison has no balances of our own to compare with; the venue's are taken over. Currencies that
    we neither trade nor pay fees in are none of our affair.
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
        for currency in sorted(portfolio.currencies()):
            booked, counted = portfolio.balances.get(currency, 0), balances.get(currency, 0)
            if booked != counted:
                found.append(f"{currency}: we count {from_atoms(booked):f}, the venue {from_atoms(counted):f}")
    return tuple(found)


def check_attended(
    portfolio: Portfolio, keys: Collection[tuple[str, str]], instruments: Mapping[str, Instrument]
) -> None:
    """Refuse to start where nobody would decide about a position or a live order.

    Args:
        keys: Strategy and symbol of every sleeve that will be traded.
        instruments: As the venue describes them now, by symbol.

    Raises:
        ConfigurationError: A sleeve that owns or asks something is not among `keys`, or its steps changed.
    """
    for key, book in portfolio.sleeves.items():
        if not book.held_lots and not portfolio.live_orders(key):
            continue
        strategy, symbol = key
        if key not in keys:
            raise ConfigurationError(
                f"the journal holds a position or live orders of strategy {strategy!r} on {symbol}, which the settings "
                f"do not trade: start with strategy.name={strategy} and {symbol} among venue.symbols until it is flat, "
                "or close it at the venue by hand and begin a new journal"
            )
        before, now = book.instrument, instruments[symbol]
        if (before.tick, before.lot) != (now.tick, now.lot):
            raise ConfigurationError(
                f"{symbol}: the venue changed tick and lot from {before.tick} and {before.lot} to {now.tick} and "
                f"{now.lot} under a position of ours: close it at the venue by hand and begin a new journal"
            )
