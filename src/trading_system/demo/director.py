"""What goes wrong in a demonstration, and when: chosen by what orders do, never by the time of day."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from trading_system.dashboard.notes import Kill, Mishap
from trading_system.testnet.faults import DropConnection, Fault, HoldAnswer, LoseAnswer, On
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import Order, OrderType, Status
from trading_system.testnet.server import Testnet


class Spare(Fault):
    """Nothing goes wrong."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One thing to go wrong: at the first entry, or stop, after a share of the live bars."""

    fault: type[Fault]
    after: float
    entry: bool


SCHEMES: Final = (
    Scheme(fault=HoldAnswer, after=0.40, entry=True),
    Scheme(fault=LoseAnswer, after=0.60, entry=False),
    Scheme(fault=DropConnection, after=0.75, entry=True),
)
"""What goes wrong, one after the other."""
WORDS: Final[Mapping[type[Fault], str]] = {LoseAnswer: "answer lost", DropConnection: "stream dropped"}


@dataclass(frozen=True, slots=True)
class Judged(HoldAnswer):
    """Meets a request and is judged once the exchange has matched it: what befalls it depends on what it was.

    The exchange asks a fault what to do only after the match; `judge` is asked with the request's number.
    """

    judge: Callable[[int], type[Fault]] = lambda nth: Spare

    @property
    def tells(self) -> bool:  # type: ignore[override]  # others say it for their class
        """Whether the reports are sent."""
        return self.judge(self.nth).tells

    @property
    def cuts(self) -> bool:  # type: ignore[override]  # others say it for their class
        """Whether the stream is closed first."""
        return self.judge(self.nth).cuts

    @property
    def answers(self) -> bool:  # type: ignore[override]  # others say it for their class
        """Whether the client gets its answer."""
        return self.judge(self.nth).answers


class Director:
    """Meets every order, and lets the schemes happen to the first that fit.

    Args:
        venue: The exchange; its weather is the director's.
        kill: Ends the engine's process.

    Attributes:
        kills: What was killed, oldest first.
        mishaps: What else befell which order.
    """

    def __init__(self, venue: Testnet, *, kill: Callable[[], Awaitable[None]]) -> None:
        self._venue: Final = venue
        self._kill: Final = kill
        self._live_bars: Final = venue.bars_left
        self._judged: dict[int, type[Fault]] = {}
        self._orders = 0
        self._schemes = list(SCHEMES)
        self.kills: list[Kill] = []
        self.mishaps: list[Mishap] = []
        self._meet_next()

    def _meet_next(self) -> None:
        seen = self._venue.floor.weather.seen[On.ORDER]
        self._venue.schedule(Judged(seen + 1, hook=self._answered, judge=self._judge))

    def _judge(self, nth: int) -> type[Fault]:
        """Return what befalls the request; the first answer stands."""
        if nth not in self._judged:
            orders = self._venue.exchange.orders
            fresh, self._orders = len(orders) > self._orders, len(orders)
            self._judged[nth] = self._befalls(orders[len(orders)]) if fresh else Spare
        return self._judged[nth]

    def _befalls(self, order: Order) -> type[Fault]:
        done = 1.0 - self._venue.bars_left / self._live_bars
        entry = order.request.side is Side.BUY and order.status is Status.FILLED
        stop = order.request.type is OrderType.STOP_LOSS_LIMIT and order.is_open
        scheme = self._schemes[0] if self._schemes else None
        if scheme is None or done < scheme.after or not (entry if scheme.entry else stop):
            return Spare
        self._schemes.pop(0)
        name, ns = order.client_order_id, self._venue.now_ns
        if scheme.fault is HoldAnswer:
            self.kills.append(Kill(client_order_id=name, killed_ns=ns))
        else:
            kind, cut = WORDS[scheme.fault], scheme.fault.cuts
            self.mishaps.append(Mishap(kind=kind, ns=ns, client_order_id=name, breaks_stream=cut))
        return scheme.fault

    async def _answered(self) -> None:
        """Called after a request was matched and before it is answered: kill the engine now, if it is its time."""
        seen = self._venue.floor.weather.seen[On.ORDER]
        self._meet_next()
        if self._judge(seen) is HoldAnswer:
            await self._kill()
