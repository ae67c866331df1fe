"""Histories played: worked out by hand."""

from typing import NamedTuple

import numpy as np
import pytest
from tests.unit.backtest.histories import (
    ENTER_ONCE,
    FREE,
    HOUR_NS,
    NO_BAR,
    Prices,
    alone,
    beside,
    fills_of,
    told,
)
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TERMS, TORN

from trading_system.backtest.run import Outcome, OwnPolicy, make_setup, run
from trading_system.backtest.tape import ENTER, EXIT, PROTECT, Beliefs, Rules, Setup, Tape
from trading_system.blotter import objections as why
from trading_system.blotter.state import View
from trading_system.desk.decide import decide
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.columns import Ints

FLAT_1000: Prices = (1_000, 1_000, 1_000, 1_000)
ENTERED: Prices = (1_010, 1_020, 990, 1_000)
RISEN: Prices = (1_100, 1_150, 1_090, 1_100)


def played(bars: list[Prices], views: tuple[View, ...] = ENTER_ONCE, **changes: object) -> Outcome:
    """Return what becomes of a million atoms, played plain."""
    return run(*told(bars, views[: len(bars)]), alone(**changes), plain=True)


def fills(outcome: Outcome) -> list[tuple[int, ...]]:
    """Return slice, intent, lots, price, fee and maker of each fill."""
    return [
        tuple(fill[word] for word in ("at", "intent", "lots", "price", "fee", "maker")) for fill in fills_of(outcome)
    ]


def test_an_entry_its_trailing_stop_and_a_gap_through_it() -> None:
    """Worked out by hand, in atoms.

    0. Half of a million buys 500 lots at 1,000; stop 900.
    1. Filled at the open, 1,010: 505,000 paid; 1 % of 50,000 base atoms is the fee, so 495 lots are held.
    2. The close is 1,100: the stop moves up to 1,000, its limit to 875.
    3. The market opens at 950, below the stop: sold there, 470,250 less 4,702 (cut from 4,702.5).
    """
    outcome = played([FLAT_1000, ENTERED, RISEN, (950, 960, 940, 950)])
    assert fills(outcome) == [(1, ENTER, 500, 1_010, 500, 0), (3, PROTECT, 495, 950, 4_702, 0)]
    assert outcome.equity_atoms.tolist() == [1_000_000, 990_000, 495_000 + 495 * 1_100, 960_548]
    assert outcome.holdings_atoms.tolist() == [0, 495_000, 544_500, 0]
    assert outcome.decided[:, 0, :2].tolist() == [[500, 900], [495, 900], [495, 1_000], [0, 850]]
    assert outcome.decided[:, 0, 2].tolist() == [why.NONE, *[why.NO_VIEW] * 3]
    assert (outcome.cash_atoms[-1], outcome.position_atoms.tolist(), outcome.rejected) == (960_548, [0], 0)


def test_a_stop_can_be_hit_in_the_very_bar_of_its_entry() -> None:
    """It rests from the moment after the open: a low of 899 reaches it."""
    outcome = played([FLAT_1000, (1_010, 1_020, 899, 1_000)])
    assert fills(outcome) == [(1, ENTER, 500, 1_010, 500, 0), (1, PROTECT, 495, 900, 4_455, 0)]


def test_a_view_that_says_leave_cancels_the_stop_and_sells_at_the_next_open() -> None:
    """Though that open lies below the stop that was canceled, nothing is sold twice."""
    outcome = played([FLAT_1000, ENTERED, RISEN, (890, 900, 880, 890)], (SURE, TORN, DOUBTFUL, TORN))
    assert fills(outcome) == [(1, ENTER, 500, 1_010, 500, 0), (3, EXIT, 495, 890, 4_405, 0)]


def test_a_gap_below_the_stops_limit_waits_for_the_price_to_come_back_within_the_bar() -> None:
    """Stop 900, limit 787: opening at 700 nothing is sold, at a high of 787 nothing either, at 788 as a maker."""
    deep = [(700, 787, 690, 787), (700, 788, 690, 700)]
    outcome = played([FLAT_1000, ENTERED, *deep])
    assert fills(outcome)[1:] == [(3, PROTECT, 495, 787, 1_947, 1)]


