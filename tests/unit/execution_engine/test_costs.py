"""What a fill costs: fractions exact to the atom, rounded as chosen, and prices that move against us."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.blotter.state import BarRow, Terms
from trading_system.execution_engine.simulator.costs import (
    FEE_DOWN,
    FEE_HALF_EVEN,
    FEE_UP,
    SLIP_RANGE,
    SLIP_VOLUME,
    UNIT,
    Costs,
    Fee,
    fee_of,
    fee_part,
    fraction_of,
    rounded_up,
    slip_ticks,
    spread_ticks,
)

FREE = Costs(taker_fee=0, maker_fee=0, slip=0)
TERMS = Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=0)
ROUNDINGS = {FEE_DOWN: ROUND_DOWN, FEE_HALF_EVEN: ROUND_HALF_EVEN, FEE_UP: ROUND_UP}
AMOUNTS, FRACTIONS = st.integers(0, 10**17), st.integers(0, UNIT)


def make_row(low: int = 990, high: int = 1_010, volume: int = 1_000_000) -> BarRow:
    """Return a bar around 1,000 in which ten thousand lots of a hundred atoms were traded."""
    return BarRow(close_ns=1, open=1_000, high=high, low=low, close=1_000, volume_atoms=volume, atr=1.0)


@given(amount=AMOUNTS, fraction=FRACTIONS)
def test_a_fraction_of_an_amount_is_exact_and_cut_to_the_atom(amount: int, fraction: int) -> None:
    """As if integers had no end."""
    assert fraction_of(amount, fraction) == amount * fraction // UNIT
    assert rounded_up(amount, fraction) == -(-amount * fraction // UNIT)


@given(amount=AMOUNTS, fraction=FRACTIONS, rounding=st.sampled_from(sorted(ROUNDINGS)))
def test_a_fee_is_rounded_as_decimals_are(amount: int, fraction: int, rounding: int) -> None:
    """Down, up, or to the nearest atom with halves to the even one."""
    exact = Decimal(amount * fraction).scaleb(-8)
    assert fee_part(amount, fraction, rounding) == exact.to_integral_value(ROUNDINGS[rounding])


@pytest.mark.parametrize(
    ("rounding", "fees"), [(FEE_DOWN, [0, 1, 1, 2, 2]), (FEE_HALF_EVEN, [0, 1, 2, 2, 2]), (FEE_UP, [1, 1, 2, 2, 3])]
)
def test_halves_are_told_apart(rounding: int, fees: list[int]) -> None:
    """Half of 1, 2, 3, 4 and 5 atoms."""
    assert [fee_part(amount, UNIT // 2, rounding) for amount in range(1, 6)] == fees


@pytest.mark.parametrize(
    ("side", "maker", "fee_in_base", "fee"),
    [
        (1, 0, 1, Fee(atoms=333, in_base=1)),  # 0.1 % of 333,000 base atoms
        (1, 1, 1, Fee(atoms=166, in_base=1)),  # 0.05 % are 166.5
        (-1, 0, 1, Fee(atoms=13_320, in_base=0)),  # 0.1 % of 333 x 4,000 x 10 = 13,320,000 quote atoms
        (-1, 1, 1, Fee(atoms=6_660, in_base=0)),
        (1, 0, 0, Fee(atoms=13_320, in_base=0)),
        (1, 1, 0, Fee(atoms=6_660, in_base=0)),
        (-1, 0, 0, Fee(atoms=13_320, in_base=0)),
    ],
)
def test_a_buy_pays_in_what_it_bought_where_the_venue_does_so_and_a_sale_in_what_it_brought(
    side: int, maker: int, fee_in_base: int, fee: Fee
) -> None:
    """333 lots at 4,000; takers pay 10 bps, makers 5.

    Source: Binance spot, "New order", fills: `commission` in `commissionAsset`.
    """
    costs = Costs(taker_fee=100_000, maker_fee=50_000, slip=0, fee_in_base=fee_in_base)
    assert fee_of(333, 4_000, side, maker, costs, TERMS) == fee


def test_a_fee_in_base_currency_is_rounded_as_chosen_too() -> None:
    """0.05 % of 333,000 atoms are 166.5."""
    costs = [Costs(taker_fee=0, maker_fee=50_000, slip=0, fee_rounding=how) for how in (0, 1, 2)]
    assert [fee_of(333, 1, 1, 1, each, TERMS).atoms for each in costs] == [166, 166, 167]


def test_fixed_slippage_is_a_fraction_of_the_price() -> None:
    """10 bps of 1,001 are 1.001 ticks, rounded against us; the bar and the size do not matter."""
    costs = FREE._replace(slip=100_000)
    assert slip_ticks(1_001, 1, 100, make_row(), costs) == 2
    assert slip_ticks(1_001, 10**6, 100, make_row(low=1, high=2_000), costs) == 2


@pytest.mark.parametrize(("low", "high", "ticks"), [(1_000, 1_000, 0), (990, 1_010, 2), (989, 1_010, 3)])
def test_range_slippage_is_a_fraction_of_the_bars_range(low: int, high: int, ticks: int) -> None:
    """A tenth of high less low, rounded up: it grows with volatility; 2.1 ticks are 3."""
    costs = FREE._replace(slip=UNIT // 10, slip_model=SLIP_RANGE)
    assert slip_ticks(1_000, 1, 100, make_row(low=low, high=high), costs) == ticks


@pytest.mark.parametrize(
    ("lots", "volume", "ticks"),
    [
        (1_000, 1_000_000, 10),  # a tenth of the volume: a tenth of 100
        (1_001, 1_000_000, 11),  # 10.01, rounded up
        (10_000, 1_000_000, 100),
        (20_000, 1_000_000, 100),  # more than all of it counts as all
        (1, 0, 100),
        (0, 1_000_000, 100),
    ],
)
def test_volume_slippage_is_the_orders_share_of_the_bars_volume(lots: int, volume: int, ticks: int) -> None:
    """10 % of a price of 1,000 for an order as large as the bar; a lot is 100 atoms."""
    costs = FREE._replace(slip=UNIT // 10, slip_model=SLIP_VOLUME)
    assert slip_ticks(1_000, lots, 100, make_row(volume=volume), costs) == ticks


@given(price=AMOUNTS.filter(bool), half=FRACTIONS)
def test_half_the_spread_is_exact_and_rounded_against_us(price: int, half: int) -> None:
    """Up to the next tick."""
    assert spread_ticks(price, FREE._replace(half_spread=half)) == -(-price * half // UNIT)
