"""The engine: what becomes of an order, to the atom."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.testnet.worlds import PRICE, RICH, make_exchange, make_request

from trading_system.market.money import ATOMS
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.ledger import FEES, HOUSE
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import Execution, Order, OrderType, Positions, Report, Status, TimeInForce
from trading_system.testnet.refusals import Reason, Refusal

ASK, BID = PRICE + 10_000, PRICE - 10_000
"""The house's best prices: 40,100.00 and 39,900.00."""


def told(exchange: Exchange) -> list[tuple[Execution, Status]]:
    """Drain the outbox and return what the reports in it said."""
    reports = [(event.execution, event.order.status) for event in exchange.outbox if isinstance(event, Report)]
    exchange.outbox.clear()
    return reports


def test_a_market_buy_pays_the_asks_and_the_fee_in_what_it_receives() -> None:
    """0.1 BTC at 40,100.00 cost 4,010 USDT; a fee of 0.1 % leaves 0.0999 BTC."""
    exchange = make_exchange(balances={"USDT": 10_000 * ATOMS})
    order = exchange.submit("desk", make_request(type=OrderType.MARKET, lots=10_000))
    assert (order.status, order.executed_quote) == (Status.FILLED, 4_010 * ATOMS)
    assert exchange.ledger.balance("desk", "USDT").free == 5_990 * ATOMS
    assert exchange.ledger.balance("desk", "BTC").free == 9_990_000
    assert exchange.ledger.balance(FEES, "BTC").free == 10_000
    assert told(exchange) == [(Execution.NEW, Status.NEW), (Execution.TRADE, Status.FILLED)]


def test_a_fee_is_cut_off_after_the_eighth_decimal() -> None:
    """0.1 % of 399 USDT 9e-8 is rounded down, never up: the venue truncates."""
    exchange = make_exchange(balances={"BTC": ATOMS}, fee=33_333)
    exchange.submit("desk", make_request(side=Side.SELL, type=OrderType.MARKET, lots=1))
    [fill] = exchange.fills
    assert fill.quote_atoms == 39_900_000  # 0.399 USDT: one lot at 39,900.00
    assert (fill.fee_atoms, fill.fee_currency) == (13_299, "USDT")  # 13,299.867


def test_a_limit_order_locks_what_it_may_cost_and_gets_back_the_difference() -> None:
    """A buy limited at 40,200.00 that trades at 40,100.00 pays the better price and nothing stays locked."""
    exchange = make_exchange(balances={"USDT": 1_000 * ATOMS})
    exchange.submit("desk", make_request(lots=1_000, price=PRICE + 20_000))
    usdt = exchange.ledger.balance("desk", "USDT")
    assert (usdt.free, usdt.locked) == (599 * ATOMS, 0)


def test_what_does_not_cross_rests_and_is_locked() -> None:
    """0.01 BTC bid at 39,999.00 locks 399.99 USDT until it is canceled."""
    exchange = make_exchange(balances={"USDT": 1_000 * ATOMS})
    order = exchange.submit("desk", make_request())
    usdt = exchange.ledger.balance("desk", "USDT")
    assert (order.status, usdt.locked) == (Status.NEW, 39_999_000_000)
    exchange.cancel(order)
    assert (order.status, usdt.free, usdt.locked) == (Status.CANCELED, 1_000 * ATOMS, 0)


def test_an_order_that_the_market_passes_is_filled_whole_at_its_own_price() -> None:
    """The tape trades one lot well below our bid: our better bid must have been hit first, all of it."""
    exchange = make_exchange()
    order = exchange.submit("desk", make_request(lots=50_000, price=PRICE - 100))
    exchange.trade("BTCUSDT", price=PRICE - 500, lots=1)
    [fill] = exchange.fills
    assert (order.status, fill.price, fill.maker) == (Status.FILLED, PRICE - 100, True)


