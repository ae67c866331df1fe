"""Price first, then time: held against a book that is too simple to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.errors import InvariantBroken
from trading_system.testnet.order_book import Match, OrderBook, Side


class NaiveBook:
    """A list of (id, side, price, lots) in order of arrival, searched whole for the best each time."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, Side, int, int]] = []

    def take(self, side: Side, lots: int, limit: int) -> list[Match]:
        matches = []
        while lots:
            makers = [order for order in self.orders if order[1] is not side]
            makers = [m for m in makers if (m[2] <= limit if side is Side.BUY else m[2] >= limit)]
            if not makers:
                break
            best = min(makers, key=lambda m: m[2] if side is Side.BUY else -m[2])  # min keeps the first of equals
            got = min(lots, best[3])
            matches.append(Match(best[0], best[2], got))
            lots -= got
            where = self.orders.index(best)
            self.orders[where : where + 1] = [(*best[:3], best[3] - got)] if best[3] > got else []
        return matches


orders = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(90, 110), st.integers(1, 9), st.integers(0, 3)), max_size=60
)


@given(orders=orders)
def test_matches_come_by_price_then_time(orders: list[tuple[Side, int, int, int]]) -> None:
    """Whatever is asked in whatever order, makers are served as by a search for the best price, oldest first."""
    book, naive = OrderBook(), NaiveBook()
    for number, (side, price, lots, cancel) in enumerate(orders, start=1):
        matches = book.take(side, lots=lots, limit=price)
        assert matches == naive.take(side, lots, price)
        left = lots - sum(match.lots for match in matches)
        if left:
            book.rest(number, side, price=price, lots=left)
            naive.orders.append((number, side, price, left))
        if cancel == 0 and naive.orders:
            gone = naive.orders.pop(len(naive.orders) // 2)
            assert book.remove(gone[0]) == gone[3]
        for each in Side:
            assert sum(lots for _, lots in book.levels(each)) == sum(o[3] for o in naive.orders if o[1] is each)


@given(orders=orders, taker=st.tuples(st.sampled_from(Side), st.integers(90, 110), st.integers(1, 50)))
def test_nobody_trades_beyond_quantity_or_through_a_limit(
    orders: list[tuple[Side, int, int, int]], taker: tuple[Side, int, int]
) -> None:
    """A taker gets at most its lots, at prices within its limit, best first; the book never stays crossed."""
    book = OrderBook()
    for number, (side, price, lots, _) in enumerate(orders, start=1):
        left = lots - sum(match.lots for match in book.take(side, lots=lots, limit=price))
        if left:
            book.rest(number, side, price=price, lots=left)
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid < ask
    side, limit, lots = taker
    matches = book.take(side, lots=lots, limit=limit)
    prices = [match.price for match in matches]
    assert sum(match.lots for match in matches) <= lots
    assert prices == sorted(prices, reverse=side is Side.SELL)
    assert all(price <= limit if side is Side.BUY else price >= limit for price in prices)


def test_a_partly_taken_order_keeps_its_place() -> None:
    """Who was first stays first until nothing is left of it."""
    book = OrderBook()
    book.rest(1, Side.SELL, price=100, lots=5)
    book.rest(2, Side.SELL, price=100, lots=5)
    assert book.take(Side.BUY, lots=2, limit=None) == [Match(1, 100, 2)]
    assert book.take(Side.BUY, lots=4, limit=None) == [Match(1, 100, 3), Match(2, 100, 1)]


def test_an_order_that_would_trade_cannot_rest() -> None:
    """A book that is asked to cross itself is our bug, and says so."""
    book = OrderBook()
    book.rest(1, Side.SELL, price=100, lots=5)
    with pytest.raises(InvariantBroken):
        book.rest(2, Side.BUY, price=100, lots=1)
    with pytest.raises(InvariantBroken):
        book.rest(1, Side.SELL, price=101, lots=1)


def test_removing_an_unknown_order_removes_nothing() -> None:
    """The book is asked for whatever was canceled, resting or not."""
    book = OrderBook()
    assert book.remove(7) == 0
    assert book.update_id == 0
