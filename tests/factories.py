"""Values with sensible defaults; a test names only what it is about."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument

START_NS: Final = 1_700_006_400_000_000_000
"""2023-11-15T00:00:00Z: a whole day, so that bars of every interval may open here."""


def make_instrument(
    *,
    symbol: str = "BTCUSDT",
    base: str = "BTC",
    quote: str = "USDT",
    tick: str = "0.01",
    lot: str = "0.00001",
    min_lots: int = 1,
    min_notional: str = "5",
) -> Instrument:
    """Return an instrument with the steps that Binance gives BTCUSDT."""
    return Instrument(
        venue="binance",
        symbol=symbol,
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_lots=min_lots,
        min_notional=Decimal(min_notional),
    )


def make_bar(
    *,
    symbol: str = "BTCUSDT",
    index: int = 0,
    interval: str = "15m",
    open: int = 4_000_000,
    high: int | None = None,
    low: int | None = None,
    close: int | None = None,
    volume_atoms: int = 100_000_000,
) -> Bar:
    """Return bar number `index` after `START_NS`; prices in ticks, and flat where they are not named."""
    last = open if close is None else close
    opens_ns = START_NS + index * interval_ns(interval)
    return Bar(
        symbol=symbol,
        open_ns=opens_ns,
        close_ns=opens_ns + interval_ns(interval),
        open=open,
        high=max(open, last) if high is None else high,
        low=min(open, last) if low is None else low,
        close=last,
        volume_atoms=volume_atoms,
    )


def make_bars(closes: Sequence[int], *, symbol: str = "BTCUSDT", interval: str = "15m") -> list[Bar]:
    """Return bars in a row, each opening where the one before closed."""
    opens = [closes[0], *closes[:-1]]
    return [
        make_bar(symbol=symbol, index=index, interval=interval, open=first, close=last)
        for index, (first, last) in enumerate(zip(opens, closes, strict=True))
    ]
