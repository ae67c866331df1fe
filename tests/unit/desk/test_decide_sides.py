"""Selling short is buying seen from the other side; and how entries are asked for: cases by hand, and the mirror."""

import math

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.unit.desk.numbers import (
    CLOSE_NS,
    DOUBTFUL,
    POLICY,
    SURE,
    TERMS,
    TORN,
    make_account,
    make_bar,
    make_sleeve,
    sleeves,
)

from trading_system.blotter import objections as why
from trading_system.blotter.state import (
    ENTER_AT_LIMIT,
    ENTER_POST_ONLY,
    JUMPED,
    NO_ENTRY,
    NO_VIEW,
    NOTHING,
    SIZE_AT_FILL,
    SIZE_FRACTION,
    STOP_ABSENT,
    STOP_REFUSED,
    STOP_RESTING,
    TARGET_REACHED,
    TIMED_OUT,
    UNPROTECTED,
    VIEW_GONE,
    Account,
    Asks,
    Policy,
    Sleeve,
    SleeveCarried,
    Step,
    View,
)
from trading_system.desk.decide import asked, decide, held_lots, leaving_for

SHORTABLE = TERMS._replace(shortable=1)
FREE = SHORTABLE._replace(min_lots=1, min_notional_atoms=0)
"""An instrument on which nothing is too small, whichever way prices are turned."""


# --- selling short ------------------------------------------------------------------------------------


def test_a_fall_is_sold_where_the_instrument_allows_it() -> None:
    """A quarter of equity lost at a stop 10 % above would be 2.5 times equity; half of it is allowed: 500 lots."""
    step = decide(make_account(), make_sleeve(terms=SHORTABLE), make_bar(), DOUBTFUL, POLICY)
    assert step.sleeve == SleeveCarried(target_lots=-500, stop_ticks=1_100)
    assert step.asks == NOTHING._replace(entry_lots=-500)
    plain = decide(make_account(), make_sleeve(), make_bar(), DOUBTFUL, POLICY)
    assert (plain.sleeve.target_lots, plain.asks, plain.objections) == (0, NOTHING, why.NONE)


@pytest.mark.parametrize(
    ("probability", "lots"),
    [(0.4, -500), (math.nextafter(0.4, 1.0), 0), (0.5, 0), (math.nextafter(0.6, 0.0), 0), (0.6, 500)],
)
def test_a_sale_needs_the_probability_of_a_fall_that_the_policy_names_for_a_rise(probability: float, lots: int) -> None:
    """0.6 or more for either side; between the two nothing is wanted, and nothing objects."""
    view = SURE._replace(probability=probability)
    step = decide(make_account(), make_sleeve(terms=SHORTABLE), make_bar(), view, POLICY)
    assert (step.asks.entry_lots, step.objections) == (lots, why.NONE)


def test_the_gain_of_a_sale_is_the_views_loss() -> None:
    """A fall of 4 % against a rise of 1 %: payoff 4, full Kelly 0.75 - 0.25 / 4 = 0.6875, capped at 0.0105."""
    view = DOUBTFUL._replace(gain=0.01, loss=0.04)
    policy = POLICY._replace(kelly_share=0.001, max_exposure=9.0, max_gross=9.0, cash_buffer=0.0)
    sold = decide(make_account(), make_sleeve(terms=FREE), make_bar(), view, policy)
    assert sold.asks.entry_lots == -int(0.001 * 0.6875 / 0.1 * 1_000)
    bought = decide(make_account(), make_sleeve(terms=FREE), make_bar(), view._replace(probability=0.75), policy)
    assert bought.objections == why.NO_EDGE  # 0.75 - 0.25 / 0.25 < 0


@pytest.mark.parametrize(
    ("view", "target", "reason"),
    [
        (DOUBTFUL, -30, 0),
        (TORN, -30, 0),
        (NO_VIEW, -30, 0),
        (SURE, 0, VIEW_GONE),
        (SURE._replace(probability=0.6), 0, VIEW_GONE),
        (SURE._replace(probability=math.nextafter(0.6, 0.0)), -30, 0),
        (SURE._replace(expires_ns=CLOSE_NS - 1), -30, 0),
    ],
)
def test_a_short_position_is_held_until_a_valid_view_says_leave(view: View, target: int, reason: int) -> None:
    """Leave below 0.4 means here: once a fall is no more probable than that."""
    sleeve = make_sleeve(held=-30, target=-40, level=1_100, terms=SHORTABLE)
    carried = decide(make_account(), sleeve, make_bar(), view, POLICY).sleeve
    assert (carried.target_lots, carried.reason) == (target, reason)


