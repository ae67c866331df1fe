"""Facts that more than one file here needs."""

import pytest

from trading_system.blotter import state
from trading_system.blotter.events import Decided


@pytest.fixture
def decided() -> Decided:
    """A decision on plain numbers that asks for nothing."""
    return Decided(
        ts_ns=2,
        strategy="lstm",
        symbol="BTCUSDT",
        account=state.Account(cash_atoms=1, reserved_atoms=0, holdings_atoms=0, gates=0, carried=state.FRESH),
        sleeve=state.Sleeve(
            terms=state.Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=5),
            position_atoms=0,
            entry_lots=0,
            entry_taking=0,
            exit_lots=0,
            stop_lots=0,
            stop_resting_ticks=0,
            stop_limit_ticks=0,
            stop_status=state.STOP_NONE,
            carried=state.FLAT,
        ),
        bar=state.BarRow(close_ns=1, open=1, high=1, low=1, close=1, volume_atoms=0, atr=0.5),
        view=state.NO_VIEW,
        policy=state.Policy(
            kelly_share=0.25,
            kelly_cap=0.02,
            max_exposure=0.5,
            enter_above=0.55,
            leave_below=0.5,
            round_trip_cost=0.002,
            atr_stop=3.0,
            stop_step=0.5,
            stop_slack=0.005,
            cash_buffer=0.01,
            max_drawdown=0.2,
        ),
        step=state.Step(
            account=state.FRESH,
            sleeve=state.FLAT,
            objections=0,
            asks=state.Asks(cancel_entry=0, cancel_stop=0, exit_lots=0, entry_lots=0, protect_lots=0, protect_ticks=0),
        ),
        model="rule",
        features=(0.5,),
        why="",
    )
