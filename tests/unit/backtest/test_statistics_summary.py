"""All statistics of a run at once: its periods, months, baseline and costs; and each is a number or a reason."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.backtest.made_runs import DAY_NS, START_NS, UNIT, make_fills, make_result

from trading_system.backtest.result import Result
from trading_system.backtest.statistics import (
    FORMULAS,
    Facts,
    Statistic,
    buy_and_hold,
    monthly,
    probabilistic_sharpe,
    summary,
)
from trading_system.backtest.statistics.page import markdown
from trading_system.errors import DataError

DOCS = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"
HOUR_NS = DAY_NS // 24


def told(result: Result, *, first: int = 0) -> dict[str, Statistic]:
    """Return the summary by name."""
    return {number.name: number for number in summary(result, first=first)}


def units(*amounts: float) -> list[int]:
    """Return amounts of the quote currency in atoms."""
    return [round(amount * UNIT) for amount in amounts]


def test_bars_shorter_than_a_day_are_told_by_utc_days() -> None:
    """Hourly closes from 01:00 on: the close at midnight ends the first day, and the last day is a part of one.

    100 at the start, 110 at midnight, 121 at the next, 121 an hour later: two returns of a tenth, and one of nothing.
    """
    hours = 49
    path = np.full(hours, 100.0)
    path[23:47], path[47:] = 110.0, 121.0
    facts = Facts(make_result(np.rint(path * UNIT), interval_ns=HOUR_NS))
    assert facts.points.tolist() == [100.0, 110.0, 121.0, 121.0]
    assert facts.returns == pytest.approx([0.1, 0.1, 0.0])
    assert facts.years == pytest.approx(48 / 24 / 365.25)
    assert facts.per_year == pytest.approx(3 / facts.years)


def test_bars_of_a_day_and_longer_are_their_own_periods() -> None:
    """Seven days a bar: as many periods as bars, 52.18 a year."""
    facts = Facts(make_result(units(100, 110, 121), interval_ns=7 * DAY_NS))
    assert facts.returns == pytest.approx([0.1, 0.1])
    assert facts.per_year == pytest.approx(365.25 / 7)


def test_the_sharpe_ratio_of_a_run_counts_its_own_periods_a_year() -> None:
    """Daily returns 0.1, -0.1, 0.3: a ratio of 0.5 a day."""
    number = told(make_result(units(100, 110, 99, 128.7)))["sharpe"]
    assert number.value == pytest.approx(0.5 * math.sqrt(365.25))
    assert "√(periods a year)" in number.formula


def test_drawdowns_are_told_in_bars_and_in_time() -> None:
    """From 200 on day 2 back to 200 on day 5, of daily bars."""
    numbers = told(make_result(units(100, 200, 150, 180, 200, 210)))
    assert numbers["max_drawdown"].value == 0.25
    assert (numbers["max_drawdown_bars"].value, numbers["max_drawdown_s"].value) == (3, 3 * 86_400.0)
    assert (numbers["longest_underwater_bars"].value, numbers["longest_underwater_s"].value) == (3, 3 * 86_400.0)


def test_months_end_at_midnight_utc_and_the_first_and_last_may_be_parts() -> None:
    """Daily closes from 2 January 2024 (the end of the 1st) on; 31 closes are January, 29 February, and 2 of March."""
    path = [100.0] * 30 + [120.0] + [120.0] * 28 + [90.0] + [99.0] * 2
    months = monthly(make_result(units(*path)))
    assert [(year, month) for year, month, _ in months] == [(2024, 1), (2024, 2), (2024, 3)]
    assert [value for *_, value in months] == pytest.approx([0.2, -0.25, 0.1])


def test_a_year_without_december_bars_has_no_december() -> None:
    """A bar in November and one in January: the return between them is January's."""
    november, january = START_NS - 40 * DAY_NS, START_NS + 5 * DAY_NS
    months = monthly(make_result(units(100, 150), close_ns=[november, january]))
    assert [(year, month) for year, month, _ in months] == [(2023, 11), (2024, 1)]
    assert [value for *_, value in months] == pytest.approx([0.0, 0.5])


def test_after_everything_is_lost_there_are_no_more_months() -> None:
    """Nothing can be earned on nothing."""
    path = [100.0] * 30 + [0.0] + [0.0] * 29
    assert [month for _, month, _ in monthly(make_result(units(*path)))] == [1]