@pytest.mark.parametrize(
    ("sleeve", "target", "price", "asks"),
    [
        (make_sleeve(held=-30), -30, 1_000, NOTHING._replace(protect_lots=30, protect_ticks=1_100)),
        (make_sleeve(held=-30), -30, 1_099, NOTHING._replace(protect_lots=30, protect_ticks=1_100)),
        (make_sleeve(held=-30), -30, 1_100, NOTHING._replace(exit_lots=30)),  # passed
        (make_sleeve(held=-30), 0, 1_000, NOTHING._replace(exit_lots=30)),
        (make_sleeve(held=-30), -10, 1_000, NOTHING._replace(exit_lots=20)),
        (make_sleeve(held=-30, dust=-99), -30, 1_000, NOTHING._replace(protect_lots=30, protect_ticks=1_100)),
        (make_sleeve(held=-30, stop=30, stop_at=1_100, status=STOP_RESTING), -30, 1_000, NOTHING),
        (
            make_sleeve(held=-30, stop=30, stop_at=1_101, status=STOP_RESTING),
            -30,
            1_000,
            NOTHING._replace(cancel_stop=1),
        ),
        (make_sleeve(held=-30, stop=30, stop_at=1_101, status=STOP_RESTING), -30, 1_101, NOTHING),  # it trades
        (
            make_sleeve(held=-30, stop=40, stop_at=1_100, status=STOP_RESTING),
            -30,
            1_000,
            NOTHING._replace(cancel_stop=1),
        ),
        (make_sleeve(held=-30, status=STOP_REFUSED), -30, 1_000, NOTHING._replace(exit_lots=30)),
        (make_sleeve(coming=-40), 0, 1_000, NOTHING._replace(cancel_entry=1)),
        (make_sleeve(coming=-40), -40, 1_000, NOTHING),
        (make_sleeve(coming=-40), -50, 1_000, NOTHING),
    ],
)
def test_what_is_asked_of_a_short_position_mirrors_a_long_one(
    sleeve: Sleeve, target: int, price: int, asks: Asks
) -> None:
    """Each line is one rule, at its edge; the stop lies at 1,100."""
    assert asked(sleeve, SleeveCarried(target_lots=target, stop_ticks=1_100), price, NO_ENTRY) == asks


@pytest.mark.parametrize(("close", "reason"), [(1_238, 0), (1_239, JUMPED)])
def test_a_short_positions_stop_that_the_market_jumped_over_is_given_up(close: int, reason: int) -> None:
    """Stop 1,100, limit 1,238: beyond it nothing is bought back any more."""
    resting = make_sleeve(
        held=-30, stop=30, stop_at=1_100, limit_at=1_238, status=STOP_RESTING, target=-30, level=1_100, terms=SHORTABLE
    )
    step = decide(make_account(), resting, make_bar(close=close), NO_VIEW, POLICY)
    assert (step.sleeve.reason, step.asks.cancel_stop) == (reason, 1 if reason else 0)


# --- targets and time ---------------------------------------------------------------------------------


def test_a_target_is_set_with_the_entry_and_asked_for_beside_the_stop() -> None:
    """Two ATR above; once held, stop and target are one order, and stay though the bars move on."""
    policy = POLICY._replace(take_profit=2.0, stop_mode=1.0)
    first = decide(make_account(), make_sleeve(), make_bar(), SURE, policy)
    assert (first.sleeve.stop_ticks, first.sleeve.take_ticks) == (900, 1_100)
    held = make_sleeve(held=500)._replace(carried=first.sleeve)
    later = decide(make_account(cash=500_000, holdings=500_000), held, make_bar(1_050), TORN, policy)
    assert later.asks == NOTHING._replace(protect_lots=500, protect_ticks=900, take_ticks=1_100)


