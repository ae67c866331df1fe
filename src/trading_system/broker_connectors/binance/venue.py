"""Binance spot behind the Venue port: order entry and questions over REST."""

import json
from collections.abc import Sequence
from typing import Final

from trading_system.blotter.events import OrderAccepted
from trading_system.blotter.tickets import OrderTicket
from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.errors import OrderRejected
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import from_ms, to_ms
from trading_system.ports import Clock, OrderReport

PAGE: Final = 1_000
"""Most rows of one answer ("Kline/Candlestick data", "Account trade list")."""


class BinanceVenue:
    """Places, cancels and finds orders; reads bars, balances and instruments."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns ("Check server time")."""
        return from_ms((await self._rest.public("/api/v3/time"))["serverTime"])

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Return the instruments of `symbols`, in their order ("Exchange information")."""
        parameters = {"symbols": json.dumps(list(symbols), separators=(",", ":"))}
        found = {i.symbol: i for i in codec.instruments(await self._rest.public("/api/v3/exchangeInfo", parameters))}
        return [found[symbol] for symbol in symbols]

    async def bars(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> list[Bar]:
        """Return the closed bars that open in [start_ns, end_ns), oldest first ("Kline/Candlestick data")."""
        length, found = interval_ns(interval), list[Bar]()
        end_ns = min(end_ns, self._clock.now_ns() - length + 1)
        while start_ns < end_ns:
            parameters = {
                "symbol": instrument.symbol,
                "interval": interval,
                "startTime": str(to_ms(start_ns)),
                "endTime": str(to_ms(end_ns - 1)),
                "limit": str(PAGE),
            }
            rows = await self._rest.public("/api/v3/klines", parameters)
            found += [codec.bar(row, instrument, length) for row in rows]
            if len(rows) < PAGE:
                break
            start_ns = found[-1].close_ns
        return found

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> OrderAccepted:
        """Place `ticket` at the venue and return its acknowledgement ("New order").

        Call it once per ticket. After `OutcomeUnknown`, ask `find_order`; never submit the ticket again: on Binance
        a client order id is unique among open orders only, so a market order sent twice executes twice.

        Raises:
            VenueUnavailable: Nothing was sent; the worker may try again.
            RateLimited: Nothing was placed; wait `retry_after_s` seconds.
            OrderRejected: The venue refused; final.
            OutcomeUnknown: It was sent and no answer came back, or one that leaves it open ("HTTP Return Codes").
        """
        answer = await self._rest.signed(
            "POST", "/api/v3/order", codec.new_order(ticket, instrument), tag=f"{ticket.intent}.submit"
        )
        return OrderAccepted(
            ts_ns=from_ms(int(answer["transactTime"])),
            client_order_id=ticket.client_order_id,
            venue_order_id=str(answer["orderId"]),
        )

    async def cancel(self, ticket: OrderTicket, instrument: Instrument) -> int:
        """End a resting order and return the lots it had executed by then ("Cancel order").

        Raises:
            OrderRejected: It would not (-2011): most likely it is over; ask.
            OutcomeUnknown: Nobody answered; asking again does no harm.
        """
        parameters = {"symbol": ticket.symbol, "origClientOrderId": ticket.client_order_id}
        answer = await self._rest.signed("DELETE", "/api/v3/order", parameters, tag=f"{ticket.intent}.cancel")
        return instrument.lots(answer["executedQty"])

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        """Return what the venue knows of `ticket`, with its executions ("Query order", "Account trade list").

        None means that the venue does not know it *now* (-2013): an order under way may still appear.
        """
        name = ticket.client_order_id
        try:
            row = await self._rest.signed("GET", "/api/v3/order", {"symbol": ticket.symbol, "origClientOrderId": name})
        except OrderRejected as error:
            if error.code == codec.NO_SUCH_ORDER:
                return None
            raise
        fills = []
        if instrument.lots(row["executedQty"]):
            parameters = {"symbol": ticket.symbol, "orderId": str(row["orderId"]), "limit": str(PAGE)}
            trades = await self._rest.signed("GET", "/api/v3/myTrades", parameters)
            fills = [codec.fill(trade, name, instrument) for trade in trades]
        return codec.report(row, tuple(fills), name, instrument)

    async def open_order_ids(self, symbols: Sequence[str]) -> set[str]:
        """Return the client order ids of all orders open in `symbols` ("Current open orders")."""
        found = set[str]()
        for symbol in symbols:
            rows = await self._rest.signed("GET", "/api/v3/openOrders", {"symbol": symbol})
            found |= {row["clientOrderId"] for row in rows}
        return found

    async def balances(self) -> dict[str, int]:
        """Return the total of each currency, free and locked, atoms ("Account information")."""
        return codec.balances(await self._rest.signed("GET", "/api/v3/account", {"omitZeroBalances": "true"}))
