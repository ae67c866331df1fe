"""What a bar does to an order, and what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.blotter.state import BarRow, Terms
from trading_system.execution_engine.simulator.costs import (
    UNIT,
    Costs,
    buy_fee_atoms,
    fraction_of,
    sell_fee_atoms,
    slip_ticks,
)
from trading_system.execution_engine.simulator.matching import BUY, LIMIT, MARKET, SELL, STOP_LIMIT, Met, Working, meet

FREE = Costs(taker_fee=0, maker_fee=0, slip=0)
SLIPPY = Costs(taker_fee=100_000, maker_fee=50_000, slip=100_000)
"""Fees of 10 and 5 bps; a taker fills 10 bps away."""


def make_row(open_: int, high: int, low: int, close: int) -> BarRow:
    """Return a bar."""
    return BarRow(close_ns=1, open=open_, high=high, low=low, close=close, volume_atoms=1, atr=1.0)


def make_order(kind: int = STOP_LIMIT, side: int = SELL, stop: int = 0, limit: int = 0, resting: int = 0) -> Working:
    """Return an order for seven lots."""
    return Working(kind=kind, side=side, lots=7, stop_ticks=stop, limit_ticks=limit, resting=resting)


def at(price: int, order: Working, *, maker: int = 0) -> Met:
    """Return a whole fill."""
    return Met(lots=7, price_ticks=price, maker=maker, left=order)


def offset(close: int) -> BarRow:
    """Return a bar of the vectorbt cases, in thousandths: open 0.25 and high 0.5 above the close, low 0.5 below."""
    return make_row(close + 250, close + 500, close - 500, close)


@pytest.mark.parametrize(
    ("stop", "exit_"),
    [(4_500, (1, 4_250)), (4_250, (1, 4_250)), (4_000, (1, 4_000)), (1, None)],
)
def test_a_stop_loss_leaves_where_vectorbt_leaves(stop: int, exit_: tuple[int, int] | None) -> None:
    """Closes 5, 4, 3, 2, 1, entered at 5: stops of 10, 15 and 20 %, and one that is never reached.

    Source: vectorbt, tests/test_portfolio.py, test_sl_stop.
    """
    order = make_order(stop=stop, limit=1)
    fills = [(n, meet(order, offset(close), FREE)) for n, close in enumerate((4_000, 3_000, 2_000, 1_000), start=1)]
    assert next(((n, met.price_ticks) for n, met in fills if met.lots), None) == exit_


@pytest.mark.parametrize(("trail", "price"), [(15, 4_250), (20, 4_250), (25, 4_125)])
def test_a_trailing_stop_leaves_where_vectorbt_leaves(trail: int, price: int) -> None:
    """Closes 4, 5, 4: the highest high is 5.5 at the second bar; the third opens at 4.25 and falls to 3.5.

    Source: vectorbt, tests/test_portfolio.py, test_ts_stop.
    """
    order = make_order(stop=5_500 * (100 - trail) // 100, limit=1)
    assert meet(order, offset(4_000), FREE) == at(price, order)


@pytest.mark.parametrize("trail", [15, 20, 25])
def test_a_trailing_stop_of_a_short_leaves_where_vectorbt_leaves(trail: int) -> None:
    """Sold at 4, lowest low 3.5: the next bar opens at 5.25, beyond every stop. The mirror of a sale."""
    order = make_order(side=BUY, stop=3_500 * (100 + trail) // 100, limit=10_000)
    assert meet(order, offset(5_000), FREE) == at(5_250, order)


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        (make_row(90, 92, 85, 86), 90),  # gapped from 105: at the open
        (make_row(105, 106, 98, 99), 100),  # traded through
        (make_row(105, 106, 100, 101), 100),  # touched
    ],
)
def test_a_stop_fills_at_the_open_after_a_gap_and_else_at_its_level(bar: BarRow, price: int) -> None:
    """The gap rule."""
    order = make_order(stop=100, limit=80)
    assert meet(order, bar, FREE) == at(price, order)


def test_a_stop_that_is_not_reached_stays_as_it_is() -> None:
    """One tick is missing."""
    order = make_order(stop=100, limit=80)
    assert meet(order, make_row(105, 106, 101, 104), FREE) == Met(lots=0, price_ticks=0, maker=0, left=order)


@pytest.mark.parametrize(
    ("bar", "filled"),
    [
        (make_row(90, 94, 85, 86), False),
        (make_row(90, 95, 85, 86), False),  # a touch: others may have been before us
        (make_row(90, 96, 85, 86), True),
    ],
)
def test_a_gap_below_the_limit_leaves_the_stop_resting_until_the_price_comes_back(bar: BarRow, filled: bool) -> None:
    """Stop 100, limit 95, open 90: nothing is sold at 90; the order rests at 95."""
    order = make_order(stop=100, limit=95)
    rests = make_order(LIMIT, limit=95, resting=1)
    met = meet(order, bar, FREE)
    assert met == (at(95, order, maker=1) if filled else Met(lots=0, price_ticks=0, maker=0, left=rests))


@pytest.mark.parametrize(
    ("high", "open_", "filled"), [(94, 90, False), (95, 90, False), (96, 90, True), (99, 97, True)]
)
def test_a_resting_limit_fills_at_its_price_once_the_price_goes_through_it(high: int, open_: int, filled: bool) -> None:
    """Never better: the first buyer above takes what lies in the book. With slippage or without."""
    order = make_order(LIMIT, limit=95, resting=1)
    met = meet(order, make_row(open_, high, 80, 85), SLIPPY)
    assert met == (at(95, order, maker=1) if filled else Met(lots=0, price_ticks=0, maker=0, left=order))


@pytest.mark.parametrize(("close", "filled"), [(103, False), (104, True)])
def test_a_limit_above_its_stop_needs_the_price_to_come_back_after_the_trigger(close: int, filled: bool) -> None:
    """The bar's high may have come before its low; only the close is known to come after."""
    order = make_order(stop=100, limit=103)
    assert (meet(order, make_row(105, 110, 99, close), FREE).lots > 0) is filled


