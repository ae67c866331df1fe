"""What ends a position: fixed, trailing and absent stops, targets, time; long and short, each worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.histories import ENTER_ONCE, FREE, ONE_PERCENT, Prices, alone, fills_of, orders_of, told
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TERMS, TORN

from trading_system.backtest.run import Outcome, run
from trading_system.backtest.tape import ENTER, EXIT, PROTECT, Rules
from trading_system.blotter.state import (
    JUMPED,
    STOP_ABSENT,
    STOP_FIXED,
    TARGET_REACHED,
    TIMED_OUT,
    UNPROTECTED,
    VIEW_GONE,
    Policy,
    View,
)

FLAT: Prices = (1_000, 1_000, 1_000, 1_000)
UP: Prices = (1_000, 1_100, 1_000, 1_100)
DOWN: Prices = (1_000, 1_000, 900, 900)
SHORTABLE = TERMS._replace(shortable=1)
FALL_ONCE = (DOUBTFUL, *ENTER_ONCE[1:])
"""Sell short at the first close; then no view, so that only the barriers leave."""
FIXED = POLICY._replace(stop_mode=STOP_FIXED)
BARE = POLICY._replace(stop_mode=STOP_ABSENT, kelly_cap=0.01)
TIGHT = POLICY._replace(stop_slack=0.0)


def played(
    bars: list[Prices],
    policy: Policy = POLICY,
    views: tuple[View, ...] = ENTER_ONCE,
    *,
    rules: Rules | None = None,
    volume: int = 10**9,
) -> Outcome:
    """Return what becomes of a million atoms on an instrument that may be sold short, without costs."""
    tape = told(bars, views[: len(bars)], volume=volume)
    return run(*tape, alone(policy=policy, costs=FREE, terms=SHORTABLE, rules=rules), plain=True)


def ends(outcome: Outcome) -> list[tuple[int, ...]]:
    """Return slice, intent, side, lots, price and reason of each fill after the first."""
    words = ("at", "intent", "side", "lots", "price", "reason")
    return [tuple(fill[word] for word in words) for fill in fills_of(outcome)][1:]


def stops(outcome: Outcome) -> list[int]:
    """Return the level of the stop at each close, ticks."""
    return outcome.decided[:, 0, 1].tolist()


# --- stops --------------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_close_and_a_fixed_one_stays() -> None:
    """Two ATR of 50 below the close: 900 at first, 1,000 after a rise to 1,100; the fall to 950 reaches only that."""
    bars = [FLAT, UP, (1_100, 1_100, 950, 950)]
    trailing, fixed = played(bars), played(bars, FIXED)
    assert (stops(trailing)[:2], ends(trailing)) == ([900, 1_000], [(2, PROTECT, -1, 500, 1_000, 0)])
    assert (stops(fixed), ends(fixed)) == ([900] * 3, [])


def test_the_stop_of_a_short_position_lies_above_and_follows_downwards() -> None:
    """Two ATR above: 1,100, and 1,000 after a fall to 900; a rise to 1,050 reaches that alone."""
    bars = [FLAT, DOWN, (900, 1_050, 900, 1_050)]
    trailing, fixed = played(bars, views=FALL_ONCE), played(bars, FIXED, FALL_ONCE)
    assert (stops(trailing)[:2], ends(trailing)) == ([1_100, 1_000], [(2, PROTECT, 1, 500, 1_000, 0)])
    assert (stops(fixed), ends(fixed)) == ([1_100] * 3, [])


@pytest.mark.parametrize(("open_", "price"), [(1_000, 900), (900, 900), (880, 880), (788, 788)])
def test_a_long_stop_that_gaps_fills_at_the_open(open_: int, price: int) -> None:
    """Stop 900, its limit an eighth lower, 787."""
    assert ends(played([FLAT, FLAT, (open_, open_, 780, 785)])) == [(2, PROTECT, -1, 500, price, 0)]


@pytest.mark.parametrize(("open_", "price"), [(1_000, 1_100), (1_100, 1_100), (1_120, 1_120), (1_237, 1_237)])
def test_a_short_stop_that_gaps_fills_at_the_open(open_: int, price: int) -> None:
    """Stop 1,100, its limit an eighth higher, 1,238 (1,237.5 rounded away)."""
    outcome = played([FLAT, FLAT, (open_, 1_300, open_, 1_240)], views=FALL_ONCE)
    assert ends(outcome) == [(2, PROTECT, 1, 500, price, 0)]
    assert next(order["limit"] for order in orders_of(outcome) if order["intent"] == PROTECT) == 1_238


def test_a_market_that_jumped_over_a_short_stops_limit_is_left_at_the_next_open() -> None:
    """It opens at 1,300 and closes there, beyond 1,238: the stop will not buy any more."""
    outcome = played([FLAT, FLAT, (1_300, 1_310, 1_290, 1_300), (1_310, 1_310, 1_310, 1_310)], views=FALL_ONCE)
    assert ends(outcome) == [(3, EXIT, 1, 500, 1_310, JUMPED)]


def test_without_a_stop_nothing_rests_and_nothing_is_left_but_on_the_view() -> None:
    """A crash to a tenth is held through; the view leaves. The stake of 1 % is lost at the view's own loss of 2 %."""
    outcome = played([FLAT, FLAT, (100, 100, 100, 100), FLAT, FLAT], BARE, (SURE, TORN, TORN, DOUBTFUL, TORN))
    assert stops(outcome) == [0] * 5
    assert fills_of(outcome)[0]["lots"] == 500
    assert ends(outcome) == [(4, EXIT, -1, 500, 1_000, VIEW_GONE)]
    assert {order["intent"] for order in orders_of(outcome)} == {ENTER, EXIT}


