"""What a bar does to an order: worked out by hand, and what holds for every bar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.blotter.state import BarRow
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.execution_engine.simulator.matching import (
    BUY,
    LIMIT,
    MARKET,
    SELL,
    STOP_LIMIT,
    Market,
    Met,
    Working,
    meet,
    out_of_reach,
    wait,
)

FREE = Costs(taker_fee=0, maker_fee=0, slip=0)
SLIPPY = Costs(taker_fee=100_000, maker_fee=50_000, slip=100_000)
"""Fees of 10 and 5 bps; a taker fills 10 bps away."""
SPREAD = SLIPPY._replace(half_spread=200_000)
"""Besides, half the spread is 20 bps."""
ANY_VOLUME = 10**6


def make_row(open_: int, high: int, low: int, close: int) -> BarRow:
    """Return a bar."""
    return BarRow(close_ns=1, open=open_, high=high, low=low, close=close, volume_atoms=1, atr=1.0)


def make_order(
    kind: int = STOP_LIMIT, side: int = SELL, stop: int = 0, limit: int = 0, take: int = 0, resting: int = 0
) -> Working:
    """Return an order for seven lots."""
    return Working(kind=kind, side=side, lots=7, stop_ticks=stop, limit_ticks=limit, resting=resting, take_ticks=take)


def make_market(costs: Costs = FREE, *, available: int = ANY_VOLUME, touch: int = 0) -> Market:
    """Return a market that charges nothing and lets everything through, unless told otherwise."""
    return Market(costs=costs, lot_atoms=100, available=available, touch=touch)


def seen(met: Met) -> tuple[int, int, int]:
    """Return lots, price, and whether it was a maker's fill."""
    return met.lots, met.price_ticks, met.maker


def offset(close: int) -> BarRow:
    """Return a bar of the vectorbt cases, in thousandths: open 0.25 and high 0.5 above the close, low 0.5 below."""
    return make_row(close + 250, close + 500, close - 500, close)


# --- the gap rule, as published ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop", "exit_"),
    [(4_500, (1, 4_250)), (4_250, (1, 4_250)), (4_000, (1, 4_000)), (1, None)],
)
def test_a_stop_loss_leaves_where_vectorbt_leaves(stop: int, exit_: tuple[int, int] | None) -> None:
    """Closes 5, 4, 3, 2, 1, entered at 5: stops of 10, 15 and 20 %, and one that is never reached. (RC-7)

    Source: vectorbt, tests/test_portfolio.py, test_sl_stop.
    """
    order = make_order(stop=stop, limit=1)
    fills = [
        (n, meet(order, offset(close), make_market())) for n, close in enumerate((4_000, 3_000, 2_000, 1_000), start=1)
    ]
    assert next(((n, met.price_ticks) for n, met in fills if met.lots), None) == exit_


@pytest.mark.parametrize(("trail", "price"), [(15, 4_250), (20, 4_250), (25, 4_125)])
def test_a_trailing_stop_leaves_where_vectorbt_leaves(trail: int, price: int) -> None:
    """Closes 4, 5, 4: the highest high is 5.5 at the second bar; the third opens at 4.25 and falls to 3.5. (RC-7)

    Source: vectorbt, tests/test_portfolio.py, test_ts_stop.
    """
    order = make_order(stop=5_500 * (100 - trail) // 100, limit=1)
    assert seen(meet(order, offset(4_000), make_market())) == (7, price, 0)


@pytest.mark.parametrize("trail", [15, 20, 25])
def test_a_trailing_stop_of_a_short_leaves_where_vectorbt_leaves(trail: int) -> None:
    """Sold at 4, lowest low 3.5: the next bar opens at 5.25, beyond every stop. The mirror of a sale. (RC-7)"""
    order = make_order(side=BUY, stop=3_500 * (100 + trail) // 100, limit=10_000)
    assert seen(meet(order, offset(5_000), make_market())) == (7, 5_250, 0)


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        (make_row(90, 92, 85, 86), 90),  # gapped from 105: at the open
        (make_row(105, 106, 98, 99), 100),  # traded through
        (make_row(105, 106, 100, 101), 100),  # touched
    ],
)
def test_a_stop_fills_at_the_open_after_a_gap_and_else_at_its_level(bar: BarRow, price: int) -> None:
    """The gap rule. (RC-9)"""
    assert seen(meet(make_order(stop=100, limit=80), bar, make_market())) == (7, price, 0)


