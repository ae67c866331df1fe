"""How a position is entered: at market and at limits, whole and in parts, by each size, late, and by volume."""

import pytest
from tests.unit.backtest.histories import FREE, ONE_PERCENT, Prices, alone, beside, fills_of, orders_of, told
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TERMS, TORN

from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import ENTER, EXIT, PROTECT, Rules
from trading_system.blotter import objections as why
from trading_system.blotter.state import (
    ENTER_AT_LIMIT,
    ENTER_POST_ONLY,
    NO_VIEW,
    SIZE_AT_FILL,
    SIZE_FRACTION,
    STOP_ABSENT,
    STOP_FIXED,
    UNPROTECTED,
    Policy,
    Terms,
    View,
)
from trading_system.execution_engine.simulator.costs import UNIT, Costs

FLAT: Prices = (1_000, 1_000, 1_000, 1_000)
DIP: Prices = (1_000, 1_010, 974, 1_000)
SHORTABLE = TERMS._replace(shortable=1)
ONCE = (SURE, *(NO_VIEW,) * 9)
FALL_ONCE = (DOUBTFUL, *(NO_VIEW,) * 9)
LIMIT = POLICY._replace(entry_mode=ENTER_AT_LIMIT, entry_offset=0.5, entry_bars=3.0)
"""Half an ATR of 50 below the close: 975. Given up at the third close after it was asked for."""
POST_ONLY = LIMIT._replace(entry_mode=ENTER_POST_ONLY)


def played(
    bars: list[Prices],
    policy: Policy = POLICY,
    views: tuple[View, ...] = ONCE,
    *,
    costs: Costs = FREE,
    rules: Rules | None = None,
    terms: Terms = SHORTABLE,
    cash: int = 1_000_000,
    volume: int = 10**9,
) -> Outcome:
    """Return what becomes of a million atoms on an instrument that may be sold short."""
    tape = told(bars, views[: len(bars)], volume=volume)
    return run(*tape, alone(policy=policy, costs=costs, terms=terms, rules=rules, cash=cash), plain=True)


def entries(outcome: Outcome) -> list[tuple[int, ...]]:
    """Return slice, side, lots, price and maker of each fill of an entry."""
    words = ("at", "side", "lots", "price", "maker")
    return [tuple(fill[word] for word in words) for fill in fills_of(outcome) if fill["intent"] == ENTER]


# --- limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "touch", "fill"),
    [
        ((1_000, 1_010, 975, 1_000), 0, []),
        ((1_000, 1_010, 975, 1_000), 1, [(1, 1, 500, 975, 1)]),
        ((1_000, 1_010, 974, 1_000), 0, [(1, 1, 500, 975, 1)]),
        ((970, 1_010, 960, 1_000), 0, [(1, 1, 500, 970, 0)]),  # it came to a better market, and took
        ((975, 1_010, 975, 1_000), 0, [(1, 1, 500, 975, 0)]),
    ],
)
def test_a_limit_entry_rests_below_the_close_and_fills_once_the_price_goes_through(
    bar: Prices, touch: int, fill: list[tuple[int, ...]]
) -> None:
    """As a maker at its own price, or as a taker where the open is at it or better."""
    assert entries(played([FLAT, bar], LIMIT, rules=Rules(touch=touch))) == fill


def test_a_short_entry_rests_above_the_close() -> None:
    """At 1,025, reached by a high of 1,026."""
    assert entries(played([FLAT, (1_000, 1_026, 990, 1_000)], LIMIT, FALL_ONCE)) == [(1, -1, 500, 1_025, 1)]


def test_a_limit_entry_is_given_up_after_so_many_bars() -> None:
    """Asked for at the first close, it rests for three bars; the dip in the fourth comes too late."""
    assert entries(played([FLAT, FLAT, FLAT, DIP], LIMIT)) == [(3, 1, 500, 975, 1)]
    late = played([FLAT, FLAT, FLAT, FLAT, DIP], LIMIT)
    assert (entries(late), late.decided[:, 0, 0].tolist()) == ([], [500, 500, 500, 500, 0])


def test_an_entry_is_given_up_as_soon_as_the_view_leaves() -> None:
    """Though it might have waited."""
    assert entries(played([FLAT, FLAT, DIP], LIMIT, (SURE, DOUBTFUL, TORN), terms=TERMS)) == []