def test_a_stop_is_struck_in_part_and_the_rest_goes_on_taking() -> None:
    """500 lots rest at 900; each bar's volume lets 200 through: 200 at the stop, then 200 and 100 at the next opens."""
    bars = [FLAT, FLAT, FLAT, FLAT, (1_000, 1_000, 890, 890), (880, 880, 880, 880), (870, 870, 870, 870)]
    outcome = played(bars, POLICY._replace(entry_bars=4.0), rules=Rules(volume_share=10**8), volume=20_000)
    entry = [(fill["at"], fill["lots"]) for fill in fills_of(outcome) if fill["intent"] == ENTER]
    assert entry == [(1, 200), (2, 200), (3, 100)]
    assert [end for end in ends(outcome) if end[1] == PROTECT] == [
        (4, PROTECT, -1, 200, 900, 0),
        (5, PROTECT, -1, 200, 880, 0),
        (6, PROTECT, -1, 100, 870, 0),
    ]


# --- targets ------------------------------------------------------------------------------------------

TARGET = FIXED._replace(take_profit=2.0)
"""A target two ATR away: 1,100 for a long position, 900 for a short one."""


@pytest.mark.parametrize(
    ("bar", "touch", "end"),
    [
        ((1_000, 1_099, 950, 1_000), 0, []),
        ((1_000, 1_100, 950, 1_000), 0, []),
        ((1_000, 1_100, 950, 1_000), 1, [(2, PROTECT, -1, 500, 1_100, 0)]),
        ((1_000, 1_101, 950, 1_000), 0, [(2, PROTECT, -1, 500, 1_100, 0)]),
        ((1_150, 1_160, 950, 1_000), 0, [(2, PROTECT, -1, 500, 1_100, 0)]),
    ],
)
def test_a_target_rests_beside_the_stop_and_fills_once_the_price_goes_through(
    bar: Prices, touch: int, end: list[tuple[int, ...]]
) -> None:
    """As a maker, at its own price, though the market may open beyond it."""
    outcome = played([FLAT, FLAT, bar], TARGET, rules=Rules(touch=touch))
    assert ends(outcome) == end
    assert [(order["stop"], order["take"]) for order in orders_of(outcome) if order["intent"] == PROTECT] == [
        (900, 1_100)
    ]
    assert outcome.ambiguous == 0


def test_a_short_positions_target_lies_below() -> None:
    """900, reached by a low of 899."""
    outcome = played([FLAT, FLAT, (1_000, 1_000, 899, 950)], TARGET, FALL_ONCE)
    assert ends(outcome) == [(2, PROTECT, 1, 500, 900, 0)]


