"""Where a demonstration plays: a market, what to trade it with, and where things are put."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.core_ai.inference import manifest
from trading_system.core_ai.inference.manifest import Manifest
from trading_system.data_pipeline.bar_store import bars_hash
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.testnet.config import BTCUSDT, Listing
from trading_system.testnet.flow import bars_of_file, synthetic_bars
from trading_system.testnet.synthetic import PLANTED

INTERVAL: Final = "15m"
HISTORY: Final = 400
"""Closed bars before the first live one: enough to warm every feature and window."""
DAYS: Final = 28
"""Simulated days of the synthetic market."""
LIVE: Final = 2_000
"""Last bars of a file that happen live, unless days are asked for."""
DAY_NS: Final = interval_ns("1d")
CASH: Final = Decimal(20_000)
"""What the account begins with, quote units."""
FEE_BPS: Final = Decimal(10)
"""Commission on every fill, basis points: what Binance spot asks of a new account."""
SLIPPAGE_BPS: Final = Decimal(5)
"""About what spread, book and late stops cost on each side; the report shows what it was."""
ROUND_TRIP_COST: Final = 2 * (FEE_BPS + SLIPPAGE_BPS) / 10_000
"""What the policy is told that going in and out costs, a fraction."""
UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
SHIPPED: Final = Path(manifest.__file__).with_name("demo_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A market to trade, and the strategy that fits its bars.

    Attributes:
        words: One sentence about where the bars come from.
        data_hash: Hash of all its bars.
        strategy: "lstm", or "momentum" where no model was trained on bars of this interval.
        model: What the network's manifest says; None for the plain rule.
        folder: Where the network is; None likewise.
    """

    listing: Listing
    real_bars: bool
    words: str
    seed: int
    data_hash: str
    strategy: str
    model: Manifest | None
    folder: Path | None


def scene_of(bars: Path | None, *, seed: int, days: int | None, model: Path | None) -> Scene:
    """Return the scene on the bars of a file, or on a synthetic market grown from `seed`.

    Args:
        bars: Parquet or CSV file; None for a synthetic market of 15m bars.
        seed: Of the market, and of the trades inside every bar.
        days: Live days; None for what is usual.
        model: Folder of a trained model; None for the one that ships.

    Raises:
        ConfigurationError: The file has too few bars, or the named model was trained on others.
        DataError: The file cannot be read as bars.
    """
    listing = _listing(bars, seed, days)
    live = listing.live
    found = _model(model, listing.interval)
    told = "the network that ships with the package" if model is None or found is None else f"the network {found.name}"
    trader = (
        f"{told} trades it"
        if found
        else f"a plain momentum rule trades it, since {told} was not trained on {listing.interval} bars"
    )
    source = (
        f"{listing.instrument.symbol} bars from {bars.name}"
        if bars
        else f"A synthetic market with a planted pattern, grown from seed {seed}"
    )
    return Scene(
        listing=listing,
        real_bars=bars is not None,
        words=f"{source}, {len(live)} bars of {listing.interval} live; {trader}.",
        seed=seed,
        data_hash=bars_hash(listing.bars),
        strategy="lstm" if found else "momentum",
        model=found,
        folder=None if found is None else (model or SHIPPED),
    )


def interval_of(path: Path) -> str:
    """Return the length of a file's bars, the most common distance between two, as in 15m.

    Raises:
        ConfigurationError: The file cannot be read, has no column `timestamp`, or fewer than two bars.
    """
    try:
        read = pl.read_csv if path.suffix == ".csv" else pl.read_parquet
        steps = Counter(read(path, columns=["timestamp"])["timestamp"].diff().drop_nulls().to_list())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigurationError(f"{path}: cannot be read as bars: {error}") from error
    if not steps:
        raise ConfigurationError(f"{path}: fewer than two bars")
    seconds, rest = divmod(steps.most_common(1)[0][0], 1_000)
    if seconds < 1 or rest:
        raise ConfigurationError(f"{path}: bars {seconds}.{rest:03d} s apart are not understood")
    unit, length = next((unit, length) for unit, length in UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"


def _listing(path: Path | None, seed: int, days: int | None) -> Listing:
    interval = INTERVAL if path is None else interval_of(path)
    length_ns = interval_ns(interval)
    if path is None:
        wanted = (days or DAYS) * DAY_NS // length_ns
        bars = synthetic_bars(
            seed=seed, count=HISTORY + wanted, interval_ns=length_ns, instrument=BTCUSDT, planted=PLANTED
        )
    else:
        wanted = LIVE if days is None else days * DAY_NS // length_ns
        bars = bars_of_file(path, instrument=BTCUSDT, interval=interval)[-(HISTORY + wanted) :]
        if len(bars) < HISTORY + 100:
            raise ConfigurationError(f"{path}: {len(bars)} bars are too few; {HISTORY + 100} are the least")
    return Listing(instrument=BTCUSDT, interval=interval, bars=tuple(bars), history=HISTORY)


def _model(folder: Path | None, interval: str) -> Manifest | None:
    if folder is None and not SHIPPED.is_dir():
        return None
    found, _ = manifest.load(folder or SHIPPED)
    if found.interval == interval:
        return found
    if folder is not None:
        raise ConfigurationError(f"the model in {folder} was trained on {found.interval} bars; these are {interval}")
    return None