# --- stops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("touch", [0, 1])
def test_a_stop_that_is_not_reached_stays_as_it_is(touch: int) -> None:
    """One tick is missing, for the stop and for its target."""
    order = make_order(stop=100, limit=80, take=107)
    met = meet(order, make_row(105, 106, 101, 104), make_market(touch=touch))
    assert (seen(met), met.left, met.ambiguous) == ((0, 0, 0), order, 0)


@pytest.mark.parametrize(
    ("bar", "touch", "filled"),
    [
        (make_row(90, 94, 85, 86), 0, False),
        (make_row(90, 95, 85, 86), 0, False),  # a touch: others may have been before us
        (make_row(90, 95, 85, 86), 1, True),
        (make_row(90, 96, 85, 86), 0, True),
    ],
)
def test_a_gap_below_the_limit_leaves_the_stop_resting_until_the_price_comes_back(
    bar: BarRow, touch: int, filled: bool
) -> None:
    """Stop 100, limit 95, open 90: nothing is sold at 90; the order rests at 95."""
    met = meet(make_order(stop=100, limit=95), bar, make_market(touch=touch))
    rests = make_order(LIMIT, limit=95, resting=1)
    assert seen(met) == ((7, 95, 1) if filled else (0, 0, 0))
    assert met.left == (rests._replace(lots=0) if filled else rests)


@pytest.mark.parametrize(("close", "filled"), [(103, False), (104, True)])
def test_a_limit_above_its_stop_needs_the_price_to_come_back_after_the_trigger(close: int, filled: bool) -> None:
    """The bar's high may have come before its low; only the close is known to come after."""
    order = make_order(stop=100, limit=103)
    assert (meet(order, make_row(105, 110, 99, close), make_market()).lots > 0) is filled


def test_a_stop_slips_but_not_below_its_limit() -> None:
    """Triggered at 1,000 it takes 999; with a limit of 1,000 it takes 1,000."""
    bar, market = make_row(1_005, 1_005, 900, 900), make_market(SLIPPY)
    slipped, held = make_order(stop=1_000, limit=990), make_order(stop=1_000, limit=1_000)
    assert (meet(slipped, bar, market).price_ticks, meet(held, bar, market).price_ticks) == (999, 1_000)


def test_a_stop_that_the_volume_lets_fill_in_part_goes_on_taking_with_the_rest() -> None:
    """Three of seven lots at 100; the four others are a limit order at 80 that takes at the next open."""
    met = meet(make_order(stop=100, limit=80), make_row(105, 106, 98, 99), make_market(available=3))
    assert seen(met) == (3, 100, 0)
    assert met.left == make_order(LIMIT, limit=80)._replace(lots=4)
    assert seen(meet(met.left, make_row(97, 97, 97, 97), make_market())) == (4, 97, 0)


@pytest.mark.parametrize("kind", [MARKET, LIMIT, STOP_LIMIT])
def test_without_volume_nothing_fills(kind: int) -> None:
    """And the order stays: a stop that was struck as a limit order that takes."""
    order = make_order(kind, stop=100 if kind == STOP_LIMIT else 0, limit=0 if kind == MARKET else 80)
    met = meet(order, make_row(99, 106, 98, 99), make_market(available=0))
    assert (seen(met), met.left.lots) == ((0, 0, 0), 7)
    assert met.left.kind == (MARKET if kind == MARKET else LIMIT)


