"""What goes wrong in a demonstration, and when: chosen by what orders do, never by the time of day."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from trading_system.dashboard.notes import Kill, Mishap
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.testnet.faults import DropConnection, Fault, HoldAnswer, LoseAnswer, On
from trading_system.testnet.floor import ACCOUNT
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import Order, OrderType
from trading_system.testnet.server import Testnet

KILL_FROM: Final = 0.40
LOSE_FROM: Final = 0.60
DROP_FROM: Final = 0.75
"""Shares of the live bars after which each thing may happen, at the first order that fits."""


@dataclass(frozen=True, slots=True)
class Watch(HoldAnswer):
    """Lets a request pass unharmed and tells us of it, after it was matched and before it is answered."""

    tells: ClassVar[bool] = True
    answers: ClassVar[bool] = True


class Director:
    """Watches every order and plans what befalls the next.

    After a sale that leaves the account flat, the next order can only be an entry: it is the one whose answer is
    withheld, or whose reports are dropped. After an entry, the next is its stop: that answer is lost.

    Args:
        venue: The exchange; its weather is the director's.
        kill: Ends the engine's process.

    Attributes:
        kills: What was killed, oldest first.
    """

    def __init__(self, venue: Testnet, *, kill: Callable[[], Awaitable[None]]) -> None:
        self._venue: Final = venue
        self._kill: Final = kill
        self._live_bars: Final = venue.bars_left
        self._orders = 0
        self._planned: list[tuple[str, int]] = []
        self.kills: list[Kill] = []
        self._left = ["kill", "lose", "drop"]
        venue.schedule(Watch(1, hook=self._look))

    @property
    def mishaps(self) -> tuple[Mishap, ...]:
        """What befell which order, of what was planned beside the kill and has happened."""
        names = list(self._venue.floor.requests)
        orders = {order.client_order_id: order for order in self._venue.exchange.orders.values()}
        met = [(words, names[nth - 1]) for words, nth in self._planned if nth <= len(names)]
        return tuple(
            Mishap(kind=words, ns=orders[name].created_ns, client_order_id=name)
            for words, name in met
            if name in orders
        )

    async def _look(self) -> None:
        orders = self._venue.exchange.orders
        fresh, self._orders = len(orders) > self._orders, len(orders)
        seen = self._venue.floor.weather.seen[On.ORDER]
        fault = self._next(list(orders.values())[-1], seen + 1) if fresh else None
        if fault is not None:
            self._venue.schedule(fault)
        self._venue.schedule(Watch(seen + (1 if fault is None else 2), hook=self._look))

    def _next(self, order: Order, nth: int) -> Fault | None:
        """Return what befalls the order after `order`; None for nothing."""
        done = 1.0 - self._venue.bars_left / self._live_bars
        entry_next = order.request.side is Side.SELL and self._is_flat(order.request.symbol)
        stop_next = order.request.side is Side.BUY and order.request.type is OrderType.MARKET and order.executed > 0
        match self._left[:1]:
            case ["kill"] if done >= KILL_FROM and entry_next:
                self._left.pop(0)
                return HoldAnswer(nth, hook=self._strike)
            case ["lose"] if done >= LOSE_FROM and stop_next:
                self._left.pop(0)
                self._planned.append(("answer lost", nth))
                return LoseAnswer(nth)
            case ["drop"] if done >= DROP_FROM and entry_next:
                self._left.pop(0)
                self._planned.append(("stream dropped", nth))
                return DropConnection(nth)
        return None

    async def _strike(self) -> None:
        """Kill the engine while the answer to the last order is withheld."""
        order = list(self._venue.exchange.orders.values())[-1]
        self._orders = len(self._venue.exchange.orders)
        self.kills.append(Kill(client_order_id=order.client_order_id, killed_ns=self._venue.now_ns))
        await self._kill()

    def _is_flat(self, symbol: str) -> bool:
        """Return whether nothing is open and nothing is owned that the exchange would take."""
        exchange = self._venue.exchange
        instrument: Instrument = exchange.places[symbol].instrument
        held = exchange.ledger.balance(ACCOUNT, instrument.base)
        lots = (held.free + held.locked) // instrument.lot_atoms
        worth = lots * exchange.places[symbol].last * instrument.notional_atoms
        small = lots < instrument.min_lots or worth < to_atoms(instrument.min_notional)
        return small and not exchange.open_orders(ACCOUNT, symbol)
