"""Cash, positions and promises are a fold of facts; every number here is worked out by hand."""

from copy import deepcopy
from dataclasses import replace
from itertools import accumulate
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import START_NS, make_bar, make_fill, make_instrument, make_ticket
from tests.unit.blotter.scenes import STRATEGY, an_entry_and_its_stop, decision, opening

from trading_system.blotter import events as e
from trading_system.blotter import objections, state
from trading_system.blotter.portfolio import Portfolio, account_row, fold, sleeve_row, terms_of
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.errors import InvariantBroken
from trading_system.journal.codec import decode, encode, kind_of
from trading_system.market.money import ATOMS, Money

KEY: Final = (STRATEGY, "BTCUSDT")


def working(ticket: OrderTicket) -> list[e.Fact]:
    """Return the facts by which an order came to rest at the venue."""
    name = ticket.client_order_id
    return [
        e.OrderQueued(ts_ns=START_NS, ticket=ticket),
        e.OrderSubmitted(ts_ns=START_NS, client_order_id=name),
        e.OrderAccepted(ts_ns=START_NS, client_order_id=name, venue_order_id="17"),
    ]


def bought(lots: int, *, fee: Money | None = None) -> list[e.Fact]:
    """Return an account of 100,000 USDT after a market buy of `lots` (1e-5 BTC) at 40,000."""
    ticket = make_ticket(lots=lots)
    fill = make_fill(ticket, price_ticks=4_000_000)
    return [*opening(), *working(ticket), replace(fill, fee=fee or Money(atoms=0, currency="USDT"))]


# --- fills and fees ---------------------------------------------------------------------------------