def test_what_an_entry_has_filled_is_protected_while_the_rest_waits() -> None:
    """200 of 500 lots at the dip, by volume; the stop for them rests beside 300 that wait, then stands for all."""
    bars = [FLAT, DIP, FLAT, DIP, FLAT]
    outcome = played(bars, LIMIT._replace(entry_bars=9.0), rules=Rules(volume_share=UNIT), volume=20_000)
    assert entries(outcome) == [(1, 1, 200, 975, 1), (3, 1, 200, 975, 1)]
    assert [order["asked"] for order in orders_of(outcome) if order["intent"] == PROTECT] == [200, 400]


@pytest.mark.parametrize(
    ("open_", "fill", "rejected"),
    [(975, [], 1), (976, [(1, 1, 500, 975, 1)], 0), (974, [], 1)],
)
def test_a_post_only_entry_is_refused_rather_than_take(open_: int, fill: list[tuple[int, ...]], rejected: int) -> None:
    """At an open of 975 or less a buy at 975 would take; at 976 it rests, and fills as a maker."""
    outcome = played([FLAT, (open_, 1_010, 970, 1_000)], POST_ONLY)
    assert (entries(outcome), outcome.rejected) == (fill, rejected)


def test_a_post_only_sale_is_refused_from_the_other_side() -> None:
    """A sale at 1,025 would take at an open of 1,025."""
    assert played([FLAT, (1_025, 1_030, 990, 1_000)], POST_ONLY, FALL_ONCE).rejected == 1
    assert entries(played([FLAT, (1_024, 1_030, 990, 1_000)], POST_ONLY, FALL_ONCE)) == [(1, -1, 500, 1_025, 1)]


def test_after_a_refusal_nothing_is_asked_before_the_next_close() -> None:
    """Then the view may want it anew: at 975 below the close of 1,000 again."""
    outcome = played([FLAT, (970, 1_010, 970, 1_000), DIP], POST_ONLY, (SURE, SURE, NO_VIEW))
    assert (entries(outcome), outcome.rejected) == ([(2, 1, 500, 975, 1)], 1)


# --- parts --------------------------------------------------------------------------------------------


def test_an_entry_in_parts_is_as_many_orders_of_equal_size() -> None:
    """500 lots in three: 168 first, which takes what does not divide, then 166 twice; all at the open."""
    outcome = played([FLAT, FLAT], POLICY._replace(entry_parts=3.0))
    asked = [(o["attempt"], o["asked"]) for o in orders_of(outcome) if o["intent"] == ENTER]
    assert asked == [(1, 168), (2, 166), (3, 166)]
    assert entries(outcome) == [(1, 1, 168, 1_000, 0), (1, 1, 166, 1_000, 0), (1, 1, 166, 1_000, 0)]
    assert [fill["order"] for fill in fills_of(outcome)] == [0, 1, 2]


def test_an_entry_whose_parts_would_be_too_small_goes_whole() -> None:
    """Of six lots at 1,000 three parts would be worth 2,000 each, and the venue wants 3,000."""
    outcome = played([FLAT, FLAT], POLICY._replace(entry_parts=3.0, max_exposure=0.006))
    assert entries(outcome) == [(1, 1, 6, 1_000, 0)]


def test_parts_at_a_limit_fill_one_after_the_other_as_volume_comes() -> None:
    """Two parts of 250; each dip lets 200 through."""
    policy = LIMIT._replace(entry_parts=2.0, entry_bars=9.0)
    outcome = played([FLAT, DIP, DIP, DIP], policy, rules=Rules(volume_share=UNIT), volume=20_000)
    filled = [(f["at"], f["attempt"], f["lots"]) for f in fills_of(outcome) if f["intent"] == ENTER]
    assert filled == [(1, 1, 200), (2, 1, 50), (2, 2, 150), (3, 2, 100)]


def test_where_the_cash_ends_the_parts_that_are_left_are_refused() -> None:
    """Two parts of 400 asked at 1,000; at an open of 1,251 the first is paid with 500,400, the second is not."""
    policy = POLICY._replace(max_exposure=1.0, entry_parts=2.0)
    outcome = played([FLAT, (1_251, 1_300, 1_240, 1_250)], policy)
    assert (entries(outcome), outcome.rejected) == ([(1, 1, 400, 1_251, 0)], 1)


# --- sizes --------------------------------------------------------------------------------------------


def test_a_fraction_of_equity_is_counted_at_the_close() -> None:
    """A fifth of a million at 1,000 is 200 lots, whatever the stake at the stop would be."""
    policy = POLICY._replace(size_mode=SIZE_FRACTION, size_fraction=0.2)
    assert entries(played([FLAT, (1_100, 1_100, 1_100, 1_100)], policy)) == [(1, 1, 200, 1_100, 0)]


