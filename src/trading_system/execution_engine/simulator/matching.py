"""What one bar does to one order. Where a bar cannot tell, the worse case.

A bar says where the price began, how far it went and where it ended, not in which order. So:

- An order that comes to the market takes at the open, worse by spread and slippage, up to its limit.
- A stop that the open has already passed triggers there and fills at the open, not at the stop (the gap rule).
- A stop-limit whose limit the open has passed too does not fill: it rests as a limit order, and the position with it.
- A resting limit order fills only if the price goes *through* it: at a touch others may have been before us. That a
  touch is enough can be chosen, to compare with engines that say so; and that an open beyond the limit gives the open.
- Of a stop and a target that lie within one bar the stop counts, and the bar is counted as ambiguous.

Sources: vectorbt 1.2, `portfolio/nb.py`, `get_stop_price_nb` (gap rule); Binance spot, "New order": STOP_LOSS_LIMIT.
"""

from typing import Final, NamedTuple

from trading_system.blotter.state import BarRow
from trading_system.execution_engine.simulator.costs import Costs, slip_ticks, spread_ticks
from trading_system.kernel import kernel

BUY: Final = 1
SELL: Final = -1

MARKET: Final = 0
LIMIT: Final = 1
STOP_LIMIT: Final = 2

THROUGH: Final = 0
"""A resting limit order fills once the price goes through it."""
TOUCH: Final = 1
"""It fills at a touch."""
TOUCH_OR_OPEN: Final = 2
"""It fills at a touch, and at the open where that is better than its limit."""

NO_LIMIT: Final = 0
"""`limit_ticks` of an order that accepts any price."""


class Working(NamedTuple):
    """An order that a bar meets."""

    kind: int
    """`MARKET`, `LIMIT` or `STOP_LIMIT`."""
    side: int
    """`BUY` or `SELL`."""
    lots: int
    """What is left of it, > 0."""
    stop_ticks: int
    """Trigger price of a `STOP_LIMIT`; else 0."""
    limit_ticks: int
    """Worst price accepted by a `LIMIT` or `STOP_LIMIT`; else 0."""
    resting: int
    """1 for a `LIMIT` that lay in the book before this bar; 0 for one that comes to the market with it."""
    take_ticks: int = 0
    """Price of the target that rests beside a `STOP_LIMIT`, ticks; 0 for none. One of the two fills."""


class Market(NamedTuple):
    """How the market takes orders: what it charges and what it lets through."""

    costs: Costs
    lot_atoms: int
    """Base atoms in one lot of the instrument."""
    available: int
    """Lots that this bar's volume still lets us trade, >= 0."""
    touch: int
    """One of `THROUGH`, `TOUCH`, `TOUCH_OR_OPEN`."""


class Met(NamedTuple):
    """What the bar did."""

    lots: int
    """Filled; 0 for none. A bar does not know the queue: an order fills whole, or as far as the volume allows."""
    price_ticks: int
    """Price of the fill; 0 for none."""
    maker: int
    """1 if the order rested in the book when it filled; then the maker's fee is due."""
    reference_ticks: int
    """The bar's price before spread and slippage; 0 for none."""
    spread_ticks: int
    """How much of the difference between the two is half the spread; the rest is slippage."""
    ambiguous: int
    """1 where stop and target both lay within the bar."""
    left: Working
    """The order after the bar, without the lots filled: a triggered stop has become a limit. Void once filled."""


@kernel
def meet(order: Working, bar: BarRow, market: Market) -> Met:
    """Return what the whole of `bar` does to `order`: at its open first, then on the way to its close."""
    if order.kind != STOP_LIMIT and order.resting == 0:
        met = arrive(order, bar.open, bar, market)
        if met.lots > 0 or order.kind == MARKET:
            return met
        return wait(met.left, bar, market)
    return wait(order, bar, market)


@kernel
def arrive(order: Working, at_ticks: int, bar: BarRow, market: Market) -> Met:
    """Return what becomes of an order that comes to the market at `at_ticks`: it takes, up to its limit, or rests."""
    if order.kind == MARKET or order.side * (order.limit_ticks - at_ticks) >= 0:
        return taken(order, at_ticks, bar, market, 0)
    return unmet(as_limit(order, 1), 0)


