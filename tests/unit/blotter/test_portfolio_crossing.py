"""Lots that cross between two sleeves, and the promise of an entry held back: worked out by hand."""

from tests.factories import START_NS, make_instrument, make_policy, make_ticket
from tests.unit.blotter.scenes import STRATEGY
from tests.unit.blotter.test_portfolio import KEY, bought

from trading_system.blotter import events as e
from trading_system.blotter.portfolio import fold
from trading_system.blotter.tickets import Intent


def neighbors() -> list[e.Fact]:
    """Return an account whose strategy owns 600 lots and whose neighbor's entry of 1,000 is held back."""
    other = e.SleeveOpened(ts_ns=START_NS, strategy="other", instrument=make_instrument(), policy=make_policy())
    ticket = make_ticket(strategy="other", lots=1_000, reserve_atoms=1_000 * 404)
    return [*bought(600), other, e.EntryHeld(ts_ns=START_NS, ticket=ticket)]


def crossed(lots: int) -> e.LotsCrossed:
    """Return that so many lots went to the neighbor."""
    return e.LotsCrossed(
        ts_ns=START_NS, symbol="BTCUSDT", buyer="other", seller=STRATEGY, lots=lots, price_ticks=4_100_000
    )


def test_lots_that_cross_change_their_owner_and_nothing_else() -> None:
    """Cash and coins of the account stay; so does the price that each has heard last."""
    before, after = fold(neighbors()), fold([*neighbors(), crossed(600)])
    assert after.balances == before.balances
    assert [book.held_lots for book in before.sleeves.values()] == [600, 0]
    assert [book.held_lots for book in after.sleeves.values()] == [0, 600]
    assert [book.known_ticks for book in after.sleeves.values()] == [4_000_000, 0]


def test_the_cash_of_an_entry_held_back_is_promised_until_nobody_needs_it() -> None:
    """404 atoms a lot: for 1,000, for the 400 that are left, for none once the rest is dropped or has crossed, too."""
    dropped = e.EntryDropped(ts_ns=START_NS, strategy="other", symbol="BTCUSDT", reason="")
    told = neighbors()
    assert fold(told).reserved_atoms() == 404_000
    assert fold([*told, crossed(600)]).reserved_atoms() == 161_600
    assert fold([*told, crossed(600), dropped]).reserved_atoms() == 0
    assert fold([*told, crossed(600), crossed(400)]).sleeves["other", "BTCUSDT"].held_back is None


def test_asking_for_the_rest_ends_the_wait_and_keeps_its_cash_promised_once() -> None:
    """The ticket takes the promise over."""
    told = [*neighbors(), crossed(600)]
    rest = fold(told).sleeves["other", "BTCUSDT"].held_back
    assert rest is not None
    portfolio = fold([*told, e.OrderQueued(ts_ns=START_NS, ticket=rest)])
    assert (rest.lots, portfolio.reserved_atoms()) == (400, 161_600)
    assert portfolio.sleeves["other", "BTCUSDT"].held_back is None


def test_a_crossing_clears_a_refusal_as_a_fill_does() -> None:
    """What the venue refused was another position: a sleeve that is flat by a crossing may enter again."""
    stop = make_ticket(intent=Intent.PROTECT, lots=600)
    refused = e.OrderRejected(ts_ns=START_NS, client_order_id=stop.client_order_id, code=-2010, reason="")
    told = [*neighbors(), e.OrderQueued(ts_ns=START_NS, ticket=stop), refused]
    assert fold(told).sleeves[KEY].stop_refused
    assert not fold([*told, crossed(600)]).sleeves[KEY].stop_refused
