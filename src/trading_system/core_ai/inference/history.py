"""A trained network over a whole history: the same windows that a forecaster sees bar by bar, asked in batches."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from trading_system.core_ai.inference.manifest import INPUT, OUTPUT, Manifest
from trading_system.core_ai.inference.model_forecaster import features_of
from trading_system.core_ai.inference.sessions import one_thread
from trading_system.core_ai.inference.view_cache import Answers, kept
from trading_system.data_pipeline.normalizers.features import feature_table
from trading_system.data_pipeline.normalizers.windows import behind_gaps, strided, window_ends
from trading_system.data_pipeline.reading import column_digest
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.timestamps import NS_PER_S

BATCH: Final = 256
"""Windows asked at once, always as many: a matrix product of another height may round in another way."""
FORMAT: Final = 1
"""Of what is kept; another number forgets it all."""


class History(NamedTuple):
    """What a model believes after each bar, (S,) each.

    Attributes:
        probability: Of a rise over the horizon, 0..1; NaN where it believes nothing.
        atr: Average true range, ticks; 0.0 while unknown.
    """

    probability: Floats
    atr: Floats


def history_of(manifest: Manifest, model: bytes, bars: BarColumns) -> History:
    """Return what the model believes after each of `bars`, as `ModelForecaster` would within 1e-6.

    Answers are kept by the model's and the bars' hash (`view_cache`). The first bars of a history are believed of
    to the bit what they are without the later ones.

    Args:
        manifest, model: As `manifest.read` has checked them.
        bars: Of one instrument.

    Raises:
        ConfigurationError: The bars are of another interval; the graph cannot be run.
        ImportError: numba is not installed.
    """
    if bars.interval_ns != interval_ns(manifest.interval):
        raise ConfigurationError(
            f"{bars.symbol} bars span {bars.interval_ns // NS_PER_S} s; model {manifest.name} was trained on "
            f"{manifest.interval} bars"
        )
    table = feature_table(bars, features_of(manifest))

    def ask() -> Answers:
        ends = _ends(manifest, bars, table.values)
        answers = np.full(len(bars), np.nan, dtype=np.float32)
        if len(ends):
            answers[ends] = asked(one_thread(model, f"model {manifest.name}"), table.values, ends, manifest.window)
        return answers

    probability = kept(_key(manifest, bars), len(bars), ask).astype(np.float64)
    probability[~((probability >= 0.0) & (probability <= 1.0))] = np.nan  # as live: what is no probability says nothing
    return History(probability, table.atr)


def asked(
    session: ort.InferenceSession, values: Floats, ends: Ints, window: int, *, threads: int | None = None
) -> Answers:
    """Return what the windows of `values`, (N, F), that end at rows `ends` say, (n,).

    Args:
        session: The model, on the thread that calls it.
        values: Raw features.
        ends: At least one row, each with a whole window.
        window: Rows in a window.
        threads: At most so many at work; None for one on each processor that we may use.
    """
    windows = strided(values, window)
    answers = np.empty(len(ends), dtype=np.float32)

    def answer(start: int) -> None:
        part = ends[start : start + BATCH]
        rows = np.full(BATCH, part[-1])
        rows[: len(part)] = part
        (told,) = session.run([OUTPUT], {INPUT: windows[rows - window + 1]})
        answers[start : start + len(part)] = told[: len(part)]

    with ThreadPoolExecutor(max_workers=threads or len(os.sched_getaffinity(0))) as pool:
        list(pool.map(answer, range(0, len(ends), BATCH)))
    return answers


def _ends(manifest: Manifest, bars: BarColumns, values: Floats) -> Ints:
    """Return the rows after which the network is asked: a whole window behind them, and all of it in its range."""
    inside = ((values >= np.array(manifest.floor)) & (values <= np.array(manifest.ceiling))).all(axis=1)
    holes: npt.NDArray[np.float64] = np.where(inside, 0.0, np.nan).reshape(-1, 1)
    return window_ends(holes, manifest.window, begins=behind_gaps(bars.close_ns, bars.interval_ns))


def _key(manifest: Manifest, bars: BarColumns) -> str:
    """Return a hash over all that the answers depend on; the manifest's seal stands for the model and its features."""
    words = f"{FORMAT} {BATCH} {ort.__version__} {np.__version__} {manifest.seal} {bars.interval_ns}\n"
    columns = (bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
    return hashlib.sha256(words.encode() + b"".join(map(column_digest, columns))).hexdigest()