def test_a_fraction_at_the_fill_is_counted_at_the_price_paid() -> None:
    """Half a million buys 454 lots at 1,100, after 400 were reserved for at 1,250; 10 % of slippage leave 413."""
    policy = POLICY._replace(size_mode=SIZE_AT_FILL, size_fraction=0.5, stop_mode=STOP_ABSENT)
    dear = FREE._replace(slip=UNIT // 10)
    bars = [FLAT, (1_100, 1_100, 1_100, 1_100)]
    assert entries(played(bars, policy)) == [(1, 1, 454, 1_100, 0)]
    assert entries(played(bars, policy, costs=dear)) == [(1, 1, 413, 1_210, 0)]


@pytest.mark.parametrize(("in_base", "lots"), [(1, 1_000), (0, 990)])
def test_all_the_cash_pays_the_fee_too_where_it_is_taken_in_quote(in_base: int, lots: int) -> None:
    """A million at 1,000: a thousand lots, or with 1 % on top 990 (990.099)."""
    policy = POLICY._replace(
        size_mode=SIZE_AT_FILL, size_fraction=1.0, stop_mode=STOP_ABSENT, max_exposure=1.0, cash_buffer=0.0
    )
    outcome = played([FLAT, FLAT], policy, costs=ONE_PERCENT._replace(fee_in_base=in_base))
    assert entries(outcome) == [(1, 1, lots, 1_000, 0)]
    assert outcome.cash_atoms[-1] == (0 if in_base else 1_000_000 - 990_000 - 9_900)


def test_a_size_counted_at_the_fill_is_the_target_from_then_on() -> None:
    """Before the fill the target is open; after it, what was bought is held."""
    policy = POLICY._replace(size_mode=SIZE_AT_FILL, size_fraction=0.5, stop_mode=STOP_FIXED)
    outcome = played([FLAT, (1_100, 1_100, 1_100, 1_100)], policy)
    assert outcome.decided[1, 0, 0] == 454
    assert [order["asked"] for order in orders_of(outcome) if order["intent"] == PROTECT] == [454]


def test_a_share_that_pays_for_no_lot_is_refused() -> None:
    """A lot at 1,000 was reserved for; it opens at 20,000, and half of ten thousand buys none."""
    tiny = SHORTABLE._replace(min_lots=1, min_notional_atoms=0)
    policy = POLICY._replace(size_mode=SIZE_AT_FILL, size_fraction=0.5)
    outcome = played([FLAT, (20_000,) * 4], policy, terms=tiny, cash=10_000)
    assert (entries(outcome), outcome.rejected) == ([], 1)


@pytest.mark.parametrize(("cash", "lots"), [(505_000, 500), (504_999, 0)])
def test_a_purchase_that_the_cash_pays_but_not_its_fee_is_refused(cash: int, lots: int) -> None:
    """500 lots at 1,000 and 1 % on top; the venue takes fees in quote."""
    policy = POLICY._replace(size_mode=SIZE_FRACTION, size_fraction=500_100 / cash, max_exposure=1.0, cash_buffer=0.0)
    outcome = played([FLAT, FLAT], policy, costs=ONE_PERCENT._replace(fee_in_base=0), cash=cash)
    assert [fill[2] for fill in entries(outcome)] == ([lots] if lots else [])
    assert outcome.rejected == (0 if lots else 1)


AT_FILL = POLICY._replace(
    size_mode=SIZE_AT_FILL, size_fraction=1.0, stop_mode=STOP_ABSENT, max_exposure=9.0, max_gross=9.0, cash_buffer=0.0
)


def in_company(first: tuple[View, ...], policy: Policy) -> Outcome:
    """Return a run in which a second sleeve puts all that is free at its fill into its own instrument."""
    other = (NO_VIEW,) * (len(first) - 1) + (SURE, NO_VIEW)
    tape, beliefs = beside(told([FLAT] * len(other), (*first, NO_VIEW)), told([FLAT] * len(other), other))
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[SHORTABLE] * 2,
        costs=[FREE] * 2,
        instrument=[0, 1],
        policies=[policy, AT_FILL],
    )
    return run(tape, beliefs, setup, plain=True)


def test_what_is_promised_to_another_entry_is_not_free_at_the_fill() -> None:
    """A limit order of the first waits with 300 lots x 950; 715,000 are free for the second: 715 lots."""
    waiting = POLICY._replace(
        entry_mode=ENTER_AT_LIMIT, entry_offset=1.0, entry_bars=9.0, max_exposure=0.3, cash_buffer=0.0
    )
    assert entries(in_company((SURE, NO_VIEW), waiting)) == [(2, 1, 715, 1_000, 0)]


