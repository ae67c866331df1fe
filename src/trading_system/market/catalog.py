"""Terms of commonly traded instruments, for runs on files: a dated snapshot, and terms derived from prices.

A venue changes its steps; live trading asks the venue. A back-test on a file has nobody to ask: it takes the terms
from here, or derives them, and its report says which.
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from trading_system.errors import ConfigurationError
from trading_system.market.instruments import Instrument

_OCTOBER_2021: Final = "exchangeInfo of api.binance.com as recorded on 2021-10-12 (cryptofeed, sample_data/BINANCE.0)"
_CCXT: Final = (
    "exchangeInfo of api.binance.com as recorded in ccxt (ts/src/test/static/markets/binance.json, commit 0dca8ac0; "
    "the answers bear no date)"
)


class _Terms(NamedTuple):
    """One row: the venue's filters PRICE_FILTER.tickSize, LOT_SIZE.stepSize (= minQty in each), [MIN_]NOTIONAL."""

    base: str
    quote: str
    tick: str
    lot: str
    min_notional: str
    source: str


_BINANCE: Final = {
    "BTCUSDT": _Terms("BTC", "USDT", "0.01", "0.00001", "5", _CCXT),
    "ETHUSDT": _Terms("ETH", "USDT", "0.01", "0.0001", "5", _CCXT),
    "ADAUSDT": _Terms("ADA", "USDT", "0.0001", "0.1", "5", _CCXT),
    "LTCUSDT": _Terms("LTC", "USDT", "0.01", "0.001", "5", _CCXT),
    "XRPUSDT": _Terms("XRP", "USDT", "0.0001", "1", "5", _CCXT),
    "DOGEUSDT": _Terms("DOGE", "USDT", "0.00001", "1", "5", _CCXT),
    "BNBUSDT": _Terms("BNB", "USDT", "0.1", "0.001", "10", _OCTOBER_2021),
    "SOLUSDT": _Terms("SOL", "USDT", "0.01", "0.01", "10", _OCTOBER_2021),
    "TRXUSDT": _Terms("TRX", "USDT", "0.00001", "0.1", "10", _OCTOBER_2021),
    "LINKUSDT": _Terms("LINK", "USDT", "0.01", "0.01", "10", _OCTOBER_2021),
    "AVAXUSDT": _Terms("AVAX", "USDT", "0.01", "0.01", "10", _OCTOBER_2021),
    "DOTUSDT": _Terms("DOT", "USDT", "0.01", "0.01", "10", _OCTOBER_2021),
    "BCHUSDT": _Terms("BCH", "USDT", "0.1", "0.001", "10", _OCTOBER_2021),
    "MATICUSDT": _Terms("MATIC", "USDT", "0.001", "0.1", "10", _OCTOBER_2021),
    "ATOMUSDT": _Terms("ATOM", "USDT", "0.01", "0.01", "10", _OCTOBER_2021),
    "XLMUSDT": _Terms("XLM", "USDT", "0.0001", "1", "10", _OCTOBER_2021),
    "BTCUSDC": _Terms("BTC", "USDC", "0.01", "0.00001", "10", _OCTOBER_2021),
    "ETHUSDC": _Terms("ETH", "USDC", "0.01", "0.0001", "10", _OCTOBER_2021),
    "BTCEUR": _Terms("BTC", "EUR", "0.01", "0.00001", "10", _OCTOBER_2021),
    "ETHEUR": _Terms("ETH", "EUR", "0.01", "0.0001", "10", _OCTOBER_2021),
    "XRPBTC": _Terms("XRP", "BTC", "0.00000001", "1", "0.0001", _OCTOBER_2021),
    "XRPETH": _Terms("XRP", "ETH", "0.0000001", "1", "0.005", _OCTOBER_2021),
}

# Not here: ETHBTC, BNBBTC, LTCBTC and the like, whose venue steps multiply to less than 1e-8 of the quote currency.

_CATALOG: Final = {"binance": _BINANCE}

QUOTES: Final = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "TRY", "BTC", "ETH", "BNB")
"""Currencies that a symbol may end in, the longer first, so that BTCFDUSD is not BTCFD in USD."""

UNKNOWN_QUOTE: Final = "QUOTE"
"""What prices are said to be in where the symbol does not tell."""

FINEST: Final = 8
"""Most decimals of a derived tick: an atom is 1e-8 of a currency."""


def lookup(venue: str, symbol: str) -> Instrument | None:
    """Return the catalogued terms of `symbol` at `venue`, or nothing where we know none.

    >>> lookup("binance", "BTCUSDT").lot
    Decimal('0.00001')
    """
    terms = _CATALOG.get(venue, {}).get(symbol)
    if terms is None:
        return None
    return Instrument(
        venue=venue,
        symbol=symbol,
        base=terms.base,
        quote=terms.quote,
        tick=Decimal(terms.tick),
        lot=Decimal(terms.lot),
        min_lots=1,
        min_notional=Decimal(terms.min_notional),
    )


def source(venue: str, symbol: str) -> str | None:
    """Return where the catalogued terms of `symbol` come from, with their date where one is known."""
    terms = _CATALOG.get(venue, {}).get(symbol)
    return None if terms is None else terms.source


def catalogued() -> list[tuple[str, str]]:
    """Return venue and symbol of all that `lookup` knows."""
    return [(venue, symbol) for venue, table in _CATALOG.items() for symbol in table]


def derived(symbol: str, decimals: int, *, venue: str = "file") -> Instrument:
    """Return terms for an instrument of which only the prices are known: no venue stands behind them.

    The tick is the last of `decimals` places of the price. The lot is the finest in which every notional is still
    a whole number of atoms; it is coarse where the tick is fine (two decimals: 0.000001; eight: 1). There is no
    smallest order but one lot.

    Args:
        symbol: As the user calls it; what it ends in is the quote currency where `QUOTES` knows it.
        decimals: Places of the price, 0..8.

    Raises:
        ConfigurationError: `decimals` is out of range.

    >>> derived("SOLUSDT", 4)  # doctest: +ELLIPSIS
    Instrument(..., base='SOL', quote='USDT', tick=Decimal('0.0001'), lot=Decimal('0.0001'), ...)
    """
    if not 0 <= decimals <= FINEST:
        raise ConfigurationError(f"{symbol}: a tick of {decimals} decimals; expected 0..{FINEST}")
    base, quote = split(symbol)
    return Instrument(
        venue=venue,
        symbol=symbol,
        base=base,
        quote=quote,
        tick=Decimal(1).scaleb(-decimals),
        lot=Decimal(1).scaleb(decimals - FINEST),
        min_lots=1,
        min_notional=Decimal(0),
    )


def split(symbol: str) -> tuple[str, str]:
    """Return base and quote currency of `symbol`, by what it ends in; `UNKNOWN_QUOTE` where that says nothing.

    >>> split("ETHBTC"), split("btc/usdt"), split("GOOG")
    (('ETH', 'BTC'), ('BTC', 'USDT'), ('GOOG', 'QUOTE'))
    """
    letters = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    for quote in QUOTES:
        if letters.endswith(quote) and letters != quote:
            return letters.removesuffix(quote), quote
    return letters or symbol, UNKNOWN_QUOTE