def test_a_buy_moves_quote_to_base() -> None:
    """0.5 BTC at 40,000 cost 20,000 USDT."""
    portfolio = fold(bought(50_000))
    assert portfolio.balances == {"BTC": ATOMS // 2, "USDT": 80_000 * ATOMS}
    assert portfolio.sleeves[KEY].position_atoms == ATOMS // 2


@pytest.mark.parametrize(
    ("fee", "balances", "position"),
    [
        # a fee in base currency comes off what was bought: 0.5 - 0.0005, and 49,950 whole lots are left
        (Money(atoms=50_000, currency="BTC"), {"BTC": 49_950_000, "USDT": 80_000 * ATOMS}, 49_950_000),
        (Money(atoms=20 * ATOMS, currency="USDT"), {"BTC": ATOMS // 2, "USDT": 79_980 * ATOMS}, ATOMS // 2),
        (
            Money(atoms=3_000_000, currency="BNB"),
            {"BTC": ATOMS // 2, "USDT": 80_000 * ATOMS, "BNB": -3_000_000},
            ATOMS // 2,
        ),
    ],
)
def test_a_fee_is_paid_in_its_own_currency(fee: Money, balances: dict[str, int], position: int) -> None:
    """Base, quote or a third; only one in base currency makes the position smaller."""
    portfolio = fold(bought(50_000, fee=fee))
    assert portfolio.balances == balances
    assert portfolio.sleeves[KEY].position_atoms == position


def test_fees_in_base_currency_leave_dust_that_is_owned_and_cannot_be_sold() -> None:
    """0.001 BTC less a fee of 0.1 % are 99,900 atoms: 99 lots of 1,000, and 900 atoms of dust.

    Sold at 41,000, the 99 lots bring 40.59 USDT: 99,960 + 40.59 = 100,000.59, the dust stays.
    """
    told = bought(100, fee=Money(atoms=100, currency="BTC"))
    book = fold(told).sleeves[KEY]
    assert (book.position_atoms, book.held_lots) == (99_900, 99)
    sale = make_ticket(intent=Intent.EXIT, lots=99)
    told += [*working(sale), make_fill(sale, price_ticks=4_100_000)]
    portfolio = fold(told)
    assert portfolio.balances == {"BTC": 900, "USDT": 10_000_059_000_000}
    book = portfolio.sleeves[KEY]
    assert (book.position_atoms, book.held_lots) == (900, 0)
    assert book.worth_atoms(4_000_000) == 36_000_000  # 0.000009 BTC at 40,000 are 0.36 USDT


def sold(lots: int, *, fee: Money | None = None) -> list[e.Fact]:
    """Return an account of 100,000 USDT after `lots` (1e-5 BTC) were sold short at 40,000."""
    ticket = make_ticket(lots=lots, side=Side.SELL)
    fill = make_fill(ticket, price_ticks=4_000_000)
    return [*opening(), *working(ticket), replace(fill, fee=fee or Money(atoms=0, currency="USDT"))]


def test_a_short_sale_moves_base_to_quote_and_leaves_a_debt() -> None:
    """0.5 BTC at 40,000 bring 20,000 USDT; at 41,000 the debt is worth 20,500: equity is 99,500."""
    portfolio = fold(sold(50_000))
    book = portfolio.sleeves[KEY]
    assert portfolio.balances == {"BTC": -ATOMS // 2, "USDT": 120_000 * ATOMS}
    assert (book.position_atoms, book.held_lots) == (-ATOMS // 2, -50_000)
    account = account_row(portfolio, "USDT", {"BTCUSDT": 4_100_000}, objections.NONE)
    assert (account.holdings_atoms, account.short_atoms) == (-20_500 * ATOMS, 20_500 * ATOMS)
    assert account.cash_atoms + account.holdings_atoms == 99_500 * ATOMS


def test_short_and_long_positions_are_told_apart_beside_their_sum() -> None:
    """Two sleeves: 0.5 BTC owed at 40,000, 10 ETH owned at 2,000: nothing in sum, 20,000 of it short."""
    ether = make_instrument(symbol="ETHUSDT", base="ETH")
    ticket = make_ticket(symbol="ETHUSDT", lots=1_000_000)
    told = [*opening(make_instrument(), ether), *sold(50_000)[len(opening()) :], *working(ticket)]
    bought_ether = replace(make_fill(ticket, price_ticks=200_000), fee=Money(atoms=0, currency="USDT"))
    portfolio = fold([*told, bought_ether])
    row = account_row(portfolio, "USDT", {"BTCUSDT": 4_000_000, "ETHUSDT": 200_000}, objections.NONE)
    assert (row.holdings_atoms, row.short_atoms) == (0, 20_000 * ATOMS)


def test_what_covers_a_short_position_leaves_its_fee_owed() -> None:
    """0.001 BTC sold and bought back, 0.1 % of it taken in BTC: 100 atoms are still owed, less than a lot."""
    cover = make_ticket(intent=Intent.EXIT, lots=100, side=Side.BUY)
    portfolio = fold([*sold(100), *working(cover), make_fill(cover, price_ticks=4_000_000, fee_atoms=100)])
    book = portfolio.sleeves[KEY]
    assert (book.position_atoms, book.held_lots, portfolio.balances["BTC"]) == (-100, 0, -100)
    assert book.worth_atoms(4_000_000) == -4_000_000  # 0.04 USDT


def test_a_sales_fee_in_base_currency_is_paid_with_what_the_sleeve_has_and_then_with_other_coins() -> None:
    """The account pays all of it; the sleeve, which sold all but 300 atoms, gives those 300."""
    leaving = make_ticket(intent=Intent.EXIT, lots=99)
    told = [*bought(100, fee=Money(atoms=700, currency="BTC")), *working(leaving)]
    portfolio = fold([*told, make_fill(leaving, fee_atoms=900)])
    assert portfolio.balances["BTC"] == 300 - 900
    assert portfolio.sleeves[KEY].position_atoms == 0


def test_worth_is_rounded_down_to_an_atom() -> None:
    """1 atom of BTC at 0.01 USDT is 1e-10 USDT: nothing that can be counted."""
    book = fold(opening()).sleeves[KEY]
    book.position_atoms = 1
    assert book.worth_atoms(1) == 0
    assert book.worth_atoms(100) == 1  # 1e-8 BTC at 1.00
    book.position_atoms = -3
    assert [book.worth_atoms(price) for price in (1, 50, 100)] == [0, -1, -3]  # a debt, towards zero


def test_the_published_cash_ledger_comes_out() -> None:
    """Thirteen fills that cross zero four times, equity after each at its own price.

    Source: LEAN Tests/TestData, test_cash_fills.xml and test_cash_equity.xml.
    """
    instrument = make_instrument(symbol="XYZUSD", base="XYZ", quote="USD", tick="1", lot="1", min_notional="0")
    facts = opening(instrument)
    facts[-1] = e.Reconciled(ts_ns=START_NS, balances={"USD": 100_000 * ATOMS}, differences=())
    fills = [(1, 100), (2, -50), (3, -100), (4, -50), (5, 50), (6, 100), (7, 50)]
    fills += [(8, -50), (9, -100), (10, -50), (11, 50), (12, 100), (12, -50)]
    portfolio = fold(facts)
    book = portfolio.sleeves[STRATEGY, "XYZUSD"]
    equity = [portfolio.balances["USD"]]
    for number, (price, quantity) in enumerate(fills, 1):
        intent = Intent.ENTER if quantity > 0 else Intent.EXIT
        ticket = make_ticket(intent=intent, symbol="XYZUSD", lots=abs(quantity), attempt=number)
        portfolio.apply(e.OrderQueued(ts_ns=START_NS, ticket=ticket))
        portfolio.apply(replace(make_fill(ticket, trade=number, price_ticks=price), fee=Money(atoms=0, currency="USD")))
        equity.append(portfolio.balances["USD"] + book.worth_atoms(price))
    published = [100000, 100000, 100100, 100150, 100100, 100000, 99950, 100000, 100100, 100150, 100100, 100000, 99950]
    assert equity == [value * ATOMS for value in [*published, 99950]]
    assert book.position_atoms == sum(quantity for _, quantity in fills) * ATOMS


@given(parts=st.lists(st.integers(1, 50), min_size=1, max_size=6), data=st.data())
def test_fills_in_any_order_and_heard_again_book_the_same(parts: list[int], data: st.DataObject) -> None:
    """Streams repeat themselves and overtake one another; the books do not care."""
    ticket = make_ticket(lots=sum(parts))
    fills = [
        make_fill(ticket, trade=number, lots=lots, price_ticks=4_000_000 + number, fee_atoms=lots)
        for number, lots in enumerate(parts, 1)
    ]
    heard = data.draw(st.permutations(fills)) + data.draw(st.lists(st.sampled_from(fills), max_size=6))
    start = [*opening(), *working(ticket)]
    one, other = fold([*start, *heard]), fold([*start, *fills])
    one.sleeves[KEY].known_ticks = other.sleeves[KEY].known_ticks = 0  # the last price heard hangs on the order
    assert one == other


# --- orders and promises ----------------------------------------------------------------------------


def test_cash_stays_promised_until_a_buy_is_over() -> None:
    """40.40 USDT for 100 lots; after 25 lots three quarters are still promised, after the end nothing."""
    ticket = make_ticket(lots=100, reserve_atoms=4_040_000_000)
    told = [*opening(), *working(ticket)]
    assert fold(told).reserved_atoms() == 4_040_000_000
    told += [make_fill(ticket, lots=25)]
    assert fold(told).reserved_atoms() == 3_030_000_000
    told += [e.OrderInDoubt(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason="")]
    assert fold(told).reserved_atoms() == 3_030_000_000
    told += [e.OrderExpired(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason="")]
    assert fold(told).reserved_atoms() == 0


def test_a_promise_is_rounded_up() -> None:
    """Two of three lots of 100 atoms: 66.67 atoms are 67; a promise too small would be spent twice."""
    ticket = make_ticket(lots=3, reserve_atoms=100)
    assert fold([*opening(), *working(ticket), make_fill(ticket, lots=1)]).reserved_atoms() == 67


def test_a_late_fill_of_an_order_that_is_over_is_booked() -> None:
    """It crossed our cancel: the currency has moved, whatever we thought."""
    ticket = make_ticket(lots=50_000)
    ended = e.OrderCanceled(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason="")
    portfolio = fold([*opening(), *working(ticket), ended, make_fill(ticket)])
    assert portfolio.sleeves[KEY].position_atoms == ATOMS // 2
    assert portfolio.live_orders() == []


def test_an_order_is_asked_for_once() -> None:
    """The same name twice would be the same order twice."""
    with pytest.raises(InvariantBroken, match="asked for twice"):
        fold([*opening(), *working(make_ticket()), *working(make_ticket())])


def test_news_of_an_order_that_was_never_asked_for_is_a_bug() -> None:
    """Whoever hears of one compares the books instead of telling it."""
    with pytest.raises(InvariantBroken, match="never asked for"):
        fold([*opening(), make_fill(make_ticket())])


def test_tickets_of_a_bar_are_counted_by_intent_until_the_next_is_decided() -> None:
    """The attempt in an order's name begins at one with each bar."""
    told = [*opening(), *working(make_ticket(attempt=1)), *working(make_ticket(attempt=2))]
    assert fold(told).sleeves[KEY].tickets == {Intent.ENTER: 2}
    assert fold([*told, decision(told, make_bar())]).sleeves[KEY].tickets == {}


# --- what a decision is told ------------------------------------------------------------------------


def test_a_decision_is_told_what_is_owned_asked_and_promised() -> None:
    """Bought 0.5 BTC; then a second buy of which 30 of 100 lots are filled, a sale of 20 lots, a stop for 40."""
    entry = make_ticket(lots=100, reserve_atoms=1_000, attempt=2)
    leaving = make_ticket(intent=Intent.EXIT, lots=20)
    stop = make_ticket(intent=Intent.PROTECT, lots=40, stop_ticks=3_900_000)
    told = [*bought(50_000), *working(entry), make_fill(entry, trade=2, lots=30), *working(leaving), *working(stop)]
    portfolio = fold(told)
    assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS) == state.Sleeve(
        terms=state.Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=5 * ATOMS),
        position_atoms=ATOMS // 2 + 30_000,
        entry_lots=70,
        entry_taking=1,
        exit_lots=20,
        stop_lots=40,
        stop_resting_ticks=3_900_000,
        stop_limit_ticks=3_899_000,
        stop_status=state.STOP_RESTING,
        carried=state.FLAT,
    )
    assert account_row(portfolio, "USDT", {"BTCUSDT": 4_200_000}, objections.STALE_FEED) == state.Account(
        cash_atoms=80_000 * ATOMS - 12 * ATOMS,  # 30 lots at 40,000
        reserved_atoms=700,
        holdings_atoms=(ATOMS // 2 + 30_000) * 42_000,
        gates=objections.STALE_FEED,
        carried=state.FRESH,
    )


def _about(event: type[e.OrderEvent], **fields: object) -> e.OrderEvent:
    """Return an event about the stop of `test_the_stop_has_the_status_that_its_order_has`."""
    name = make_ticket(intent=Intent.PROTECT).client_order_id
    return event(ts_ns=START_NS, client_order_id=name, **fields)


@pytest.mark.parametrize(
    ("heard", "status", "lots"),
    [
        ([], state.STOP_RESTING, 100),
        ([_about(e.OrderInDoubt, reason="")], state.STOP_RESTING, 100),  # it was accepted before
        ([_about(e.CancelRequested)], state.STOP_CANCELING, 100),
        ([_about(e.CancelInDoubt, reason="")], state.STOP_CANCELING, 100),
        ([_about(e.CancelRefused, reason="")], state.STOP_CANCELING, 100),
        ([_about(e.OrderCanceled, reason="")], state.STOP_NONE, 0),
        ([_about(e.OrderExpired, reason="")], state.STOP_NONE, 0),
        ([make_fill(make_ticket(intent=Intent.PROTECT), lots=60)], state.STOP_RESTING, 40),
        ([make_fill(make_ticket(intent=Intent.PROTECT), lots=100)], state.STOP_NONE, 0),
    ],
)
def test_the_stop_has_the_status_that_its_order_has(heard: list[e.Fact], status: int, lots: int) -> None:
    """Resting only when the venue has it and no cancel is on its way; its lots count until it is over."""
    portfolio = fold([*opening(), *working(make_ticket(intent=Intent.PROTECT)), *heard])
    row = sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS)
    assert (row.stop_status, row.stop_lots) == (status, lots)


def test_a_stop_on_its_way_or_in_doubt_is_pending() -> None:
    """It may rest, it may not: neither is it relied on, nor is a second one sent."""
    facts = working(make_ticket(intent=Intent.PROTECT))
    doubt = _about(e.OrderInDoubt, reason="")
    for heard in (facts[:1], facts[:2], [*facts[:2], doubt]):
        portfolio = fold([*opening(), *heard])
        assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS).stop_status == state.STOP_PENDING


def test_a_refused_stop_is_remembered_until_the_position_changes() -> None:
    """Its price was passed: the position must be left at market, which the next fill does."""
    stop = make_ticket(intent=Intent.PROTECT)
    told = [*bought(100), *working(stop)[:2], _about(e.OrderRejected, code=-2010, reason="")]
    portfolio = fold(told)
    assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS).stop_status == state.STOP_REFUSED
    leaving = make_ticket(intent=Intent.EXIT)
    portfolio = fold([*told, *working(leaving), make_fill(leaving, trade=2)])
    assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS).stop_status == state.STOP_NONE


def test_a_market_buy_in_doubt_is_not_awaited() -> None:
    """While its answer is awaited the stop waits for it; in doubt the position must be protected meanwhile."""
    ticket = make_ticket()
    told = [*opening(), *working(ticket)[:2]]
    portfolio = fold(told)
    assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS).entry_taking == 1
    portfolio.apply(e.OrderInDoubt(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason=""))
    row = sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS)
    assert (row.entry_taking, row.entry_lots) == (0, 100)


