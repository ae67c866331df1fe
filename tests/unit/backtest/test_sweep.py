"""A sweep: many policies in one pass, each as if it were run alone; and the combinations that it is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.backtest.asked import Asked
from trading_system.backtest.run import make_setup, run
from trading_system.backtest.sweep import STRETCH, samples, sweep
from trading_system.backtest.tape import Beliefs, Tape
from trading_system.backtest.trials import combinations, returns_of, sharpes_of, values_of
from trading_system.blotter.state import Policy, Terms
from trading_system.errors import ConfigurationError
from trading_system.execution_engine.simulator.costs import Costs

HOUR_NS = 3_600_000_000_000
POLICY = Policy(
    kelly_share=0.25,
    kelly_cap=0.02,
    max_exposure=0.9,
    enter_above=0.56,
    leave_below=0.48,
    round_trip_cost=0.0008,
    atr_stop=3.0,
    stop_step=0.5,
    stop_slack=0.02,
    cash_buffer=0.005,
    max_drawdown=0.5,
)
SETUP = make_setup(
    cash_atoms=100_000 * 10**8,
    terms=[Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=5 * 10**8)],
    costs=[Costs(taker_fee=20_000, maker_fee=10_000, slip=5_000)],
    instrument=[0],
    policies=[POLICY],
)


def history(slices: int) -> tuple[Tape, Beliefs]:
    """A seeded random walk of hours, and views that are a little better than chance."""
    rng = np.random.default_rng(11)
    moves = rng.normal(0.0, 0.004, slices)
    close = (4_000_000 * np.exp(np.cumsum(moves))).astype(np.int64)
    open_ = np.concatenate([[4_000_000], close[:-1]])
    high = (np.maximum(open_, close) * 1.001).astype(np.int64)
    low = (np.minimum(open_, close) * 0.999).astype(np.int64)
    ahead = np.concatenate([moves[1:], [0.0]])
    odds = np.clip(0.5 + 5.0 * ahead + rng.normal(0.0, 0.05, slices), 0.0, 1.0)
    table = [column[:, None] for column in (open_, high, low, close, np.full(slices, 10**12))]
    tape = Tape(HOUR_NS * np.arange(1, slices + 1), *table, (close * 0.004)[:, None], np.empty(0, dtype=np.int64))
    even = np.full((slices, 1), 0.004)
    return tape, Beliefs(odds[:, None], even, even)


@pytest.mark.slow
def test_every_policy_of_a_sweep_comes_to_what_it_comes_to_alone():
    """Over several stretches, with more policies than cores, to the last atom."""
    tape, beliefs = history(2 * STRETCH + 100)
    policies = np.array([[POLICY._replace(atr_stop=1.0 + n, stop_mode=float(n % 3))] for n in range(5)], dtype=float)
    swept = sweep(tape, beliefs, SETUP, policies, workers=2)
    for n, policy in enumerate(policies):
        alone = run(tape, beliefs, SETUP._replace(policies=policy))
        assert swept.equity_atoms[n].tolist() == alone.equity_atoms[swept.sampled].tolist()
        assert (swept.fills[n], swept.orders[n]) == (len(alone.fills), len(alone.orders))
    assert len({tuple(path) for path in swept.equity_atoms.tolist()}) == len(policies)


def test_equity_is_kept_at_the_end_of_each_day():
    """A close at midnight ends its day; 70 days of hours and a half: the last slice ends the half."""
    closes = HOUR_NS * np.arange(1, 70 * 24 + 13)
    assert samples(closes).tolist() == [*range(23, 70 * 24, 24), 70 * 24 + 11]


def test_equity_of_a_few_days_is_kept_oftener():
    """59 days would say little: every bar is kept then, or every n-th of very many; the last one always."""
    assert samples(HOUR_NS * np.arange(1, 59 * 24 + 1)).tolist() == list(range(59 * 24))
    minutes = samples(HOUR_NS // 60 * np.arange(1, 10_001))
    assert (minutes[0], minutes[-1], len(minutes)) == (1, 9_999, 5_000)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5..9:2", ("5", "7", "9")),
        ("5..10:2", ("5", "7", "9")),
        ("-1..1", ("-1", "0", "1")),
        ("0.1..0.3:0.1", ("0.1", "0.2", "0.3")),
        ("100..300:100", ("100", "200", "300")),
        ("next_open, close", ("next_open", "close")),
        ("14", ("14",)),
    ],
)
def test_a_range_names_its_values_exactly(text, values):
    """Both ends belong to it; steps are decimal, so that no value is a hair off."""
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["9..5", "1..2:0", "1..2:-1", "0..1:0.0000001"])
def test_a_range_that_names_nothing_or_too_much_is_refused(text):
    """It says how one is written, or how many trials there may be."""
    with pytest.raises(ConfigurationError, match=r"rising|trials"):
        values_of(text)


def test_all_combinations_are_tried_once():
    """Two names with two values each make four trials; what has one value is no range."""
    asked = Asked(sets=(("fast", "5,10"), ("atr", "14"), ("stop", "fixed,none")))
    names, rows = combinations(asked)
    assert names == ("fast", "stop")
    assert rows == [("5", "fixed"), ("5", "none"), ("10", "fixed"), ("10", "none")]


@pytest.mark.parametrize("sets", [(("atr", "14"),), (("fast", "1..200"), ("slow", "201..400"))])
def test_no_range_or_too_many_trials_are_refused(sets):
    """40,000 is more than anybody should believe in."""
    with pytest.raises(ConfigurationError, match=r"needs a range|40,000 trials"):
        combinations(Asked(sets=sets))


@given(
    st.lists(st.lists(st.integers(1, 10**6), min_size=3, max_size=3), min_size=1, max_size=4),
)
def test_sharpe_ratios_are_those_of_each_row(paths):
    """Mean over sample deviation of the two returns; by hand for each row."""
    ratios = sharpes_of(returns_of(np.array(paths, dtype=float)))
    for ratio, (a, b, c) in zip(ratios, paths, strict=True):
        first, second = b / a - 1.0, c / b - 1.0
        spread = abs(first - second) / 2**0.5
        expected = (first + second) / 2 / spread if spread > 1e-12 else 0.0
        assert ratio == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_an_account_with_nothing_left_makes_nothing_any_more():
    """From 100 to 0 is a loss of all; from there every return is 0."""
    assert returns_of(np.array([[100.0, 0.0, 0.0]])).tolist() == [[-1.0, 0.0]]
