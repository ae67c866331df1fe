"""From a belief to whole lots."""

import math

import pytest
from tests.unit.desk.numbers import POLICY, SURE, TERMS, make_account, make_bar

from trading_system.blotter.state import SIZE_AT_FILL, SIZE_FRACTION, SIZE_LOTS, SIZE_QUOTE, STOP_ABSENT, Account
from trading_system.risk_management.exposure import MAX_ATOMS
from trading_system.risk_management.position_sizing.sizing import Wish, invested, sized, whole_lots
from trading_system.risk_management.review import openable


@pytest.mark.parametrize(
    ("amount", "lots"),
    [
        (999.9, 0),
        (1_000.0, 1),
        (1_999.9, 1),
        (0.0, 0),
        (-5e9, 0),
        (math.nan, 0),
        (math.inf, MAX_ATOMS),
        (1e300, MAX_ATOMS),
    ],
)
def test_only_whole_lots_fit_in_an_amount(amount: float, lots: int) -> None:
    """A lot is worth 1,000 here; what is no number fits nothing, what has no end is cut."""
    assert whole_lots(amount, 1_000) == lots


def test_each_limit_leaves_no_more_than_the_one_before() -> None:
    """A quarter of a million at a stop 10 % away: 2,500 lots; half of equity: 500; of 400,000 free at 1,250: 320.

    All positions together may be as large as equity: 600,000 are promised already, so 400 lots are left of the 500.
    """
    account = make_account(reserved=600_000)
    wish = sized(account, TERMS, make_bar(), SURE, POLICY, 1e6, 900)
    assert wish == Wish(stake=0.25, wanted_lots=2_500, allowed_lots=500, gross_lots=400, lots=320)


@pytest.mark.parametrize("equity", [0.0, -1.0, math.nan])
def test_nothing_is_wished_for_without_equity(equity: float) -> None:
    """The stake itself is still told."""
    wish = sized(make_account(), TERMS, make_bar(), SURE, POLICY, equity, 900)
    assert wish == Wish(stake=0.25, wanted_lots=0, allowed_lots=0, gross_lots=0, lots=0)


@pytest.mark.parametrize(("cost", "enough"), [(0.0, True), (0.01, False), (2.0, False)])
def test_what_the_fee_leaves_of_an_entry_must_be_enough_to_be_protected(cost: float, enough: bool) -> None:
    """Five lots can be protected (5 x 675 = 3,375), but a fee of 1 % leaves four whole ones (2,700)."""
    assert openable(5, TERMS, make_bar(), POLICY._replace(round_trip_cost=cost), 900) is enough


@pytest.mark.parametrize("stop", [900, 1_100])
def test_the_stake_is_lost_at_the_stop_on_either_side(stop: int) -> None:
    """A quarter of equity at a stop 10 % away, below or above, would be 2.5 times equity."""
    assert invested(SURE, POLICY, make_bar(), stop) == pytest.approx(2.5, abs=1e-15)


def test_without_a_stop_the_views_own_loss_is_what_may_be_lost() -> None:
    """A quarter of equity at 2 % is 12.5 times equity; costs of 0.5 % make it a sixth at 2.5 %: 6.67 times."""
    absent = POLICY._replace(stop_mode=STOP_ABSENT)
    assert invested(SURE, absent, make_bar(), 0) == pytest.approx(12.5, abs=1e-12)
    dear = absent._replace(round_trip_cost=0.005)
    assert invested(SURE, dear, make_bar(), 0) == pytest.approx(1 / 6 / 0.025, abs=1e-12)


@pytest.mark.parametrize("mode", [SIZE_FRACTION, SIZE_AT_FILL])
@pytest.mark.parametrize(("fraction", "lots"), [(0.3, 300), (1.0, 500), (0.0, 0), (-0.1, 0), (1.1, 0), (math.nan, 0)])
def test_a_fixed_fraction_of_equity_is_wished_for_whatever_the_stop(mode: int, fraction: float, lots: int) -> None:
    """Within the half of equity that may be exposed; a fraction that makes no sense is nothing."""
    policy = POLICY._replace(size_mode=float(mode), size_fraction=fraction, cash_buffer=0.0)
    for stop in (0, 900, 999):
        assert sized(make_account(), TERMS, make_bar(), SURE, policy, 1e6, stop).lots == lots


@pytest.mark.parametrize(
    ("mode", "size", "wanted", "lots"),
    [
        (SIZE_LOTS, 300.0, 300, 300),
        (SIZE_LOTS, 700.0, 700, 500),
        (SIZE_LOTS, math.nan, 0, 0),
        (SIZE_QUOTE, 0.003, 300, 300),  # units: 300,000 atoms in lots that are worth 1,000
        (SIZE_QUOTE, 0.0030099, 300, 300),
        (SIZE_QUOTE, 0.007, 700, 500),
        (SIZE_QUOTE, 0.0, 0, 0),
        (SIZE_QUOTE, math.nan, 0, 0),
    ],
)
def test_the_same_lots_or_the_same_amount_each_time(mode: int, size: float, wanted: int, lots: int) -> None:
    """Whatever equity and stop; within the half of equity that may be exposed, which is 500 lots."""
    policy = POLICY._replace(size_mode=float(mode), size_lots=size, size_quote=size, cash_buffer=0.0)
    wish = sized(make_account(), TERMS, make_bar(), SURE, policy, 1e6, 900)
    assert (wish.wanted_lots, wish.lots) == (wanted, lots)


@pytest.mark.parametrize(
    ("account", "gross", "lots"),
    [
        (make_account(), 500, 500),
        (make_account(cash=600_000, holdings=400_000), 300, 300),
        (make_account(cash=300_000, reserved=100_000, holdings=600_000, short=0), 0, 0),
        (make_account(cash=1_400_000, holdings=-400_000, short=400_000), 300, 300),
        (make_account(cash=1_000_000, holdings=0, short=300_000), 100, 100),  # as much long as short: 600,000 in all
    ],
)
def test_all_positions_together_stay_within_the_gross_limit(account: Account, gross: int, lots: int) -> None:
    """70 % of a million, less what is long, what is short and what is promised already."""
    policy = POLICY._replace(max_gross=0.7, cash_buffer=0.0)
    wish = sized(account, TERMS, make_bar(), SURE, policy, 1e6, 900)
    assert (wish.gross_lots, wish.lots) == (gross, lots)
