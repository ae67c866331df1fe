"""What a testnet is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final, Literal

from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.testnet.faults import Fault
from trading_system.testnet.house import House

API_KEY: Final = "testnet-key"
API_SECRET: Final = "testnet-secret"

Speed = int | Literal["max", "step"]
"""How time passes: N times as fast as real time, as fast as it can, or when every desk has asked."""

QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "BTC", "ETH", "EUR", "USD")

BTCUSDT: Final = Instrument(
    venue="testnet", symbol="BTCUSDT", base="BTC", quote="USDT", tick=Decimal("0.01"), lot=Decimal("0.00001"),
    min_lots=1, min_notional=Decimal(5),
)  # fmt: skip


def instrument_of(symbol: str) -> Instrument:
    """Return an instrument for `symbol` with the steps of BTCUSDT; the quote currency is the end of the symbol.

    Raises:
        ConfigurationError: The end of `symbol` is no currency that things are quoted in.

    >>> instrument_of("ETHUSDT").base
    'ETH'
    """
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote) and symbol.isalnum() and symbol.isupper():
            return Instrument(
                venue="testnet", symbol=symbol, base=symbol.removesuffix(quote), quote=quote, tick=BTCUSDT.tick,
                lot=BTCUSDT.lot, min_lots=BTCUSDT.min_lots, min_notional=BTCUSDT.min_notional,
            )  # fmt: skip
    raise ConfigurationError(
        f"symbol {symbol!r} is not understood; write it like BTCUSDT, quoted in one of {', '.join(QUOTES)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument and its recorded market.

    Attributes:
        interval: Length of its bars, as in 15m.
        bars: Oldest first, on the grid of `interval`, none overlapping; gaps are kept.
        history: How many of them are closed when the clock starts; the others happen live.

    Raises:
        ConfigurationError: There are no bars, fewer than the history wants, or they are not as above.
    """

    instrument: Instrument
    interval: str
    bars: tuple[Bar, ...]
    history: int = 0

    def __post_init__(self) -> None:
        symbol, length_ns = self.instrument.symbol, interval_ns(self.interval)
        if not self.bars or not 0 <= self.history <= len(self.bars):
            raise ConfigurationError(
                f"{symbol}: {self.history} bars of history were asked for, of {len(self.bars)} in all"
            )
        end_ns = 0
        for bar in self.bars:
            on_grid = bar.open_ns % length_ns == 0 and bar.close_ns - bar.open_ns == length_ns
            if bar.symbol != symbol or not on_grid or bar.open_ns < end_ns:
                raise ConfigurationError(f"{symbol}: {bar} does not fit into a series of {self.interval}")
            end_ns = bar.close_ns

    @property
    def live(self) -> tuple[Bar, ...]:
        """The bars that are to happen."""
        return self.bars[self.history :]

    @property
    def start_ns(self) -> int:
        """When its clock may start: the end of the history, or the open of the first bar."""
        return self.bars[self.history - 1].close_ns if self.history else self.bars[0].open_ns

    @property
    def start_price(self) -> int:
        """Its last price at the start, ticks."""
        return self.bars[self.history - 1].close if self.history else self.bars[0].open


@dataclass(frozen=True, slots=True, kw_only=True)
class TestnetConfig:
    """Everything that a testnet depends on: the same config and commands give the same bytes.

    Attributes:
        balances: What the account starts with, units by currency.
        seed: Of the paths inside the bars and of the house's sizes.
        speed: How time passes, see `Speed`.
        desks: How many desks must have asked before a step is made, >= 1; for speed "step".
        port: TCP port on the loopback interface; 0 lets the system choose.
        maker_bps, taker_bps: Commissions in basis points of what is received.
        weight_limit: Request weight that a minute of the venue's clock allows over REST, >= 1; whoever asks for more is
            refused, and whoever does not stop is banned. None: it is counted and told, and nobody is refused.

    Raises:
        ConfigurationError: No listing, a speed or a number out of range.
    """

    __test__: ClassVar[bool] = False  # its name looks like a test to pytest

    listings: tuple[Listing, ...]
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(100_000)})
    seed: int = 0
    speed: Speed = "step"
    desks: int = 1
    port: int = 0
    faults: tuple[Fault, ...] = ()
    api_key: str = API_KEY
    api_secret: str = API_SECRET
    maker_bps: Decimal = Decimal(10)
    taker_bps: Decimal = Decimal(10)
    house: House = House()  # noqa: RUF009 - frozen
    weight_limit: int | None = None

    def __post_init__(self) -> None:
        if not self.listings:
            raise ConfigurationError("a testnet needs at least one listing")
        if self.speed not in ("max", "step") and not (isinstance(self.speed, int) and 1 <= self.speed <= 1_000_000):
            raise ConfigurationError(
                f"speed {self.speed!r} is not understood; write step, max or a whole number from 1"
            )
        if self.desks < 1 or not 0 <= self.port <= 65_535 or not self.api_key or not self.api_secret:
            raise ConfigurationError("desks must be 1 or more, the port 0 to 65535, key and secret not empty")
        if self.weight_limit is not None and self.weight_limit < 1:
            raise ConfigurationError(f"the request weight of a minute must be 1 or more, not {self.weight_limit}")
        if not (0 <= self.maker_bps < 10_000 and 0 <= self.taker_bps < 10_000):
            raise ConfigurationError("commissions must be 0 or more and below 10000 basis points")
        for currency, amount in self.balances.items():
            if not amount.is_finite() or amount < 0:
                raise ConfigurationError(f"balance {currency}={amount} must be a number, 0 or more")
