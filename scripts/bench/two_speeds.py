"""One decision at two speeds, over the bench's market: our loop compiled and as plain Python, the replay, and a sweep.

Compiled and plain must agree to the bit, decisions, orders, fills and balances, on the bars that they share, and the
replay (the live desk, its runner, its queue, a simulated venue, a journal in memory) with both; or the script fails.

    python -m scripts.bench.two_speeds     prints one line of JSON
"""

import argparse
import json
import time
from decimal import Decimal

import numpy as np
from scripts.bench.market import Market, market
from scripts.bench.ours import beliefs_of, setup_of, tape_of

from trading_system.backtest.agreement import differences
from trading_system.backtest.replay import replay
from trading_system.backtest.run import Outcome, run
from trading_system.backtest.sweep import sweep
from trading_system.blotter.state import STOP_ABSENT, STOP_TRAILING, Policy
from trading_system.bootstrap import replay_parts
from trading_system.market.instruments import Instrument

BENCH = Instrument(
    venue="bench",
    symbol="BENCH",
    base="UNIT",
    quote="QUOTE",
    tick=Decimal("0.01"),
    lot=Decimal(1),
    min_lots=1,
    min_notional=Decimal(0),
)
SAME = ("cash_atoms", "holdings_atoms", "decided", "orders", "fills", "position_atoms")


def timed(told: Market, *, plain: bool, times: int) -> tuple[float, Outcome]:
    """Return the best wall time of `times` runs, s, and what came of the last."""
    tape, beliefs, setup = tape_of(told), beliefs_of(told.enter, told.leave), setup_of(told.close, STOP_TRAILING)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        outcome = run(tape, beliefs, setup, plain=plain)
        seconds.append(time.perf_counter() - start)
    return min(seconds), outcome


def replayed(told: Market, stop_mode: float) -> float:
    """Return the wall time of a replay, s, which must come to what the loop comes to."""
    tape, beliefs, setup = tape_of(told), beliefs_of(told.enter, told.leave), setup_of(told.close, stop_mode)
    start = time.perf_counter()
    slow = replay(tape, beliefs, setup, instruments=[BENCH], sleeves=[("cross", "BENCH")], parts=replay_parts())
    seconds = time.perf_counter() - start
    for difference in differences(run(tape, beliefs, setup), slow, [("cross", "BENCH")]):
        raise SystemExit(f"replay and loop differ: {difference}")
    return seconds


def swept(told: Market, policies: int) -> float:
    """Return the wall time of a sweep on one core, s: as many policies, each with a trailing stop of its own."""
    tape, beliefs, setup = tape_of(told), beliefs_of(told.enter, told.leave), setup_of(told.close, STOP_TRAILING)
    table = np.repeat(setup.policies[None, :, :], policies, axis=0)
    table[:, 0, Policy._fields.index("atr_stop")] = np.linspace(2.0, 8.0, policies)
    start = time.perf_counter()
    sweep(tape, beliefs, setup, table, workers=1)
    return time.perf_counter() - start


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars for the compiled loop")
    parser.add_argument("--plain-bars", type=int, default=20_000, help="bars for the plain loop")
    parser.add_argument("--replay-bars", type=int, default=60_000, help="bars for the replay")
    parser.add_argument("--sweep-bars", type=int, default=100_000, help="bars for the sweep")
    parser.add_argument("--policies", type=int, default=512, help="policies of the sweep")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()

    told = market(options.bars, options.seed)
    few = min(options.plain_bars, options.bars)
    short = market(few, options.seed)
    first_s, fast = timed(short, plain=False, times=1)
    plain_s, slow = timed(short, plain=True, times=1)
    compiled_s, whole = timed(told, plain=False, times=5)
    for name in SAME:
        if getattr(slow, name).tobytes() != getattr(fast, name).tobytes():
            raise SystemExit(f"compiled and plain differ in {name}")
    ratio = (options.bars / compiled_s) / (few / plain_s)
    words = f"Ratio {ratio:,.0f}; first call {first_s:.2f} s; {len(whole.fills):,} fills; the same bits"
    some, many = market(options.replay_bars, options.seed), market(options.sweep_bars, options.seed)
    sweep_s = swept(many, options.policies)
    each_ns = sweep_s * 1e9 / options.sweep_bars / options.policies
    rows = [
        ["compiled, trailing stop, decisions kept", options.bars, compiled_s],
        ["plain, the same", few, plain_s],
        ["replay, no stop", options.replay_bars, replayed(some, STOP_ABSENT)],
        ["replay, trailing stop", options.replay_bars, replayed(some, STOP_TRAILING)],
        [f"sweep of {options.policies} policies, one core", options.sweep_bars * options.policies, sweep_s],
    ]
    told_words = f"A sweep takes {each_ns:.1f} ns a bar and policy on one core; its bars are bars times policies"
    print(json.dumps({"rows": rows, "notes": [words, told_words]}))


if __name__ == "__main__":
    main()
