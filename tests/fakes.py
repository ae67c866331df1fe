"""Stand-ins behind ports, for what is slow or dangerous; each honours its port."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.factories import make_instrument

from trading_system.blotter.events import OrderAccepted, OrderFilled
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import OrderTicket
from trading_system.errors import OrderRejected, VenueError
from trading_system.market.instruments import Instrument
from trading_system.ports import OrderReport


@dataclass
class FakeVenue:
    """A venue that knows what it was sent. `weather` decides what goes wrong, before or after it acts.

    Attributes:
        before, after: Called with the name of the method; what it returns is raised, before or after the deed.
        orders: What was placed, by client order id.
        submitted: Every submit that reached it, in order.
    """

    before: Callable[[str], VenueError | None] = lambda method: None
    after: Callable[[str], VenueError | None] = lambda method: None
    orders: dict[str, OrderReport] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    now_ns: int = 0

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Return plain instruments."""
        return [make_instrument(symbol=symbol) for symbol in symbols]

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> OrderAccepted:
        """Take the order down as working."""
        self._raise(self.before, "submit")
        self.submitted.append(ticket.client_order_id)
        name = ticket.client_order_id
        self.orders[name] = OrderReport(
            client_order_id=name,
            venue_order_id=str(len(self.submitted)),
            status=OrderStatus.WORKING,
            filled=0,
            fills=(),
            reason="",
        )
        self._raise(self.after, "submit")
        return OrderAccepted(ts_ns=self.now_ns, client_order_id=name, venue_order_id=self.orders[name].venue_order_id)

    async def cancel(self, ticket: OrderTicket, instrument: Instrument) -> int:
        """End the order, if it works."""
        self._raise(self.before, "cancel")
        report = self.orders.get(ticket.client_order_id)
        if report is None or report.status is not OrderStatus.WORKING:
            raise OrderRejected("Unknown order sent.", code=-2011)
        self.settle(ticket.client_order_id, OrderStatus.CANCELED, report.fills)
        self._raise(self.after, "cancel")
        return report.filled

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        """Return the order as it stands."""
        self._raise(self.before, "find_order")
        return self.orders.get(ticket.client_order_id)

    async def open_order_ids(self, symbols: Sequence[str]) -> set[str]:
        """Return the names of working orders."""
        self._raise(self.before, "open_order_ids")
        return {name for name, report in self.orders.items() if report.status is OrderStatus.WORKING}

    async def balances(self) -> dict[str, int]:
        """Return what it was told to hold."""
        self._raise(self.before, "balances")
        return dict(self.held)

    def settle(self, name: str, status: OrderStatus, fills: tuple[OrderFilled, ...]) -> None:
        """Let the order `name` end as `status` with `fills`."""
        before = self.orders[name]
        self.orders[name] = OrderReport(
            client_order_id=name,
            venue_order_id=before.venue_order_id,
            status=status,
            filled=sum(fill.lots for fill in fills),
            fills=fills,
            reason=status.value,
        )

    def _raise(self, weather: Callable[[str], VenueError | None], method: str) -> None:
        error = weather(method)
        if error is not None:
            raise error