# --- a stop and its target --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "touch", "fill", "ambiguous"),
    [
        (make_row(105, 110, 101, 104), 0, (0, 0, 0), 0),  # a touch is not enough
        (make_row(105, 110, 101, 104), 1, (7, 110, 1), 0),
        (make_row(105, 111, 101, 104), 0, (7, 110, 1), 0),  # the target: as a maker, never better
        (make_row(105, 111, 100, 104), 0, (7, 100, 0), 1),  # both: the worse case counts
        (make_row(105, 110, 100, 104), 0, (7, 100, 0), 0),  # only touched, so there is nothing to choose
        (make_row(105, 110, 100, 104), 1, (7, 100, 0), 1),
        (make_row(111, 115, 99, 104), 0, (7, 110, 1), 0),  # beyond the target at the open: that came first
        (make_row(110, 115, 99, 104), 0, (7, 100, 0), 1),
        (make_row(110, 115, 99, 104), 1, (7, 110, 1), 0),
        (make_row(95, 115, 94, 104), 0, (7, 95, 0), 1),  # beyond the stop at the open: that came first
        (make_row(105, 110, 101, 104), 2, (7, 110, 1), 0),  # where the open may be better, a touch is enough too
        (make_row(111, 115, 99, 104), 2, (7, 111, 1), 0),
    ],
)
def test_of_a_stop_and_a_target_the_worse_counts_where_one_bar_has_both(
    bar: BarRow, touch: int, fill: tuple[int, int, int], ambiguous: int
) -> None:
    """A sale with its stop at 100, limit 80, and its target at 110."""
    met = meet(make_order(stop=100, limit=80, take=110), bar, make_market(touch=touch))
    assert (seen(met), met.ambiguous) == (fill, ambiguous)


def test_a_target_may_stand_without_a_stop() -> None:
    """Nothing is below it that could be struck."""
    order = make_order(limit=110, take=110)
    assert seen(meet(order, make_row(105, 109, 1, 104), make_market())) == (0, 0, 0)
    assert seen(meet(order, make_row(105, 111, 1, 104), make_market())) == (7, 110, 1)


def test_a_struck_stop_forgets_its_target() -> None:
    """One of the two fills: a gap below the limit leaves a sale at 95, and none at 110."""
    met = meet(make_order(stop=100, limit=95, take=110), make_row(90, 94, 85, 86), make_market())
    assert met.left == make_order(LIMIT, limit=95, resting=1)


# --- orders that come to the market -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "open_", "touch", "filled"),
    [(94, 90, 0, False), (95, 90, 0, False), (95, 90, 1, True), (96, 90, 0, True), (99, 97, 0, True)],
)
def test_a_resting_limit_fills_at_its_price_once_the_price_goes_through_it(
    high: int, open_: int, touch: int, filled: bool
) -> None:
    """Never better: the first buyer above takes what lies in the book. With slippage or without."""
    order = make_order(LIMIT, limit=95, resting=1)
    met = meet(order, make_row(open_, high, 80, 85), make_market(SLIPPY, touch=touch))
    assert seen(met) == ((7, 95, 1) if filled else (0, 0, 0))
    assert met.left == (order._replace(lots=0) if filled else order)


@pytest.mark.parametrize(
    ("side", "bar", "price"),
    [
        (SELL, make_row(97, 99, 80, 85), 97),
        (SELL, make_row(94, 95, 80, 85), 95),
        (BUY, make_row(93, 110, 90, 85), 93),
        (BUY, make_row(96, 110, 95, 85), 95),
    ],
)
def test_a_resting_limit_may_be_granted_the_open_where_that_is_better(side: int, bar: BarRow, price: int) -> None:
    """As other engines do; its limit is 95."""
    order = make_order(LIMIT, side, limit=95, resting=1)
    met = meet(order, bar, make_market(SLIPPY, touch=2))
    assert (*seen(met), met.reference_ticks) == (7, price, 1, price)


