"""From what is asked to complete tickets: sides, prices, parts, reserves, reasons and names."""

import pytest
from tests.factories import START_NS, make_instrument, make_policy

from trading_system.blotter.portfolio import SleeveBook, terms_of
from trading_system.blotter.state import (
    NOTHING,
    TARGET_REACHED,
    UNPROTECTED,
    VIEW_GONE,
    Asks,
    SleeveCarried,
)
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side, client_order_id
from trading_system.desk.ticketing import tickets_for


def make_book(position_atoms: int = 0, *, known: int = 4_000_000, reason: int = 0, take: int = 0) -> SleeveBook:
    """Return a sleeve's books after a decision at `START_NS`."""
    instrument = make_instrument(shortable=True)
    return SleeveBook(
        strategy="lstm",
        instrument=instrument,
        terms=terms_of(instrument),
        policy=make_policy(stop_slack=0.01),
        position_atoms=position_atoms,
        carried=SleeveCarried(target_lots=0, stop_ticks=0, take_ticks=take, reason=reason),
        decided_ns=START_NS,
        marked_ticks=known,
        known_ticks=known,
    )


def only(book: SleeveBook, asks: Asks) -> OrderTicket:
    """Return the one ticket."""
    (ticket,) = tickets_for("main", book, asks)
    return ticket


@pytest.mark.parametrize(
    ("position", "side", "limit"), [(100_000, Side.SELL, 3_861_000), (-100_000, Side.BUY, 3_939_000)]
)
def test_a_stop_trades_away_from_the_position_with_its_slack_beyond(position: int, side: Side, limit: int) -> None:
    """Triggered at 39,000.00; 1 % worse is 38,610.00 for a sale, 39,390.00 for what buys back."""
    ticket = only(make_book(position), NOTHING._replace(protect_lots=100, protect_ticks=3_900_000))
    assert (ticket.side, ticket.kind, ticket.intent, ticket.lots) == (side, OrderKind.STOP_LIMIT, Intent.PROTECT, 100)
    assert (ticket.stop_ticks, ticket.limit_ticks, ticket.take_ticks, ticket.reserve_atoms) == (
        3_900_000,
        limit,
        None,
        0,
    )


def test_a_stop_and_its_target_are_one_bracket() -> None:
    """And a target without a stop is a bracket whose limit is the target itself."""
    both = NOTHING._replace(protect_lots=100, protect_ticks=3_900_000, take_ticks=4_200_000)
    ticket = only(make_book(100_000), both)
    assert ticket.kind is OrderKind.BRACKET
    assert (ticket.stop_ticks, ticket.limit_ticks, ticket.take_ticks) == (3_900_000, 3_861_000, 4_200_000)
    alone = only(make_book(100_000), both._replace(protect_ticks=0))
    assert (alone.kind, alone.stop_ticks, alone.limit_ticks, alone.take_ticks) == (
        OrderKind.BRACKET,
        None,
        4_200_000,
        4_200_000,
    )


@pytest.mark.parametrize(
    ("position", "side", "known", "reason", "told"),
    [
        (100_000, Side.SELL, 4_000_000, VIEW_GONE, VIEW_GONE),
        (100_000, Side.SELL, 4_200_000, 0, TARGET_REACHED),
        (100_000, Side.SELL, 4_199_999, 0, UNPROTECTED),
        (-100_000, Side.BUY, 4_200_000, 0, TARGET_REACHED),
        (-100_000, Side.BUY, 4_200_001, 0, UNPROTECTED),
    ],
)
def test_an_exit_is_a_market_order_that_says_why(position: int, side: Side, known: int, reason: int, told: int) -> None:
    """The decision's reason; else the target at 42,000.00 was reached, or no stop could stand."""
    book = make_book(position, known=known, reason=reason, take=4_200_000)
    ticket = only(book, NOTHING._replace(exit_lots=100))
    assert (ticket.side, ticket.kind, ticket.lots, ticket.reason) == (side, OrderKind.MARKET, 100, told)
    assert (ticket.limit_ticks, ticket.reserve_atoms) == (None, 0)


@pytest.mark.parametrize(("lots", "side"), [(100, Side.BUY), (-100, Side.SELL)])
def test_an_entry_at_market_reserves_its_worst(lots: int, side: Side) -> None:
    """A lot at 40,000.00 is 0.40 USDT; 1 % on top of 100 lots are 40.40 USDT, on either side."""
    ticket = only(make_book(), NOTHING._replace(entry_lots=lots))
    assert (ticket.side, ticket.kind, ticket.lots, ticket.limit_ticks) == (side, OrderKind.MARKET, 100, None)
    assert ticket.reserve_atoms == 4_040_000_000


@pytest.mark.parametrize(("post_only", "kind"), [(0, OrderKind.LIMIT), (1, OrderKind.POST_ONLY)])
def test_an_entry_at_a_limit_reserves_by_its_price(post_only: int, kind: OrderKind) -> None:
    """At 39,000.00, 1 % on top: 39.39 USDT."""
    asks = NOTHING._replace(entry_lots=100, entry_limit_ticks=3_900_000, entry_post_only=post_only)
    ticket = only(make_book(), asks)
    assert (ticket.kind, ticket.limit_ticks, ticket.reserve_atoms) == (kind, 3_900_000, 3_939_000_000)


def test_an_entry_in_parts_is_several_tickets_with_names_of_their_own() -> None:
    """Of 100 lots in three the first takes what does not divide; their reserves are those of the whole."""
    tickets = tickets_for("main", make_book(), NOTHING._replace(entry_lots=100, entry_parts=3))
    assert [(ticket.lots, ticket.attempt) for ticket in tickets] == [(34, 1), (33, 2), (33, 3)]
    assert sum(ticket.reserve_atoms for ticket in tickets) == 4_040_000_000
    names = [client_order_id("main", "lstm", "BTCUSDT", START_NS, Intent.ENTER, attempt) for attempt in (1, 2, 3)]
    assert [ticket.client_order_id for ticket in tickets] == names


def test_attempts_go_on_where_the_bar_has_had_tickets() -> None:
    """Each intent counts for itself."""
    book = make_book(100_000)
    book.tickets = {Intent.EXIT: 2, Intent.ENTER: 1}
    assert only(book, NOTHING._replace(exit_lots=100)).attempt == 3
    assert only(book, NOTHING._replace(entry_lots=100)).attempt == 2
    assert only(book, NOTHING._replace(protect_lots=100, protect_ticks=3_900_000)).attempt == 1


def test_a_share_of_the_cash_is_told_beside_the_lots_reckoned_with() -> None:
    """What fills it counts anew."""
    ticket = only(make_book(), NOTHING._replace(entry_lots=100, entry_share=0.5))
    assert (ticket.lots, ticket.share) == (100, 0.5)


def test_the_urgent_comes_first() -> None:
    """What protects, then what leaves, then what enters."""
    asks = NOTHING._replace(protect_lots=10, protect_ticks=3_900_000, exit_lots=90, entry_lots=5)
    intents = [ticket.intent for ticket in tickets_for("main", make_book(100_000), asks)]
    assert intents == [Intent.PROTECT, Intent.EXIT, Intent.ENTER]