def test_a_decision_is_told_of_short_orders_by_their_sign_and_of_a_target_beside_the_stop() -> None:
    """A short entry of 100 lots, 40 of them filled; a bracket buys back 40 at 4,100,000 or 3,900,000."""
    entry = replace(make_ticket(lots=100, side=Side.SELL), kind=OrderKind.LIMIT, limit_ticks=4_000_000)
    stop = replace(
        make_ticket(intent=Intent.PROTECT, lots=40, side=Side.BUY, stop_ticks=4_100_000),
        kind=OrderKind.BRACKET,
        limit_ticks=4_110_000,
        take_ticks=3_900_000,
    )
    portfolio = fold(
        [*opening(make_instrument(shortable=True)), *working(entry), make_fill(entry, lots=40), *working(stop)]
    )
    row = sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS)
    assert (row.position_atoms, row.entry_lots, row.entry_taking, row.terms.shortable) == (-40_000, -60, 0, 1)
    assert (row.stop_lots, row.stop_resting_ticks, row.stop_limit_ticks, row.stop_take_ticks) == (
        40,
        4_100_000,
        4_110_000,
        3_900_000,
    )


def test_an_entry_of_an_older_bar_is_not_about_to_fill() -> None:
    """What was asked for a bar ago and is still open may fill or not: the stop does not wait for it."""
    portfolio = fold([*opening(), *working(make_ticket())])
    book = portfolio.sleeves[KEY]
    assert [sleeve_row(portfolio, book, at).entry_taking for at in (START_NS, START_NS + 1)] == [1, 0]


