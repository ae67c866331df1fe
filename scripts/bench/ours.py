"""Our own engine behind the bench's interface: the one file that knows it.

    python -m scripts.bench.ours MARKET.npz [any-size]

What is timed is `backtest.run.run` as `trading-system backtest` calls it, on bars that their reader has checked: the
whole decision path compiled (view, stop, target, time-out, Kelly, exposure, cash, both breakers, fees); equity marked
at every close; every order and fill written down. Breakers, target and time-out are set so far off that they never act:
they are asked at every bar, and the trades stay those of the rules. Only what each decision thought at every bar is not
kept, as in a sweep.
"""

import sys
from typing import Final

import numpy as np
from scripts.bench.market import ATR_STOP, CASH, FEE, MINUTE_NS, Bools, Ints, Market, crosses
from scripts.bench.worker import Case, NotYet, Traded, serve

from trading_system import __version__
from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import (
    ENTER,
    FILL_ORDER,
    FILL_SLICE,
    ORDER_INTENT,
    Beliefs,
    Setup,
    Tape,
)
from trading_system.blotter.state import STOP_ABSENT, STOP_TRAILING, Policy, Terms
from trading_system.execution_engine.simulator.costs import FEE_HALF_EVEN, UNIT, Costs

HOPE, DOUBT, FEAR = 0.9, 0.5, 0.1
"""Probabilities of a rise that enter, hold what there is, and leave."""
FAR: Final = 1_000_000.0
"""A target in ATR and a time-out in bars that no bar reaches."""


def tape_of(told: Market) -> Tape:
    """Return the market as our engine reads it."""
    columns = {name: getattr(told, name)[:, None] for name in ("open", "high", "low", "close", "volume_atoms")}
    atr = told.atr[:, None].astype(np.float64)
    return Tape(close_ns=told.close_ns, **columns, atr=atr, gates=np.empty(0, dtype=np.int64))


def beliefs_of(enter: Bools, leave: Bools) -> Beliefs:
    """Return the signals as views: hope at a cross, fear where the averages say leave, doubt between."""
    probability = np.where(enter, HOPE, np.where(leave, FEAR, DOUBT))[:, None]
    even = np.full((len(enter), 1), 0.01)
    return Beliefs(probability=probability, gain=even, loss=even)


def setup_of(close: Ints, stop_mode: float, *, any_size: bool = False) -> Setup:
    """Return a setup in which every entry buys one lot of one unit: Kelly wants more, `max_exposure` leaves one.

    Raises:
        NotYet: The market moves so far that one fraction of equity is not one unit throughout; unless `any_size` will
            do, where trades are not compared.
    """
    exposure = 1.02 * float(close.max()) / 100 / CASH
    if exposure * CASH >= 2 * float(close.min()) / 100 and not any_size:
        raise NotYet("the price doubles on the way: no exposure buys just one unit throughout; try another --seed")
    policy = Policy(
        kelly_share=1.0,
        kelly_cap=1.0,
        max_exposure=exposure,
        enter_above=(HOPE + DOUBT) / 2,
        leave_below=(FEAR + DOUBT) / 2,
        round_trip_cost=0.0,  # fees are paid in quote; one lot less a fee in base would be no lot
        atr_stop=float(ATR_STOP),
        stop_step=0.0,
        stop_slack=0.25,
        cash_buffer=0.01,
        max_drawdown=0.9,
        max_daily_loss=0.9,
        max_gross=0.9,
        stop_mode=stop_mode,
        take_profit=FAR if stop_mode != STOP_ABSENT else 0.0,
        max_bars=FAR,
    )
    fee = round(FEE * UNIT)
    return make_setup(
        cash_atoms=round(CASH) * UNIT,
        terms=[Terms(lot_atoms=UNIT, notional_atoms=UNIT // 100, min_lots=1, min_notional_atoms=0)],
        costs=[Costs(taker_fee=fee, maker_fee=fee, slip=0, fee_in_base=0, fee_rounding=FEE_HALF_EVEN)],
        instrument=[0],
        policies=[policy],
        life_ns=[MINUTE_NS],
    )


def prepare(told: Market) -> dict[str, Case]:
    """Return the cases `cross` (no stop), `cross, from bars` (averages worked out too) and `stop` (3 ATR, trailing)."""
    tape, views, close = tape_of(told), beliefs_of(told.enter, told.leave), told.close
    bare, trailing = (setup_of(close, mode, any_size="any-size" in sys.argv) for mode in (STOP_ABSENT, STOP_TRAILING))

    def played(views: Beliefs, setup: Setup) -> Outcome:
        return run(tape, views, setup, decisions=False, sound=True)

    return {
        "cross": Case(lambda: played(views, bare), read),
        "cross, from bars": Case(lambda: played(beliefs_of(*crosses(close)), bare), read),
        "stop": Case(lambda: played(views, trailing), read),
    }


def read(outcome: Outcome) -> Traded:
    """Return its trades in the bench's words."""
    intent = outcome.orders[outcome.fills[:, FILL_ORDER], ORDER_INTENT]
    bars = outcome.fills[:, FILL_SLICE]
    return Traded(bars[intent == ENTER], bars[intent != ENTER], float(outcome.equity_atoms[-1]) / UNIT)


if __name__ == "__main__":
    serve(f"trading-system {__version__}", prepare)
