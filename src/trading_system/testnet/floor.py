"""The floor: the exchange, the tape and the clock, moved forward moment by moment. No I/O."""

import heapq
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from trading_system.market.bars import interval_ns
from trading_system.market.money import ATOMS, to_atoms
from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.config import TestnetConfig
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.faults import Fault, On, Weather
from trading_system.testnet.flow import Close, Moment, merged, moments
from trading_system.testnet.order_book import Side
from trading_system.testnet.tape import MarketEvent, Tape

ACCOUNT: Final = "desk"
"""The one client's account."""


class Holding(NamedTuple):
    """What the account has of an instrument at a moment, and what of it is offered for sale.

    Attributes:
        ns: When, UTC ns.
        price: Last price, ticks.
        atoms: Base currency, free and locked.
        resting_lots: Not yet executed, of all its open sell orders: stops that wait among them.
    """

    ns: int
    symbol: str
    price: int
    atoms: int
    resting_lots: int


class Met(NamedTuple):
    """A fault that happened. One that lasts is told twice: when it began, and when it was over."""

    ns: int
    fault: Fault


class Floor:
    """What happens at the venue, in order.

    Attributes:
        market_events: What the tape published since somebody last drained it, oldest first.
        requests: For each client order id: order requests [seen, lost before the exchange saw them]; those turned
            away at the door (`Fault.says`) are in neither.
        received_ns: For each client order id, when the first request to place it came, turned away or not, UTC ns.
        at_close: What the account held at each close at which it held anything, oldest first.
        met: What the weather did, oldest first.
        bars_left: Live bars that have not closed yet.
    """

    def __init__(self, config: TestnetConfig) -> None:
        self.config: Final = config
        speed = config.speed if isinstance(config.speed, int) else 0
        self.clock: Final = VirtualClock(min(listing.start_ns for listing in config.listings), speed=speed)
        self.exchange: Final = Exchange(
            self.clock,
            maker_fee=int(config.maker_bps * ATOMS / 10_000),
            taker_fee=int(config.taker_bps * ATOMS / 10_000),
        )
        self.exchange.deposit(ACCOUNT, {currency: to_atoms(amount) for currency, amount in config.balances.items()})
        self.weather: Final = Weather(config.faults)
        self.tapes: Final[dict[str, Tape]] = {}
        self.intervals: Final = {listing.instrument.symbol: listing.interval for listing in config.listings}
        self.market_events: Final[list[MarketEvent]] = []
        self.requests: Final[dict[str, list[int]]] = {}
        self.received_ns: Final[dict[str, int]] = {}
        self.at_close: Final[list[Holding]] = []
        self.met: Final[list[Met]] = []
        self._delayed: list[tuple[int, int, Fault, Callable[[], object]]] = []
        self.bars_left = sum(len(listing.live) for listing in config.listings)
        streams: list[Iterator[tuple[int, int, Moment]]] = []
        for listing in config.listings:
            instrument = listing.instrument
            tape = Tape(instrument, interval_ns(listing.interval))
            tape.remember(listing.bars[: listing.history], seed=config.seed)
            self.tapes[instrument.symbol] = tape
            self.exchange.list_instrument(instrument, config.house, seed=config.seed, price=listing.start_price)
            streams.append(moments(listing.live, seed=config.seed, lot_atoms=instrument.lot_atoms))
        self._moments = merged(*streams)
        self._next = next(self._moments, None)

    @property
    def next_ns(self) -> int | None:
        """When the next moment is due, UTC ns; None after the last."""
        due = [] if self._next is None else [self._next.ns]
        return min(due + [at_ns for at_ns, *_ in self._delayed], default=None)

    def meet(self, on: On) -> Fault | None:
        """Count one request, or piece of news, and return what befalls it, which is noted."""
        fault = self.weather.meet(on)
        if fault is not None:
            self.met.append(Met(self.clock.now_ns, fault))
        return fault

    def later(self, fault: Fault, delay_ns: int, act: Callable[[], object]) -> None:
        """Let `act` be a moment of its own, `delay_ns` from now; `fault` is over then."""
        heapq.heappush(self._delayed, (self.clock.now_ns + delay_ns, len(self.met), fault, act))

    def holding(self, symbol: str) -> Holding:
        """Return what the account has of `symbol` now."""
        place = self.exchange.places[symbol]
        balance = self.exchange.ledger.balance(ACCOUNT, place.instrument.base)
        offered = (o.left for o in self.exchange.open_orders(ACCOUNT, symbol) if o.request.side is Side.SELL)
        return Holding(self.clock.now_ns, symbol, place.last, balance.free + balance.locked, sum(offered))

    def advance(self) -> bool:
        """Let the next moment happen, with all closes of the same time; say whether bars closed.

        Returns:
            True after closes, False after a trade, a delayed request, or when nothing is left.
        """
        moment = self._next
        if self._delayed and (moment is None or self._delayed[0][0] <= moment.ns):
            due_ns, _, fault, act = heapq.heappop(self._delayed)
            self.clock.move_to(due_ns)
            self.met.append(Met(self.clock.now_ns, fault))
            act()
            return False
        if moment is None:
            return False
        self.clock.move_to(moment.ns)
        if isinstance(moment, Close):
            closing_ns = moment.ns
            while isinstance(moment, Close) and moment.ns == closing_ns:
                self.market_events.append(self.tapes[moment.bar.symbol].close(moment.bar))
                self.bars_left -= 1
                holding = self.holding(moment.bar.symbol)
                self.at_close.extend([holding] if holding.atoms else [])
                moment = self._next = next(self._moments, None)
            return True
        tape = self.tapes[moment.symbol]
        lots = moment.atoms // tape.instrument.lot_atoms
        trade_id = self.exchange.trade(moment.symbol, price=moment.price, lots=lots)
        self.market_events.extend(tape.print(moment, trade_id))
        self._next = next(self._moments, None)
        return False
