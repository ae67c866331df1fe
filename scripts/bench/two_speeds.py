"""One decision at two speeds: bars a second of our loop, compiled and as plain Python, over the bench's market.

Both must agree to the bit, decisions, orders, fills and balances, on the bars that they share, or the script fails.

    python -m scripts.bench.two_speeds     prints one line of JSON
"""

import argparse
import json
import time

from scripts.bench.market import Market, market
from scripts.bench.ours import beliefs_of, setup_of, tape_of

from trading_system.backtest.run import Outcome, run
from trading_system.blotter.state import STOP_TRAILING

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


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars for the compiled loop")
    parser.add_argument("--plain-bars", type=int, default=20_000, help="bars for the plain loop")
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
    print(json.dumps({"rows": [["compiled", options.bars, compiled_s], ["plain", few, plain_s]], "notes": [words]}))


if __name__ == "__main__":
    main()
