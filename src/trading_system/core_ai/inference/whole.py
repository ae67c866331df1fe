"""The window model asked for one whole window at a time: what every faster way must agree with."""

from collections.abc import Sequence
from typing import Final

import onnxruntime as ort

from trading_system.core_ai.inference.manifest import INPUT, OUTPUT
from trading_system.data_pipeline.normalizers.windows import Windows

_OUTPUTS: Final = [OUTPUT]


class Whole:
    """The last rows of one instrument, and the network that looks at all of them anew at each."""

    def __init__(self, session: ort.InferenceSession, *, window: int, width: int) -> None:
        self._session = session
        self._windows = Windows(length=window, width=width)

    def take(self, row: Sequence[float]) -> None:
        """Remember `row`, F numbers, none of them NaN."""
        self._windows.push(row)

    def emit(self, row: Sequence[float]) -> float:
        """Return what the window that ends with `row` says; NaN before there is one."""
        window = self._windows.push(row)
        if window is None:
            return float("nan")
        (answer,) = self._session.run(_OUTPUTS, {INPUT: window[None]})  # (1, T, F) -> (1,)
        return float(answer[0])

    def rest(self) -> None:
        """Do nothing: nothing was put off."""