def test_buying_and_holding_follows_the_price_from_the_first_decision() -> None:
    """1,000 in cash until bar 1, then as the price: 200 to 300 to 100."""
    held = buy_and_hold(make_result(units(1_000, 1_000, 1_000, 1_000), closes=[100, 200, 300, 100]), first=1)
    assert held.tolist() == [1_000.0, 1_000.0, 1_500.0, 500.0]


def test_two_instruments_are_held_in_equal_parts_each_from_its_first_bar() -> None:
    """500 each: A doubles and halves, B is cash until its first bar at the third close and then gains a half."""
    a = make_result(units(1_000, 1_000, 1_000, 1_000), closes=[100, 200, 100, 100])
    b = make_result(units(1, 1), closes=[40, 60], close_ns=a.close_ns[2:])
    both = replace(a, traded=(a.traded[0], b.traded[0]))
    assert buy_and_hold(both).tolist() == [1_000.0, 1_500.0, 1_000.0, 1_250.0]


def test_buying_and_holding_pays_what_the_run_paid_on_average() -> None:
    """2 units at 100 with a fee of 8 units: 4 % of what was traded; 1,040 buy what is worth 1,000, at both bars."""
    fills = make_fills([(100, 2)], slices=[1], fees=[8 * UNIT])
    result = make_result(units(1_040, 1_032), closes=[100, 100], fills=fills)
    assert buy_and_hold(result) == pytest.approx([1_000.0, 1_000.0])
    assert buy_and_hold(result, cost=0.0) == pytest.approx([1_040.0, 1_040.0])


def test_a_fill_at_the_first_close_is_part_of_the_run() -> None:
    """At the close of bar 0, 100, 2 units were bought at 103 for a fee of 1: the account had 1,007 before that."""
    fills = make_fills([(103, 2)], slices=[0], fees=[UNIT])
    result = make_result(units(1_000, 1_007), fills=fills)
    assert Facts(result).equity.tolist() == [1_007.0, 1_007.0]
    assert told(result)["total_return"].value == 0.0


