"""What a path of equity and a list of trades say, worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.backtest.statistics import compounded, drawdowns, equity, max_drawdown, returns, trading
from trading_system.errors import DataError
from trading_system.market.columns import Floats

MOVES = np.array([0.1, -0.1, 0.3])
"""Mean 0.1, deviations 0, -0.2, 0.2: variance 0.08 / 2, spread 0.2."""


def test_returns_are_relative_to_the_bar_before() -> None:
    """From 100 to 110 to 99."""
    assert returns(np.array([100, 110, 99])) == pytest.approx([0.1, -0.1])


def test_an_account_that_lost_everything_has_no_returns() -> None:
    """The bar is named."""
    with pytest.raises(DataError, match="bar 2"):
        returns(np.array([100, 50, 0]))


def test_volatility_and_sharpe_grow_with_the_root_of_time() -> None:
    """Four periods a year: twice the spread, and twice the ratio of 0.5."""
    assert equity.volatility(MOVES, 4.0) == pytest.approx(0.4)
    assert equity.sharpe(MOVES, 4.0) == pytest.approx(1.0)


def test_sortino_counts_only_falls_as_risk() -> None:
    """Mean 0.1 over the root of 0.01 / 3, times 2."""
    assert equity.sortino(MOVES, 4.0) == pytest.approx(0.1 / (0.01 / 3) ** 0.5 * 2.0)


def test_growth_a_year_is_that_which_compounds_to_the_whole() -> None:
    """A tenth a year makes 1.21 of 1 in two years, and the root of 1.1 in half a year."""
    assert equity.cagr(100.0, 121.0, 2.0) == pytest.approx(0.1)
    assert equity.cagr(100.0, 110.0, 0.5) == pytest.approx(0.21)


def test_skewness_and_kurtosis_are_ratios_of_moments() -> None:
    """0, 0, 0, 4: mean 1, second moment 3, third (-1 - 1 - 1 + 27) / 4 = 6, fourth (3 + 81) / 4 = 21."""
    moves = np.array([0.0, 0.0, 0.0, 4.0])
    assert equity.skewness(moves) == pytest.approx(6 / 3**1.5)
    assert equity.kurtosis(moves) == pytest.approx(21 / 9)


def test_the_tail_ratio_compares_the_best_returns_with_the_worst() -> None:
    """Of -20 ... 20 in 41 steps the 5th percentile is -18; with all gains doubled the 95th is 36."""
    moves = np.arange(-20.0, 21.0)
    assert equity.tail_ratio(moves) == pytest.approx(1.0)
    assert equity.tail_ratio(np.where(moves > 0, 2 * moves, moves)) == pytest.approx(2.0)


STILL: Floats = np.array([0.01, 0.01, 0.01])


@pytest.mark.parametrize(
    ("work_out", "reason"),
    [
        (lambda: equity.sharpe(STILL, 4.0), "no return differs"),
        (lambda: equity.volatility(STILL[:1], 4.0), "at least 2"),
        (lambda: equity.kurtosis(STILL), "no return differs"),
        (lambda: equity.sortino(STILL, 4.0), "no period lost"),
        (lambda: equity.sortino(STILL[:0], 4.0), "no returns"),
        (lambda: equity.tail_ratio(np.zeros(3)), "percentile of returns is zero"),
        (lambda: equity.calmar(0.1, 0.0), "never fell"),
        (lambda: equity.cagr(0.0, 1.0, 1.0), "not positive"),
        (lambda: equity.cagr(1.0, 2.0, 0.001), "shorter than a day"),
        (lambda: equity.cagr(1.0, 1e9, 0.01), "too large"),
        (lambda: equity.total_return(np.array([0, 1])), "at the start"),
        (lambda: max_drawdown(np.array([0, 1])), "at the start"),
        (lambda: trading.win_rate(STILL[:0]), "no trade has ended"),
        (lambda: trading.profit_factor(np.array([1, 2])), "no trade lost"),
        (lambda: trading.kelly(np.array([1, 2])), "no trade lost"),
        (lambda: trading.kelly(np.array([-1, -2])), "no trade won"),
        (lambda: trading.system_quality(np.array([3])), "no trade differs"),
        (lambda: trading.turnover(1.0, STILL, 0.0), "no length"),
        (lambda: trading.gross_exposure(np.array([1, 1]), np.array([1, 0])), "bar 1"),
        (lambda: compounded.geometric_mean(np.array([0.5, -1.0])), "everything was lost"),
    ],
)
def test_where_there_is_no_number_the_reason_is_told(work_out: Callable[[], float], reason: str) -> None:
    """Neither zero, nor infinity, nor NaN."""
    with pytest.raises(DataError, match=reason):
        work_out()


def test_a_drawdown_is_measured_from_the_peak_before_it() -> None:
    """From 200 to 50; what came after does not heal it."""
    assert max_drawdown(np.array([100, 200, 50, 400])) == 0.75


@pytest.mark.parametrize(
    ("path", "deepest", "longest"),
    [
        ([100, 200, 50, 150, 200, 90, 210], (1, 4), (1, 4)),  # back at the peak itself is back
        ([100, 50, 100, 90, 95, 99, 100], (0, 2), (2, 6)),  # the deepest is not the longest
        ([100, 100, 90, 80], (1, 3), (1, 3)),  # never came back; counted from the last bar at the peak
        ([100, 90, 100, 99], (0, 2), (0, 2)),  # the last bar is under water, and shorter
        ([100, 90], (0, 1), (0, 1)),
        ([100, 110, 110], (0, 0), (0, 0)),  # never fell
        ([100], (0, 0), (0, 0)),
    ],
)
def test_a_drawdown_lasts_from_its_peak_until_equity_is_back(
    path: list[int], deepest: tuple[int, int], longest: tuple[int, int]
) -> None:
    """Peak and end of the deepest fall, and of the longest."""
    fall = drawdowns(np.array(path))
    assert (fall.peak, fall.end) == deepest
    assert (fall.longest_peak, fall.longest_end) == longest


@given(path=st.lists(st.integers(1, 1_000), min_size=1, max_size=50))
def test_drawdowns_are_those_of_a_plain_loop(path: list[int]) -> None:
    """The deepest fall, and the longest stretch between a bar at a peak and the next or the end."""
    peak, peak_at, deepest, longest = 0, 0, 0.0, 0
    for i, value in enumerate(path):
        if value >= peak:
            longest = max(longest, i - peak_at if i - peak_at > 1 else 0)
            peak, peak_at = value, i
        deepest = max(deepest, 1.0 - value / peak)
    longest = max(longest, len(path) - 1 - peak_at)
    fall = drawdowns(np.array(path))
    assert fall.deepest == pytest.approx(deepest)
    assert fall.longest_end - fall.longest_peak == longest


PNL = np.array([30, -10, 10, -20, 0])
"""Two of five won 40, two lost 30, one broke even: W = 0.4, payoff 20 / 15, mean 2, squared deviations 1,480."""


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (trading.win_rate, 0.4),
        (trading.profit_factor, 40 / 30),
        (trading.payoff, 20 / 15),
        (trading.mean_of, 2.0),
        (trading.best_of, 30.0),
        (trading.worst_of, -20.0),
        (trading.kelly, 0.4 - 0.6 / (20 / 15)),
        (trading.system_quality, 5**0.5 * 2.0 / (1_480 / 4) ** 0.5),
    ],
)
def test_a_figure_of_trades_is_that_worked_out_by_hand(figure: Callable[[Floats], float], expected: float) -> None:
    """From the five above."""
    assert figure(PNL.astype(np.float64)) == pytest.approx(expected)


def test_turnover_counts_what_was_bought_and_what_was_sold() -> None:
    """400 traded on 100 of equity in half a year: eight times a year."""
    assert trading.turnover(400.0, np.array([90, 110]), 0.5) == pytest.approx(8.0)


def test_a_compounded_volatility_of_one_period_is_the_plain_one() -> None:
    """Over one period, (var + g^2) - g^2 is the variance."""
    assert compounded.volatility(MOVES, 1.0) == pytest.approx(0.2)
