"""The floor: the exchange, the tape and the clock, moved forward moment by moment. No I/O."""

from collections.abc import Iterator
from typing import Final

from trading_system.market.bars import interval_ns
from trading_system.market.money import ATOMS, to_atoms
from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.config import TestnetConfig
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.faults import Weather
from trading_system.testnet.flow import Close, Moment, merged, moments
from trading_system.testnet.tape import MarketEvent, Tape

ACCOUNT: Final = "desk"
"""The one client's account."""


class Floor:
    """What happens at the venue, in order.

    Attributes:
        market_events: What the tape published since somebody last drained it, oldest first.
        requests: For each client order id: order requests [seen, lost before the exchange saw them].
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
        return None if self._next is None else self._next.ns

    def advance(self) -> bool:
        """Let the next moment happen, with all closes of the same time; say whether bars closed.

        Returns:
            True after closes, False after a trade or when nothing is left.
        """
        moment = self._next
        if moment is None:
            return False
        self.clock.move_to(moment.ns)
        if isinstance(moment, Close):
            closing_ns = moment.ns
            while isinstance(moment, Close) and moment.ns == closing_ns:
                self.market_events.append(self.tapes[moment.bar.symbol].close(moment.bar))
                self.bars_left -= 1
                moment = self._next = next(self._moments, None)
            return True
        tape = self.tapes[moment.symbol]
        lots = moment.atoms // tape.instrument.lot_atoms
        trade_id = self.exchange.trade(moment.symbol, price=moment.price, lots=lots)
        self.market_events.extend(tape.print(moment, trade_id))
        self._next = next(self._moments, None)
        return False
