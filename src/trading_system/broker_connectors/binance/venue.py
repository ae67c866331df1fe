"""Binance spot behind the Venue port: order entry and questions over REST."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from trading_system.blotter.events import OrderAccepted, OrderFilled
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import OrderTicket
from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.failures import NO_SUCH_ORDER, ORDER_ARCHIVED
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.errors import ConfigurationError, OrderRejected, OutcomeUnknown
from trading_system.market.instruments import Instrument
from trading_system.ports import Clock, OrderReport

PAGE: Final = 1_000
"""Most rows of one answer ("Kline/Candlestick data", "Account trade list")."""

T = TypeVar("T")


class BinanceVenue:
    """Places, cancels and finds orders; reads bars, balances and instruments.

    No question raises OrderRejected: a refused one is an OutcomeUnknown that says why. What asks for symbols and
    intervals only (`instruments`, `bars`) is refused for what the settings name: a ConfigurationError.
    """

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns ("Check server time")."""
        with _refusal_means(OutcomeUnknown, "the time"):
            return await self._rest.public("/api/v3/time", codec.server_time)

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Return the instruments of `symbols`, in their order ("Exchange information").

        Raises:
            ConfigurationError: The venue does not know one of them, or it cannot be accounted for exactly.
        """
        parameters = {"symbols": json.dumps(list(symbols), separators=(",", ":"))}
        with _refusal_means(ConfigurationError, f"venue.symbols {', '.join(symbols)}"):
            known = await self._rest.public("/api/v3/exchangeInfo", codec.instruments, parameters)
        found = {instrument.symbol: instrument for instrument in known}
        missing = [symbol for symbol in symbols if symbol not in found]
        if missing:
            raise ConfigurationError(f"venue.symbols {', '.join(missing)}: Binance does not list them")
        return [found[symbol] for symbol in symbols]

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> OrderAccepted:
        """Place `ticket` at the venue and return its acknowledgement ("New order").

        Call it once per ticket. After `OutcomeUnknown`, ask `find_order`; never submit the ticket again: on Binance
        a client order id is unique among open orders only, so a market order sent twice executes twice.

        Raises:
            VenueUnavailable: Nothing was done: it was not sent, or came out of its time; the worker may try again.
            RateLimited: Nothing was placed; wait `retry_after_s` seconds.
            OrderRejected: The venue refused; final.
            OutcomeUnknown: It was sent and no answer came back, or one that leaves it open ("HTTP Return Codes").
        """
        return await self._rest.signed(
            "POST",
            "/api/v3/order",
            codec.new_order(ticket, instrument),
            partial(codec.acknowledgement, client_order_id=ticket.client_order_id),
            tag=f"{ticket.intent}.submit",
        )

    async def cancel(self, ticket: OrderTicket, instrument: Instrument) -> int:
        """End a resting order and return the lots it had executed by then ("Cancel order").

        Raises:
            OrderRejected: It would not (-2011): most likely it is over; ask.
            OutcomeUnknown: Nobody answered; asking again does no harm.
        """
        return await self._rest.signed(
            "DELETE",
            "/api/v3/order",
            {"symbol": ticket.symbol, "origClientOrderId": ticket.client_order_id},
            partial(codec.canceled, instrument=instrument),
            tag=f"{ticket.intent}.cancel",
        )

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        """Return what the venue knows of `ticket`, with its executions ("Query order", "Account trade list").

        None means that the venue does not know it *now* (-2013): an order under way may still appear. One that was
        archived (-2026) is known to have ended with nothing executed.
        """
        name = ticket.client_order_id
        parameters = {"symbol": ticket.symbol, "origClientOrderId": name}
        read = partial(codec.report, client_order_id=name, instrument=instrument)
        try:
            report = await self._rest.signed("GET", "/api/v3/order", parameters, read)
        except OrderRejected as error:
            if error.code == NO_SUCH_ORDER:
                return None
            if error.code == ORDER_ARCHIVED:
                return OrderReport(
                    client_order_id=name,
                    venue_order_id="",
                    status=OrderStatus.CANCELED,
                    filled=0,
                    fills=(),
                    reason=f"archived: {error}",
                )
            raise OutcomeUnknown(f"the venue would not say what became of {name}: {error}") from error
        return replace(report, fills=await self._fills(ticket.symbol, report, instrument)) if report.filled else report

    async def _fills(self, symbol: str, report: OrderReport, instrument: Instrument) -> tuple[OrderFilled, ...]:
        """Return the executions that `report` counts, page after page, or as many as the venue lists by now.

        It is asked from trade id 0 on: without `fromId` the latest trades are answered, and the first of an order
        with more than a page of them would never be seen.
        """
        found, next_id = list[OrderFilled](), 0
        while sum(fill.lots for fill in found) < report.filled:
            parameters = {
                "symbol": symbol,
                "orderId": report.venue_order_id,
                "fromId": str(next_id),
                "limit": str(PAGE),
            }
            page = await self._ask(
                "/api/v3/myTrades", parameters, partial(codec.fills, of=report, instrument=instrument)
            )
            new = [fill for fill in page if int(fill.trade_id) >= next_id]
            found += new
            if len(page) < PAGE or not new:  # the last page, or an answer to something else
                break
            next_id = max(int(fill.trade_id) for fill in new) + 1
        return tuple(found)

    async def open_order_ids(self, symbols: Sequence[str]) -> set[str]:
        """Return the client order ids of all orders open in `symbols` ("Current open orders")."""
        found = set[str]()
        for symbol in symbols:
            found |= await self._ask("/api/v3/openOrders", {"symbol": symbol}, codec.open_order_ids)
        return found

    async def balances(self) -> dict[str, int]:
        """Return the total of each currency, free and locked, atoms ("Account information")."""
        return await self._ask("/api/v3/account", {"omitZeroBalances": "true"}, codec.balances)

    async def _ask(self, path: str, parameters: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Return the answer to a question about the account."""
        with _refusal_means(OutcomeUnknown, path):
            return await self._rest.signed("GET", path, parameters, read)


@contextmanager
def _refusal_means(kind: type[ConfigurationError | OutcomeUnknown], what: str) -> Iterator[None]:
    """Name the refusal of a question for what the one who asked can do about it."""
    try:
        yield
    except OrderRejected as error:
        raise kind(f"{what}: Binance refuses to answer: {error}") from error
