"""Windows and labels from bars, and their split in time: purged and embargoed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trading_system.data_pipeline.labels import labels_of
from trading_system.data_pipeline.normalizers.features import MODEL_SET, FeatureSet, feature_table
from trading_system.data_pipeline.normalizers.windows import behind_gaps, strided, window_ends
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Every example that `bars` hold; the i-th is known at the close of bar `ends[i]`.

    Attributes:
        values: (N, F) float64, raw features of each bar; NaN where undefined.
        window: Rows in a window, T.
        horizon: Bars between an example's close and its label's.
        ends: (n,) bars, ascending, with a defined window behind and a whole horizon before them.
        moves: (n,) close at the horizon over the close now, less 1.
    """

    values: npt.NDArray[np.float64]
    window: int
    horizon: int
    ends: Rows
    moves: npt.NDArray[np.float64]

    @property
    def rises(self) -> npt.NDArray[np.bool_]:
        """(n,) labels: whether the price stands higher at the horizon; standing still is no rise."""
        return self.moves > 0.0

    def windows(self, examples: Rows) -> npt.NDArray[np.float32]:
        """Return the windows of `examples`, (m, T, F) float32."""
        view = strided(self.values, self.window)
        return view[self.ends[examples] - self.window + 1]


def dataset_of(bars: Sequence[Bar], *, window: int, horizon: int, features: FeatureSet = MODEL_SET) -> Dataset:
    """Return the examples in `bars`, oldest first. No window and no label reaches over a gap.

    Raises:
        ConfigurationError: There are too few bars for a single window.
    """
    if len(bars) < 2:
        raise ConfigurationError(f"{len(bars)} bars are too few for a window of {window}: collect more of them")
    columns = _columns(bars)
    values = feature_table(columns, features).values
    ends = window_ends(values, window, begins=behind_gaps(columns.close_ns, columns.interval_ns))
    labels = labels_of(columns, horizon)
    ends, _, labelled = np.intersect1d(ends, labels.rows, assume_unique=True, return_indices=True)
    if not ends.size:
        raise ConfigurationError(f"{len(bars)} bars are too few for a window of {window}: collect more of them")
    return Dataset(values=values, window=window, horizon=horizon, ends=ends, moves=labels.moves[labelled])


def _columns(bars: Sequence[Bar]) -> BarColumns:
    told = {
        name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64)
        for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")
    }
    return BarColumns(symbol=bars[0].symbol, interval_ns=bars[0].close_ns - bars[0].open_ns, **told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Indices of examples, ascending in time; each label of a part is known before the next part begins."""

    train: Rows
    validation: Rows
    test: Rows


def split(dataset: Dataset, *, train_share: float, validation_share: float, embargo: int) -> Split:
    """Return the examples in three parts of the bars' time: train, validation, test.

    Purge: an example whose label reaches into the next part belongs to none. Embargo: the next part
    begins `embargo` bars later still, because neighbors in time are nearly the same example.

    Args:
        dataset: The examples.
        train_share, validation_share: Parts of all bars, > 0, together < 1; the rest is the test's.
        embargo: Bars, >= 0.

    Raises:
        ConfigurationError: A part would be too small to say anything (200, 50 and 50 examples).

    Source: Lopez de Prado (2018), "Advances in Financial Machine Learning", chapter 7.
    """
    count, ends, known = len(dataset.values), dataset.ends, dataset.ends + dataset.horizon
    first, second = int(count * train_share), int(count * (train_share + validation_share))
    parts = Split(
        train=np.flatnonzero(known < first),
        validation=np.flatnonzero((ends >= first + embargo) & (known < second)),
        test=np.flatnonzero(ends >= second + embargo),
    )
    sizes = len(parts.train), len(parts.validation), len(parts.test)
    if sizes[0] < 200 or min(sizes[1:]) < 50:
        raise ConfigurationError(
            f"{count} bars give {sizes[0]} examples to train, {sizes[1]} to validate and {sizes[2]} to test; "
            "at least 200, 50 and 50 are needed: collect more bars"
        )
    return parts


def training_rows(dataset: Dataset, train: Rows) -> npt.NDArray[np.float64]:
    """Return the defined rows that the training examples look at, (m, F): what a scaler may be fitted on."""
    past = dataset.values[: dataset.ends[train[-1]] + 1]
    return past[~np.isnan(past).any(axis=1)]


def move_sizes(dataset: Dataset, train: Rows) -> tuple[float, float]:
    """Return the mean size of a rise and of a fall over the horizon in training, fractions of the price.

    Raises:
        ConfigurationError: Training saw only one direction.
    """
    moves = dataset.moves[train]
    rises, falls = moves[moves > 0.0], -moves[moves <= 0.0]
    if not rises.size or not falls.any():
        raise ConfigurationError("the training bars only ever go one way: there is nothing to learn from them")
    return float(rises.mean()), float(falls.mean())