def test_a_close_below_the_stops_limit_gives_the_stop_up_and_sells_at_the_next_open() -> None:
    """The bar closes at 700, where a limit of 787 sells nothing any more: we do not wait for better days."""
    outcome = played([FLAT_1000, ENTERED, (700, 780, 690, 700), (680, 700, 600, 650)])
    assert fills(outcome)[1:] == [(3, EXIT, 495, 680, 3_366, 0)]


def test_an_entry_that_opens_below_its_stop_is_left_at_once() -> None:
    """The venue would refuse the stop at 900 with the market at 890."""
    outcome = played([FLAT_1000, (890, 1_000, 880, 1_000)])
    assert fills(outcome) == [(1, ENTER, 500, 890, 500, 0), (1, EXIT, 495, 890, 4_405, 0)]


def test_an_open_that_jumps_beyond_the_cash_rejects_the_entry() -> None:
    """All of equity may be exposed; at 1,250 a lot, the worst reckoned with, 800 lots are asked; they open at 1,251."""
    policy = POLICY._replace(max_exposure=1.0)
    outcome = played([FLAT_1000, (1_251, 1_300, 1_240, 1_250)], policy=policy)
    assert (fills(outcome), outcome.rejected, outcome.cash_atoms[-1]) == ([], 1, 1_000_000)
    assert len(played([FLAT_1000, (1_250, 1_300, 1_240, 1_250)], policy=policy).fills) == 1


def test_an_order_waits_for_the_next_bar_that_there_is() -> None:
    """Its cash stays reserved, nothing is decided, and the position is marked at the last close."""
    outcome = played([FLAT_1000, NO_BAR, ENTERED, NO_BAR])
    assert fills(outcome) == [(2, ENTER, 500, 1_010, 500, 0)]
    assert outcome.decided[:, 0, 2].tolist() == [why.NONE, -1, why.NO_VIEW, -1]
    assert outcome.equity_atoms.tolist() == [1_000_000, 1_000_000, 990_000, 990_000]


def test_a_gate_keeps_us_out_and_never_in() -> None:
    """Halted: no entry; but a position is left all the same."""
    halted = [why.HALTED] * 4
    bars = [FLAT_1000, ENTERED, RISEN, RISEN]
    out = run(*told(bars, (SURE, SURE, SURE, SURE), gates=halted), alone(), plain=True)
    leaving = run(*told(bars, (SURE, TORN, DOUBTFUL, TORN), gates=[0, *halted[1:]]), alone(), plain=True)
    assert (fills(out), [fill[1] for fill in fills(leaving)]) == ([], [ENTER, EXIT])


def paired(first: list[Prices], second: list[Prices], views: list[tuple[View, View]]) -> Outcome:
    """Return what becomes of a million atoms in two sleeves, one on each of two instruments, without fees.

    The first may expose half of equity, the second all of it.
    """
    told_beside = beside(*(told(bars, [pair[n] for pair in views]) for n, bars in enumerate((first, second))))
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS, TERMS],
        costs=[FREE, FREE],
        instrument=[0, 1],
        policies=[POLICY, POLICY._replace(max_exposure=1.0)],
    )
    return run(*told_beside, setup, plain=True)


def test_sleeves_of_one_slice_share_the_cash_in_their_order() -> None:
    """The first keeps 500 lots x 1,250 aside; of the 375,000 left the second can promise 300 x 1,250."""
    outcome = paired([FLAT_1000], [FLAT_1000], [(SURE, SURE)])
    assert outcome.decided[0, :, :].tolist() == [[500, 900, why.NONE], [300, 900, why.NONE]]


