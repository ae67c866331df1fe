"""One decision at two speeds: bars a second of the loop, compiled and as plain Python, over the same seeded market.

Both runs must agree to the bit on the bars that they share, or the script fails.

    python -m scripts.bench.two_speeds     prints one line of JSON
"""

import argparse
import json
import time

import numpy as np

from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import Beliefs, Tape
from trading_system.blotter.state import Policy, Terms
from trading_system.execution_engine.simulator.costs import Costs

MINUTE_NS = 60_000_000_000
POLICY = Policy(
    kelly_share=0.25,
    kelly_cap=0.02,
    max_exposure=0.9,
    enter_above=0.56,
    leave_below=0.48,
    round_trip_cost=0.0008,
    atr_stop=3.0,
    stop_step=0.5,
    stop_slack=0.02,
    cash_buffer=0.005,
    max_drawdown=0.5,
)
SETUP = make_setup(
    cash_atoms=100_000 * 10**8,
    terms=[Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=5 * 10**8)],
    costs=[Costs(taker_fee=20_000, maker_fee=10_000, slip=5_000)],
    instrument=[0],
    policies=[POLICY],
)


def market(slices: int, seed: int) -> tuple[Tape, Beliefs]:
    """Return a random walk of minute bars, and views a little better than chance."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, 0.001, slices)
    close = np.maximum(1_000, 4_000_000 * np.exp(np.cumsum(moves) - 0.0000005 * np.arange(slices))).astype(np.int64)
    open_ = np.concatenate([[4_000_000], close[:-1]])
    reach = rng.exponential(0.0005, (2, slices))
    high = (np.maximum(open_, close) * (1.0 + reach[0])).astype(np.int64)
    low = np.maximum(1, (np.minimum(open_, close) * (1.0 - reach[1])).astype(np.int64))
    close_ns = MINUTE_NS * np.arange(1, slices + 1)
    ahead = np.concatenate([moves[1:], [0.0]])
    odds = np.stack([np.clip(0.5 + 20.0 * ahead + rng.normal(0.0, 0.05, slices), 0.0, 1.0)], axis=1)
    odds = np.column_stack([odds[:, 0], np.full(slices, 0.004), np.full(slices, 0.003)])[:, None, :]
    bars = np.stack([open_, high, low, close, np.full(slices, 10**8)], axis=1)[:, None, :]
    tape = Tape(close_ns=close_ns, bars=bars, atr=(close * 0.001)[:, None], gates=np.zeros(slices, dtype=np.int64))
    return tape, Beliefs(odds=odds, expires_ns=close_ns[:, None])


def timed(tape: Tape, beliefs: Beliefs, *, plain: bool, times: int) -> tuple[float, Outcome]:
    """Return the best wall time of `times` runs, s, and what came of the run."""
    best, outcome = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        outcome = run(tape, beliefs, SETUP, plain=plain)
        best = min(best, time.perf_counter() - start)
    assert outcome is not None
    return best, outcome


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars for the compiled loop")
    parser.add_argument("--plain-bars", type=int, default=20_000, help="bars for the plain loop")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()

    tape, beliefs = market(options.bars, options.seed)
    few = min(options.plain_bars, options.bars)
    short = Tape(*(column[:few] for column in tape)), Beliefs(*(column[:few] for column in beliefs))

    first_s, _ = timed(*short, plain=False, times=1)
    compiled_s, whole = timed(tape, beliefs, plain=False, times=5)
    plain_s, slow = timed(*short, plain=True, times=1)
    _, fast = timed(*short, plain=False, times=1)
    for name in ("equity_atoms", "decided", "fills"):
        if getattr(slow, name).tobytes() != getattr(fast, name).tobytes():
            raise SystemExit(f"compiled and plain differ in {name}")

    ratio = (options.bars / compiled_s) / (few / plain_s)
    print(
        json.dumps(
            {
                "rows": [["compiled", options.bars, compiled_s], ["plain", few, plain_s]],
                "notes": [
                    f"Ratio {ratio:,.0f}; first call {first_s:.2f} s; {len(whole.fills):,} fills; the same bits."
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
