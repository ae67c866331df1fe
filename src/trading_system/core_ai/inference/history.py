"""A trained network over a whole history: the same windows that a forecaster sees bar by bar, asked in batches.

By steps where the model has them, as a desk does: ONNX Runtime packs constant weights, and its products over packed
weights add up a row alike whatever rows stand beside it, so that a batch has the bits of one lane (test_history.py
holds it to that). The graph of whole windows is a fifth faster, and agrees within 1e-6 only.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from trading_system.core_ai.inference.lanes import STEP_FILE, Block, step_session, walked
from trading_system.core_ai.inference.manifest import INPUT, OUTPUT, Artefact, Manifest
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


def history_of(artefact: Artefact, bars: BarColumns) -> History:
    """Return what the model believes after each of `bars`, as `ModelForecaster` does bar by bar.

    To the bit where it has a step, else within 1e-6. Answers are kept by the model's and the bars' hash (`view_cache`).
    The first bars of a history are believed of to the bit what they are without the later ones.

    Args:
        artefact: The model, as `manifest.read` has checked it.
        bars: Of one instrument.

    Raises:
        ConfigurationError: The bars are of another interval; a graph cannot be run.
        ImportError: numba is not installed.
    """
    manifest = artefact.manifest
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
            answers[ends] = asked(answerer(artefact), strided(table.values, manifest.window), ends)
        return answers

    probability = kept(_key(manifest, bars), len(bars), ask).astype(np.float64)
    probability[~((probability >= 0.0) & (probability <= 1.0))] = np.nan  # as live: what is no probability says nothing
    return History(probability, table.atr)


def answerer(artefact: Artefact) -> Callable[[Block], Block]:
    """Return what answers for a batch of windows, (B, T, F) -> (B,); several threads may call it at once.

    Raises:
        ConfigurationError: A graph cannot be run.
    """
    manifest, step = artefact.manifest, artefact.files.get(STEP_FILE)
    if step is not None:
        return partial(walked, step_session(step, width=len(manifest.features)))
    session = one_thread(artefact.model, f"model {manifest.name}")

    def whole(windows: Block) -> Block:
        answers: Block = session.run([OUTPUT], {INPUT: windows})[0]
        return answers

    return whole


def asked(answer: Callable[[Block], Block], windows: Block, ends: Ints, *, threads: int | None = None) -> Answers:
    """Return what the windows that end at rows `ends` say, (n,).

    Args:
        answer: See `answerer`.
        windows: Every window of the history, (N - T + 1, T, F), as views; see `windows.strided`.
        ends: At least one row, each with a whole window.
        threads: At most so many at work; None for one on each processor that we may use.
    """
    firsts, answers = ends - windows.shape[1] + 1, np.empty(len(ends), dtype=np.float32)

    def work(start: int) -> None:
        part = firsts[start : start + BATCH]
        rows = np.full(BATCH, part[-1])
        rows[: len(part)] = part
        answers[start : start + len(part)] = answer(windows[rows])[: len(part)]

    with ThreadPoolExecutor(max_workers=threads or len(os.sched_getaffinity(0))) as pool:
        list(pool.map(work, range(0, len(ends), BATCH)))
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