def test_the_lots_that_the_venue_counts_are_those_that_a_decision_is_told() -> None:
    """A share of the cash: 100 lots were reckoned with, 80 counted, 30 filled."""
    ticket = make_ticket(lots=100, share=0.5)
    name = ticket.client_order_id
    told = [
        *opening(),
        *working(ticket)[:2],
        e.OrderAccepted(ts_ns=START_NS, client_order_id=name, venue_order_id="1", lots=80),
        make_fill(ticket, lots=30),
    ]
    portfolio = fold(told)
    assert sleeve_row(portfolio, portfolio.sleeves[KEY], START_NS).entry_lots == 50
    assert fold([*told, make_fill(ticket, trade=2, lots=50)]).live_orders() == []


def test_the_last_price_heard_is_the_fills_until_the_next_close() -> None:
    """Between bars a position is weighed at it."""
    told = [*opening(), decision(opening(), make_bar(close=4_000_000))]
    assert fold(told).sleeves[KEY].known_ticks == 4_000_000
    ticket = make_ticket()
    told += [*working(ticket), make_fill(ticket, price_ticks=4_010_000)]
    book = fold(told).sleeves[KEY]
    assert (book.known_ticks, book.marked_ticks) == (4_010_000, 4_000_000)


def test_terms_are_the_instrument_in_atoms() -> None:
    """A lot of 1e-5 BTC at a tick of 0.01 USDT is worth 1e-7 USDT, 10 atoms."""
    terms = terms_of(make_instrument(min_lots=2, min_notional="5.5"))
    assert terms == state.Terms(lot_atoms=1_000, notional_atoms=10, min_lots=2, min_notional_atoms=550_000_000)
    assert terms_of(make_instrument(shortable=True)).shortable == 1


