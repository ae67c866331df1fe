"""A policy of one's own: hold a part of equity that follows the view, and trade the difference at every close.

A probability of 1 is all of equity long, 0.5 nothing, 0 all of it short, where shorts are allowed. With a script that
says the weights any portfolio can be told:

    trading-system backtest --bars BTCUSDT.csv --strategy script --set file=examples/strategies/given_signals.py
        --set signals=weights.csv --policy examples/policies/target_weight.py --set fill=close
"""

from typing import NamedTuple

from trading_system.blotter.state import NO_REASON, VIEW_GONE, Account, Asks, BarRow, Sleeve, SleeveCarried, Step, View
from trading_system.desk.decide import held_lots, marked
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import lot_worth


class Policy(NamedTuple):
    """What can be set about it; the last two are asked for by every market."""

    most: float = 1.0
    """Weight at a probability of 1, a fraction of equity."""
    least_change: float = 0.0
    """Smaller changes are not traded, a fraction of equity."""
    stop_slack: float = 0.0
    cash_buffer: float = 0.0


@kernel
def decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Buy or sell what is missing to the weight; without a view change nothing."""
    held, one = held_lots(sleeve), lot_worth(bar.close, sleeve.terms)
    wanted = held
    if view.expires_ns > 0 and one > 0 and sleeve.entry_lots == 0 and sleeve.exit_lots == 0:
        weight = (2.0 * view.probability - 1.0) * policy.most
        if sleeve.terms.shortable == 0:
            weight = max(0.0, weight)
        wanted = int(weight * marked(account) / float(one))
    if abs(float(wanted - held) * float(one)) < policy.least_change * marked(account):
        wanted = held
    away = wanted * held < 0  # the other side: all is left, and entered anew
    less = abs(held) if away else max(0, abs(held) - abs(wanted))
    more = wanted if away else wanted - held if abs(wanted) > abs(held) else 0
    return Step(
        account=account.carried,
        sleeve=SleeveCarried(
            target_lots=wanted,
            stop_ticks=0,
            take_ticks=0,
            bars_held=0,
            bars_waiting=0,
            reason=VIEW_GONE if less > 0 else NO_REASON,
        ),
        objections=0,
        asks=Asks(
            cancel_entry=0,
            cancel_stop=0,
            exit_lots=less,
            entry_lots=more,
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