def test_a_resting_limit_fills_as_far_as_the_volume_allows() -> None:
    """Three of seven lots, and four rest on."""
    order = make_order(LIMIT, limit=95, resting=1)
    met = meet(order, make_row(90, 96, 80, 85), make_market(available=3))
    assert (seen(met), met.left) == ((3, 95, 1), order._replace(lots=4))


@pytest.mark.parametrize(
    ("side", "limit", "price"), [(SELL, 995, 999), (SELL, 1_000, 1_000), (BUY, 1_005, 1_001), (BUY, 1_000, 1_000)]
)
def test_a_limit_that_comes_to_a_better_market_takes_it_but_never_beyond_its_price(
    side: int, limit: int, price: int
) -> None:
    """At an open of 1,000 a taker fills at 999 or 1,001; a limit at the open itself gets the open, no worse."""
    order = make_order(LIMIT, side, limit=limit)
    assert seen(meet(order, make_row(1_000, 1_010, 990, 1_000), make_market(SLIPPY))) == (7, price, 0)


@pytest.mark.parametrize(("side", "limit", "low", "high"), [(SELL, 1_005, 990, 1_006), (BUY, 995, 994, 1_010)])
def test_a_limit_beyond_the_open_rests_and_may_fill_on_the_way(side: int, limit: int, low: int, high: int) -> None:
    """Then it is a maker's fill, at its own price."""
    order, bar = make_order(LIMIT, side, limit=limit), make_row(1_000, high, low, 1_000)
    assert seen(meet(order, bar, make_market(SLIPPY))) == (7, limit, 1)
    calm = meet(order, make_row(1_000, 1_000, 1_000, 1_000), make_market(SLIPPY))
    assert (seen(calm), calm.left) == ((0, 0, 0), order._replace(resting=1))


@pytest.mark.parametrize(("side", "price"), [(BUY, 1_003), (SELL, 999)])
def test_a_market_order_fills_at_the_open_less_slippage(side: int, price: int) -> None:
    """10 bps of 1,001 are 1.001 ticks, rounded against us to 2."""
    met = meet(make_order(MARKET, side), make_row(1_001, 1_001, 1_001, 1_001), make_market(SLIPPY))
    assert (*seen(met), met.reference_ticks, met.spread_ticks) == (7, price, 0, 1_001, 0)


@pytest.mark.parametrize(("side", "price"), [(BUY, 10_030), (SELL, 9_970)])
def test_half_the_spread_comes_before_slippage_and_both_are_told_apart(side: int, price: int) -> None:
    """Of 10,000: 20 ticks are half the spread, 10 are slippage."""
    met = meet(make_order(MARKET, side), make_row(10_000, 10_000, 10_000, 10_000), make_market(SPREAD))
    assert (*seen(met), met.reference_ticks, met.spread_ticks) == (7, price, 0, 10_000, 20)


@pytest.mark.parametrize(("limit", "price", "spread"), [(9_970, 9_970, 20), (9_985, 9_985, 15), (10_000, 10_000, 0)])
def test_a_limit_cuts_slippage_first_and_then_the_spread(limit: int, price: int, spread: int) -> None:
    """What was not paid is not told."""
    met = meet(make_order(LIMIT, limit=limit), make_row(10_000, 10_000, 10_000, 10_000), make_market(SPREAD))
    assert (met.price_ticks, met.reference_ticks, met.spread_ticks) == (price, 10_000, spread)


def test_no_sale_fills_below_one_tick() -> None:
    """However wide the spread."""
    wide = make_market(FREE._replace(half_spread=100_000_000))
    assert seen(meet(make_order(MARKET), make_row(3, 3, 3, 3), wide)) == (7, 1, 0)


# --- what holds for every bar -----------------------------------------------------------------------

