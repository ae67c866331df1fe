"""A journal becomes the series and numbers that one would work out by hand."""

from dataclasses import replace

import pytest
from tests.unit.dashboard import told

from trading_system.blotter import events as e
from trading_system.blotter.tickets import Intent, Side
from trading_system.dashboard.numbers import numbers_of
from trading_system.dashboard.run_facts import Run, run_of
from trading_system.errors import DataError
from trading_system.market.money import Money


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(told.entries(told.facts()))


def test_equity_is_cash_and_position_at_each_close_and_the_books_at_the_end(run: Run) -> None:
    """The account is marked at the closes that were decided on, and once more when the journal ends."""
    assert [mark.equity for mark in run.marks] == [10_000, 10_444.5, 10_194.75, 10_139.6052, 10_139.6052]
    assert [mark.holdings for mark in run.marks] == [0, 5_494.5, 5_244.75, 0, 0]


def test_a_round_trip_counts_fees_in_either_currency(run: Run) -> None:
    """What a position brought: 49.95 x 104 - 5.1948 came in, 5 050 went out, and the base fee is in the quantity."""
    (trip,) = run.sleeves[0].trips
    assert trip.profit == pytest.approx(139.6052, abs=1e-9)
    assert (trip.entered_ns, trip.left_ns) == (told.closed(0) + 1_000_000_000, told.closed(2) + 1_000_000_000)


def test_executions_carry_fee_and_slippage_in_quote(run: Run) -> None:
    """A buy above the decided close and a sale below it both cost us; a fee in base counts at its fill's price."""
    found = [(x.quantity, x.price, x.expected, x.fee, x.slippage) for x in run.sleeves[0].executions]
    assert found == [
        (30.0, 101.0, 100.0, 3.03, 30.0),
        (20.0, 101.0, 100.0, 2.02, 20.0),
        (49.95, 104.0, 105.0, 5.1948, 49.95),
    ]


def test_a_stop_rests_from_its_confirmation_to_its_end(run: Run) -> None:
    """The page draws what rested at the venue, not what was wished for."""
    (rest,) = run.sleeves[0].stops
    assert (rest.from_ns, rest.to_ns, rest.price) == (told.closed(0), told.closed(2), 90.0)


def test_a_stop_that_still_rests_is_drawn_to_the_end() -> None:
    """A run may end with a position: its stop does not disappear from the picture."""
    facts = [fact for fact in told.facts() if not isinstance(fact, e.OrderCanceled | e.CancelRequested)]
    (rest,) = run_of(told.entries(facts)).sleeves[0].stops
    assert rest.to_ns == told.closed(3)


def test_a_fill_heard_twice_is_drawn_once() -> None:
    """Venues repeat themselves; an execution is known by its trade id."""
    facts = told.facts()
    fill = next(fact for fact in facts if isinstance(fact, e.OrderFilled))
    again = replace(fill, ts_ns=told.closed(3))
    assert run_of(told.entries([*facts, again])).sleeves == run_of(told.entries(facts)).sleeves


def test_the_key_numbers_are_those_worked_out_by_hand(run: Run) -> None:
    """Return 139.6052 / 10 000; drawdown 1 - 10 139.6052 / 10 444.5; fees 5.05 + 5.1948; slippage 50 + 49.95."""
    assert {number.name: number.text for number in numbers_of(run)} == {
        "Return": "+1.40 %",
        "Buy and hold": "+20.00 %",
        "Largest drawdown": "2.92 %",
        "Round trips": "1",
        "Win rate": "100.00 %",
        "Fees": "10.24 USDT",
        "Slippage": "+99.95 USDT",
        "Exposure": "26.01 %",
    }


def test_every_number_says_how_it_is_worked_out(run: Run) -> None:
    """A number without its formula is an opinion."""
    assert all(len(number.formula) > 20 for number in numbers_of(run))


def test_a_journal_without_a_decision_has_nothing_to_show() -> None:
    """There is no page before the first bar was decided on; the message says so."""
    with pytest.raises(DataError, match="no decision"):
        run_of(told.entries(told.facts()[:3]))


def test_each_round_trip_counts_for_itself() -> None:
    """A second position begins anew: 1 BTC bought and sold at 120, fee 0.12 USDT on the way out, brings -0.12."""
    again = [
        e.OrderQueued(ts_ns=told.closed(3), ticket=told.ticket("ts-in", Intent.ENTER, 1_000, 3)),
        e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-in"),
        told.filled(3, "ts-in", "10", 1_000, 120, Money(atoms=0, currency="BTC")),
        e.OrderQueued(ts_ns=told.closed(3), ticket=told.ticket("ts-out", Intent.EXIT, 1_000, 3)),
        e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-out"),
        told.filled(3, "ts-out", "11", 1_000, 120, Money(atoms=12_000_000, currency="USDT")),
    ]
    trips = run_of(told.entries([*told.facts(), *again])).sleeves[0].trips
    assert [trip.profit for trip in trips] == pytest.approx([139.6052, -0.12], abs=1e-9)


def test_a_round_trip_may_begin_with_a_sale() -> None:
    """1 BTC sold short at 120 and bought back at 100, fee 0.10 USDT, brings 19.90, once it is bought back."""
    short = [
        e.OrderQueued(
            ts_ns=told.closed(3), ticket=replace(told.ticket("ts-in", Intent.ENTER, 1_000, 3), side=Side.SELL)
        ),
        e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-in"),
        told.filled(3, "ts-in", "10", 1_000, 120, Money(atoms=0, currency="USDT")),
    ]
    cover = [
        e.OrderQueued(
            ts_ns=told.closed(3), ticket=replace(told.ticket("ts-out", Intent.EXIT, 1_000, 3), side=Side.BUY)
        ),
        e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-out"),
        told.filled(3, "ts-out", "11", 1_000, 100, Money(atoms=10_000_000, currency="USDT")),
    ]
    assert len(run_of(told.entries([*told.facts(), *short])).sleeves[0].trips) == 1
    trips = run_of(told.entries([*told.facts(), *short, *cover])).sleeves[0].trips
    assert [trip.profit for trip in trips] == pytest.approx([139.6052, 19.9], abs=1e-9)
