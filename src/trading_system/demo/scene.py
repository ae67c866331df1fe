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
from trading_system.market.timestamps import iso
from trading_system.testnet.config import BTCUSDT, Listing
from trading_system.testnet.flow import bars_of_file, synthetic_bars

INTERVAL: Final = "15m"
HISTORY: Final = 400
"""Closed bars before the first live one: enough to warm every feature and window."""
DAYS: Final = 28
"""Simulated days of the synthetic market."""
LIVE: Final = 2_000
"""Last bars of a file that happen live, unless days are asked for."""
DAY_NS: Final = interval_ns("1d")
FEE_BPS: Final = Decimal(4)
"""Commission on the synthetic market, that of a busy account; real bars are traded at the usual 10."""
USUAL_FEE_BPS: Final = Decimal(10)
SPREAD_BPS: Final = Decimal(1)
"""Half the house's spread, as it quotes unless told otherwise; see `testnet.house.House`."""
UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
SHIPPED: Final = Path(manifest.__file__).with_name("demo_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A market to trade, and the strategy that fits its bars.

    Attributes:
        words: One sentence about where the bars come from.
        data_hash: Hash of all its bars.
        fee_bps: What the exchange takes of every fill, basis points.
        strategy: "lstm", or "momentum" where no model was trained on bars of this interval.
        model: What the network's manifest says; None for the plain rule.
        folder: Where the network is; None likewise.
    """

    listing: Listing
    real_bars: bool
    words: str
    seed: int
    data_hash: str
    fee_bps: Decimal
    strategy: str
    model: Manifest | None
    folder: Path | None

    @property
    def round_trip_cost(self) -> Decimal:
        """What going in and out costs at least, a fraction: two fees and the whole spread."""
        return 2 * (self.fee_bps + SPREAD_BPS) / 10_000


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
    told = "the network that ships with the package" if model is None else f"the network in {model.name}"
    trader = (
        f"{told}, trained on {found.interval} bars, trades it"
        if found
        else f"a plain momentum rule trades it, since the shipped network was not trained on {listing.interval} bars"
    )
    source = f"{listing.instrument.symbol} bars from {bars.name}" if bars else f"A market grown from seed {seed}"
    return Scene(
        listing=listing,
        real_bars=bars is not None,
        words=f"{source}: {len(live)} bars, {iso(live[0].open_ns)[:10]} to {iso(live[-1].close_ns)[:10]}; {trader}.",
        seed=seed,
        data_hash=bars_hash(listing.bars),
        fee_bps=USUAL_FEE_BPS if bars else FEE_BPS,
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
        table = (
            pl.read_csv(path, columns=["timestamp"])
            if path.suffix == ".csv"
            else pl.read_parquet(path, columns=["timestamp"])
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigurationError(f"{path}: cannot be read as bars: {error}") from error
    steps = Counter(table["timestamp"].diff().drop_nulls().to_list())
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
        bars = synthetic_bars(seed=seed, count=HISTORY + wanted, interval_ns=length_ns, instrument=BTCUSDT)
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