def test_what_a_short_sale_brought_in_is_not_free_at_the_fill() -> None:
    """Sold short for 300,000: of 1,300,000 in cash twice that stands aside, 700 lots."""
    short = POLICY._replace(max_exposure=0.3, cash_buffer=0.0)
    assert entries(in_company((DOUBTFUL, NO_VIEW), short)) == [(1, -1, 300, 1_000, 0), (2, 1, 700, 1_000, 0)]


# --- when ---------------------------------------------------------------------------------------------

CLIMB: list[Prices] = [(n, n, n, n) for n in range(1_000, 1_100, 10)]


@pytest.mark.parametrize("latency", [0, 1, 2, 3])
def test_latency_delays_an_order_by_so_many_bars(latency: int) -> None:
    """Decided at the first close, it fills at the open of the bar after next, and so on; and is kept then."""
    outcome = played(CLIMB, rules=Rules(latency_bars=latency))
    assert entries(outcome) == [(1 + latency, 1, 500, 1_010 + 10 * latency, 0)]
    assert [fill["intent"] for fill in fills_of(outcome)] == [ENTER]


@pytest.mark.parametrize("latency", [0, 1, 2])
def test_latency_delays_the_stop_too(latency: int) -> None:
    """Entered late, the stop is asked for at the fill and rests as many bars later; until then nothing holds."""
    fall = [FLAT] * (1 + latency) + [(1_000, 1_000, 890, 890)] + [(890, 890, 890, 890)] * 9
    outcome = played(fall, views=(SURE, *(NO_VIEW,) * 12), rules=Rules(latency_bars=latency))
    ends = [(f["at"], f["intent"], f["price"]) for f in fills_of(outcome)][1:]
    if latency == 0:
        assert ends == [(1, PROTECT, 900)]
    else:  # the stop would be passed when it arrives, and is refused: we leave at market, as late again
        assert ends == [(1 + 3 * latency, EXIT, 890)]


@pytest.mark.parametrize(("open_", "refused"), [(901, False), (900, True)])
def test_a_stop_that_the_price_has_reached_when_it_arrives_is_refused(open_: int, refused: bool) -> None:
    """Asked for in bar 2, it reaches the venue at the open of bar 3; at 900 it would trade at once."""
    bars = [FLAT, FLAT, FLAT, (open_,) * 4, FLAT, FLAT, FLAT]
    outcome = played(bars, POLICY._replace(stop_mode=STOP_FIXED), rules=Rules(latency_bars=1))
    exits = [(f["at"], f["intent"], f["reason"]) for f in fills_of(outcome)][1:]
    assert exits == ([(4, EXIT, UNPROTECTED)] if refused else [])


@pytest.mark.parametrize(("open_", "refused"), [(1_099, False), (1_100, True)])
def test_a_target_that_the_price_has_reached_when_it_arrives_is_refused(open_: int, refused: bool) -> None:
    """Both rest or neither; then we leave at market, as late again."""
    bars = [FLAT, FLAT, FLAT, (open_,) * 4, FLAT, FLAT, FLAT]
    policy = POLICY._replace(take_profit=2.0, stop_mode=STOP_FIXED)
    exits = [(f["at"], f["intent"]) for f in fills_of(played(bars, policy, rules=Rules(latency_bars=1)))][1:]
    assert exits == ([(4, EXIT)] if refused else [])


@pytest.mark.parametrize(("dip", "filled"), [(3, True), (4, True), (5, False)])
def test_an_entry_is_not_canceled_before_it_has_arrived(dip: int, filled: bool) -> None:
    """Two bars late: it arrives in bar 3. The view leaves at once, but the cancel goes out then, to arrive in bar 5."""
    bars = [DIP if n == dip else FLAT for n in range(8)]
    views = (SURE, DOUBTFUL, *(TORN,) * 6)
    outcome = played(bars, LIMIT._replace(entry_bars=9.0), views, rules=Rules(latency_bars=2), terms=TERMS)
    assert [fill[0] for fill in entries(outcome)] == ([dip] if filled else [])


@pytest.mark.parametrize(("low", "end"), [(901, (7, EXIT, 1_000)), (900, (5, PROTECT, 900))])
def test_latency_delays_a_cancel_too_and_the_stop_may_fill_meanwhile(low: int, end: tuple[int, ...]) -> None:
    """A bar late: entered in bar 2, protected from 3 on; to leave at the close of 4 the cancel arrives in 6.

    Only then the exit is sent, for bar 7; a stop that is struck in bar 5 comes before it.
    """
    bars = [FLAT] * 5 + [(1_000, 1_000, low, 1_000)] + [FLAT] * 3
    views = (SURE, TORN, TORN, TORN, DOUBTFUL, TORN, TORN, TORN, TORN)
    outcome = played(bars, POLICY, views, rules=Rules(latency_bars=1), terms=TERMS)
    assert [(f["at"], f["intent"], f["price"]) for f in fills_of(outcome)] == [(2, ENTER, 1_000), end]


