"""What the market published: its klines and its latest trades."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from trading_system.errors import InvariantBroken
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.testnet.filters import price_atoms
from trading_system.testnet.flow import Print, path_of

RECENT: Final = 1_000
"""Trades that are kept to be asked for."""


class PublicTrade(NamedTuple):
    """A print with the id that the venue gave it."""

    trade_id: int
    trade: Print


@dataclass(frozen=True, slots=True, kw_only=True)
class Kline:
    """A bar as the venue publishes it, closed or not.

    Attributes:
        quote_atoms, taker_quote_atoms: Sums of price x quantity, truncated to an atom a trade.
        trades: Number of trades.
        taker_atoms: Quantity that buyers took, base atoms.
        first_id, last_id: Ids of its trades; -1 without any, and before the venue's clock began.
    """

    bar: Bar
    quote_atoms: int
    trades: int
    taker_atoms: int
    taker_quote_atoms: int
    first_id: int
    last_id: int
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineUpdate:
    """A kline as it is now; told to the market streams."""

    ns: int
    kline: Kline


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePrinted:
    """A trade on the tape; told to the market streams."""

    ns: int
    trade: PublicTrade


MarketEvent = KlineUpdate | TradePrinted


class Tape:
    """One symbol's klines and trades. Only the recorded market is on it, never our own fills."""

    def __init__(self, instrument: Instrument, length_ns: int) -> None:
        self.instrument: Final = instrument
        self.length_ns: Final = length_ns
        self.closed: Final[list[Kline]] = []
        self.current: Kline | None = None
        self.trades: Final[deque[PublicTrade]] = deque(maxlen=RECENT)
        self._tick_atoms = price_atoms(instrument)

    def remember(self, bars: Iterable[Bar], *, seed: int) -> None:
        """Take `bars` as history: closed before the clock began."""
        for bar in bars:
            kline: Kline | None = None
            for trade in path_of(bar, seed=seed, lot_atoms=self.instrument.lot_atoms):
                kline = self._with(kline, trade, -1)
            self._close(kline, bar)

    def print(self, trade: Print, trade_id: int) -> list[MarketEvent]:
        """Add a live trade and return what to publish."""
        self.current = self._with(self.current, trade, trade_id)
        update = KlineUpdate(ns=trade.ns, kline=self.current)
        if not trade.atoms:
            return [update]
        printed = PublicTrade(trade_id, trade)
        self.trades.append(printed)
        return [TradePrinted(ns=trade.ns, trade=printed), update]

    def close(self, bar: Bar) -> KlineUpdate:
        """End the current kline and return what to publish."""
        kline = self._close(self.current, bar)
        self.current = None
        return KlineUpdate(ns=bar.close_ns, kline=kline)

    def _with(self, kline: Kline | None, trade: Print, trade_id: int) -> Kline:
        if kline is None:
            open_ns = trade.ns - trade.ns % self.length_ns
            bar = Bar(
                symbol=trade.symbol,
                open_ns=open_ns,
                close_ns=open_ns + self.length_ns,
                open=trade.price,
                high=trade.price,
                low=trade.price,
                close=trade.price,
                volume_atoms=0,
            )
            kline = Kline(
                bar=bar,
                quote_atoms=0,
                trades=0,
                taker_atoms=0,
                taker_quote_atoms=0,
                first_id=-1,
                last_id=-1,
                closed=False,
            )
        bar = kline.bar
        worth = trade.price * self._tick_atoms * trade.atoms // ATOMS
        taken = 0 if trade.buyer_is_maker else 1
        real = 1 if trade.atoms else 0
        return Kline(
            bar=replace(
                bar,
                high=max(bar.high, trade.price),
                low=min(bar.low, trade.price),
                close=trade.price,
                volume_atoms=bar.volume_atoms + trade.atoms,
            ),
            quote_atoms=kline.quote_atoms + worth,
            trades=kline.trades + real,
            taker_atoms=kline.taker_atoms + taken * trade.atoms,
            taker_quote_atoms=kline.taker_quote_atoms + taken * worth,
            first_id=trade_id if real and kline.first_id < 0 else kline.first_id,
            last_id=trade_id if real else kline.last_id,
            closed=False,
        )

    def _close(self, kline: Kline | None, bar: Bar) -> Kline:
        told = None if kline is None else (kline.bar.open, kline.bar.high, kline.bar.low, kline.bar.close)
        if (
            kline is None
            or told != (bar.open, bar.high, bar.low, bar.close)
            or kline.bar.volume_atoms != bar.volume_atoms
        ):
            raise InvariantBroken(f"the trades of {bar} made {kline}")
        closed = replace(kline, bar=bar, closed=True)
        self.closed.append(closed)
        return closed
