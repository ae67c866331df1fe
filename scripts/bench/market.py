"""The market that every engine of the bench trades, and what all are told to do in it: arrays, made from a seed.

It runs in whichever environment needs it, so it knows numpy and nothing of ours. Prices are whole ticks of 0.01, which
every peer can say exactly; signals are worked out in integers, so no engine's rounding can move a trade.

    python -m scripts.bench.market FOLDER --bars 1000000     writes market.npz
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 1_672_531_200_000_000_000  # 2023-01-01 UTC
TICKS_A_UNIT: Final = 100
"""Ticks in one unit of quote currency: a tick is 0.01."""
FIRST_TICKS: Final = 4_000_000
BAR_DEVIATION: Final = 0.0002
"""Standard deviation of a bar's log return."""
CHUNK: Final = 1_000_000

FAST: Final = 10
SLOW: Final = 50
ATR_BARS: Final = 14
ATR_STOP: Final = 3
CASH: Final = 100_000_000.0
"""Quote currency at the start: so much that it never binds; every entry buys one unit of base currency."""
FEE: Final = 0.001
"""Fee of each fill, a fraction of its worth, in quote currency."""


class Market(NamedTuple):
    """One-minute bars of one instrument, and the signals known at each close. All (S,)."""

    close_ns: Ints
    """Close of the bar, UTC ns."""
    open: Ints
    """Ticks, as `high`, `low` and `close`."""
    high: Ints
    low: Ints
    close: Ints
    volume_atoms: Ints
    """Base currency traded, atoms of 1e-8."""
    enter: Bools
    """The fast average has just crossed above the slow one: buy at the next open if flat."""
    leave: Bools
    """The fast average is not above the slow one: sell at the next open what is held."""
    atr: Ints
    """Mean true range of the last 14 bars, whole ticks, rounded down; 0 while unknown."""
    stop: Ints
    """Where the trailing stop of a position lies at least from the next bar on, ticks: close - 3 ATR; 0 for none."""


def market(bars: int, seed: int) -> Market:
    """Return a seeded random walk of `bars` >= 64 bars; a longer one begins with the shorter ones' prices.

    It ends flat (no entry in the last bars, and leave), so that no engine's way to mark an open position matters.
    """
    parts = list(_walk(bars, seed))
    open_, high, low, close, volume = (np.concatenate(column) for column in zip(*parts, strict=True))
    enter, leave = crosses(close)
    before = np.concatenate([open_[:1], close[:-1]])
    atr = _sums(np.maximum(high, before) - np.minimum(low, before), ATR_BARS) // ATR_BARS
    return Market(
        close_ns=START_NS + MINUTE_NS * np.arange(1, bars + 1),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_atoms=volume,
        enter=enter,
        leave=leave,
        atr=atr,
        stop=np.where(atr > 0, close - ATR_STOP * atr, 0),
    )


def crosses(close: Ints) -> tuple[Bools, Bools]:
    """Return `enter` and `leave` as in `Market`, compared in integers: sums of ticks, not means."""
    above = _sums(close, FAST) * (SLOW // FAST) > _sums(close, SLOW)
    above[: SLOW - 1], above[-3:] = False, False
    return above & ~after(above), ~above


def trades_hash(entry_bars: Ints, exit_bars: Ints) -> str:
    """Return a name for the trades: 12 hex digits of the SHA-256 of (entry bar, exit bar) pairs, int64, in order."""
    pairs = np.stack([entry_bars, exit_bars], axis=1).astype("<i8")
    return hashlib.sha256(pairs.tobytes()).hexdigest()[:12]


def save(folder: Path, told: Market) -> Path:
    """Write `told` into `folder` and return the file's path."""
    path = folder / "market.npz"
    np.savez(path, **told._asdict())
    return path


def load(path: Path) -> Market:
    """Return what `save` wrote."""
    with np.load(path) as stored:
        return Market(**{name: stored[name] for name in Market._fields})


def quote(ticks: Ints) -> NDArray[np.float64]:
    """Return prices in units of quote currency, each the float nearest to its decimal."""
    return ticks / float(TICKS_A_UNIT)


def after(known: Bools) -> Bools:
    """Return what is done at a bar's open: what was known at the close before."""
    return np.concatenate([np.zeros(1, dtype=np.bool_), known[:-1]])


def _walk(bars: int, seed: int) -> Iterator[tuple[Ints, ...]]:
    """Yield open, high, low, close and volume, a chunk at a time: 20 million bars need no memory for their floats."""
    last = FIRST_TICKS
    for chunk in range(-(-bars // CHUNK)):
        wanted = min(CHUNK, bars - chunk * CHUNK)
        moves, above, below, traded = (np.random.default_rng([seed, chunk, column]) for column in range(4))
        walk = np.cumsum(moves.normal(-0.5 * BAR_DEVIATION**2, BAR_DEVIATION, wanted))
        close = np.rint(last * np.exp(walk)).astype(np.int64)
        open_ = np.concatenate([np.array([last]), close[:-1]])
        # No spikes beyond the bar's own move: see docs/speed.md.
        high = np.rint(np.maximum(open_, close) * (1.0 + above.uniform(0.0, BAR_DEVIATION, wanted))).astype(np.int64)
        low = np.rint(np.minimum(open_, close) * (1.0 - below.uniform(0.0, BAR_DEVIATION, wanted))).astype(np.int64)
        yield open_, high, low, close, (traded.lognormal(1.0, 1.0, wanted) * 1e8).astype(np.int64)
        last = int(close[-1])


def _sums(values: Ints, count: int) -> Ints:
    """Return the sum of the last `count` values; 0 before there are so many."""
    total = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
    sums = np.zeros(len(values), dtype=np.int64)
    sums[count - 1 :] = total[count:] - total[:-count]
    return sums


def main() -> None:
    """Write the market into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bars", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    print(save(options.folder, market(options.bars, options.seed)))


if __name__ == "__main__":
    main()