def test_an_order_at_the_price_fills_up_to_what_was_traded_there() -> None:
    """700 lots trade at our price; we were there before the house: 700 of our 1,000 are filled."""
    exchange = make_exchange()
    order = exchange.submit("desk", make_request(lots=1_000, price=PRICE - 100))
    exchange.trade("BTCUSDT", price=PRICE - 100, lots=700)
    assert (order.status, order.executed) == (Status.PARTIALLY_FILLED, 700)
    exchange.trade("BTCUSDT", price=PRICE - 100, lots=700)
    assert (order.status, order.executed) == (Status.FILLED, 1_000)


def test_of_two_orders_at_one_price_the_older_is_filled_first() -> None:
    """Time decides between equals."""
    exchange = make_exchange()
    older, younger = (exchange.submit("desk", make_request(lots=100)) for _ in range(2))
    exchange.trade("BTCUSDT", price=PRICE - 100, lots=150)
    assert (older.executed, younger.executed) == (100, 50)


def test_a_better_price_is_filled_before_an_older_order() -> None:
    """Price decides before time."""
    exchange = make_exchange()
    older = exchange.submit("desk", make_request(lots=100, price=PRICE - 200))
    better = exchange.submit("desk", make_request(lots=100, price=PRICE - 100))
    exchange.trade("BTCUSDT", price=PRICE - 100, lots=100)
    assert (older.executed, better.executed) == (0, 100)


def test_a_stop_waits_for_a_trade_at_its_price_then_enters_as_a_limit() -> None:
    """A sell stop at 39,800 with limit 39,500 sleeps at 39,801 and takes the house's bids once 39,800 has traded."""
    exchange = make_exchange()
    stop = make_request(side=Side.SELL, type=OrderType.STOP_LOSS_LIMIT, lots=100, stop=3_980_000, price=3_950_000)
    order = exchange.submit("desk", stop)
    exchange.trade("BTCUSDT", price=3_980_100, lots=1)
    assert (order.status, order.working_ns) == (Status.NEW, None)
    assert exchange.ledger.balance("desk", "BTC").locked == 100_000
    told(exchange)
    exchange.trade("BTCUSDT", price=3_980_000, lots=1)
    [fill] = exchange.fills
    assert (order.status, fill.price, fill.maker) == (Status.FILLED, 3_970_050, False)  # 25 bps below 39,800.00
    assert told(exchange) == [(Execution.NEW, Status.NEW), (Execution.TRADE, Status.FILLED)]


def test_a_stop_whose_limit_the_book_does_not_meet_rests_there() -> None:
    """Triggered, but nobody bids as much as its limit: it offers at the limit until the market comes back."""
    exchange = make_exchange()
    stop = make_request(side=Side.SELL, type=OrderType.STOP_LOSS_LIMIT, lots=100, stop=3_980_000, price=3_979_000)
    order = exchange.submit("desk", stop)
    exchange.trade("BTCUSDT", price=3_975_000, lots=1)
    assert (order.status, order.executed) == (Status.NEW, 0)
    exchange.trade("BTCUSDT", price=3_979_000, lots=1_000)
    assert (order.status, exchange.fills[0].price, exchange.fills[0].maker) == (Status.FILLED, 3_979_000, True)


@pytest.mark.parametrize(("side", "stop"), [(Side.SELL, PRICE), (Side.SELL, PRICE + 1), (Side.BUY, PRICE)])
def test_a_stop_that_is_through_already_is_refused(side: Side, stop: int) -> None:
    """The venue does not take a stop that would trigger at once."""
    exchange = make_exchange()
    with pytest.raises(Refusal, match="Stop price would trigger immediately"):
        exchange.submit("desk", make_request(side=side, type=OrderType.STOP_LOSS_LIMIT, stop=stop, price=PRICE))


