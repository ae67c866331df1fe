"""What a run came to, each number beside its formula.

`summary(result)` works out all of `FORMULAS`; the functions behind them take plain arrays. A function that cannot say
its number raises `DataError` with the reason, which `summary` hands on in words: neither NaN nor infinity leaves this
room.
"""

from trading_system.backtest.statistics.baseline import buy_and_hold
from trading_system.backtest.statistics.certainty import (
    bootstrap_sharpe,
    min_track_record,
    probabilistic_sharpe,
)
from trading_system.backtest.statistics.drawdown import Drawdowns, drawdowns, max_drawdown
from trading_system.backtest.statistics.equity import (
    cagr,
    calmar,
    kurtosis,
    returns,
    sharpe,
    skewness,
    sortino,
    tail_ratio,
    total_return,
    volatility,
)
from trading_system.backtest.statistics.facts import Facts
from trading_system.backtest.statistics.overfitting import (
    deflated_sharpe,
    expected_best_sharpe,
    probability_of_backtest_overfitting,
)
from trading_system.backtest.statistics.summary import Month, Statistic, monthly, summary
from trading_system.backtest.statistics.table import FORMULAS, Formula

__all__ = [
    "FORMULAS",
    "Drawdowns",
    "Facts",
    "Formula",
    "Month",
    "Statistic",
    "bootstrap_sharpe",
    "buy_and_hold",
    "cagr",
    "calmar",
    "deflated_sharpe",
    "drawdowns",
    "expected_best_sharpe",
    "kurtosis",
    "max_drawdown",
    "min_track_record",
    "monthly",
    "probabilistic_sharpe",
    "probability_of_backtest_overfitting",
    "returns",
    "sharpe",
    "skewness",
    "sortino",
    "summary",
    "tail_ratio",
    "total_return",
    "volatility",
]
