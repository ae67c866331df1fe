"""A policy of the user's own that asks for anything, on an instrument that others trade: both speeds still agree."""

from typing import Final

from tests.unit.backtest.tales import quarrel

from trading_system.backtest.agreement import differences
from trading_system.backtest.replay import replay
from trading_system.backtest.run import OwnPolicy, run
from trading_system.blotter.state import STOP_RESTING, Account, Asks, BarRow, Policy, Sleeve, Step, View
from trading_system.bootstrap import replay_parts
from trading_system.desk.decide import decide, held_lots
from trading_system.kernel import kernel

QUARRELS: Final = range(60)


@kernel
def careless(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Decide as ours does, and on many bars ask for something else: against the target, both ways, beyond the price."""
    step = decide(account, sleeve, bar, view, policy)
    asks, size = step.asks, abs(held_lots(sleeve))
    whim = (bar.close * 7 + bar.volume_atoms // 1_000 + size) % 11
    plain = whim == 1 or whim == 5 or whim == 6
    entry, leave, guard, level, cancel = (
        asks.entry_lots,
        asks.exit_lots,
        asks.protect_lots,
        asks.protect_ticks,
        asks.cancel_stop,
    )
    if whim == 1:
        entry = 7
    elif whim == 2:
        entry, leave = -5, size
    elif whim == 3:
        leave = size // 2
    elif whim == 4:
        guard, level = size // 2, bar.close + 5
    elif whim == 5:
        entry, cancel = 9, 1 if sleeve.stop_status == STOP_RESTING else 0
    elif whim == 6:
        entry = 20
    return Step(
        account=step.account,
        sleeve=step.sleeve,
        objections=step.objections,
        asks=Asks(
            cancel_entry=asks.cancel_entry,
            cancel_stop=cancel,
            exit_lots=leave,
            entry_lots=entry,
            protect_lots=guard,
            protect_ticks=level,
            take_ticks=asks.take_ticks,
            entry_limit_ticks=0 if plain else asks.entry_limit_ticks,
            entry_post_only=0 if plain else asks.entry_post_only,
            entry_parts=1 if plain or whim == 2 else asks.entry_parts,
            entry_share=0.0 if plain or whim == 2 else asks.entry_share,
        ),
        denied=step.denied,
    )


def test_whatever_neighbors_ask_both_speeds_agree() -> None:
    """Who crosses with whom hangs on the order of every answer at a close: orders, fills and balances tell it."""
    own, crossings = OwnPolicy(decide=careless), 0
    for seed in QUARRELS:
        tale = quarrel(seed)
        fast = run(*tale.told, plain=True, own=own)
        slow = replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=replay_parts(), own=own)
        assert differences(fast, slow, tale.sleeves) == [], seed
        crossings += fast.crossings
    assert crossings > 100