def test_a_client_order_id_is_unique_among_open_orders_only() -> None:
    """The trap of the venue: the same id is refused while its order is open and taken again once it has filled."""
    exchange = make_exchange()
    resting = exchange.submit("desk", make_request(client_order_id="one"))
    with pytest.raises(Refusal, match="Duplicate order sent"):
        exchange.submit("desk", make_request(client_order_id="one"))
    exchange.trade("BTCUSDT", price=PRICE - 500, lots=1)
    again = exchange.submit("desk", make_request(type=OrderType.MARKET, client_order_id="one"))
    assert (resting.status, again.status) == (Status.FILLED, Status.FILLED)
    assert len(exchange.fills) == 2
    assert exchange.find("desk", "BTCUSDT", order_id=None, client_order_id="one") is again


def test_immediate_or_cancel_takes_what_there_is() -> None:
    """What is left of an IOC expires, fills kept."""
    exchange = make_exchange()
    offered = exchange.place("BTCUSDT").book.levels(Side.SELL)[0][1]
    order = exchange.submit("desk", make_request(lots=offered + 5, price=ASK, time_in_force=TimeInForce.IOC))
    assert (order.status, order.left) == (Status.EXPIRED, 5)


def test_fill_or_kill_takes_all_or_nothing() -> None:
    """One lot more than is offered kills it without a trade; exactly what is offered fills."""
    exchange = make_exchange()
    offered = exchange.place("BTCUSDT").book.levels(Side.SELL)[0][1]
    killed = exchange.submit("desk", make_request(lots=offered + 1, price=ASK, time_in_force=TimeInForce.FOK))
    filled = exchange.submit("desk", make_request(lots=offered, price=ASK, time_in_force=TimeInForce.FOK))
    assert (killed.status, killed.executed) == (Status.EXPIRED, 0)
    assert filled.status is Status.FILLED


def test_a_market_order_that_empties_the_book_expires_with_its_fills() -> None:
    """EXPIRED may carry fills: the executed quantity says so, not the status."""
    exchange = make_exchange()
    offered = exchange.place("BTCUSDT").book.levels(Side.SELL)[0][1]
    order = exchange.submit("desk", make_request(type=OrderType.MARKET, lots=offered + 7))
    assert (order.status, order.executed) == (Status.EXPIRED, offered)
    assert exchange.ledger.balance("desk", "USDT").locked == 0


def test_a_market_order_in_quote_spends_at_most_that() -> None:
    """1,000 USDT at 40,100.00 buy 2,493 whole lots for 999.693 USDT."""
    exchange = make_exchange()
    order = exchange.submit("desk", make_request(type=OrderType.MARKET, lots=None, quote_atoms=1_000 * ATOMS))
    assert (order.executed, order.executed_quote) == (2_493, 99_969_300_000)


def test_a_maker_order_that_would_take_is_refused() -> None:
    """LIMIT_MAKER never pays the taker's fee."""
    with pytest.raises(Refusal, match="immediately match and take"):
        make_exchange().submit("desk", make_request(type=OrderType.LIMIT_MAKER, price=ASK))