def test_cash_stays_reserved_for_an_order_that_waits_for_its_bar() -> None:
    """The first sleeve's instrument has no bar; the second, deciding alone, still sees 375,000 and no more."""
    outcome = paired([FLAT_1000, NO_BAR], [FLAT_1000, FLAT_1000], [(SURE, TORN), (SURE, SURE)])
    assert outcome.decided[1, 1, 0] == 300


def test_a_fill_gives_its_reserve_back_to_the_last_atom() -> None:
    """Filled at 1,000 the first leaves 500,000: exactly 400 lots at 1,250 for the second."""
    outcome = paired([FLAT_1000, FLAT_1000], [FLAT_1000, FLAT_1000], [(SURE, TORN), (TORN, SURE)])
    assert outcome.decided[1, :, 0].tolist() == [500, 400]


@pytest.mark.parametrize(
    ("views", "left"),
    [((SURE, TORN, TORN, TORN), (3, PROTECT, 1, 950, 0, 0)), ((SURE, TORN, DOUBTFUL, TORN), (3, EXIT, 1, 950, 0, 0))],
)
def test_a_single_lot_is_traded_like_any_number_of_them(views: tuple[View, ...], left: tuple[int, ...]) -> None:
    """A thousandth of equity is one lot."""
    small = POLICY._replace(max_exposure=0.001), TERMS._replace(min_lots=1, min_notional_atoms=0)
    bars = [FLAT_1000, ENTERED, RISEN, (950, 960, 940, 950)]
    outcome = played(bars, views, policy=small[0], terms=small[1], costs=FREE)
    assert fills(outcome) == [(1, ENTER, 1, 1_010, 0, 0), left]


TAPE, VIEWS = told([FLAT_1000, ENTERED], (SURE, SURE))


@pytest.mark.parametrize(
    ("tape", "beliefs", "setup", "error", "message"),
    [
        (TAPE._replace(atr=TAPE.atr[:1]), VIEWS, alone(), DataError, r"atr has shape \(1, 1\); expected \(2, 1\)"),
        (TAPE._replace(gates=np.zeros(1)), VIEWS, alone(), DataError, r"gates has shape \(1,\); expected \(2,\)"),
        (TAPE._replace(close_ns=TAPE.close_ns[::-1]), VIEWS, alone(), DataError, "do not rise"),
        (TAPE._replace(close_ns=TAPE.close_ns * 0), VIEWS, alone(), DataError, "do not rise"),
        (TAPE._replace(high=TAPE.low, low=TAPE.high), VIEWS, alone(), DataError, "slice 1.*cannot be one bar"),
        (TAPE._replace(open=-TAPE.open), VIEWS, alone(), DataError, "slice 0.*cannot be one bar"),
        (TAPE._replace(close=TAPE.close * 0), VIEWS, alone(), DataError, "slice 0.*cannot be one bar"),
        (TAPE._replace(volume_atoms=-TAPE.volume_atoms), VIEWS, alone(), DataError, "slice 0.*cannot be one bar"),
        (TAPE, VIEWS._replace(gain=VIEWS.gain[:1]), alone(), DataError, "gain has shape"),
        (TAPE, VIEWS, alone(cash=-1), ConfigurationError, "cash of -1"),
        (TAPE, VIEWS, alone(cash=10**17 + 1), ConfigurationError, "cash of 1000"),
        (TAPE, VIEWS, alone()._replace(instrument=np.array([1])), ConfigurationError, "there are 1"),
        (TAPE, VIEWS, alone()._replace(instrument=np.array([-1])), ConfigurationError, "there are 1"),
        (TAPE, VIEWS, alone()._replace(costs=alone().costs - 10**9), ConfigurationError, "costs"),
        (TAPE, VIEWS, alone()._replace(terms=alone().terms * 0), ConfigurationError, "terms"),
        (TAPE, VIEWS, alone(terms=TERMS._replace(lot_atoms=30 * 10**8 + 1)), ConfigurationError, "at most 30 units"),
        (TAPE, VIEWS, alone(rules=Rules(latency_bars=-1)), ConfigurationError, "latency"),
        (TAPE, VIEWS, alone(rules=Rules(latency_bars=1_001)), ConfigurationError, "latency"),
        (TAPE, VIEWS, alone(rules=Rules(volume_share=10**8 + 1)), ConfigurationError, "share"),
        (TAPE, VIEWS, alone(rules=Rules(at_close=2)), ConfigurationError, "at_close"),
        (TAPE, VIEWS, alone(rules=Rules(touch=3)), ConfigurationError, "touch"),
    ],
)
def test_arrays_that_make_no_sense_are_refused_before_the_run(
    tape: Tape, beliefs: Beliefs, setup: Setup, error: type[Exception], message: str
) -> None:
    """Compiled code does not check its bounds."""
    with pytest.raises(error, match=message):
        run(tape, beliefs, setup)


