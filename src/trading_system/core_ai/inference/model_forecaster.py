"""A trained network bar by bar: one bar in, one belief out, or the reason why there is none."""

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import onnxruntime as ort

from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.core_ai.inference.lanes import STEP_FILE, Lanes, step_session, walked
from trading_system.core_ai.inference.manifest import INPUT, OUTPUT, Manifest
from trading_system.core_ai.inference.sessions import one_thread
from trading_system.core_ai.inference.whole import Whole
from trading_system.data_pipeline.normalizers.features import Anchor, FeatureSet, FeatureStream, set_of
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.timestamps import NS_PER_S, iso

AGREE: Final = 1e-6
"""By how much a step and its window model may differ, of a probability."""
_PROBES: Final = 8


def features_of(manifest: Manifest) -> FeatureSet:
    """Return the features that the model is fed with.

    Raises:
        ConfigurationError: A desk cannot have them.
    """
    features = set_of(manifest.features)
    unfit = [each.name for each in features.features if each.anchor is not Anchor.WINDOW or each.aux]
    if unfit or features.memory is None:
        raise ConfigurationError(
            f"model {manifest.name}: a desk starts again from its last bars and is told nothing but bars; it "
            f"cannot have {', '.join(unfit)}"
        )
    return features


class Served(Protocol):
    """The network, fed row by row; asked where there is a whole window."""

    def take(self, row: Sequence[float]) -> None:
        """Take in `row`, F numbers, none of them NaN, without an answer."""
        ...

    def emit(self, row: Sequence[float]) -> float:
        """Take in `row` and return what the window that ends with it says."""
        ...

    def rest(self) -> None:
        """Do now what was put off until after the answer."""
        ...


class ModelForecaster:
    """Forecasts one instrument, bar by bar.

    Its answer is a function of the last `warm_up` bars and of nothing older: after a restart, push those
    and it continues with the same bits. One instrument at a time on one thread, so that no answer depends
    on how many others were worked out beside it.

    With the graph of one step beside the model only that step stands between a bar and its answer. The rest of the
    work is done by `rest`, which whoever pushes may call once the answer is on its way; where nobody does, the next
    push does it first, and answers no later than a whole window would.

    Attributes:
        manifest: What the model is.
        warm_up: Bars without a gap until it first has an answer.
    """

    def __init__(self, manifest: Manifest, model: bytes, step: bytes | None = None) -> None:
        """Take a model that `manifest.read` has checked.

        Args:
            manifest: What it is.
            model: The graph of whole windows.
            step: The graph of one step of it; None to ask for whole windows.

        Raises:
            ConfigurationError: A graph cannot be run, or is not what the manifest says; the two do not agree; a desk
                cannot have the features.
        """
        session = one_thread(model, f"model {manifest.name}")
        width = len(manifest.features)
        takes = [(node.name, node.shape[1:]) for node in session.get_inputs()]
        if takes != [(INPUT, [manifest.window, width])]:
            raise ConfigurationError(
                f"model {manifest.name} takes {takes}, but its manifest says windows of {manifest.window} x {width}"
            )
        features = features_of(manifest)
        self.manifest = manifest
        self.warm_up = (features.memory or 0) + manifest.window - 1
        self._interval_ns = interval_ns(manifest.interval)
        self._scaler = Scaler(low=manifest.low, high=manifest.high, floor=manifest.floor, ceiling=manifest.ceiling)
        self._stream = FeatureStream(features)
        self._served: Served = Whole(session, window=manifest.window, width=width)
        if step is not None:
            steps = step_session(step, width=width)
            _check_agreement(manifest, session, steps)
            self._served = _One(Lanes(steps, window=manifest.window))
        self._seen = self._inside = 0

    def push(self, bar: Bar) -> Forecast:
        """Return what the model believes after `bar`, the next closed bar.

        Raises:
            ConfigurationError: The bar is not of the interval that the model was trained on.
        """
        if bar.close_ns - bar.open_ns != self._interval_ns:
            raise ConfigurationError(
                f"{bar.symbol} bar at {iso(bar.open_ns)} spans {(bar.close_ns - bar.open_ns) // NS_PER_S} s; "
                f"model {self.manifest.name} was trained on {self.manifest.interval} bars"
            )
        row = self._stream.push(bar)
        if self._stream.seen == 1 or row is None:  # behind a gap; features that look back are undefined there anyway
            self._seen = self._inside = 0
        if row is None:
            return self._nothing(Unknown.GAP if self._stream.broken else Unknown.COLD, ())
        values = row.values
        self._seen += 1
        self._inside = self._inside + 1 if self._scaler.inside(values) else 0
        if self._inside < self.manifest.window:
            self._served.take(values)
            return self._not_asked(values)
        probability = self._served.emit(values)
        if not 0.0 <= probability <= 1.0:
            return self._nothing(Unknown.NOT_FINITE, values)
        return Forecast(
            probability=probability,
            gain=self.manifest.gain,
            loss=self.manifest.loss,
            horizon=self.manifest.horizon,
            known=True,
            reason=Unknown.NONE,
            model=self.manifest.name,
            atr=self._stream.atr,
            features=values,
        )

    def rest(self) -> None:
        """Do what the last answer did not wait for, so that the next one need not either; twice is once."""
        self._served.rest()

    def _not_asked(self, values: tuple[float, ...]) -> Forecast:
        """Return why the window that ends with `values` is not put to the network."""
        if self._seen < self.manifest.window:
            return self._nothing(Unknown.GAP if self._stream.broken else Unknown.COLD, values)
        if not all(map(math.isfinite, values)):
            return self._nothing(Unknown.NOT_FINITE, ())
        return self._nothing(Unknown.OUT_OF_RANGE, values)

    def _nothing(self, reason: Unknown, features: tuple[float, ...]) -> Forecast:
        return unknown(
            reason,
            model=self.manifest.name,
            horizon=self.manifest.horizon,
            atr=self._stream.atr,
            features=features,
        )


class _One:
    """The lanes of a single instrument."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.take, self.rest = lanes.take, lanes.rest

    def emit(self, row: Sequence[float]) -> float:
        return float(self._lanes.emit(row)[0])


def _check_agreement(manifest: Manifest, whole: ort.InferenceSession, steps: ort.InferenceSession) -> None:
    """Refuse a step of another network: hashes say that the files are those that were written, not that they fit."""
    low, high = np.array(manifest.low), np.array(manifest.high)
    shape = (_PROBES, manifest.window, len(low))
    windows = np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)
    (answers,) = whole.run([OUTPUT], {INPUT: windows})
    apart = np.abs(walked(steps, windows) - answers)
    if not np.all((apart <= AGREE) | np.isnan(answers)):
        raise ConfigurationError(
            f"model {manifest.name}: {STEP_FILE} says otherwise than the network, by {apart.max():.1e}; "
            "export the model again"
        )
