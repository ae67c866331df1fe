"""A policy of one's own: always the same number of lots, no stop; it leaves when the strategy does.

Run it: `trading-system backtest --bars BTCUSDT.csv --strategy sma_cross --policy examples/policies/steady.py`
"""

from typing import NamedTuple

from trading_system.blotter.state import Account, Asks, BarRow, Sleeve, SleeveCarried, Step, View
from trading_system.desk.decide import held_lots
from trading_system.kernel import kernel


class Policy(NamedTuple):
    """What can be set about it; the last two are asked for by every market."""

    lots: int = 100
    sure: float = 0.54
    stop_slack: float = 0.0
    cash_buffer: float = 0.01


@kernel
def decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Return what to ask for: `lots` while a rise is likely, else nothing."""
    held = held_lots(sleeve)
    likely = view.expires_ns > 0 and view.probability > policy.sure
    idle = sleeve.entry_lots == 0 and sleeve.exit_lots == 0
    return Step(
        account=account.carried,
        sleeve=SleeveCarried(
            target_lots=policy.lots if likely else 0,
            stop_ticks=0,
            take_ticks=0,
            bars_held=0,
            bars_waiting=0,
            reason=0 if likely else 1,
        ),
        objections=0,
        asks=Asks(
            cancel_entry=0,
            cancel_stop=0,
            exit_lots=held if held > 0 and idle and not likely else 0,
            entry_lots=policy.lots if held == 0 and idle and likely else 0,
            protect_lots=0,
            protect_ticks=0,
            take_ticks=0,
            entry_limit_ticks=0,
            entry_post_only=0,
            entry_parts=1,
            entry_share=0.0,
        ),
        denied=0,
    )
