"""The live desk, told bar by bar, comes to what the compiled loop computes."""

from typing import Final

import numpy as np
from tests.unit.backtest.tales import Tale, alone

from trading_system.backtest.agreement import differences
from trading_system.backtest.replay import replay
from trading_system.backtest.run import Outcome, run
from trading_system.blotter.portfolio import fold
from trading_system.bootstrap import replay_parts

SEED: Final = 20_260_301


def test_a_strategy_alone_agrees_in_every_order_fill_stop_and_balance() -> None:
    """Two thousand bars of market orders, trailing stops and views that come and go."""
    tale = alone(np.random.default_rng(SEED), slices=2_000)
    fast, slow = run(*tale.told, plain=True), replayed(tale)
    assert len(fast.fills) > 50
    assert differences(fast, slow, tale.sleeves) == []


def replayed(tale: Tale) -> Outcome:
    """Return what becomes of a tale that is told bar by bar."""
    return replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=replay_parts())


def test_folding_the_journal_gives_the_positions_and_the_cash() -> None:
    """All state is a fold of the journal."""
    tale, parts = alone(np.random.default_rng(SEED), slices=500), replay_parts()
    outcome = replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=parts)
    folded = fold(entry.fact for entry in parts.journal.read())
    assert folded.balances["USDT"] == outcome.cash_atoms[-1]
    assert [book.position_atoms for book in folded.sleeves.values()] == outcome.position_atoms.tolist()
