"""What anybody may ask: time, symbols, klines, book and prices."""

from collections.abc import Callable
from functools import partial
from typing import Final

from trading_system.market.bars import interval_ns
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_S, from_ms, to_ms
from trading_system.testnet.binance import messages
from trading_system.testnet.binance.messages import Json
from trading_system.testnet.binance.parameters import SYMBOL, Params
from trading_system.testnet.floor import Floor
from trading_system.testnet.klines import klines_of
from trading_system.testnet.market_place import MarketPlace
from trading_system.testnet.order_book import Side
from trading_system.testnet.refusals import Reason, Refusal
from trading_system.testnet.wire import amount, price_of, quantity_of

INTERVALS: Final = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d",
)  # fmt: skip

DAY_NS: Final = 86_400 * NS_PER_S


def ping(floor: Floor, params: Params) -> Json:
    """Answer nothing, which says that somebody is there."""
    return {}


def time(floor: Floor, params: Params) -> Json:
    """Return the venue's time, ms."""
    return {"serverTime": floor.clock.now_ms}


def exchange_info(floor: Floor, params: Params) -> Json:
    """Return the rules of `symbol`, or of all symbols."""
    symbol = params.text("symbol", SYMBOL)
    places = [place_of(floor, params)] if symbol else list(floor.exchange.places.values())
    return {
        "timezone": "UTC",
        "serverTime": floor.clock.now_ms,
        "rateLimits": messages.rate_limits(floor.config.weight_limit),
        "exchangeFilters": [],
        "symbols": [messages.symbol_info(place.instrument) for place in places],
    }


def klines(floor: Floor, params: Params) -> list[list[object]]:
    """Return bars from `startTime` on, or the last ones; the bar that is still open comes last."""
    place = place_of(floor, params)
    interval = params.required("interval")
    limit = params.limit(500, 1_000)
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    tape = floor.tapes[place.instrument.symbol]
    rows = klines_of(
        tape,
        length_ns=_length_ns(interval),
        start_ns=None if start_ms is None else from_ms(start_ms),
        end_ns=None if end_ms is None else from_ms(end_ms),
        limit=limit,
    )
    return [messages.kline_row(place.instrument, kline) for kline in rows]


def depth(floor: Floor, params: Params) -> Json:
    """Return the book's levels, best first."""
    place = place_of(floor, params)
    limit = params.limit(100, 5_000)
    sides = {
        name: [
            [price_of(place.instrument, price), quantity_of(place.instrument, lots)]
            for price, lots in place.book.levels(side)[:limit]
        ]
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
    }
    return {"lastUpdateId": place.book.update_id, **sides}


def trades(floor: Floor, params: Params) -> list[Json]:
    """Return the latest public trades, oldest first."""
    place = place_of(floor, params)
    latest = list(floor.tapes[place.instrument.symbol].trades)[-params.limit(500, 1_000) :]
    return [messages.trade_row(place.instrument, trade) for trade in latest]


def ticker_price(floor: Floor, params: Params) -> Json | list[Json]:
    """Return the last price of `symbol`, or of all symbols."""
    return _each(floor, params, lambda place: {"price": price_of(place.instrument, place.last)})


def book_ticker(floor: Floor, params: Params) -> Json | list[Json]:
    """Return the best bid and ask of `symbol`, or of all symbols."""
    return _each(floor, params, messages.best_quotes)


def ticker_day(floor: Floor, params: Params) -> Json | list[Json]:
    """Return what the last 24 hours were like for `symbol`, or for all symbols."""
    return _each(floor, params, lambda place: _day(floor, place))


def _day(floor: Floor, place: MarketPlace) -> Json:
    tape, end_ns = floor.tapes[place.instrument.symbol], floor.clock.now_ns
    rows = klines_of(tape, length_ns=tape.length_ns, start_ns=end_ns - DAY_NS, end_ns=end_ns, limit=DAY_NS // NS_PER_S)
    bars = [row.bar for row in rows]
    first, last = bars[0].open if bars else place.last, place.last
    base, quote = sum(bar.volume_atoms for bar in bars), sum(row.quote_atoms for row in rows)
    write = partial(price_of, place.instrument)
    return {
        "priceChange": write(last - first),
        "priceChangePercent": f"{100 * (last - first) / first:.3f}",
        "weightedAvgPrice": amount(quote * ATOMS // base if base else 0),
        "prevClosePrice": write(first),
        "lastPrice": write(last),
        "lastQty": amount(tape.trades[-1].trade.atoms if tape.trades else 0),
        **messages.best_quotes(place),
        "openPrice": write(first),
        "highPrice": write(max((bar.high for bar in bars), default=last)),
        "lowPrice": write(min((bar.low for bar in bars), default=last)),
        "volume": amount(base),
        "quoteVolume": amount(quote),
        "openTime": to_ms(end_ns - DAY_NS),
        "closeTime": to_ms(end_ns),
        "firstId": rows[0].first_id if rows else -1,
        "lastId": rows[-1].last_id if rows else -1,
        "count": sum(row.trades for row in rows),
    }


def place_of(floor: Floor, params: Params) -> MarketPlace:
    """Return the market that the parameter `symbol` names."""
    return floor.exchange.place(params.required("symbol", SYMBOL))


def _each(floor: Floor, params: Params, describe: Callable[[MarketPlace], Json]) -> Json | list[Json]:
    if params.text("symbol") is not None:
        place = place_of(floor, params)
        return {"symbol": place.instrument.symbol, **describe(place)}
    return [{"symbol": symbol, **describe(floor.exchange.place(symbol))} for symbol in floor.exchange.places]


def _length_ns(interval: str) -> int:
    if interval not in INTERVALS:
        raise Refusal(Reason.BAD_INTERVAL)
    return interval_ns(interval)
