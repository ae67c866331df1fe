"""RC-1: a moving-average cross on GOOG, traded by a loop of its own; our figures must be the published ones.

Source: backtesting.py, `backtesting/test/_test.py`, `test_compute_stats`, as told in our list of reference cases.
"""

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.backtest.made_runs import DAY_NS, make_fills, make_result

from trading_system.backtest.result import Result
from trading_system.backtest.statistics import Statistic, cagr, compounded, returns, summary, trading
from trading_system.backtest.trades import Trades, all_trades
from trading_system.market.columns import Floats
from trading_system.market.instruments import Instrument

GOOG = Instrument(
    venue="stocks",
    symbol="GOOG",
    base="GOOG",
    quote="USD",
    tick=Decimal("0.01"),
    lot=Decimal(1),
    min_lots=1,
    min_notional=Decimal(0),
)
DAYS = 252
"""Trading days a year on a stock exchange, as that engine counts them."""


def played(opens: list[float], closes: list[float]) -> tuple[list[float], list[tuple[int, float, int]]]:
    """Return equity at each close, and each fill as slice, price and signed shares.

    All in or all short where the average of 10 closes crosses that of 30; orders fill at the next open, the one that
    closes the old position first; what is held at the end is closed at the last bar's open.
    """
    cash, held, wish = 10_000.0, 0, 0
    path: list[float] = []
    fills: list[tuple[int, float, int]] = []

    def trade(i: int, shares: int) -> None:
        nonlocal cash, held
        cash, held = cash - shares * opens[i], held + shares
        fills.append((i, opens[i], shares))

    def above(i: int) -> int:
        fast, slow = sum(closes[i - 9 : i + 1]) / 10, sum(closes[i - 29 : i + 1]) / 30
        return (fast > slow) - (fast < slow)

    for i in range(len(opens)):
        if held and (wish or i == len(opens) - 1):
            trade(i, -held)
        if wish:
            trade(i, wish * math.floor(cash * (1 - 2**-52) / opens[i]))
        path.append(cash + held * closes[i])
        wish = above(i) if i >= 30 and above(i - 1) * above(i) == -1 else 0
    return path, fills


@dataclass(frozen=True, kw_only=True)
class Run:
    """The run as our types tell it."""

    result: Result
    trades: Trades
    equity: Floats
    moves: Floats
    told: dict[str, Statistic]
    fell: float
    years: float


@pytest.fixture(scope="module")
def run(shared_data: Path) -> Run:
    """The loop above over the published prices."""
    file = shared_data / "reference" / "GOOG.csv"
    if not file.is_file():
        pytest.skip(f"data: {file.name} is not there")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    closes = [float(row["Close"]) for row in rows]
    path, fills = played([float(row["Open"]) for row in rows], closes)
    days = [datetime.fromisoformat(row[""]).replace(tzinfo=UTC) for row in rows]
    result = make_result(
        [round(equity * 100_000_000) for equity in path],
        closes=[round(close * 100) for close in closes],
        close_ns=[int(day.timestamp()) * 1_000_000_000 + DAY_NS for day in days],
        fills=make_fills([(round(price * 100), n) for _, price, n in fills], slices=[i for i, *_ in fills]),
        instrument=GOOG,
    )
    told = {number.name: number for number in summary(result, first=29)}
    fell = told["max_drawdown"].value
    assert fell is not None
    return Run(
        result=result,
        trades=all_trades(result),
        equity=result.equity_atoms / 1e8,
        moves=returns(result.equity_atoms),
        told=told,
        fell=fell,
        years=(days[-1] - days[0]).days / 365.25,
    )


def test_equity_and_trades_are_the_published_ones(run: Run) -> None:
    """What the figures below are worked out from."""
    assert len(run.trades) == 66
    assert run.equity[-1] == pytest.approx(51_422.98999999996, rel=1e-12)
    assert run.equity.max() == pytest.approx(75_787.44, rel=1e-12)
    assert int(run.trades.pnl_atoms.sum()) == round(41_422.99 * 100_000_000)


PUBLISHED = {
    "total_return": 4.142298999999996,
    "cagr": 0.21160245705962623,
    "max_drawdown": 0.4798012705007589,
    "win_rate": 0.4696969696969697,
    "best_trade": 0.5359595229490424,
    "worst_trade": -0.1839887353835481,
    "average_trade": 0.032748078066748834,
    "kelly": 0.1518705127029717,
    "sqn": 1.0766187356697705,
    "held_return": 5.220601851851852,
}
"""What both engines define alike, by our names; their expectancy is our average trade."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_figure_of_the_summary_is_the_published_one(run: Run, name: str) -> None:
    """To eight digits."""
    assert run.told[name].value == pytest.approx(PUBLISHED[name], rel=1e-8)


def test_the_compounded_family_is_the_published_one(run: Run) -> None:
    """Those figures that grow a mean day's return to a year's, and those told by the trades' returns."""
    trades = run.trades
    worked_out = {
        "volatility": compounded.volatility(run.moves, DAYS),
        "sharpe": compounded.sharpe(run.moves, DAYS),
        "sortino": compounded.sortino(run.moves, DAYS),
        "calmar": compounded.calmar(run.moves, DAYS, run.fell),
        "cagr": cagr(10_000.0, float(run.equity[-1]), run.years),
        "exposure": compounded.exposure(trades.entry_slice, trades.exit_slice, len(run.equity)),
        "average trade": compounded.geometric_mean(trades.returns),
        "expectancy": trading.mean_of(trades.returns),
        "profit factor": trading.profit_factor(trades.returns),
    }
    published = {
        "volatility": 0.3649716090702389,
        "sharpe": 0.5806232244485349,
        "sortino": 1.0853434352488662,
        "calmar": 0.44166409202994605,
        "cagr": 0.21160245705962623,
        "exposure": 0.9674115456238361,
        "average trade": 0.02531715975158555,
        "expectancy": 0.032748078066748834,
        "profit factor": 2.167945974262033,
    }
    assert worked_out == pytest.approx(published, rel=1e-8)