@pytest.mark.parametrize(
    ("bar", "end", "ambiguous"),
    [
        ((1_000, 1_101, 900, 1_000), (2, PROTECT, -1, 500, 900, 0), 1),
        ((1_101, 1_110, 890, 1_000), (2, PROTECT, -1, 500, 1_100, 0), 0),  # beyond the target at the open
        ((880, 1_101, 870, 1_000), (2, PROTECT, -1, 500, 880, 0), 1),
    ],
)
def test_where_one_bar_has_stop_and_target_the_stop_counts_unless_the_open_tells(
    bar: Prices, end: tuple[int, ...], ambiguous: int
) -> None:
    """And the outcome says how often that was so."""
    outcome = played([FLAT, FLAT, bar], TARGET)
    assert (ends(outcome), outcome.ambiguous) == ([end], ambiguous)


def test_in_the_bar_of_the_entry_only_the_stop_may_fill_after_a_limit_entry() -> None:
    """The target may have been passed before we entered: bought at 975 on the way, the high of 1,200 does not count."""
    limit = TARGET._replace(entry_mode=1.0, entry_offset=0.5)
    outcome = played([FLAT, (1_000, 1_200, 970, 1_000), (1_000, 1_101, 1_000, 1_000)], limit)
    assert ends(outcome) == [(2, PROTECT, -1, 500, 1_100, 0)]
    struck = played([FLAT, (1_000, 1_200, 899, 1_000)], limit)
    assert ends(struck) == [(1, PROTECT, -1, 500, 900, 0)]


def test_an_entry_that_opens_beyond_its_target_is_left_at_once() -> None:
    """The venue would refuse a bracket whose target the price has passed; that is told apart from a passed stop."""
    assert ends(played([FLAT, (1_100, 1_100, 1_100, 1_100)], TARGET)) == [(1, EXIT, -1, 500, 1_100, TARGET_REACHED)]
    assert ends(played([FLAT, (900, 900, 900, 900)], TARGET)) == [(1, EXIT, -1, 500, 900, UNPROTECTED)]


def test_a_target_may_stand_without_a_stop() -> None:
    """Held through a crash, sold at 1,100."""
    outcome = played([FLAT, FLAT, (10, 10, 10, 10), (1_000, 1_101, 1_000, 1_000)], BARE._replace(take_profit=2.0))
    assert ends(outcome) == [(3, PROTECT, -1, 500, 1_100, 0)]
    rests = next(order for order in orders_of(outcome) if order["intent"] == PROTECT)
    assert (rests["stop"], rests["limit"], rests["take"]) == (0, 1_100, 1_100)


# --- time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bars", [1, 2, 3])
def test_a_position_is_left_after_so_many_bars(bars: int) -> None:
    """Filled at the first open, decided at that bar's close and the next ones; sold at the open after the last.

    The view still says enter: but first what was decided to be left is left.
    """
    outcome = played([FLAT] * 5, POLICY._replace(max_bars=float(bars)), (SURE,) * 5)
    assert ends(outcome)[0] == (1 + bars, EXIT, -1, 500, 1_000, TIMED_OUT)


def test_a_short_position_is_left_after_as_many() -> None:
    """Bought back, and not sold again on a view that is not repeated."""
    outcome = played([FLAT] * 5, POLICY._replace(max_bars=2.0), FALL_ONCE)
    assert ends(outcome) == [(3, EXIT, 1, 500, 1_000, TIMED_OUT)]


def test_the_count_begins_anew_with_each_position() -> None:
    """Two bars, out, in again on the same view, two bars, out."""
    outcome = played([FLAT] * 8, POLICY._replace(max_bars=2.0), (SURE,) * 8)
    assert [(fill["at"], fill["intent"]) for fill in fills_of(outcome)] == [
        (1, ENTER),
        (3, EXIT),
        (4, ENTER),
        (6, EXIT),
        (7, ENTER),
    ]


# --- the mirror ---------------------------------------------------------------------------------------

AROUND = 2_000
LOT_ONLY = TIGHT._replace(max_exposure=0.0015, atr_stop=1.0)
"""Of a million atoms one lot is bought at any price from 751 to 1,500."""


