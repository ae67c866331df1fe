"""A trained network as a forecaster: one bar in, one belief out."""

import math
from pathlib import Path
from typing import Final, Self

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as native

from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.core_ai.inference.manifest import INPUT, OUTPUT, Manifest, load
from trading_system.data_pipeline.normalizers.features import Anchor, FeatureStream, set_of
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.data_pipeline.normalizers.windows import Windows
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.timestamps import NS_PER_S, iso

_OUTPUTS: Final = [OUTPUT]
_REFUSALS: Final = (  # they share no narrower class than Exception
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NotImplemented,
    native.RuntimeException,
)


class OnnxForecaster:
    """Forecasts one instrument, bar by bar.

    Its answer is a function of the last `warm_up` bars and of nothing older: after a restart, push those
    and it continues with the same bits. One window at a time on one thread, so that no answer depends
    on how many others were worked out beside it.

    Attributes:
        manifest: What the model is.
        warm_up: Bars without a gap until it first has an answer.
    """

    def __init__(self, manifest: Manifest, model: bytes) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except _REFUSALS as error:
            raise ConfigurationError(f"model {manifest.name}: ONNX Runtime cannot load it: {error}") from error
        width = len(manifest.features)
        takes = [(node.name, node.shape[1:]) for node in self._session.get_inputs()]
        if takes != [(INPUT, [manifest.window, width])]:
            raise ConfigurationError(
                f"model {manifest.name} takes {takes}, but its manifest says windows of {manifest.window} x {width}"
            )
        features = set_of(manifest.features)
        unfit = [each.name for each in features.features if each.anchor is not Anchor.WINDOW or each.aux]
        if unfit or features.memory is None:
            raise ConfigurationError(
                f"model {manifest.name}: a desk starts again from its last bars and is told nothing but bars; it "
                f"cannot have {', '.join(unfit)}"
            )
        self.manifest = manifest
        self.warm_up = features.memory + manifest.window - 1
        self._interval_ns = interval_ns(manifest.interval)
        self._scaler = Scaler(low=manifest.low, high=manifest.high, floor=manifest.floor, ceiling=manifest.ceiling)
        self._stream = FeatureStream(features)
        self._windows = Windows(length=manifest.window, width=width)
        self._inside = 0

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the forecaster whose model and manifest are in `folder`.

        Raises:
            ConfigurationError: A file is missing, was changed, or does not fit this program.
        """
        return cls(*load(folder))

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
        values = () if row is None else row.values
        window = self._windows.push(values or None)
        self._inside = self._inside + 1 if values and self._scaler.inside(values) else 0
        if window is None:
            return self._nothing(Unknown.GAP if self._stream.broken else Unknown.COLD, values)
        if not all(map(math.isfinite, values)):
            return self._nothing(Unknown.NOT_FINITE, ())
        if self._inside < self.manifest.window:
            return self._nothing(Unknown.OUT_OF_RANGE, values)
        (answer,) = self._session.run(_OUTPUTS, {INPUT: window[None]})  # (1, T, F) -> (1,)
        probability = float(answer[0])
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

    def _nothing(self, reason: Unknown, features: tuple[float, ...]) -> Forecast:
        return unknown(
            reason,
            model=self.manifest.name,
            horizon=self.manifest.horizon,
            atr=self._stream.atr,
            features=features,
        )
