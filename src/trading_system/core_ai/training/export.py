"""From the trained network to an ONNX file with its manifest, or to a refusal."""

import tempfile
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch

from trading_system.core_ai.inference.manifest import INPUT, MODEL_FILE, OUTPUT, Manifest, save
from trading_system.core_ai.training.network import DirectionNetwork
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
    model = onnx_of(trained.network, window=trained.manifest.window)
    worst = disagreement(trained.network, model, probes(trained.windows, seed=trained.manifest.seed))
    if not worst <= TOLERANCE:
        raise InvariantBroken(f"ONNX and torch differ by {worst:.2e}, more than {TOLERANCE:.0e}: not exported")
    return save(folder, model, trained.manifest)


def onnx_of(network: DirectionNetwork, *, window: int) -> bytes:
    """Return `network` as ONNX: `features` (batch, T, F) float32 -> `probability` (batch,) float32.

    The older exporter: it needs no further package, and keeps the LSTM's weights as constants, which a
    later quantization needs.
    """
    example = torch.zeros((1, window, len(network.low)))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is the older exporter, and that the batch is free: both are meant
        path = Path(folder) / MODEL_FILE
        torch.onnx.export(
            network.eval(),
            (example,),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
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
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        theirs = network(torch.from_numpy(windows)).numpy()
    (batch,) = session.run([OUTPUT], {INPUT: windows})
    single = np.concatenate([session.run([OUTPUT], {INPUT: window[None]})[0] for window in windows])
    return float(np.maximum(np.abs(batch - theirs), np.abs(single - theirs)).max())