@pytest.mark.parametrize(
    ("side", "limit", "price"), [(SELL, 995, 999), (SELL, 1_000, 1_000), (BUY, 1_005, 1_001), (BUY, 1_000, 1_000)]
)
def test_a_limit_that_comes_to_a_better_market_takes_it_but_never_beyond_its_price(
    side: int, limit: int, price: int
) -> None:
    """At an open of 1,000 a taker fills at 999 or 1,001; a limit at the open itself gets the open, no worse."""
    order = make_order(LIMIT, side, limit=limit)
    assert meet(order, make_row(1_000, 1_010, 990, 1_000), SLIPPY) == at(price, order)


@pytest.mark.parametrize(("side", "price"), [(BUY, 1_003), (SELL, 999)])
def test_a_market_order_fills_at_the_open_less_spread_and_slippage(side: int, price: int) -> None:
    """10 bps of 1,001 are 1.001 ticks, rounded against us to 2."""
    order = make_order(MARKET, side)
    assert meet(order, make_row(1_001, 1_001, 1_001, 1_001), SLIPPY) == at(price, order)


def test_a_stop_slips_but_not_below_its_limit() -> None:
    """Triggered at 1,000 it takes 999; with a limit of 1,000 it takes 1,000."""
    bar = make_row(1_005, 1_005, 900, 900)
    slipped, held = make_order(stop=1_000, limit=990), make_order(stop=1_000, limit=1_000)
    assert (meet(slipped, bar, SLIPPY).price_ticks, meet(held, bar, SLIPPY).price_ticks) == (999, 1_000)


ROWS = st.tuples(*[st.integers(1, 500)] * 4).map(lambda drawn: make_row(drawn[0], max(drawn), min(drawn), drawn[1]))
ORDERS = st.builds(
    Working,
    kind=st.sampled_from([LIMIT, STOP_LIMIT]),
    side=st.sampled_from([BUY, SELL]),
    lots=st.just(7),
    stop_ticks=st.integers(1, 500),
    limit_ticks=st.integers(1, 500),
    resting=st.integers(0, 1),
)
COSTS = st.builds(Costs, taker_fee=st.just(0), maker_fee=st.just(0), slip=st.integers(0, 10**7))


@given(order=ORDERS, bar=ROWS, costs=COSTS)
def test_no_order_with_a_limit_fills_beyond_it(order: Working, bar: BarRow, costs: Costs) -> None:
    """Whatever the bar: a sale at its limit or above, a buy at it or below; at the limit or a price the bar reached."""
    order = order._replace(resting=order.resting if order.kind == LIMIT else 0)
    met = meet(order, bar, costs)
    if met.lots:
        assert (met.price_ticks - order.limit_ticks) * -order.side >= 0
        reached = bar.low - slip_ticks(bar.low, costs) <= met.price_ticks <= bar.high + slip_ticks(bar.high, costs)
        assert reached or met.price_ticks == order.limit_ticks


@given(amount=st.integers(0, 10**17), fraction=st.integers(0, UNIT))
def test_a_fraction_of_an_amount_is_exact_and_cut_to_the_atom(amount: int, fraction: int) -> None:
    """As if integers had no end."""
    assert fraction_of(amount, fraction) == amount * fraction // UNIT
    assert 0 <= fraction_of(amount, fraction) < 2**63


@given(price=st.integers(1, 10**17), slip=st.integers(0, UNIT))
def test_slippage_is_exact_and_rounded_against_us(price: int, slip: int) -> None:
    """Up to the next tick."""
    assert slip_ticks(price, FREE._replace(slip=slip)) == -(-(price * slip) // UNIT)


def test_a_buy_pays_its_fee_in_what_it_bought_and_a_sale_in_what_it_brought() -> None:
    """0.1 % of 0.00333 BTC, cut to the atom: 333.0 atoms of 333,000; of 12.34567890 USDT: 1,234,567 atoms."""
    terms = Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=0)
    assert buy_fee_atoms(333, 100_000, terms) == 333
    assert buy_fee_atoms(1, 99_999, terms) == 0
    assert sell_fee_atoms(1_234_567_890, 100_000) == 1_234_567