@pytest.mark.parametrize(
    ("stop", "take", "price", "exit_lots"),
    [(900, 1_100, 1_099, 0), (900, 1_100, 1_100, 30), (0, 1_100, 1_100, 30), (900, 1_100, 900, 30), (0, 1_100, 1, 0)],
)
def test_a_barrier_that_the_price_has_passed_already_is_an_exit_at_market(
    stop: int, take: int, price: int, exit_lots: int
) -> None:
    """The venue would refuse the bracket."""
    terms = TERMS._replace(min_notional_atoms=0)
    want = SleeveCarried(target_lots=30, stop_ticks=stop, take_ticks=take)
    assert asked(make_sleeve(held=30, terms=terms), want, price, NO_ENTRY).exit_lots == exit_lots


@pytest.mark.parametrize(
    ("reason", "take", "price", "side", "told"),
    [
        (VIEW_GONE, 1_100, 1_200, 1, VIEW_GONE),
        (TIMED_OUT, 0, 1_000, 1, TIMED_OUT),
        (0, 1_100, 1_100, 1, TARGET_REACHED),
        (0, 1_100, 1_099, 1, UNPROTECTED),
        (0, 900, 900, -1, TARGET_REACHED),
        (0, 900, 901, -1, UNPROTECTED),
        (0, 0, 1_000, 1, UNPROTECTED),
    ],
)
def test_an_exit_says_why(reason: int, take: int, price: int, side: int, told: int) -> None:
    """The decision's own reason; else what the price has done since."""
    assert leaving_for(reason, take, price, side) == told


@pytest.mark.parametrize(("held", "bars", "target"), [(30, 0, 30), (30, 1, 30), (30, 2, 0), (-30, 2, 0), (-30, 1, -30)])
def test_the_third_bar_in_a_position_is_the_last(held: int, bars: int, target: int) -> None:
    """Whatever the view says; and the reason is told."""
    sleeve = make_sleeve(held=held, target=held, bars=bars, level=1, terms=SHORTABLE)
    carried = decide(make_account(), sleeve, make_bar(), TORN, POLICY._replace(max_bars=3.0)).sleeve
    assert (carried.target_lots, carried.bars_held) == (target, bars + 1)
    assert carried.reason == (TIMED_OUT if target == 0 else 0)


# --- entries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "mode", "offset", "limit", "post_only"),
    [
        (SURE, ENTER_AT_LIMIT, 0.5, 975, 0),
        (SURE, ENTER_AT_LIMIT, 0.51, 974, 0),  # 974.5, rounded to the better side
        (SURE, ENTER_POST_ONLY, 0.0, 1_000, 1),
        (DOUBTFUL, ENTER_AT_LIMIT, 0.5, 1_025, 0),
        (DOUBTFUL, ENTER_AT_LIMIT, 0.51, 1_026, 0),
        (DOUBTFUL, ENTER_POST_ONLY, 0.5, 1_025, 1),
    ],
)
def test_an_entry_at_a_limit_lies_on_the_better_side_of_the_close(
    view: View, mode: int, offset: float, limit: int, post_only: int
) -> None:
    """Half an ATR of 50 away."""
    policy = POLICY._replace(entry_mode=float(mode), entry_offset=offset)
    asks = decide(make_account(), make_sleeve(terms=SHORTABLE), make_bar(), view, policy).asks
    assert (abs(asks.entry_lots), asks.entry_limit_ticks, asks.entry_post_only) == (500, limit, post_only)


@pytest.mark.parametrize("offset", [20.0, 1e300, math.nan, math.inf])
def test_an_entry_whose_limit_is_no_price_is_not_asked_for(offset: float) -> None:
    """1,000 less 20 x 50 is nothing."""
    policy = POLICY._replace(entry_mode=1.0, entry_offset=offset)
    assert decide(make_account(), make_sleeve(), make_bar(), SURE, policy).asks.entry_lots == 0


@pytest.mark.parametrize(
    ("parts", "asked_parts"), [(1.0, 1), (4.0, 4), (100.0, 100), (101.0, 1), (0.0, 1), (math.nan, 1)]
)
def test_an_entry_is_asked_for_in_parts(parts: float, asked_parts: int) -> None:
    """As many as the policy says; a number that makes no sense is one."""
    asks = decide(make_account(), make_sleeve(), make_bar(), SURE, POLICY._replace(entry_parts=parts)).asks
    assert (asks.entry_lots, asks.entry_parts) == (500, asked_parts)


