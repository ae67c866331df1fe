"""From the trained network to an ONNX file with its manifest, or to a refusal."""

import tempfile
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from trading_system.core_ai.inference.lanes import ANSWER, NEXT, ROW, STATE, STEP_FILE, Lanes, step_session, walked
from trading_system.core_ai.inference.manifest import INPUT, MODEL_FILE, OUTPUT, Manifest, save
from trading_system.core_ai.inference.sessions import one_thread
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.core_ai.training.step import LaneStep
from trading_system.core_ai.training.train import Trained
from trading_system.errors import InvariantBroken

TOLERANCE: Final = 1e-6
LEAST_WINDOWS: Final = 1_000
_OPSET: Final = 17


def export(trained: Trained, folder: Path) -> Manifest:
    """Write `trained` to `folder` and return its manifest, once ONNX Runtime and torch agree on it.

    Raises:
        InvariantBroken: They do not; nothing was written.
    """
    model, step = onnx_of(trained.network, window=trained.manifest.window), step_of(trained.network)
    windows = probes(trained.windows, seed=trained.manifest.seed)
    worst = max(disagreement(trained.network, model, windows), step_disagreement(trained.network, step, windows))
    if not worst <= TOLERANCE:
        raise InvariantBroken(f"ONNX and torch differ by {worst:.2e}, more than {TOLERANCE:.0e}: not exported")
    return save(folder, model, trained.manifest, others={STEP_FILE: step})


def onnx_of(network: DirectionNetwork, *, window: int) -> bytes:
    """Return `network` as ONNX: `features` (batch, T, F) float32 -> `probability` (batch,) float32.

    The older exporter: it needs no further package, and keeps the LSTM's weights as constants, which a
    later quantization needs.
    """
    example = torch.zeros((1, window, len(network.low)))
    return _graph(network, (example,), takes=[INPUT], gives=[OUTPUT])


def step_of(network: DirectionNetwork) -> bytes:
    """Return one step of `network` as ONNX, for B lanes that `LaneStep` describes.

    `features` (B, F) and `state` (B, S) -> `probability` (B,) and `next` (B, S), all float32.
    """
    step = LaneStep(network)
    return _graph(step, (torch.zeros((1, len(network.low))), step.fresh(1)), takes=[ROW, STATE], gives=[ANSWER, NEXT])


def _graph(module: nn.Module, examples: tuple[torch.Tensor, ...], *, takes: list[str], gives: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is the older exporter, and that the batch is free: both are meant
        path = Path(folder) / MODEL_FILE
        torch.onnx.export(
            module.eval(),
            examples,
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=takes,
            output_names=gives,
            dynamic_axes={name: {0: "batch"} for name in (*takes, *gives)},
        )
        return path.read_bytes()


def probes(windows: npt.NDArray[np.float32], *, seed: int) -> npt.NDArray[np.float32]:
    """Return at least `LEAST_WINDOWS` windows to compare on: real ones, and as many with wild values."""
    chance = np.random.default_rng(seed)
    real = windows[chance.integers(0, len(windows), size=LEAST_WINDOWS)]
    wild = real * chance.choice(np.array([-10.0, 0.0, 3.0, 1e3], dtype=np.float32), size=real.shape)
    return np.concatenate((real, wild))


def disagreement(network: DirectionNetwork, model: bytes, windows: npt.NDArray[np.float32]) -> float:
    """Return the largest difference between torch and ONNX Runtime on `windows`, at once and one by one."""
    session = one_thread(model, MODEL_FILE)
    with torch.no_grad():
        theirs = network(torch.from_numpy(windows)).numpy()
    (batch,) = session.run([OUTPUT], {INPUT: windows})
    single = np.concatenate([session.run([OUTPUT], {INPUT: window[None]})[0] for window in windows])
    return float(np.maximum(np.abs(batch - theirs), np.abs(single - theirs)).max())


def step_disagreement(network: DirectionNetwork, step: bytes, windows: npt.NDArray[np.float32]) -> float:
    """Return the largest difference between torch and steps: in batches of windows, and in lanes bar by bar.

    The two are different batches, and so different orders of sums. The lanes go through the first rows of all windows
    as one series, and are compared in every window of that.
    """
    session = step_session(step, width=windows.shape[2])
    length, series = windows.shape[1], windows[:, 0]
    moving = np.lib.stride_tricks.sliding_window_view(series, length, axis=0).transpose(0, 2, 1)
    lanes = Lanes(session, window=length)
    alone = np.array([float(lanes.emit(row)[0]) for row in series], dtype=np.float32)[length - 1 :]
    both = np.concatenate((windows, moving))
    with torch.no_grad():
        theirs = network(torch.from_numpy(both)).numpy()
    return float(np.abs(np.concatenate((walked(session, windows), alone)) - theirs).max())
