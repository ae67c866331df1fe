"""backtesting.py's `Backtest.run`, given the signals; run in the peers' environment.

    python -m scripts.bench.peers.backtesting_signals MARKET.npz

The signals come as plain lists, the cheapest way to ask for them bar by bar: an indicator made by `self.I` would be
sliced again at every bar. What `run` times is all that a user gets from it: its loop and its own statistics.
"""

from typing import Any

import backtesting
import pandas as pd
from scripts.bench.market import CASH, FEE, Market, quote
from scripts.bench.worker import Case, Traded, serve


def prepare(told: Market) -> dict[str, Case]:
    """Return the two cases: without and with the stop."""
    columns = {"Open": told.open, "High": told.high, "Low": told.low, "Close": told.close}
    frame = pd.DataFrame(
        {name: quote(column) for name, column in columns.items()}, index=pd.to_datetime(told.close_ns, unit="ns")
    )
    enter, leave, stop = told.enter.tolist(), told.leave.tolist(), quote(told.stop).tolist()

    class Cross(backtesting.Strategy):  # type: ignore[misc]
        """Buy one at a cross, sell it when the averages say so."""

        def init(self) -> None:
            self.bar = 0

        def next(self) -> None:
            self.bar = i = self.bar + 1  # the first call is for bar 1
            if self._broker.trades:
                if leave[i]:
                    self._broker.trades[0].close()
            elif enter[i]:
                self.buy(size=1)

    class Stop(Cross):
        """The same with a trailing stop."""

        def next(self) -> None:
            self.bar = i = self.bar + 1
            if self._broker.trades:
                trade = self._broker.trades[0]
                if stop[i] > trade.sl:
                    trade.sl = stop[i]
                if leave[i]:
                    trade.close()
            elif enter[i]:
                self.buy(size=1, sl=stop[i])

    def case(strategy: type[Any], bars: int) -> Any:
        test = backtesting.Backtest(frame[:bars], strategy, cash=CASH, commission=FEE)
        return test.run()

    case(Stop, 5_000)  # imports and caches; the loop itself has nothing to warm up
    return {
        "cross": Case(lambda: case(Cross, len(frame)), read),
        "stop": Case(lambda: case(Stop, len(frame)), read),
    }


def read(stats: Any) -> Traded:
    """Return its trades in our words; it lists them as they were closed."""
    trades = stats["_trades"]
    return Traded(trades["EntryBar"].to_numpy(), trades["ExitBar"].to_numpy(), float(stats["Equity Final [$]"]))


if __name__ == "__main__":
    serve(f"backtesting.py {backtesting.__version__}", prepare)