def test_parts_that_the_venue_would_not_take_are_one() -> None:
    """At 1,000 three lots are enough: 500 lots in 166 parts have three and more, in 167 two; at 700 it takes five."""
    many = POLICY._replace(max_exposure=0.25)
    assert [
        decide(make_account(), make_sleeve(), make_bar(), SURE, many._replace(entry_parts=n)).asks.entry_parts
        for n in (83.0, 84.0)
    ] == [83, 1]
    low = many._replace(entry_mode=1.0, entry_offset=6.0, entry_parts=50.0)
    assert decide(make_account(), make_sleeve(), make_bar(), SURE, low).asks.entry_parts == 50
    assert decide(make_account(), make_sleeve(), make_bar(), SURE, low._replace(entry_parts=51.0)).asks.entry_parts == 1


def test_a_share_of_the_cash_is_asked_for_where_the_fill_counts_it() -> None:
    """The lots are those of the close; the target is open until the fill."""
    policy = POLICY._replace(size_mode=SIZE_AT_FILL, size_fraction=0.25)
    step = decide(make_account(), make_sleeve(), make_bar(), SURE, policy)
    assert (step.asks.entry_lots, step.asks.entry_share) == (250, 0.25)
    assert step.sleeve.target_lots > 10**9
    fixed = decide(make_account(), make_sleeve(), make_bar(), SURE, policy._replace(size_mode=SIZE_FRACTION))
    assert (fixed.asks.entry_lots, fixed.asks.entry_share, fixed.sleeve.target_lots) == (250, 0.0, 250)


def test_without_a_stop_an_entry_needs_none() -> None:
    """Where ATR is unknown too; and what could not be protected may be entered."""
    policy = POLICY._replace(stop_mode=STOP_ABSENT, size_mode=SIZE_FRACTION, size_fraction=0.003)
    assert decide(make_account(), make_sleeve(), make_bar(atr=0.0), SURE, policy).asks.entry_lots == 3
    assert decide(make_account(), make_sleeve(), make_bar(), SURE, policy._replace(stop_mode=0.0)).asks.entry_lots == 0


@pytest.mark.parametrize(("view", "lots"), [(SURE, 800), (DOUBTFUL, -761)])
def test_a_sale_at_a_limit_reserves_no_more_than_is_free(view: View, lots: int) -> None:
    """At worst a lot at 1,000 costs 1,250 and at 1,050 1,312.5, rounded up: a million carries 800, or 761."""
    policy = POLICY._replace(entry_mode=1.0, entry_offset=1.0 if lots < 0 else 0.0, max_exposure=9.0, max_gross=9.0)
    assert decide(make_account(), make_sleeve(terms=SHORTABLE), make_bar(), view, policy).asks.entry_lots == lots


def test_what_evens_out_a_remainder_on_the_other_side_is_paid_too() -> None:
    """Two lots are owed, too little to buy back alone: 802 would be bought, and the cash carries 800."""
    loose = POLICY._replace(max_exposure=9.0, max_gross=9.0)
    step = decide(make_account(), make_sleeve(held=-2, terms=SHORTABLE), make_bar(), SURE, loose)
    assert step.asks.entry_lots == 800


# --- the mirror ---------------------------------------------------------------------------------------


def busy(sleeve: Sleeve) -> bool:
    """Return whether something is held or coming; where nothing is, and no view, nothing leans to either side."""
    return held_lots(sleeve) != 0 or sleeve.entry_lots != 0


