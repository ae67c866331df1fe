"""What a report needs to know of a run beyond the run itself, worked out in one place."""

from collections.abc import Sequence
from dataclasses import dataclass

from trading_system.backtest.result import Result
from trading_system.backtest.statistics.baseline import buy_and_hold, start_atoms
from trading_system.backtest.statistics.summary import Month, Statistic, monthly, summary
from trading_system.backtest.trades import all_trades
from trading_system.market.columns import Floats
from trading_system.market.money import ATOMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was worked out from a run.

    Attributes:
        statistics: All numbers, in the order in which they are shown.
        months: Returns of the calendar months.
        start: Equity before the first fill, quote units.
        held: (S,) equity of buying and holding from that start, quote units.
        trade_returns: (trips,) return of every round trip that ended, after costs, as a fraction.
    """

    statistics: Sequence[Statistic]
    months: Sequence[Month]
    start: float
    held: Floats
    trade_returns: Floats


def findings_of(result: Result, *, first: int = 0) -> Findings:
    """Return all that a report says of `result`, whose policy could decide from slice `first` on.

    Raises:
        DataError: The run has no bar.
    """
    trades = all_trades(result)
    return Findings(
        statistics=summary(result, first=first),
        months=monthly(result),
        start=start_atoms(result) / ATOMS,
        held=buy_and_hold(result, first=first),
        trade_returns=trades.where(~trades.open).returns,
    )
