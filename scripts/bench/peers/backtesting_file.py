"""backtesting.py from a file of bars to its statistics and its page: what a user of it would write; its whole process.

python -m scripts.bench.peers.backtesting_file BARS.{csv,parquet} [PAGE.html]
"""

import sys
from pathlib import Path
from typing import Any

import backtesting
import pandas as pd
from backtesting.lib import crossover
from scripts.bench.market import CASH, FAST, FEE, SLOW


def mean(values: Any, bars: int) -> Any:
    """Return the moving average."""
    return pd.Series(values).rolling(bars).mean()


class Cross(backtesting.Strategy):  # type: ignore[misc]
    """Buy one where the fast average crosses above the slow one, sell it where it crosses back."""

    def init(self) -> None:
        self.fast = self.I(mean, self.data.Close, FAST)
        self.slow = self.I(mean, self.data.Close, SLOW)

    def next(self) -> None:
        if crossover(self.fast, self.slow):
            self.buy(size=1)
        elif crossover(self.slow, self.fast):
            self.position.close()


def main() -> None:
    """Print the statistics; write the page if it is asked for."""
    path = Path(sys.argv[1])
    bars = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    bars.index = pd.to_datetime(bars.pop("timestamp"), unit="ms")
    bars.columns = [name.capitalize() for name in bars.columns]
    test = backtesting.Backtest(bars, Cross, cash=CASH, commission=FEE, finalize_trades=True)
    stats = test.run()
    print(stats)
    print(f"trades: {stats['# Trades']:,}")
    if len(sys.argv) > 2:
        test.plot(filename=sys.argv[2], open_browser=False)


if __name__ == "__main__":
    main()
