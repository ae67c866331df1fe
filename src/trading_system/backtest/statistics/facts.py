"""What the formulas draw on, worked out from a run when first asked for."""

import math
from functools import cached_property
from typing import Final

import numpy as np

from trading_system.backtest.result import Result
from trading_system.backtest.statistics.baseline import buy_and_hold, by_symbol, costs, curve
from trading_system.backtest.statistics.certainty import bootstrap_sharpe
from trading_system.backtest.statistics.drawdown import Drawdowns, drawdowns
from trading_system.backtest.statistics.equity import returns, sharpe, spread_of
from trading_system.backtest.trades import Trades, all_trades
from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints
from trading_system.market.money import ATOMS

DAY_NS: Final = 86_400_000_000_000
YEAR_NS: Final = 365.25 * DAY_NS


def ends_of_days(close_ns: Ints) -> Ints:
    """Return the index of the last close of each UTC day; a close at midnight ends the day before."""
    days = (close_ns - 1) // DAY_NS
    return np.append(np.flatnonzero(days[1:] != days[:-1]), len(days) - 1)


class Facts:
    """A run, seen by its formulas; each attribute is worked out once. Money is in quote units.

    Periods are UTC days where bars are shorter than a day, else bars: to grow a minute's returns to a year's would
    suppose half a million of them without memory, and take the noise between bid and ask for risk.
    """

    def __init__(self, result: Result, *, first: int = 0) -> None:
        """Take `result`, whose policy could decide from slice `first` on.

        Raises:
            DataError: The run has no bar.
        """
        if not len(result.close_ns):
            raise DataError("the run has no bar")
        self.result = result
        self.first = first

    @cached_property
    def equity(self) -> Floats:
        """(S,) equity at each close; the first is what the account had before its first fill."""
        return curve(self.result)

    @cached_property
    def gross(self) -> Floats:
        """(S,) absolute worth of all positions at each close."""
        gross: Floats = self.result.gross_atoms / ATOMS
        return gross

    @cached_property
    def points(self) -> Floats:
        """(P + 1,) equity at the start and at the end of each period."""
        if self.result.interval_ns >= DAY_NS or len(self.equity) == 1:
            return self.equity
        return np.append(self.equity[:1], self.equity[1:][ends_of_days(self.result.close_ns[1:])])

    @cached_property
    def returns(self) -> Floats:
        """(P,) return of each period."""
        return returns(self.points)

    @cached_property
    def years(self) -> float:
        """From the first close to the last, years of 365.25 days, > 0."""
        span = int(self.result.close_ns[-1] - self.result.close_ns[0])
        if span <= 0:
            raise DataError("a single bar has no length")
        return span / YEAR_NS

    @cached_property
    def per_year(self) -> float:
        """Periods a year, as the run had them: some 365 where the market never sleeps, 252 on a stock exchange."""
        return len(self.returns) / self.years

    @cached_property
    def sharpe(self) -> float:
        """Sharpe ratio of one period."""
        return sharpe(self.returns, 1.0)

    @cached_property
    def trial_sharpes(self) -> Floats:
        """(N,) the trials' ratios, told per bar, of one period: times the square root of its bars."""
        spread_of(self.returns)
        bars = (len(self.equity) - 1) / len(self.returns)
        return self.result.trial_sharpes * math.sqrt(bars)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Bootstrap interval of the annualized Sharpe ratio."""
        return bootstrap_sharpe(self.returns, self.per_year, seed=self.result.seed)

    @cached_property
    def falls(self) -> Drawdowns:
        """The deepest and the longest drawdown, bar by bar."""
        return drawdowns(self.equity)

    @cached_property
    def held(self) -> Floats:
        """(S,) equity of buying and holding."""
        return buy_and_hold(self.result, first=self.first)

    @cached_property
    def trades(self) -> Trades:
        """All trades, open ones included."""
        return all_trades(self.result)

    @cached_property
    def closed(self) -> Trades:
        """The trades that ended."""
        return self.trades.where(~self.trades.open)

    @cached_property
    def ends(self) -> Ints:
        """(N,) slice in which each of `trades` ended; behind the last one where it has not."""
        return np.where(self.trades.open, len(self.equity), self.trades.exit_slice)

    @cached_property
    def costs(self) -> tuple[float, float, float, float]:
        """Fees, spread and slippage of all fills, and what the fills were worth."""
        traded = by_symbol(self.result)
        parts = [
            costs(self.result.fills, sleeve, traded[symbol].instrument)
            for sleeve, (_, symbol) in enumerate(self.result.sleeves)
        ]
        fees, spread, slippage, worth = (float(sum(column)) for column in zip(*parts, strict=True))
        return fees, spread, slippage, worth

    def seconds(self, first: int, last: int) -> float:
        """Return the time from the close of slice `first` to that of slice `last`, s."""
        return int(self.result.close_ns[last] - self.result.close_ns[first]) / 1e9

    def of_start(self, amount: float) -> float:
        """Return `amount` as a fraction of the equity at the start."""
        if self.equity[0] <= 0.0:
            raise DataError("equity was not positive at the start")
        return amount / float(self.equity[0])