def test_costs_are_told_in_money_and_of_the_start() -> None:
    """2 units bought at 103 where the bar said 100 and half the spread was 1, with 3 % of a unit (at 103) as fee."""
    fills = make_fills([(103, 2)], slices=[1], references=[100], spreads=[1], fees=[3 * UNIT // 100], in_base=[1])
    numbers = told(make_result(units(1_000, 990, 995), fills=fills))
    assert numbers["fees"].value == pytest.approx(3.09)
    assert numbers["spread"].value == pytest.approx(2.0)
    assert numbers["slippage"].value == pytest.approx(4.0)
    assert numbers["fees_of_start"].value == pytest.approx(0.00309)
    assert numbers["turnover"].value == pytest.approx(206.0 / 995.0 / (2 / 365.25))


def test_exposure_is_counted_at_the_closes() -> None:
    """Of four bars two with a position, worth a half and a quarter of equity; what was bought in one and sold in the
    next is held at one close."""
    fills = make_fills([(50, 1), (25, -1)], slices=[1, 3])
    numbers = told(make_result(units(100, 100, 100, 100), gross=units(0, 50, 25, 0), fills=fills))
    assert numbers["exposure"].value == 0.5
    assert numbers["gross_exposure"].value == pytest.approx(0.1875)


def test_an_open_trade_is_counted_apart() -> None:
    """One ended with 20 won on 100, one is open."""
    fills = make_fills([(100, 1), (120, -1), (100, 1)], slices=[0, 1, 2])
    numbers = told(make_result(units(1_000, 1_020, 1_020), closes=[100, 120, 100], fills=fills))
    assert (numbers["trades"].value, numbers["open_trades"].value) == (1, 1)
    assert (numbers["expectancy"].value, numbers["average_trade"].value) == (20.0, 0.2)


WALK = np.rint(np.cumprod(1.0 + np.random.default_rng(2).normal(0.002, 0.02, 400)) * 1_000 * UNIT).astype(np.int64)


def test_a_single_run_is_not_deflated() -> None:
    """The deflated ratio is the probabilistic one, and there is no probability of overfitting."""
    numbers = told(make_result(WALK))
    assert numbers["deflated_sharpe"].value == numbers["probabilistic_sharpe"].value
    assert (numbers["pbo"].value, numbers["pbo"].why) == (None, "there was no choice among trials")


def test_the_best_of_a_sweep_is_deflated_by_its_trials() -> None:
    """Ratios per bar are those of a period where bars are days: 0.1 either way among 50."""
    ratios = np.resize([-0.1, 0.1], 50)
    numbers = told(make_result(WALK, trials=50, trial_sharpes=ratios, pbo=0.25))
    facts = Facts(make_result(WALK))
    variance = float(np.var(ratios, ddof=1))
    zed = 0.4227843350984671 * 2.0537489106318225 + 0.5772156649015329 * 2.4413  # quantiles at 0.98 and 1 - 1/(50 e)
    moves = facts.returns
    spread = moves - moves.mean()
    skew, kurt = (float((spread**p).mean() / (spread**2).mean() ** (p / 2)) for p in (3, 4))
    expected = probabilistic_sharpe(facts.sharpe, math.sqrt(variance) * zed, len(moves), skew, kurt)
    assert numbers["deflated_sharpe"].value == pytest.approx(expected, abs=1e-3)
    assert (numbers["pbo"].value, numbers["trials"].value) == (0.25, 50)


def test_ratios_of_trials_are_brought_from_bars_to_periods() -> None:
    """240 hourly bars after the first make ten days: the root of 24 times the ratio of an hour."""
    path = np.rint((1_000 + np.cumsum(np.random.default_rng(4).normal(0, 1, 241))) * UNIT)
    facts = Facts(
        make_result(
            path, interval_ns=HOUR_NS, close_ns=START_NS + HOUR_NS * np.arange(241), trial_sharpes=np.array([0.5])
        )
    )
    assert len(facts.returns) == 10
    assert facts.trial_sharpes == pytest.approx([0.5 * math.sqrt(24)])


def test_the_interval_holds_the_ratio_and_depends_on_the_seed_alone() -> None:
    """Two runs of the same inputs give the same bytes."""
    first, again, other = told(make_result(WALK)), told(make_result(WALK)), told(make_result(WALK, seed=8))
    low, high, ratio = (first[name].value for name in ("sharpe_low", "sharpe_high", "sharpe"))
    assert low is not None
    assert high is not None
    assert ratio is not None
    assert low < ratio < high
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("path", "name", "reason"),
    [
        ([100], "sharpe", "no length"),
        ([100], "cagr", "no length"),
        ([100, 100, 100], "sharpe", "no return differs"),
        ([100, 50, 0], "sharpe", "equity is not positive at bar 2"),
        ([100, 50, -10], "cagr", "not positive"),
        ([100, 110], "calmar", "never fell"),
        ([100, 110], "win_rate", "no trade has ended"),
    ],
)
def test_what_cannot_be_said_is_none_with_the_reason(path: list[int], name: str, reason: str) -> None:
    """In words that a trader understands."""
    number = told(make_result(units(*path)))[name]
    assert number.value is None
    assert reason in str(number.why)


def test_a_run_without_bars_has_no_statistics() -> None:
    """There is nothing to say about it."""
    with pytest.raises(DataError, match="no bar"):
        summary(make_result([]))


@given(
    path=st.lists(st.integers(-(10**6), 10**14), min_size=1, max_size=30),
    interval_ns=st.sampled_from([HOUR_NS, DAY_NS, 7 * DAY_NS]),
    trials=st.integers(1, 3),
)
def test_no_number_is_ever_nan_or_infinite(path: list[int], interval_ns: int, trials: int) -> None:
    """Whatever became of the account, each statistic is a finite number, or None with a reason."""
    for number in summary(make_result(path, interval_ns=interval_ns, trials=trials)):
        if number.value is None:
            assert number.why, number.name
        else:
            assert math.isfinite(number.value), number.name
            assert number.why is None


def test_every_formula_has_its_own_name_and_says_what_it_is() -> None:
    """Keys are lower snake and stand once; labels are for people."""
    names = [formula.name for formula in FORMULAS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)
    assert all(formula.label and formula.formula for formula in FORMULAS)
    assert {formula.unit for formula in FORMULAS} <= {"fraction", "ratio", "quote", "s", "bars", "count", "years"}


def test_the_documentation_holds_the_table() -> None:
    """After a change, put `markdown()` of `backtest/statistics/page.py` in the place of the table in the docs."""
    assert markdown() in DOCS.read_text(encoding="utf-8")
