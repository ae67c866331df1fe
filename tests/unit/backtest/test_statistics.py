"""Statistics beside their formulas, worked out by hand."""

import numpy as np
import pytest

from trading_system.backtest.statistics import max_drawdown, returns, sharpe
from trading_system.errors import DataError


def test_returns_are_relative_to_the_bar_before() -> None:
    """From 100 to 110 to 99."""
    assert returns(np.array([100, 110, 99])) == pytest.approx([0.1, -0.1])


def test_the_sharpe_ratio_is_mean_over_spread_a_year() -> None:
    """Returns 0.1, -0.1, 0.3: mean 0.1, deviations 0, -0.2, 0.2, variance 0.08 / 2, spread 0.2: 0.5 a bar, x 2."""
    equity = np.array([100_000, 110_000, 99_000, 128_700])
    assert sharpe(equity, bars_per_year=4.0) == pytest.approx(1.0)


@pytest.mark.parametrize("equity", [[100], [100, 110], [100, 100, 100]])
def test_without_any_spread_there_is_no_ratio(equity: list[int]) -> None:
    """Zero, not infinity."""
    assert sharpe(np.array(equity), bars_per_year=4.0) == 0.0


def test_a_drawdown_is_measured_from_the_peak_before_it() -> None:
    """From 200 to 50; what came after does not heal it."""
    assert max_drawdown(np.array([100, 200, 50, 400])) == 0.75


def test_an_account_that_lost_everything_has_no_returns() -> None:
    """The bar is named."""
    with pytest.raises(DataError, match="bar 2"):
        returns(np.array([100, 50, 0]))
