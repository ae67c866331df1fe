"""One symbol's place: its book, its last price, its waiting stops, and the house's quotes."""

from trading_system.market.instruments import Instrument
from trading_system.testnet.house import House
from trading_system.testnet.order_book import OrderBook, Side
from trading_system.testnet.orders import Order


class MarketPlace:
    """Where the orders of one symbol meet.

    The house quotes only when somebody looks or trades; that is no different from quoting always,
    and much cheaper.

    Attributes:
        book: Everyone's resting orders; the house's have negative ids.
        last: Price of the last recorded trade, ticks. Our own fills do not change it: the tape stays as recorded.
        stops: Orders that wait for their trigger, by id, oldest first.
    """

    def __init__(self, instrument: Instrument, house: House, *, seed: int, price: int) -> None:
        self.instrument = instrument
        self.book = OrderBook()
        self.last = price
        self.stops: dict[int, Order] = {}
        self._house = house
        self._seed = seed
        self._mark = 0
        self._quoted: list[int] = []

    def mark(self, price: int) -> None:
        """Let `price` ticks be the last price; the house will quote afresh around it.

        Call it with the house's quotes withdrawn.
        """
        self.last = price
        self._mark += 1

    def withdraw_quotes(self) -> None:
        """Take what is left of the house's quotes off the book."""
        for quote_id in self._quoted:
            self.book.remove(quote_id)
        self._quoted.clear()

    def show_quotes(self) -> None:
        """Let the house quote around the last price, unless it did since the last mark."""
        if self._quoted:
            return
        quotes = self._house.quotes(self.instrument, self.last, seed=self._seed, mark=self._mark)
        for number, quote in enumerate(quotes, start=1):
            self.book.rest(-number, quote.side, price=quote.price, lots=quote.lots)
            self._quoted.append(-number)

    def would_trigger(self, side: Side, stop: int) -> bool:
        """Say whether a stop of `side` at `stop` ticks is through at the last price."""
        return self.last >= stop if side is Side.BUY else self.last <= stop

    def triggered(self) -> list[Order]:
        """Take out and return the stops that the last price has reached, oldest first."""
        reached = [
            order
            for order in self.stops.values()
            if order.request.stop is not None and self.would_trigger(order.request.side, order.request.stop)
        ]
        for order in reached:
            del self.stops[order.order_id]
        return reached

    def cost(self, side: Side, lots: int) -> tuple[int, int]:
        """Return (lots, quote atoms) that a taker of `lots` would get from the book as it stands."""
        got = spent = 0
        for price, resting in self.book.levels(side.other):
            taken = min(resting, lots - got)
            got += taken
            spent += price * taken * self.instrument.notional_atoms
        return got, spent

    def lots_for(self, side: Side, quote_atoms: int) -> int:
        """Return the lots that a taker would get for at most `quote_atoms`."""
        lots = 0
        for price, resting in self.book.levels(side.other):
            worth = price * self.instrument.notional_atoms
            taken = min(resting, quote_atoms // worth)
            lots += taken
            quote_atoms -= taken * worth
            if taken < resting:
                break
        return lots
