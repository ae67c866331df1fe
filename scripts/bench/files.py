"""The bench's market as files of bars, in the form that `trading-system backtest` and everybody else reads.

python -m scripts.bench.files MARKET.npz     writes bars.csv and bars.parquet beside it
"""

import sys
from pathlib import Path

import polars as pl
from scripts.bench.market import MINUTE_NS, Market, load, quote


def frame(told: Market) -> pl.DataFrame:
    """Return columns timestamp (open time, UTC ms), open, high, low, close (quote) and volume (base)."""
    return pl.DataFrame(
        {
            "timestamp": (told.close_ns - MINUTE_NS) // 1_000_000,
            "open": quote(told.open),
            "high": quote(told.high),
            "low": quote(told.low),
            "close": quote(told.close),
            "volume": told.volume_atoms / 1e8,
        }
    )


def main() -> None:
    """Write both files."""
    source = Path(sys.argv[1])
    bars = frame(load(source))
    bars.write_csv(source.with_name("bars.csv"))
    bars.write_parquet(source.with_name("bars.parquet"))


if __name__ == "__main__":
    main()
