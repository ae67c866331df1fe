"""What a user's own policy may ask: no more than the venue would take, and what the books have room for.

Ours asks for no such thing by itself. A policy of a user's may be wrong: then it must not sell coins that nobody owns.
"""

from trading_system.blotter.state import STOP_NONE, STOP_REFUSED, Account, Asks, BarRow, Policy, Sleeve, Step, View
from trading_system.desk.decide import MOST_PARTS, decide, held_lots
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import most_lots


@kernel
def decide_within(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Return what `decide` does, with only such asks as can be taken; the user's own stands in its place."""
    step = decide(account, sleeve, bar, view, policy)
    return Step(
        account=step.account,
        sleeve=step.sleeve,
        objections=step.objections,
        asks=within(step.asks, sleeve),
        denied=step.denied,
    )


@kernel
def within(asks: Asks, sleeve: Sleeve) -> Asks:
    """Return of `asks` what can be taken, the rest cut off.

    Of each kind one order lives at a time, so a second one is dropped. Exit, protective order and what is on its way
    trade together no more than is owned. Nothing is sold short where that is not allowed.
    """
    size, going, coming = abs(held_lots(sleeve)), sleeve.exit_lots, sleeve.entry_lots
    free = max(0, size - going - sleeve.stop_lots)
    loose = sleeve.stop_status == STOP_NONE or sleeve.stop_status == STOP_REFUSED
    leave = max(0, min(asks.exit_lots, free)) if going == 0 else 0
    guard = max(0, min(asks.protect_lots, free - leave)) if loose else 0
    most = most_lots(sleeve.terms) if coming == 0 else 0
    enter = min(most, max(-most if sleeve.terms.shortable == 1 else 0, asks.entry_lots))
    parts = max(1, min(asks.entry_parts, MOST_PARTS, abs(enter)))
    return Asks(
        cancel_entry=asks.cancel_entry,
        cancel_stop=asks.cancel_stop,
        exit_lots=leave,
        entry_lots=enter,
        protect_lots=guard,
        protect_ticks=max(0, asks.protect_ticks),
        take_ticks=max(0, asks.take_ticks),
        entry_limit_ticks=max(0, asks.entry_limit_ticks),
        entry_post_only=asks.entry_post_only,
        entry_parts=1 if asks.entry_share > 0.0 else parts,
        entry_share=asks.entry_share,
    )