@kernel
def wait(order: Working, bar: BarRow, market: Market) -> Met:
    """Return what the way from open to close does to an order that rests, or waits for its trigger.

    A buy is a sale seen from below: prices are mirrored, so that one rule serves both sides.
    """
    mirror = -order.side  # 1 for a sale; -1 turns a buy's prices upside down
    open_ = mirror * bar.open
    low, high = (bar.low, bar.high) if mirror == 1 else (-bar.high, -bar.low)
    stop, limit, take = mirror * order.stop_ticks, mirror * order.limit_ticks, mirror * order.take_ticks
    if order.kind != STOP_LIMIT:
        if order.kind == LIMIT and through(high, limit, market):
            return rested(order, mirror * granted(open_, limit, market), market, 0)
        return unmet(order, 0)
    struck = order.stop_ticks > 0 and low <= stop
    reached = order.take_ticks > 0 and through(high, take, market)
    if reached and (not struck or through(open_, take, market)):  # beyond the target at the open: that came first
        return rested(order, mirror * granted(open_, take, market), market, 0)
    if not struck:
        return unmet(order, 0)
    both = 1 if reached else 0
    at = min(open_, stop)
    if at >= limit:
        return taken(as_limit(order, 0), mirror * at, bar, market, both)
    best = high if open_ <= stop else mirror * bar.close  # the high may have come before the trigger
    if through(best, limit, market):
        return rested(as_limit(order, 1), order.limit_ticks, market, both)
    return unmet(as_limit(order, 1), both)


@kernel
def out_of_reach(low: int, high: int, stop: int, take: int, side: int) -> bool:
    """Return whether a bar stays away from an untriggered stop and its target, 0 for none; most bars do.

    Args:
        low: The bar's, ticks.
        high: The bar's, ticks.
        stop: Trigger price, ticks.
        take: Price of the target, ticks.
        side: Of the protective order.
    """
    if side == SELL:
        return low > stop and (take == 0 or high < take)
    return (stop == 0 or high < stop) and low > take


@kernel
def through(reached: int, limit: int, market: Market) -> bool:
    """Return whether a price that went up to `reached` fills an order that sells at `limit`."""
    return reached > limit if market.touch == THROUGH else reached >= limit


@kernel
def granted(open_: int, limit: int, market: Market) -> int:
    """Return the price that an order which sells at `limit` gets once it fills: never worse, better where chosen."""
    return max(open_, limit) if market.touch == TOUCH_OR_OPEN else limit


@kernel
def taken(order: Working, at_ticks: int, bar: BarRow, market: Market, ambiguous: int) -> Met:
    """Return the fill of an order that takes at `at_ticks`, worse by spread and slippage, never beyond its limit."""
    lots = min(order.lots, market.available)
    if lots <= 0:
        return unmet(order, ambiguous)
    half = spread_ticks(at_ticks, market.costs)
    away = half + slip_ticks(at_ticks, lots, market.lot_atoms, bar, market.costs)
    price = max(1, at_ticks + order.side * away)
    if order.limit_ticks != NO_LIMIT and order.side * (price - order.limit_ticks) > 0:
        price = order.limit_ticks
    return Met(
        lots=lots,
        price_ticks=price,
        maker=0,
        reference_ticks=at_ticks,
        spread_ticks=min(half, abs(price - at_ticks)),
        ambiguous=ambiguous,
        left=less(order, lots),
    )


@kernel
def rested(order: Working, at_ticks: int, market: Market, ambiguous: int) -> Met:
    """Return the fill of an order that rested in the book at `at_ticks`."""
    lots = min(order.lots, market.available)
    if lots <= 0:
        return unmet(order, ambiguous)
    return Met(
        lots=lots,
        price_ticks=at_ticks,
        maker=1,
        reference_ticks=at_ticks,
        spread_ticks=0,
        ambiguous=ambiguous,
        left=less(order, lots),
    )


@kernel
def unmet(order: Working, ambiguous: int) -> Met:
    """Return that nothing was filled."""
    return Met(lots=0, price_ticks=0, maker=0, reference_ticks=0, spread_ticks=0, ambiguous=ambiguous, left=order)


@kernel
def less(order: Working, lots: int) -> Working:
    """Return `order` without the `lots` that were filled."""
    return Working(
        kind=order.kind,
        side=order.side,
        lots=order.lots - lots,
        stop_ticks=order.stop_ticks,
        limit_ticks=order.limit_ticks,
        resting=order.resting,
        take_ticks=order.take_ticks,
    )


@kernel
def as_limit(order: Working, resting: int) -> Working:
    """Return `order` as the plain limit order that a trigger, or its arrival, has made of it."""
    return Working(
        kind=LIMIT,
        side=order.side,
        lots=order.lots,
        stop_ticks=0,
        limit_ticks=order.limit_ticks,
        resting=resting,
        take_ticks=0,
    )