class Bare(NamedTuple):
    """A policy that lacks what the loop itself asks for."""

    stop_slack: float


class Worded(NamedTuple):
    """A policy with a field that no array of numbers can hold."""

    stop_slack: float
    cash_buffer: float
    name: str


@pytest.mark.parametrize(
    ("kind", "message"),
    [(Bare, "Bare lacks the fields cash_buffer"), (Worded, r"Worded must be a NamedTuple of ints.*\['name'\]")],
)
def test_a_policy_that_the_loop_cannot_read_is_refused(kind: type, message: str) -> None:
    """Fields that are missing, or that are no plain numbers, are named."""
    setup = alone()._replace(policies=np.zeros((1, len(kind._fields))))
    with pytest.raises(ConfigurationError, match=message):
        run(TAPE, VIEWS, setup, own=OwnPolicy(decide=decide, kind=kind), plain=True)


def test_any_layout_of_the_input_plays_the_same() -> None:
    """Read-only, reversed and of a smaller type: made plain before the run, so that numba compiles once."""
    other = TAPE._replace(
        open=np.asfortranarray(TAPE.open.astype(np.int32)), high=TAPE.high[::-1][::-1], close_ns=locked(TAPE.close_ns)
    )
    one, two = run(TAPE, VIEWS, alone(), plain=True), run(other, VIEWS, alone(), plain=True)
    assert (one.fills.tolist(), one.orders.tolist()) == (two.fills.tolist(), two.orders.tolist())
    assert one.fills.size
    assert TAPE.close_ns[0] == HOUR_NS


def locked(values: Ints) -> Ints:
    """Return a copy that cannot be written to."""
    values = values.copy()
    values.flags.writeable = False
    return values


def test_a_run_tells_how_far_it_is_and_needs_no_record_of_decisions() -> None:
    """Progress ends at the end; without the decisions' record all else is the same."""
    heard: list[tuple[int, int]] = []
    bare = run(
        TAPE, VIEWS, alone(), plain=True, decisions=False, progress=lambda done, slices: heard.append((done, slices))
    )
    assert heard[-1] == (2, 2)
    assert (bare.decided.shape, bare.decisions) == ((0, 1, 3), 2)
    assert bare.fills.tolist() == run(TAPE, VIEWS, alone(), plain=True).fills.tolist()


def test_an_empty_history_comes_to_nothing() -> None:
    """No slices, no decisions."""
    outcome = run(*told([], ()), alone(), plain=True)
    assert (outcome.decisions, outcome.fills.shape[0], outcome.equity_atoms.tolist()) == (0, 0, [])


def test_rows_for_orders_and_fills_never_run_out() -> None:
    """A position opened and closed at every bar for thousands of bars fills more rows than were laid out."""
    views = (SURE, DOUBTFUL) * 6_000
    outcome = played([FLAT_1000] * len(views), views, costs=FREE)
    entries = [fill for fill in fills(outcome) if fill[1] == ENTER]
    assert len(outcome.fills) == len(views) - 1
    assert [fill[0] for fill in entries] == list(range(1, len(views), 2))
    assert outcome.cash_atoms[-1] == 1_000_000 - 500_000  # the last entry is still open
