"""What one bar does to one order. Where a bar cannot tell, the worse case.

A bar says where the price began, how far it went and where it ended, not in which order. So:

- A market order fills at the open, worse by spread and slippage.
- A stop that the open has already passed triggers there and fills at the open, not at the stop (the gap rule).
- A stop-limit whose limit the open has passed too does not fill: it rests as a limit order, and the position with it.
- A resting limit order fills only if the price goes *through* it: at a touch others may have been before us.

Sources: vectorbt 1.2, `portfolio/nb.py`, `get_stop_price_nb` (gap rule); Binance spot, "New order": STOP_LOSS_LIMIT.
"""

from typing import Final, NamedTuple

from trading_system.blotter.state import BarRow
from trading_system.execution_engine.simulator.costs import Costs, slip_ticks
from trading_system.kernel import kernel

BUY: Final = 1
SELL: Final = -1

MARKET: Final = 0
LIMIT: Final = 1
STOP_LIMIT: Final = 2


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


class Met(NamedTuple):
    """What the bar did."""

    lots: int
    """Filled; 0 for none. An order fills whole or not at all: a bar does not know the queue."""
    price_ticks: int
    """Price of the fill; 0 for none."""
    maker: int
    """1 if the order rested in the book when it filled; then the maker's fee is due."""
    left: Working
    """The order after the bar: a triggered stop has become a resting limit. Void once filled."""


@kernel
def meet(order: Working, bar: BarRow, costs: Costs) -> Met:
    """Return what `bar` does to `order`.

    A buy is a sale seen from below: prices are mirrored, so that one rule serves both sides.
    """
    mirror = -order.side  # 1 for a sale; -1 turns a buy's prices upside down
    open_ = mirror * bar.open
    low, high = (bar.low, bar.high) if mirror == 1 else (-bar.high, -bar.low)
    stop, limit = mirror * order.stop_ticks, mirror * order.limit_ticks
    if order.kind == MARKET:
        return _filled(order, open_ - slip_ticks(bar.open, costs), 0)
    if order.kind == STOP_LIMIT and low > stop:
        return Met(lots=0, price_ticks=0, maker=0, left=order)
    if order.resting == 0:  # it takes what the book offers: at the open, or where the stop was triggered
        at = min(open_, stop) if order.kind == STOP_LIMIT else open_
        if at >= limit:
            return _filled(order, max(limit, at - slip_ticks(mirror * at, costs)), 0)
    afterwards = high if order.kind == LIMIT or open_ <= stop else mirror * bar.close  # the high may have come first
    if afterwards > limit:
        return _filled(order, limit, 1)
    return Met(lots=0, price_ticks=0, maker=0, left=_rested(order))


@kernel
def _filled(order: Working, mirrored_ticks: int, maker: int) -> Met:
    price = max(1, -order.side * mirrored_ticks)
    return Met(lots=order.lots, price_ticks=price, maker=maker, left=order)


@kernel
def _rested(order: Working) -> Working:
    return Working(kind=LIMIT, side=order.side, lots=order.lots, stop_ticks=0, limit_ticks=order.limit_ticks, resting=1)