ROWS = st.tuples(*[st.integers(1, 500)] * 4).map(lambda drawn: make_row(drawn[0], max(drawn), min(drawn), drawn[1]))
COSTS = st.builds(
    Costs,
    taker_fee=st.just(0),
    maker_fee=st.just(0),
    slip=st.integers(0, 10**7),
    half_spread=st.integers(0, 10**7),
    slip_model=st.integers(0, 2),
)
MARKETS = st.builds(make_market, COSTS, available=st.sampled_from([0, 3, ANY_VOLUME]), touch=st.integers(0, 2))


@st.composite
def orders(draw: st.DrawFn) -> Working:
    """Any order with a limit; a target lies on the other side of its stop."""
    stop, limit, take = sorted(draw(st.tuples(*[st.integers(1, 500)] * 3)))
    side = draw(st.sampled_from([BUY, SELL]))
    if draw(st.booleans()):
        return make_order(LIMIT, side, limit=limit, resting=draw(st.integers(0, 1)))
    stop, take = (stop, take) if side == SELL else (take, stop)
    return make_order(side=side, stop=stop, limit=limit, take=draw(st.sampled_from([0, take])))


@given(order=orders(), bar=ROWS, market=MARKETS)
def test_no_order_with_a_limit_fills_beyond_it(order: Working, bar: BarRow, market: Market) -> None:
    """Whatever the bar: a taker at a price that the bar reached, but for costs, up to its limit; what rested at its own
    price or its target's, whatever the bar jumped over, unless the open is granted where that is better."""
    met = meet(order, bar, market)
    assert met.lots == 0 or met.lots == min(order.lots, market.available)
    assert met.left.lots + met.lots == order.lots
    if met.lots:
        beyond = (met.price_ticks - met.reference_ticks) * order.side
        assert beyond >= met.spread_ticks >= 0
        if met.maker:
            own = min((order.limit_ticks, order.take_ticks), key=lambda price: abs(price - met.price_ticks))
            better = market.touch == 2 and met.price_ticks == bar.open and (own - bar.open) * order.side > 0
            assert met.price_ticks == own or better
            assert beyond == 0
        else:
            assert bar.low <= met.reference_ticks <= bar.high
            assert (met.price_ticks - order.limit_ticks) * order.side <= 0


def mirrored(bar: BarRow, around: int) -> BarRow:
    """Return the bar upside down."""
    return make_row(around - bar.open, around - bar.low, around - bar.high, around - bar.close)


@given(order=orders(), bar=ROWS, touch=st.integers(0, 2), available=st.sampled_from([0, 3, ANY_VOLUME]))
def test_a_buy_is_a_sale_seen_from_below(order: Working, bar: BarRow, touch: int, available: int) -> None:
    """Upside down, the same lots fill at the mirrored price; without costs, which are fractions of a price."""
    around, market = 1_000, make_market(touch=touch, available=available)
    upside_down = order._replace(
        side=-order.side,
        stop_ticks=around - order.stop_ticks if order.stop_ticks else 0,
        limit_ticks=around - order.limit_ticks,
        take_ticks=around - order.take_ticks if order.take_ticks else 0,
    )
    one, other = meet(order, bar, market), meet(upside_down, mirrored(bar, around), market)
    assert (one.lots, one.maker, one.ambiguous) == (other.lots, other.maker, other.ambiguous)
    assert (one.left.kind, one.left.resting) == (other.left.kind, other.left.resting)
    if one.lots:
        assert one.price_ticks + other.price_ticks == around


@given(order=orders(), bar=ROWS)
def test_what_is_out_of_reach_is_not_touched(order: Working, bar: BarRow) -> None:
    """The short look says so only where the long one does nothing at all; else some order would be passed over."""
    if order.kind != STOP_LIMIT:
        return
    if out_of_reach(bar.low, bar.high, order.stop_ticks, order.take_ticks, order.side):
        for touch in (0, 1):
            met = wait(order, bar, make_market(touch=touch))
            assert (seen(met), met.left) == ((0, 0, 0), order)
