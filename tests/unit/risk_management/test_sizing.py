"""From a stake to whole lots."""

import math

import pytest
from tests.unit.desk.numbers import POLICY, SURE, TERMS, make_account, make_bar

from trading_system.risk_management.exposure import MAX_ATOMS
from trading_system.risk_management.position_sizing.sizing import Wish, sized, whole_lots
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
