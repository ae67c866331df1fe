"""What is wanted, and why not: cases worked out by hand, and what holds for every input."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.desk.numbers import (
    CLOSE_NS,
    DAY_NS,
    DOUBTFUL,
    POLICY,
    SURE,
    TERMS,
    TORN,
    accounts,
    bars,
    make_account,
    make_bar,
    make_sleeve,
    policies,
    sleeves,
    views,
)

from trading_system.blotter import objections as why
from trading_system.blotter.state import (
    NO_ENTRY,
    NO_VIEW,
    NOTHING,
    STOP_ABSENT,
    STOP_RESTING,
    Account,
    AccountCarried,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    View,
)
from trading_system.desk.decide import asked, decide, entry_reserve, held_lots
from trading_system.risk_management.exposure import is_flat

BARELY = SURE._replace(probability=POLICY.enter_above)
NAN, INF = math.nan, math.inf
LOOSE = POLICY._replace(max_gross=9.0)
"""Only the cash limits what is owned in all."""
CAUTIOUS = POLICY._replace(max_daily_loss=0.1)
QUIET = NOTHING


def test_an_entry_is_sized_by_the_stake_at_the_stop_and_capped_by_exposure() -> None:
    """A quarter of equity lost at a stop 10 % away would be 2.5 times equity; half of equity is allowed: 500 lots."""
    step = decide(make_account(), make_sleeve(), make_bar(), SURE, POLICY)
    assert step.sleeve == SleeveCarried(target_lots=500, stop_ticks=900)
    assert step.asks == QUIET._replace(entry_lots=500)
    assert step.objections == why.NONE


def test_below_the_exposure_limit_kelly_sizes_the_entry() -> None:
    """Costs of 0.005: payoff 0.015 / 0.025 = 0.6, full Kelly 0.75 - 0.25 / 0.6 = 1/3, capped at 0.0105.

    Stop distance 0.1 plus cost 0.005 are lost at the stop: 0.0105 / 0.105 = 0.1 of equity, 100 lots.
    """
    policy = POLICY._replace(round_trip_cost=0.005, kelly_cap=0.010501)
    assert decide(make_account(), make_sleeve(), make_bar(), SURE, policy).asks.entry_lots == 100


@pytest.mark.parametrize(("free", "lots"), [(5_000, 4), (4_999, 3), (6_249, 4), (6_250, 5)])
def test_an_entry_asks_for_no_more_than_the_free_cash_carries_at_its_worst(free: int, lots: int) -> None:
    """With a buffer of a quarter a lot at 1,000 may cost 1,250."""
    account = make_account(cash=free + 777, reserved=777, holdings=10**6)
    step = decide(account, make_sleeve(terms=TERMS._replace(min_notional_atoms=0)), make_bar(), SURE, POLICY)
    assert step.asks.entry_lots == lots
    assert entry_reserve(lots, 1_000, TERMS, POLICY) <= free < entry_reserve(lots + 1, 1_000, TERMS, POLICY)


@pytest.mark.parametrize(
    ("probability", "entry"), [(0.6, True), (math.nextafter(0.6, 0.0), False), (0.5, False), (0.0, False)]
)
def test_an_entry_needs_the_probability_that_the_policy_names_or_more(probability: float, entry: bool) -> None:
    """A view that is merely not good enough is no objection: nothing was wanted."""
    step = decide(make_account(), make_sleeve(), make_bar(), SURE._replace(probability=probability), POLICY)
    assert (step.asks.entry_lots > 0, step.objections) == (entry, why.NONE)


@pytest.mark.parametrize(
    ("view", "target"),
    [
        (SURE, 30),
        (TORN, 30),
        (NO_VIEW, 30),
        (DOUBTFUL, 0),
        (SURE._replace(probability=0.4), 0),
        (SURE._replace(probability=math.nextafter(0.4, 1.0)), 30),
        (DOUBTFUL._replace(expires_ns=CLOSE_NS - 1), 30),
        (DOUBTFUL._replace(gain=NAN), 30),
    ],
)
def test_a_position_is_held_until_a_valid_view_says_leave(view: View, target: int) -> None:
    """No churn in between, and no leaving on a view that is missing, expired or not a number: the stop protects."""
    sleeve = make_sleeve(held=30, target=40, level=900)
    assert decide(make_account(), sleeve, make_bar(), view, POLICY).sleeve.target_lots == target


@pytest.mark.parametrize("view", [SURE, TORN])
def test_what_is_on_its_way_is_held_like_what_is_owned(view: View) -> None:
    """Ten owned and protected, twenty coming: thirty are wanted, and there is nothing to ask."""
    sleeve = make_sleeve(held=10, coming=20, stop=10, stop_at=900, status=STOP_RESTING, target=40, level=900)
    step = decide(make_account(), sleeve, make_bar(), view, POLICY._replace(entry_bars=2.0))
    assert (step.sleeve.target_lots, step.sleeve.bars_waiting, step.asks) == (30, 1, QUIET)


@pytest.mark.parametrize("view", [SURE, TORN, NO_VIEW])
@pytest.mark.parametrize(("held", "coming"), [(10, 20), (0, 20), (-10, -20), (0, -20)])
def test_an_entry_that_waited_long_enough_is_canceled_and_what_it_fills_meanwhile_is_kept(
    view: View, held: int, coming: int
) -> None:
    """The first decision lets it wait, the second gives it up. The cancel may come too late: then we hold."""
    policy, there = POLICY._replace(entry_bars=2.0), held + coming
    sleeve = make_sleeve(held=held, coming=coming, target=there)
    if held < 0 or coming < 0:
        view = view._replace(probability=1.0 - view.probability)
    first = decide(make_account(), sleeve, make_bar(), view, policy)
    assert (first.sleeve.target_lots, first.sleeve.bars_waiting, first.asks.cancel_entry) == (there, 1, 0)
    second = decide(make_account(), sleeve._replace(carried=first.sleeve), make_bar(), view, policy)
    assert (second.sleeve.target_lots, second.asks.cancel_entry) == (there, 1)
    late = make_sleeve(held=there)._replace(carried=second.sleeve)
    assert asked(late, second.sleeve, 1_000, NO_ENTRY).exit_lots == 0
    kept = decide(make_account(), late, make_bar(), view, policy)
    assert (kept.sleeve.target_lots, kept.sleeve.bars_waiting, kept.asks.exit_lots) == (there, 0, 0)
    canceled = make_sleeve(held=held)._replace(carried=second.sleeve)
    assert decide(make_account(gates=why.HALTED), canceled, make_bar(), view, policy).sleeve.target_lots == held


@pytest.mark.parametrize(("view", "target"), [(TORN, 0), (NO_VIEW, 0), (SURE, 30), (BARELY, 30)])
def test_a_decision_to_leave_stands_until_the_view_would_enter_anew(view: View, target: int) -> None:
    """An exit may take more than a bar (its stop must be canceled first); it is not forgotten half-way."""
    leaving = make_sleeve(held=30, stop=30, stop_at=900, status=STOP_RESTING, target=0, level=900)
    assert decide(make_account(), leaving, make_bar(), view, POLICY).sleeve.target_lots == target


@pytest.mark.parametrize(("close", "leaves"), [(882, 0), (881, 1)])
def test_a_stop_that_the_market_jumped_over_is_given_up(close: int, leaves: int) -> None:
    """A stop at 900 with 2 % slack has its limit at 882: it still sells at a close of 882, and no more at 881."""
    jumped = make_sleeve(held=30, stop=30, stop_at=900, limit_at=882, status=STOP_RESTING, target=30, level=900)
    bar = make_bar(close=close)
    step = decide(make_account(), jumped, bar, NO_VIEW, POLICY._replace(stop_slack=0.02))
    assert step.asks.cancel_stop == leaves
    canceled = make_sleeve(held=30, target=step.sleeve.target_lots, level=step.sleeve.stop_ticks)
    assert asked(canceled, step.sleeve, close, NO_ENTRY).exit_lots == 30


def test_dust_that_the_venue_would_not_take_back_does_not_keep_us_from_entering() -> None:
    """Two lots at 1,000 are below the smallest notional of 3,000: no position; 500 wanted, 498 missing."""
    step = decide(make_account(), make_sleeve(held=2, dust=7), make_bar(), SURE, POLICY)
    assert (step.sleeve.target_lots, step.asks.entry_lots) == (500, 498)


@pytest.mark.parametrize(
    ("account", "bar", "view", "policy", "objection"),
    [
        (make_account(), make_bar(), NO_VIEW, POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(expires_ns=CLOSE_NS - 1), POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(probability=NAN), POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(probability=1.01), POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(gain=INF), POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(gain=0.0), POLICY, why.NO_VIEW),
        (make_account(), make_bar(), SURE._replace(loss=0.0), POLICY, why.NO_VIEW),
        (make_account(), make_bar(atr=499.5), SURE, POLICY, why.MIN_NOTIONAL),  # a stop, but at one tick: worth nothing
        (make_account(cash=1), make_bar(), SURE, POLICY, why.MIN_NOTIONAL),
        (make_account(), make_bar(atr=0.0), SURE, POLICY, why.NO_STOP),
        (make_account(), make_bar(atr=NAN), SURE, POLICY, why.NO_STOP),
        (make_account(), make_bar(atr=INF), SURE, POLICY, why.NO_STOP),
        (make_account(), make_bar(atr=500.0), SURE, POLICY, why.NO_STOP),  # 1,000 - 2 x 500 = 0
        (make_account(), make_bar(), SURE, POLICY._replace(atr_stop=NAN), why.NO_STOP),
        (make_account(), make_bar(), SURE, POLICY._replace(stop_slack=0.26), why.NO_STOP),
        (make_account(), make_bar(close=0), SURE, POLICY, why.NO_PRICE | why.NO_STOP),
        (make_account(cash=0), make_bar(), SURE, POLICY, why.NO_PRICE),
        (make_account(cash=10**17 + 1), make_bar(), SURE, POLICY, why.NO_PRICE),
        (make_account(reserved=-1), make_bar(), SURE, POLICY, why.NO_PRICE),
        (make_account(), make_bar(), SURE, POLICY._replace(round_trip_cost=0.02), why.NO_EDGE),
        (make_account(), make_bar(), SURE, POLICY._replace(round_trip_cost=NAN), why.NO_EDGE),
        (make_account(), make_bar(), SURE, POLICY._replace(kelly_share=0.0), why.NO_EDGE),
        (make_account(), make_bar(), SURE, POLICY._replace(enter_above=NAN), why.NO_EDGE),
        (make_account(), make_bar(), SURE, POLICY._replace(leave_below=0.6), why.NO_EDGE),
        (make_account(cash=1_000), make_bar(), SURE, POLICY, why.MIN_NOTIONAL),
        (make_account(), make_bar(), SURE, POLICY._replace(max_exposure=0.001), why.EXPOSURE),
        (make_account(), make_bar(), SURE, POLICY._replace(max_exposure=NAN), why.EXPOSURE),
        (make_account(reserved=999_000), make_bar(), SURE, LOOSE, why.CASH),
        (make_account(reserved=2_000_000), make_bar(), SURE, LOOSE, why.CASH),
        (make_account(cash=4_000_000, holdings=-1_999_500, short=1_999_500), make_bar(), SURE, LOOSE, why.CASH),
        (make_account(reserved=999_000), make_bar(), SURE, POLICY, why.GROSS),
        (make_account(cash=3_000, holdings=997_001), make_bar(), SURE, POLICY, why.GROSS),
        (make_account(cash=1_997_001, holdings=-997_001, short=997_001), make_bar(), SURE, POLICY, why.GROSS),
        (make_account(), make_bar(), SURE, POLICY._replace(max_gross=0.002), why.GROSS),
        (make_account(), make_bar(), SURE, POLICY._replace(max_gross=NAN), why.GROSS),
        (make_account(), make_bar(), SURE, POLICY._replace(cash_buffer=NAN), why.CASH),
        (make_account(gates=why.HALTED), make_bar(), SURE, POLICY, why.HALTED),
        (make_account(peak=2e6), make_bar(), SURE, POLICY, why.DRAWDOWN),
        (make_account(latched=why.DRAWDOWN), make_bar(), SURE, POLICY, why.DRAWDOWN),
        (make_account(peak=NAN), make_bar(), SURE, POLICY, why.DRAWDOWN),
        (make_account(day=2e6, day_ends=CLOSE_NS + 1), make_bar(), SURE, CAUTIOUS, why.DAILY_LOSS),
        (make_account(day=NAN, day_ends=CLOSE_NS + 1), make_bar(), SURE, CAUTIOUS, why.DAILY_LOSS),
        (make_account(latched=why.DAILY_LOSS, day_ends=CLOSE_NS + 1), make_bar(), SURE, CAUTIOUS, why.DAILY_LOSS),
        (make_account(short=-1), make_bar(), SURE, POLICY, why.NO_PRICE),
        (make_account(short=10**17 + 1), make_bar(), SURE, POLICY, why.NO_PRICE),
    ],
)
def test_whatever_speaks_against_an_entry_is_named_and_nothing_else(
    account: Account, bar: BarRow, view: View, policy: Policy, objection: int
) -> None:
    """A rule that cannot be evaluated objects, and flat we stay flat."""
    step = decide(account, make_sleeve(), bar, view, policy)
    assert why.words(step.objections) == why.words(objection)
    assert (step.sleeve.target_lots, step.asks) == (0, QUIET)


@pytest.mark.parametrize(
    ("account", "view", "policy"),
    [
        (make_account(cash=10**17), SURE, POLICY),
        (make_account(holdings=10**17), SURE, POLICY),
        (make_account(), SURE._replace(probability=1.0), POLICY._replace(enter_above=1.0)),
        (make_account(), SURE, POLICY._replace(leave_below=0.0)),
        (make_account(), SURE, POLICY._replace(stop_slack=0.0)),
        (make_account(), SURE, POLICY._replace(stop_slack=0.25)),
        (make_account(), SURE, POLICY._replace(cash_buffer=0.0)),
        (make_account(peak=1e6), SURE, POLICY),
        (make_account(), SURE._replace(expires_ns=CLOSE_NS), POLICY),
    ],
)
def test_what_lies_at_the_edge_of_its_range_is_still_inside(account: Account, view: View, policy: Policy) -> None:
    """Nothing objects, and a position is opened."""
    step = decide(account, make_sleeve(), make_bar(), view, policy)
    assert (step.objections, step.asks.entry_lots > 0) == (why.NONE, True)


def test_an_entry_that_could_not_be_protected_is_not_made() -> None:
    """Five lots at 1,000 are enough to buy, but at 3/4 of a stop at 900, 675, they are worth 3,375.

    The smallest notional is 3,376 here; at 3,375 they may be bought.
    """
    policy, account = POLICY._replace(max_exposure=0.005), make_account()
    accepted = make_sleeve(terms=TERMS._replace(min_notional_atoms=3_375))
    refused = make_sleeve(terms=TERMS._replace(min_notional_atoms=3_376))
    assert decide(account, accepted, make_bar(), SURE, policy).asks.entry_lots == 5
    assert decide(account, refused, make_bar(), SURE, policy).objections == why.EXPOSURE


def test_a_fall_of_exactly_the_limit_is_allowed_and_one_atom_more_latches() -> None:
    """A quarter below a peak of a million is 750,000."""
    allowed = decide(make_account(cash=750_000, peak=1e6), make_sleeve(), make_bar(), SURE, POLICY)
    latched = decide(make_account(cash=749_999, peak=1e6), make_sleeve(), make_bar(), SURE, POLICY)
    assert (allowed.account.latched, latched.account.latched) == (why.NONE, why.DRAWDOWN)
    assert (allowed.objections, latched.objections) == (why.NONE, why.DRAWDOWN)


def test_open_positions_count_towards_the_peak() -> None:
    """Equity is cash plus what the positions are worth."""
    step = decide(make_account(cash=5, holdings=7), make_sleeve(), make_bar(), NO_VIEW, POLICY)
    assert step.account == AccountCarried(peak_equity=12.0, latched=0, day_equity=12.0, day_ends_ns=CLOSE_NS + DAY_NS)


@given(account=accounts(), sleeve=sleeves(), bar=bars(), view=views(), policy=policies())
def test_no_position_is_opened_or_added_to_against_an_objection(
    account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy
) -> None:
    """What is owned or on its way is the most that may be wanted then."""
    step = decide(account, sleeve, bar, view, policy)
    if step.objections:
        assert step.asks.entry_lots == 0
        there = held_lots(sleeve) + sleeve.entry_lots
        assert min(0, there) <= step.sleeve.target_lots <= max(0, there)


@given(account=accounts(), sleeve=sleeves(), bar=bars(), view=views(), policy=policies(), gates=st.integers(0, 2047))
def test_no_brake_changes_what_is_sold_canceled_or_protected(
    account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy, gates: int
) -> None:
    """Reducing always passes: with every flag up we ask for the same, what enters aside."""
    free = account._replace(gates=0, carried=AccountCarried(peak_equity=0.0, latched=0))
    held_back = account._replace(gates=gates, cash_atoms=0, reserved_atoms=0)
    braked, asks = (decide(account, sleeve, bar, view, policy).asks for account in (held_back, free))
    for name in ("cancel_entry", "cancel_stop", "exit_lots", "protect_lots", "protect_ticks", "take_ticks"):
        assert getattr(braked, name) == getattr(asks, name), name


@given(account=accounts(), sleeve=sleeves(), bar=bars(), view=views(), policy=policies())
def test_the_stop_of_a_position_never_loosens(
    account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy
) -> None:
    """Whatever bar and policy say, the level of a long one only rises, that of a short one only falls."""
    there = held_lots(sleeve) or sleeve.entry_lots
    assume(not is_flat(sleeve, held_lots(sleeve), bar.close) and policy.stop_mode != STOP_ABSENT)
    before, after = sleeve.carried.stop_ticks, decide(account, sleeve, bar, view, policy).sleeve.stop_ticks
    if before:
        assert after >= before if there > 0 else 0 < after <= before


@given(values=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=30), policy=policies())
def test_a_latched_drawdown_stays_latched_and_the_peak_never_falls(values: list[int], policy: Policy) -> None:
    """Only a person's release clears it; no recovery does."""
    carried, peak = AccountCarried(peak_equity=0.0, latched=0), 0
    for cash in values:
        before, peak = carried, max(peak, cash)
        account = make_account(cash=cash)._replace(carried=carried)
        step = decide(account, make_sleeve(), make_bar(), SURE, policy)
        carried = step.account
        assert carried.latched & before.latched == before.latched
        assert carried.peak_equity == peak
        assert not (carried.latched and step.asks.entry_lots)


@given(
    cash=st.integers(0, 10_000_000),
    reserved=st.integers(0, 10_000_000),
    slice_=st.lists(st.tuples(sleeves(), bars(), views(), policies()), min_size=2, max_size=6),
)
def test_cash_is_never_promised_twice_within_a_slice(
    cash: int, reserved: int, slice_: list[tuple[Sleeve, BarRow, View, Policy]]
) -> None:
    """Sleeves decided one after the other, each told what the ones before it reserved, stay within the cash."""
    account, promised = make_account(cash=cash, reserved=reserved), 0
    for sleeve, bar, view, policy in slice_:
        step = decide(account, sleeve, bar, view, policy)
        if step.asks.entry_lots:
            price = step.asks.entry_limit_ticks or bar.close
            promised += entry_reserve(abs(step.asks.entry_lots), price, sleeve.terms, policy)
        account = account._replace(reserved_atoms=reserved + promised, carried=step.account)
    assert promised <= max(0, cash - reserved)
