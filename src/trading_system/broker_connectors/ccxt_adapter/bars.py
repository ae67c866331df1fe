"""Closed bars of any venue that ccxt speaks to, behind the BarSource port; no digit is lost on the way.

ccxt gives prices as floats. We tell it to give numbers as text (`number = str`) and to leave the digits of JSON numbers
as they stand, so that what is read here is what the venue wrote.

Source: ccxt manual, "OHLCV Candlestick Charts", "Error Handling"; ccxt/base/exchange.py of 4.5 (`number`).
"""

import importlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Protocol

from trading_system.errors import ConfigurationError, DataError, OutcomeUnknown, RateLimited
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.market.timestamps import from_ms, to_ms
from trading_system.ports import BarPage, BarRecord

COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
"""Cells of ccxt's unified candle."""
USUAL_PAGE: Final = 100
"""Bars to ask for at once where ccxt does not say how many a venue gives."""
WAIT_S: Final = 30.0
"""How long to wait after a venue said that we ask too much, and not until when, seconds."""


class _Exchange(Protocol):
    """As much of `ccxt.async_support.Exchange` as we use."""

    timeframes: Mapping[str, object] | None
    has: Mapping[str, object]
    features: Mapping[str, Any] | None
    last_response_headers: Mapping[str, str] | None

    async def load_markets(self) -> object: ...
    def market(self, symbol: str) -> Mapping[str, Any]: ...
    async def fetch_time(self) -> int: ...
    async def fetch_ohlcv(
        self, symbol: str, timeframe: str, since: int, limit: int, params: Mapping[str, object]
    ) -> list[list[object]]: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CcxtBars:
    """Bars of one market of one venue.

    Attributes:
        exchange: Of ccxt, its markets loaded.
        errors: The module with ccxt's errors.
        symbol: The market, as ccxt writes it.
        most: Bars to ask for at once.
    """

    exchange: _Exchange
    errors: ModuleType
    symbol: str
    most: int

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns; this machine's where the venue does not tell it."""
        if not self.exchange.has.get("fetchTime"):
            return time.time_ns()
        with named(self.errors, self.exchange):
            return from_ms(int(await self.exchange.fetch_time()))

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return the bars that open in [start_ns, end_ns), of the first of that time.

        Venues differ in what they do with a long stretch, so that no more is asked for than fits into one answer; and
        in how much fits, so that only an empty answer is whole. Some round the span, or do not know an end: what lies
        before or behind it is passed over, but not what stands between bars that were asked for.
        """
        length = interval_ns(interval)
        until_ns = min(end_ns, start_ns + self.most * length)
        with named(self.errors, self.exchange):
            rows = await self.exchange.fetch_ohlcv(
                self.symbol, interval, to_ms(start_ns), self.most, {"until": to_ms(until_ns) - 1}
            )
        records = [record(row, instrument, length) for row in rows]
        within = [
            place for place, each in enumerate(records) if each.bar is None or start_ns <= each.bar.open_ns < until_ns
        ]
        asked_for = records[within[0] : within[-1] + 1] if within else []
        return BarPage(records=asked_for, until_ns=until_ns, whole=not asked_for)


@asynccontextmanager
async def opened(
    name: str, symbol: str, interval: str, *, rest: str | None, page: int
) -> AsyncIterator[tuple[CcxtBars, str]]:
    """Yield the bars of a spot market, and the venue's own string for it.

    Args:
        name: What ccxt calls the venue, "kraken".
        symbol: As ccxt ("BTC/USDT") or the venue writes it.
        interval: Length of a bar, as ccxt writes it, "15m".
        rest: Address in place of Binance's own; for no other venue.
        page: Most bars to ask for at once.

    Raises:
        ConfigurationError: ccxt is not installed or does not know the venue; the venue has no such market or bars.
        OutcomeUnknown, RateLimited: It could not be asked.
    """
    try:
        library = importlib.import_module("ccxt.async_support")
    except ModuleNotFoundError as error:
        raise ConfigurationError("ccxt is not installed: pip install 'trading-system[ccxt]'") from error
    if name not in library.exchanges:
        raise ConfigurationError(f"ccxt knows no venue {name!r}; `python -c 'import ccxt; print(ccxt.exchanges)'` does")
    exchange = getattr(library, name)(_settings(name, rest))
    exchange.number = str
    exchange.on_json_response = _digits_kept
    try:
        with named(library, exchange):
            await exchange.load_markets()
            market = exchange.market(symbol)
        if not market.get("spot"):
            raise ConfigurationError(f"{symbol} at {name} is no spot market: its volume is not in base units")
        if interval not in (exchange.timeframes or {}):
            raise ConfigurationError(
                f"{name} has no bars of {interval!r}; it has {', '.join(exchange.timeframes or {})}"
            )
        most = ((exchange.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
        bars = CcxtBars(
            exchange=exchange,
            errors=library,
            symbol=str(market["symbol"]),
            most=min(page, int(most.get("limit") or USUAL_PAGE)),
        )
        yield bars, str(market["id"])
    finally:
        await exchange.close()


def record(row: list[object], instrument: Instrument, length_ns: int) -> BarRecord:
    """Return a candle of ccxt with its own words."""
    raw = json.dumps(row).encode()
    try:
        return BarRecord(raw=raw, form="json", columns=COLUMNS, bar=_bar(row, instrument, length_ns))
    except DataError as error:
        return BarRecord(raw=raw, form="json", columns=COLUMNS, bar=None, wrong=str(error))


@contextmanager
def named(errors: ModuleType, exchange: _Exchange) -> Iterator[None]:
    """Name ccxt's errors by what is to be done next; all we do is ask, so what is unclear may be asked again."""
    try:
        yield
    except (errors.DDoSProtection, errors.RateLimitExceeded) as error:
        raise RateLimited(_words(error), retry_after_s=_wait_s(exchange.last_response_headers)) from error
    except errors.OperationFailed as error:
        raise OutcomeUnknown(_words(error)) from error
    except errors.BaseError as error:
        if type(error) is errors.ExchangeError:  # nothing is said of what it means
            raise OutcomeUnknown(_words(error)) from error
        raise ConfigurationError(_words(error)) from error


def _settings(name: str, rest: str | None) -> dict[str, object]:
    if name != "binance":
        if rest is not None:
            raise ConfigurationError(f"an address can be chosen for binance only, not for {name}")
        return {}
    options = {
        "defaultType": "spot",
        "fetchMarkets": {"types": ["spot"]},
        "fetchMargins": False,
        "fetchCurrencies": False,
    }
    address = {} if rest is None else {"urls": {"api": {"public": f"{rest.rstrip('/')}/api/v3"}}}
    return {"options": options, **address}


def _digits_kept(body: str) -> object:
    return json.loads(body, parse_float=str)


def _bar(row: list[object], instrument: Instrument, length_ns: int) -> Bar:
    if len(row) < len(COLUMNS) or not isinstance(row[0], int):
        raise DataError(f"no candle: {row!r}")
    first, high, low, last, volume = (str(cell) for cell in row[1:6])
    opened_ns = from_ms(row[0])
    return Bar(
        symbol=instrument.symbol,
        open_ns=opened_ns,
        close_ns=opened_ns + length_ns,
        open=instrument.ticks(first),
        high=instrument.ticks(high),
        low=instrument.ticks(low),
        close=instrument.ticks(last),
        volume_atoms=to_atoms(volume),
    )


def _wait_s(headers: Mapping[str, str] | None) -> float:
    told = next((value for name, value in (headers or {}).items() if name.lower() == "retry-after"), "")
    return float(told) if told.isascii() and told.isdigit() else WAIT_S


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"