@pytest.mark.parametrize("side", Side)
def test_an_order_beyond_the_balance_is_refused_and_leaves_no_trace(side: Side) -> None:
    """-2010: nothing locked, nothing numbered, nobody told."""
    exchange = make_exchange(balances={"USDT": 39_998 * ATOMS // 100, "BTC": 999_999})
    with pytest.raises(Refusal) as refusal:
        exchange.submit(
            "desk", make_request(side=side, lots=1_000, price=PRICE - 100 if side is Side.BUY else PRICE + 1)
        )
    assert (refusal.value.code, refusal.value.reason) == (-2010, Reason.NO_BALANCE)
    assert (len(exchange.orders), exchange.outbox) == (0, [])


def test_an_order_that_is_over_cannot_be_canceled() -> None:
    """-2011 is the answer to a cancel that lost the race with a fill."""
    exchange = make_exchange()
    order = exchange.submit("desk", make_request(type=OrderType.MARKET))
    with pytest.raises(Refusal) as refusal:
        exchange.cancel(order)
    assert refusal.value.code == -2011


def test_positions_are_told_after_the_reports_with_what_was_touched() -> None:
    """One balance event an engine event, absolute amounts, both currencies of a trade."""
    exchange = make_exchange(balances={"USDT": 1_000 * ATOMS})
    exchange.submit("desk", make_request(type=OrderType.MARKET, lots=1_000))
    last = exchange.outbox[-1]
    assert isinstance(last, Positions)
    assert last.balances == (("USDT", 599 * ATOMS, 0), ("BTC", 999_000, 0))


# What follows holds after every event, whatever the events are.

operations = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(PRICE - 60_000, PRICE + 60_000), st.integers(0, 3_000)),
        st.tuples(
            st.just("submit"),
            st.sampled_from(Side),
            st.sampled_from(OrderType),
            st.sampled_from(TimeInForce),
            st.integers(1, 200_000),
            st.integers(-30_000, 30_000),
            st.integers(1, 30_000),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
    ),
    max_size=40,
)


def _do(exchange: Exchange, operation: tuple[object, ...]) -> None:
    place = exchange.place("BTCUSDT")
    match operation:
        case ("trade", int(price), int(lots)):
            exchange.trade("BTCUSDT", price=price, lots=lots)
        case ("submit", Side() as side, OrderType() as kind, TimeInForce() as tif, int(lots), int(away), int(gap)):
            sign = 1 if side is Side.BUY else -1
            stop = place.last + sign * gap if kind is OrderType.STOP_LOSS_LIMIT else None
            exchange.submit(
                "desk",
                make_request(side=side, type=kind, time_in_force=tif, lots=lots, price=place.last + away, stop=stop),
            )
        case ("cancel", int(number)) if number < len(exchange.orders):
            exchange.cancel(exchange.orders[number + 1])


def _check(exchange: Exchange) -> None:
    """Every invariant of the books."""
    ledger = exchange.ledger
    for currency in ("USDT", "BTC"):
        assert ledger.total(currency) == 0
        reserved = sum(
            o.reserved for o in exchange.open_orders("desk") if (o.request.side is Side.BUY) == (currency == "USDT")
        )
        assert ledger.balance("desk", currency).locked == reserved
        assert ledger.balance("desk", currency).free >= 0
    for order in exchange.orders.values():
        _check_order(exchange, order)
    bid, ask = (exchange.place("BTCUSDT").book.best(side) for side in Side)
    assert bid is None or ask is None or bid < ask


def _check_order(exchange: Exchange, order: Order) -> None:
    fills = [fill for fill in exchange.fills if fill.order_id == order.order_id]
    assert sum(fill.lots for fill in fills) == order.executed <= order.lots
    assert sum(fill.quote_atoms for fill in fills) == order.executed_quote
    limit = order.request.price
    if limit is not None:
        assert all(fill.price <= limit if order.request.side is Side.BUY else fill.price >= limit for fill in fills)
    assert (order.status is Status.FILLED) == (order.left == 0)
    assert order.is_open or order.reserved == 0


@settings(max_examples=150, deadline=None)
@given(operations=operations)
def test_the_books_balance_after_every_event(operations: list[tuple[object, ...]]) -> None:
    """Each currency sums to zero, locks equal reserves, fills keep to limit and quantity, after every single event."""
    exchange = make_exchange()
    deposited = {name: exchange.ledger.balance(HOUSE, name).free for name in RICH}
    assert deposited == {name: -atoms for name, atoms in RICH.items()}
    for operation in operations:
        before = len(exchange.orders)
        try:
            _do(exchange, operation)
        except Refusal:
            assert len(exchange.orders) == before
        _check(exchange)
    ids = [event.execution_id for event in exchange.outbox if isinstance(event, Report)]
    trades = [fill.trade_id for fill in exchange.fills]
    assert ids == sorted(set(ids))
    assert trades == sorted(trades)