def test_an_order_at_the_close_fills_at_that_close() -> None:
    """As some engines have it; the exit too, and what it frees is not entered anew at the same close."""
    outcome = played(CLIMB, views=(SURE, NO_VIEW, DOUBTFUL, *(NO_VIEW,) * 7), rules=Rules(at_close=1), terms=TERMS)
    assert [(f["at"], f["intent"], f["price"]) for f in fills_of(outcome)] == [(0, ENTER, 1_000), (2, EXIT, 1_020)]


def test_a_stop_does_not_see_the_bar_at_whose_close_it_was_set() -> None:
    """Entered at the close of a bar that fell to 800: the stop at 900 rests from the next bar on."""
    deep = (1_000, 1_000, 800, 1_000)
    outcome = played([deep, FLAT, (1_000, 1_000, 899, 1_000)], rules=Rules(at_close=1))
    assert [(f["at"], f["intent"], f["price"]) for f in fills_of(outcome)] == [(0, ENTER, 1_000), (2, PROTECT, 900)]


# --- volume -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "lots"), [(UNIT, 300), (UNIT // 2, 150), (UNIT // 301, 0), (UNIT // 300, 0)])
def test_a_bar_lets_a_share_of_its_volume_through(share: int, lots: int) -> None:
    """300 lots were traded; less than one lot is nothing. A 300th in 1e-8 is 333,333: 0.9999 lots."""
    outcome = played([FLAT, FLAT], rules=Rules(volume_share=share), volume=30_000)
    assert entries(outcome) == ([(1, 1, lots, 1_000, 0)] if lots else [])


def test_sleeves_on_one_instrument_share_its_volume_in_their_order() -> None:
    """Two strategies want 300 lots each; of 400 the first gets all, the second a hundred, exits before entries."""
    tape = told([FLAT, FLAT, FLAT], (SURE, DOUBTFUL, TORN), volume=40_000)
    other = told([FLAT, FLAT, FLAT], (SURE, NO_VIEW, NO_VIEW), volume=40_000)
    bars, beliefs = tape[0], beside(tape, other)[1]
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS],
        costs=[FREE],
        instrument=[0, 0],
        policies=[POLICY._replace(max_exposure=0.3, entry_bars=5.0)] * 2,
        rules=Rules(volume_share=UNIT),
    )
    outcome = run(bars, beliefs, setup, plain=True)
    assert [(f["at"], f["sleeve"], f["intent"], f["lots"]) for f in fills_of(outcome)] == [
        (1, 0, ENTER, 300),
        (1, 1, ENTER, 100),
        (2, 0, EXIT, 300),
        (2, 1, ENTER, 100),
    ]


def test_what_a_cancel_frees_is_free_for_others_from_the_next_close_on() -> None:
    """A limit order for 500 lots is given up as the second sleeve decides: 525,000 of a million are free, then all.

    So live: the venue must confirm the cancel first.
    """
    waiting = LIMIT._replace(entry_offset=1.0, cash_buffer=0.0)
    all_in = POLICY._replace(max_exposure=9.0, max_gross=9.0, cash_buffer=0.0)
    for views, lots in (((SURE, SURE), 525), ((NO_VIEW, SURE, SURE), 525), ((NO_VIEW, NO_VIEW, SURE), 1_000)):
        second = (*views, NO_VIEW, NO_VIEW)[:4]
        first = (SURE, DOUBTFUL, TORN, TORN)
        tape, beliefs = beside(told([FLAT] * 4, first), told([FLAT] * 4, second))
        setup = make_setup(
            cash_atoms=1_000_000,
            terms=[TERMS] * 2,
            costs=[FREE] * 2,
            instrument=[0, 1],
            policies=[waiting, all_in],
        )
        outcome = run(tape, beliefs, setup, plain=True)
        assert [fill[2] for fill in entries(outcome)] == [lots]


def test_denials_are_counted_by_what_spoke_against() -> None:
    """Half of 5,100 is too little for the venue, twice; a bar without a view is no wish, nor is one that stays out."""
    outcome = played([FLAT] * 4, POLICY, (SURE, SURE, NO_VIEW, TORN), cash=5_100)
    assert outcome.denials == {why.EXPOSURE: 2}
