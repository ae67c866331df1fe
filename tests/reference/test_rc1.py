"""RC-1: a moving-average cross on GOOG, always in, all in: equity, trades and every figure as published.

Source: backtesting.py, `backtesting/test/_test.py`, `test_compute_stats`; formulas of `backtesting/_stats.py`.
"""

from datetime import UTC, datetime

import numpy as np
import pytest
from tests.reference.running import ALWAYS_IN, FREE, Ran, backtest, published

from trading_system.backtest.statistics import compounded, trading

pytestmark = pytest.mark.slow

DAYS = 252
"""Trading days a year on a stock exchange, as that engine counts them."""


@pytest.fixture(scope="module")
def ran(shared_data, tmp_path_factory) -> Ran:
    """Orders of a close fill at the next open, the closing one first; the last bar's open closes what is held."""
    return backtest(
        tmp_path_factory.mktemp("rc1") / "run",
        f"GOOG={published(shared_data, 'GOOG.csv')}",
        "sma_cross",
        FREE
        | {"fast": 10, "slow": 30, "wait_for_cross": "yes", "atr": 1}
        | {"share": 1 - 2**-52, "lot": 1, "tick": "0.01", "cash": 10_000}
        | {"short": "allowed", "finish": "last_open"},
        "--policy",
        str(ALWAYS_IN),
    )


def test_trades_and_equity_are_the_published_ones(ran):
    """66 trades, 51,422.99 at the end, 75,787.44 at best; bought and held from the first tradable bar 522.06 %."""
    assert (ran.told["trades"], ran.told["fills"], ran.told["counts"]["orders"]) == (66, 132, 132)
    assert ran.end == pytest.approx(51_422.98999999996, rel=1e-12)
    assert ran.path.max() == pytest.approx(75_787.44, rel=1e-12)


PUBLISHED = {
    "total_return": 4.142298999999996,
    "held_return": 5.220601851851852,
    "cagr": 0.21160245705962623,
    "max_drawdown": 0.4798012705007589,
    "win_rate": 0.4696969696969697,
    "best_trade": 0.5359595229490424,
    "worst_trade": -0.1839887353835481,
    "average_trade": 0.032748078066748834,
    "kelly": 0.1518705127029717,
    "sqn": 1.0766187356697705,
}
"""What both engines define alike, by our names; their expectancy is our average trade."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_statistic_that_is_told_is_the_published_one(ran, name):
    """To eight digits."""
    assert ran.told["statistics"][name] == pytest.approx(PUBLISHED[name], rel=1e-8)


def test_the_compounded_family_worked_out_from_the_folder_is_the_published_one(ran):
    """Figures that grow a mean day's return to a year's, and those of the trades' returns: from the two tables."""
    moves = np.diff(ran.path) / ran.path[:-1]
    entry, exit_, lots = ran.slices[0::2], ran.slices[1::2], ran.lots[0::2]
    price = ran.fills["price_ticks"].to_numpy().astype(np.float64)
    made = np.sign(lots) * (price[1::2] / price[0::2] - 1.0)
    first, last = (datetime.fromtimestamp(int(t) / 1e9, UTC) for t in ran.equity["time_ns"].gather([0, -1]))
    worked_out = {
        "volatility": compounded.volatility(moves, DAYS),
        "sharpe": compounded.sharpe(moves, DAYS),
        "sortino": compounded.sortino(moves, DAYS),
        "calmar": compounded.calmar(moves, DAYS, float(ran.equity["drawdown"].to_numpy().max())),
        "cagr": (ran.end / 10_000.0) ** (365.25 / (last - first).days) - 1.0,
        "exposure": compounded.exposure(entry, exit_, len(ran.path)),
        "average trade": compounded.geometric_mean(made),
        "expectancy": trading.mean_of(made),
        "profit factor": trading.profit_factor(made),
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
