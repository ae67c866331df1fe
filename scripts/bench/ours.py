"""Our own engine behind the bench's interface: the one file that knows it.

    python -m scripts.bench.ours MARKET.npz

What `run` times is the whole decision path of the compiled loop, the signals given as views; equity is marked at every
close and every fill written down, as in any back-test.
"""

from scripts.bench.market import Market
from scripts.bench.worker import Case, NotYet, serve


def prepare(told: Market) -> dict[str, Case]:
    """Return the cases `cross` (no stop), `cross, from bars` (averages worked out too) and `stop` (3 ATR, trailing)."""
    raise NotYet("the compiled loop is being rebuilt; scripts/bench/ours.py waits for it")


if __name__ == "__main__":
    serve("trading-system", prepare)