# --- the books against the venue's, and the fold ----------------------------------------------------


def test_the_first_comparison_takes_over_the_venues_balances_and_later_ones_do_not() -> None:
    """Afterwards only fills move them; what the venue says otherwise is a difference, not a correction."""
    differing = e.Reconciled(
        ts_ns=9, balances={"USDT": 1}, differences=("USDT: we count 100000, the venue 0.00000001",)
    )
    portfolio = fold([*opening(), differing])
    assert portfolio.balances == {"USDT": 100_000 * ATOMS}
    assert portfolio.differences == differing.differences
    assert portfolio.reconciled_ns == START_NS


def test_books_are_not_known_to_agree_before_they_were_compared() -> None:
    """At first, and from each request to compare until its answer."""
    assert Portfolio().differences == ("never compared with the venue",)
    asked = fold([*opening(), e.ReconcileRequested(ts_ns=9, reason="the process was started")])
    assert asked.differences == ("not compared since: the process was started",)


def test_a_sleeve_that_opens_again_keeps_what_it_owns() -> None:
    """A new policy, or new steps of the venue, change what is done next, not what is owned."""
    told = bought(50_000)
    opened = next(fact for fact in told if isinstance(fact, e.SleeveOpened))
    changed = replace(opened, instrument=make_instrument(min_notional="10"))
    book = fold([*told, changed]).sleeves[KEY]
    assert (book.position_atoms, book.instrument) == (ATOMS // 2, changed.instrument)


def test_the_fold_of_any_beginning_and_the_rest_is_the_fold_of_all() -> None:
    """Live, facts come one by one; after a restart all at once. Both must end at the same books."""
    facts = an_entry_and_its_stop()[0]
    whole = fold(facts)
    for cut in range(len(facts) + 1):
        portfolio = fold(facts[:cut])
        for fact in facts[cut:]:
            portfolio.apply(fact)
        assert portfolio == whole


def test_two_folds_share_nothing() -> None:
    """What is told to one portfolio is not told to another that was folded from the same facts."""
    facts = an_entry_and_its_stop()[0]
    one, other = fold(facts[:-8]), fold(facts[:-8])
    before = deepcopy(other)
    for fact in facts[-8:]:
        one.apply(fact)
    assert other == before
    assert one != before


@given(parts=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_nothing_is_made_or_lost_by_filling(parts: list[int]) -> None:
    """At any moment: quote given up = lots bought x price, base received = lots x lot, to the atom."""
    ticket = make_ticket(lots=sum(parts))
    portfolio = fold([*opening(), *working(ticket)])
    for number, (lots, total) in enumerate(zip(parts, accumulate(parts), strict=True), 1):
        portfolio.apply(make_fill(ticket, trade=number, lots=lots, price_ticks=7))
        assert portfolio.balances == {"USDT": 100_000 * ATOMS - total * 7 * 10, "BTC": total * 1_000}


@st.composite
def stories(draw: st.DrawFn) -> list[e.Fact]:
    """Any orders on both sides, some for a share of the cash, with any fills and fees, in any order between orders."""
    facts: list[list[e.Fact]] = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        share = draw(st.sampled_from([0.0, 0.5]))
        side, asked = draw(st.sampled_from(Side)), draw(st.integers(1, 50))
        ticket = make_ticket(lots=asked, side=side, attempt=number, share=share, reserve_atoms=asked * 1_000)
        queued, claimed, accepted = working(ticket)
        lots = draw(st.integers(1, 50)) if share else asked
        told = [queued, claimed, replace(accepted, lots=lots if share else 0)]
        left = lots
        while left and draw(st.booleans()):
            some = draw(st.integers(1, left))
            left -= some
            fee = Money(atoms=draw(st.integers(0, 900)), currency=draw(st.sampled_from(["BTC", "USDT", "BNB"])))
            price = draw(st.integers(1, 10**7))
            fill = make_fill(ticket, trade=100 * number + left, lots=some, price_ticks=price)
            told.append(replace(fill, fee=fee if side is Side.BUY or fee.currency != "BTC" else replace(fee, atoms=0)))
        if draw(st.booleans()):
            told.append(e.OrderCanceled(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason=""))
        facts.append(told)
    order = draw(st.permutations([n for n, told in enumerate(facts) for _ in told]))
    lines = [iter(told) for told in facts]
    return [*opening(make_instrument(shortable=True)), *(next(lines[n]) for n in order)]


@given(facts=stories())
def test_the_fold_of_what_is_written_is_the_portfolio_and_what_an_independent_sum_says(facts: list[e.Fact]) -> None:
    """Each fact through the journal's own bytes; signed position, balances and open lots worked out a second time."""
    portfolio = Portfolio()
    for fact in facts:
        portfolio.apply(fact)
    assert fold(decode(kind_of(fact), encode(fact)) for fact in facts) == portfolio
    tickets = {fact.ticket.client_order_id: fact.ticket for fact in facts if isinstance(fact, e.OrderQueued)}
    balances, position, open_lots = {"USDT": 100_000 * ATOMS}, 0, {name: t.lots for name, t in tickets.items()}
    for fact in facts:
        if isinstance(fact, e.OrderAccepted) and fact.lots:
            open_lots[fact.client_order_id] = fact.lots
    for fact in facts:
        if isinstance(fact, e.OrderFilled):
            sign = 1 if tickets[fact.client_order_id].side is Side.BUY else -1
            paid, fee = sign * fact.lots * fact.price_ticks * 10, fact.fee
            for currency, atoms in (("BTC", sign * fact.lots * 1_000), ("USDT", -paid), (fee.currency, -fee.atoms)):
                balances[currency] = balances.get(currency, 0) + atoms
            position += sign * fact.lots * 1_000 - (fee.atoms if fee.currency == "BTC" else 0)
            open_lots[fact.client_order_id] -= fact.lots
        if isinstance(fact, e.OrderCanceled):
            open_lots[fact.client_order_id] = 0
    book, counted = portfolio.sleeves[KEY], portfolio.balances
    assert counted == balances
    assert book.position_atoms == position
    coming = sum(lots if tickets[name].side is Side.BUY else -lots for name, lots in open_lots.items() if lots > 0)
    assert sleeve_row(portfolio, book, START_NS).entry_lots == coming