EIGHTHS = st.integers(1, 512).map(lambda n: n / 8.0)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Account, Sleeve, int, float, View, Policy]:
    """Return anything that can come, in numbers that floats hold exactly, around a close of 1,000."""
    sleeve = draw(st.one_of(st.just(make_sleeve()), sleeves()))._replace(terms=FREE)
    prices = st.one_of(st.just(0), st.integers(2, 1_998))  # three quarters of one tick are none
    alive = sleeve.stop_lots > 0
    carried = sleeve.carried._replace(stop_ticks=draw(prices), take_ticks=draw(prices))
    sleeve = sleeve._replace(
        stop_resting_ticks=draw(st.integers(2, 1_998)) if alive else 0,
        stop_limit_ticks=draw(st.integers(2, 1_998)) if alive else 0,
        stop_take_ticks=draw(prices) if alive else 0,
        carried=carried,
    )
    worth = sleeve.position_atoms * 1_000 // 100
    account = make_account(
        cash=draw(st.integers(100_000, 3_000_000)) + max(0, -worth),
        reserved=draw(st.integers(0, 100_000)),
        holdings=worth,
        peak=draw(st.sampled_from([0.0, 0.0, 0.0, 1e7])),
        short=max(0, -worth),
    )
    view = View(
        probability=draw(st.sampled_from([0, 8, 16, 24, 32, 40, 48, 56, 64])) / 64.0,
        gain=draw(st.integers(1, 8)) / 64.0,
        loss=draw(st.integers(1, 8)) / 64.0,
        expires_ns=draw(st.sampled_from([CLOSE_NS, CLOSE_NS - 1])) if busy(sleeve) else CLOSE_NS,
    )
    policy = POLICY._replace(
        enter_above=0.5 + draw(st.integers(1, 16)) / 64.0,
        leave_below=0.5 - draw(st.integers(0, 16)) / 64.0,
        atr_stop=draw(st.sampled_from([0.5, 1.0, 2.0])),
        stop_mode=draw(st.sampled_from([0.0, 1.0, 2.0])),
        take_profit=draw(st.sampled_from([0.0, 0.5, 2.0])),
        max_bars=draw(st.sampled_from([0.0, 3.0])),
        size_mode=draw(st.sampled_from([0.0, 1.0, 2.0])),
        size_fraction=0.5,
        entry_mode=draw(st.sampled_from([0.0, 1.0, 2.0])),
        entry_offset=draw(st.sampled_from([0.0, 0.5, 1.0])),
        entry_bars=draw(st.sampled_from([1.0, 2.0])),
        entry_parts=draw(st.sampled_from([1.0, 3.0])),
        max_gross=9.0,
        max_exposure=draw(st.sampled_from([0.25, 2.0])),
        cash_buffer=0.0,
    )
    return account, sleeve, 1_000, draw(EIGHTHS), view, policy


def turned(price: int) -> int:
    """Return a price mirrored at 1,000; no price stays none."""
    return 2_000 - price if price > 0 else 0


def turned_carried(carried: SleeveCarried) -> SleeveCarried:
    """Return what is carried, upside down."""
    return carried._replace(
        target_lots=-carried.target_lots, stop_ticks=turned(carried.stop_ticks), take_ticks=turned(carried.take_ticks)
    )


def turned_step(step: Step) -> Step:
    """Return an answer upside down."""
    asks = step.asks._replace(
        entry_lots=-step.asks.entry_lots,
        protect_ticks=turned(step.asks.protect_ticks),
        take_ticks=turned(step.asks.take_ticks),
        entry_limit_ticks=turned(step.asks.entry_limit_ticks),
    )
    return step._replace(sleeve=turned_carried(step.sleeve), asks=asks)


@given(drawn=situations())
def test_upside_down_the_same_is_decided(drawn: tuple[Account, Sleeve, int, float, View, Policy]) -> None:
    """Prices p -> 2,000 - p around the close, probabilities p -> 1 - p, long -> short: the mirrored answer.

    An account that owes what it owned, marked at the same close, has as much more in cash.
    """
    account, sleeve, close, atr, view, policy = drawn
    owed = account._replace(
        cash_atoms=account.cash_atoms + 2 * account.holdings_atoms,
        holdings_atoms=-account.holdings_atoms,
        short_atoms=max(0, account.holdings_atoms),
    )
    flipped = sleeve._replace(
        position_atoms=-sleeve.position_atoms,
        entry_lots=-sleeve.entry_lots,
        stop_resting_ticks=turned(sleeve.stop_resting_ticks),
        stop_limit_ticks=turned(sleeve.stop_limit_ticks),
        stop_take_ticks=turned(sleeve.stop_take_ticks),
        carried=turned_carried(sleeve.carried),
    )
    other = view._replace(probability=1.0 - view.probability, gain=view.loss, loss=view.gain)
    one = decide(account, sleeve, make_bar(close, atr), view, policy)
    event("enters" if one.asks.entry_lots else "leaves" if one.asks.exit_lots else "else")
    answers = [turned_step(one), decide(owed, flipped, make_bar(close, atr), other, policy)]
    if one.asks.entry_limit_ticks:  # the cash may carry fewer lots at the higher limit of a sale
        answers = [each._replace(asks=each.asks._replace(entry_lots=0, entry_parts=1)) for each in answers]
    if one.sleeve.target_lots == 0 and not busy(sleeve):  # flat, barriers are those of a purchase
        answers = [each._replace(sleeve=each.sleeve._replace(stop_ticks=0, take_ticks=0)) for each in answers]
    assert answers[0] == answers[1]
