"""Binance's klines behind the BarSource port: pages of history, each row with the venue's own words.

Source: binance-spot-api-docs, rest-api.md ("Kline/Candlestick data", "Exchange information", "Check server time"),
web-socket-streams.md ("Kline/Candlestick Streams for UTC").
"""

from collections.abc import Callable
from typing import Final

import msgspec

from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.messages import Kline, decoded
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.errors import ConfigurationError, DataError, OrderRejected
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import to_ms
from trading_system.ports import BarPage, BarRecord

INTERVALS: Final = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d")
"""Those of a fixed length; weeks and months begin on days of the calendar."""
MOST: Final = 1_000
"""Most rows of one answer."""
USUAL_LIMIT: Final = 6_000
"""Request weight of a minute, until `exchangeInfo` says it."""

_ROW: Final = ("timestamp", "open", "high", "low", "close", "volume")
_EVENT: Final = tuple(f"{name}=data.k.{letter}" for name, letter in zip(_ROW, "tohlcv", strict=True))


class _Limit(msgspec.Struct, frozen=True, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


class _Rules(msgspec.Struct, frozen=True, rename="camel"):
    rate_limits: list[_Limit] = []


class BinanceBars:
    """Closed bars of Binance spot over REST.

    Args:
        rest: Requests to one host; no key is needed.
        page: Rows to ask for at a time, 1..1000.
    """

    def __init__(self, rest: Rest, *, page: int = MOST) -> None:
        self._rest = rest
        self._page = page

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns."""
        return await self._rest.public("/api/v3/time", codec.server_time)

    async def weight_limit(self, symbol: str, interval: str) -> int:
        """Return the request weight that a minute allows, once it is known that there are such bars.

        Raises:
            ConfigurationError: The venue does not list `symbol`, or has no bars of that length.
        """
        if interval not in INTERVALS:
            raise ConfigurationError(f"Binance has no bars of {interval!r}; it has {', '.join(INTERVALS)}")
        try:
            rules = await self._rest.public(
                "/api/v3/exchangeInfo", lambda body: decoded(body, _Rules), {"symbol": symbol}, weight=20
            )
        except OrderRejected as error:
            raise ConfigurationError(f"Binance does not list the symbol {symbol!r} ({error})") from error
        minutes = [
            each.limit // each.interval_num
            for each in rules.rate_limits
            if (each.rate_limit_type, each.interval) == ("REQUEST_WEIGHT", "MINUTE")
        ]
        return min(minutes, default=USUAL_LIMIT)

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return the bars that open in [start_ns, end_ns), the first of them where they are too many for one answer."""
        parameters = {
            "symbol": instrument.symbol,
            "interval": interval,
            "startTime": str(to_ms(start_ns)),
            "endTime": str(to_ms(end_ns - 1)),
            "limit": str(self._page),
        }
        length = interval_ns(interval)
        try:
            found = await self._rest.public(
                "/api/v3/klines", lambda body: rows(body, instrument, length), parameters, weight=2
            )
        except OrderRejected as error:
            raise ConfigurationError(f"{instrument.symbol}: Binance has no {interval} bars of it ({error})") from error
        return BarPage(records=found, until_ns=end_ns, whole=len(found) < self._page)


def rows(body: bytes, instrument: Instrument, length_ns: int) -> list[BarRecord]:
    """Return the rows of an answer, each with its own words.

    Raises:
        DataError: The answer is no list.
    """
    return [
        _record(bytes(raw), _ROW, lambda raw: codec.bar(decoded(raw, Kline), instrument, length_ns))
        for raw in decoded(body, list[msgspec.Raw])
    ]


def closed(frame: bytes, instrument: Instrument, interval: str) -> BarRecord | None:
    """Return the bar that a frame of the combined stream closes, or the frame that cannot be read; None: other news."""

    known, length = {instrument.symbol: instrument}, interval_ns(interval)
    record = _record(frame, _EVENT, lambda raw: codec.closed_bar(raw, known, length))
    return None if record.bar is None and not record.wrong else record


def _record(raw: bytes, columns: tuple[str, ...], read: Callable[[bytes], Bar | None]) -> BarRecord:
    try:
        return BarRecord(raw=raw, form="json", columns=columns, bar=read(raw))
    except DataError as error:
        return BarRecord(raw=raw, form="json", columns=columns, bar=None, wrong=str(error))
