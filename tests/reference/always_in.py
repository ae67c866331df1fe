"""A policy of a user's own, as a file beside ours: in the market on the side of the view, turned around at once.

    trading-system backtest --bars GOOG.csv --strategy sma_cross --policy always_in.py --set share=0.95

What is held is closed and the other side entered with one decision, as other engines do; whole or in equal parts. A
stop may lie a fraction of the price away, fixed or behind the best price so far.
"""

from typing import NamedTuple

from trading_system.blotter.state import (
    NO_ENTRY,
    NO_REASON,
    STOP_RESTING,
    VIEW_GONE,
    Account,
    Asks,
    BarRow,
    Sleeve,
    SleeveCarried,
    Step,
    View,
)
from trading_system.desk.decide import asked
from trading_system.kernel import kernel
from trading_system.risk_management.circuit_breakers.stop_loss import above, below
from trading_system.risk_management.exposure import held_lots

ANY = 1 << 40
"""More lots than any position has: what is held is never too much."""


class Policy(NamedTuple):
    """What can be set about it: `--set lots=100 --set stop_loss=0.1`."""

    lots: float = 1.0
    """Size of a position, lots; where `share` is set, a guess at it."""
    share: float = 0.0
    """Part of the free cash at the fill to put in instead, 0..1; 0 for `lots`."""
    parts: float = 1.0
    """As how many orders of equal size a position is opened."""
    long_only: float = 0.0
    """1: leave where the other side would be entered."""
    alternate: float = 0.0
    """1: enter at one bar and leave at the next, whatever the view."""
    skip_still_bars: float = 0.0
    """1: decide nothing on a bar whose four prices are one."""
    stop_loss: float = 0.0
    """How far a stop lies from the close that decided, a fraction; 0 for none."""
    trailing_stop: float = 0.0
    """How far a stop lies from that close, and then from the best price of the bars since, a fraction; 0 for none."""
    stop_slack: float = 0.25
    """How far beyond a stop it still trades, a fraction."""
    cash_buffer: float = 0.0
    """How far above the close a buy may fill when cash is set aside for it, a fraction."""


@kernel
def decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Turn where the view is on the other side; even odds, or no view, change nothing."""
    held = held_lots(sleeve)
    now = 1 if held > 0 else -1 if held < 0 else 0
    side = looking(now, bar, view, policy)
    leaves = side != 0 and side != now and now != 0
    enters = side != 0 and side != now and not (side < 0 and policy.long_only == 1.0)
    want = SleeveCarried(
        target_lots=side * ANY if enters else 0 if leaves else now * ANY,
        stop_ticks=stop_at(side, bar.close, policy) if enters else trailed(now, sleeve.carried.stop_ticks, bar, policy),
        take_ticks=0,
        bars_held=0,
        bars_waiting=0,
        reason=VIEW_GONE if leaves else NO_REASON,
    )
    asks = asked(sleeve, want, bar.close, NO_ENTRY)  # moves the stop, or leaves where none can stand
    if leaves or enters:
        asks = Asks(
            cancel_entry=0,
            cancel_stop=1 if sleeve.stop_status == STOP_RESTING else 0,
            exit_lots=abs(held),
            entry_lots=side * int(policy.lots) if enters else 0,
            protect_lots=0,
            protect_ticks=0,
            take_ticks=0,
            entry_limit_ticks=0,
            entry_post_only=0,
            entry_parts=int(policy.parts),
            entry_share=policy.share if enters else 0.0,
        )
    return Step(account=account.carried, sleeve=want, objections=0, asks=asks, denied=0)


@kernel
def looking(now: int, bar: BarRow, view: View, policy: Policy) -> int:
    """Return the side to be on, 1 or -1; or 0 to stay as it is."""
    still = bar.open == bar.high and bar.high == bar.low and bar.low == bar.close
    if view.expires_ns == 0 or (still and policy.skip_still_bars == 1.0):
        return 0
    if policy.alternate == 1.0:
        return -1 if now > 0 else 1
    return 1 if view.probability > 0.5 else -1 if view.probability < 0.5 else 0


@kernel
def stop_at(side: int, price: int, policy: Policy) -> int:
    """Return the stop of a position on `side` that is entered at `price`, the nearer of the two; 0 for none."""
    loss, trail = away(side, price, policy.stop_loss), away(side, price, policy.trailing_stop)
    if loss == 0 or trail == 0:
        return max(loss, trail)
    return max(loss, trail) if side > 0 else min(loss, trail)


@kernel
def trailed(side: int, stop: int, bar: BarRow, policy: Policy) -> int:
    """Return the stop after one more bar of a position on `side`: behind the bar's best price, never loosened."""
    level = away(side, bar.high if side > 0 else bar.low, policy.trailing_stop)
    if side == 0 or level == 0:
        return stop
    return max(stop, level) if side > 0 else min(stop, level)


@kernel
def away(side: int, price: int, fraction: float) -> int:
    """Return the level a fraction of `price` away from it, on the side that hurts; 0 without a fraction within 0..1."""
    if not 0.0 < fraction < 1.0:
        return 0
    return below(float(price) * (1.0 - fraction)) if side > 0 else above(float(price) * (1.0 + fraction))