@st.composite
def mirrors(draw: st.DrawFn) -> tuple[list[Prices], list[View], Policy, Rules]:
    """Return bars between 800 and 1,200, views in quarters, and a policy with any barriers."""
    price, rows = st.integers(800, 1_200), []
    for _ in range(draw(st.integers(5, 25))):
        drawn = draw(st.tuples(price, price, price, price))
        rows.append((drawn[0], max(drawn), min(drawn), drawn[1]))
    views = draw(
        st.lists(
            st.sampled_from([SURE, TORN, DOUBTFUL, SURE, DOUBTFUL, ENTER_ONCE[1]]),
            min_size=len(rows),
            max_size=len(rows),
        )
    )
    policy = LOT_ONLY._replace(
        stop_mode=draw(st.sampled_from([0.0, 1.0, 2.0])),
        take_profit=draw(st.sampled_from([0.0, 0.5, 1.5])),
        max_bars=draw(st.sampled_from([0.0, 2.0, 5.0])),
        entry_mode=draw(st.sampled_from([0.0, 1.0, 2.0])),
        entry_offset=draw(st.sampled_from([0.0, 0.25, 0.5])),
        entry_bars=draw(st.sampled_from([1.0, 3.0])),
    )
    rules = Rules(
        at_close=draw(st.integers(0, 1)),
        touch=draw(st.integers(0, 1)),
        latency_bars=draw(st.sampled_from([0, 0, 1, 2])),
    )
    return rows, views, policy, rules


@settings(max_examples=100)
@given(drawn=mirrors())
def test_the_short_side_is_the_long_side_upside_down(drawn: tuple[list[Prices], list[View], Policy, Rules]) -> None:
    """Prices p -> 2,000 - p, probabilities p -> 1 - p: the same orders on the other side, the same equity."""
    rows, views, policy, rules = drawn
    terms = SHORTABLE._replace(min_lots=1, min_notional_atoms=0)
    setup = alone(policy=policy, costs=FREE._replace(fee_in_base=0), terms=terms, rules=rules)
    flipped = [(AROUND - o, AROUND - low, AROUND - high, AROUND - c) for o, high, low, c in rows]
    turned = [view._replace(probability=1.0 - view.probability, gain=view.loss, loss=view.gain) for view in views]
    one, other = run(*told(rows, views), setup, plain=True), run(*told(flipped, turned), setup, plain=True)
    assert [upside_down(order) for order in orders_of(one)] == orders_of(other)
    assert [upside_down(fill) for fill in fills_of(one)] == fills_of(other)
    assert one.equity_atoms.tolist() == other.equity_atoms.tolist()
    assert (one.ambiguous, one.rejected, one.denials) == (other.ambiguous, other.rejected, other.denials)


def upside_down(row: dict[str, int]) -> dict[str, int]:
    """Return an order or a fill as the mirrored history has it."""
    prices = {word: AROUND - row[word] for word in ("limit", "stop", "take", "price", "reference") if row.get(word)}
    return row | prices | {"side": -row["side"]}


def test_what_a_short_position_costs_comes_out_of_the_equity() -> None:
    """Sold 500 at 1,000, of which 1 % is 5,000; bought back at 900, where 1 % is taken of what is bought.

    So of 500 lots 5 are still owed; they are bought too, and of them 5 atoms of base currency: 45 atoms at 900.
    """
    tape = told([FLAT, FLAT, (900, 900, 900, 900), (900, 900, 900, 900)], (DOUBTFUL, TORN, SURE, TORN))
    outcome = run(*tape, alone(costs=ONE_PERCENT, terms=SHORTABLE), plain=True)
    assert outcome.equity_atoms.tolist()[1:3] == [995_000, 995_000 + 50_000]
    covered = [(fill["lots"], fill["fee"], fill["in_base"]) for fill in fills_of(outcome) if fill["side"] > 0]
    assert covered == [(500, 500, 1), (5, 5, 1)]
    assert (outcome.position_atoms.tolist(), outcome.equity_atoms[3]) == ([-5], 1_045_000 - 4_500 - 45)


def test_what_a_fee_leaves_owed_is_asked_for_three_times_a_bar_and_no_more() -> None:
    """Half of what is bought is taken: of 512 lots 256 are left owed, 128, then 64, which wait for the next close."""
    greedy = FREE._replace(taker_fee=50_000_000)
    tape = told([FLAT] * 4, (DOUBTFUL, SURE, SURE, SURE))
    setup = alone(costs=greedy, terms=SHORTABLE, policy=POLICY._replace(max_exposure=0.512), cash=1_000_000)
    covers = [fill for fill in fills_of(run(*tape, setup, plain=True)) if fill["intent"] == EXIT]
    assert [(fill["at"], fill["attempt"], fill["lots"]) for fill in covers][:4] == [
        (2, 1, 512),
        (2, 2, 256),
        (2, 3, 128),
        (3, 1, 64),
    ]
