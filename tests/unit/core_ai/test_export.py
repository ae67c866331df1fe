"""Export: the file that trades says what the network that was scored said, or there is no file."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from trading_system.core_ai.inference.manifest import load
from trading_system.core_ai.training.export import LEAST_WINDOWS, TOLERANCE, disagreement, export, onnx_of, probes
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.errors import InvariantBroken


def test_onnx_and_torch_agree_on_thousands_of_windows(trained):
    """Real windows and wild ones, in one batch and one by one: within 1e-6."""
    windows = probes(trained.windows, seed=3)
    assert len(windows) >= LEAST_WINDOWS
    model = onnx_of(trained.network, window=trained.manifest.window)
    assert disagreement(trained.network, model, windows) <= TOLERANCE


def nudged(network, by):
    """Return a copy of `network` whose last bias differs by `by`."""
    other = deepcopy(network)
    with torch.no_grad():
        other.head.bias += by
    return other


def test_a_difference_is_seen(trained):
    """One weight moved by a thousandth: the check notices."""
    model = onnx_of(trained.network, window=trained.manifest.window)
    assert disagreement(nudged(trained.network, 1e-3), model, trained.windows[:50]) > TOLERANCE


class Forked(DirectionNetwork):
    """A network that answers otherwise once it is exported."""

    def forward(self, x):
        return super().forward(x) * (0.999 if torch.onnx.is_in_onnx_export() else 1.0)


def test_a_model_that_disagrees_is_not_written(trained, tmp_path):
    """A wrong file is worse than none: the folder stays as it was."""
    manifest = trained.manifest
    scaler = Scaler(low=manifest.low, high=manifest.high, floor=manifest.floor, ceiling=manifest.ceiling)
    forked = Forked(scaler, hidden=4, dropout=0.0)
    forked.load_state_dict(trained.network.state_dict())
    with pytest.raises(InvariantBroken, match="differ by"):
        export(replace(trained, network=forked), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_exporting_twice_gives_the_same_bytes(trained, tmp_path):
    """A model is named by its hash: nothing of the day or the folder is in the file."""
    first, second = (export(trained, tmp_path / name) for name in ("a", "b"))
    assert first == second
    assert (tmp_path / "a" / "model.onnx").read_bytes() == (tmp_path / "b" / "model.onnx").read_bytes()
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_a_second_export_replaces_the_first_whole(trained, tmp_path):
    """What is loaded afterwards is the second; no scraps are left."""
    export(trained, tmp_path)
    manifest = export(replace(trained, network=nudged(trained.network, 0.1)), tmp_path)
    assert load(tmp_path)[0] == manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "model.onnx", "step.onnx"]


def test_the_probes_hold_real_and_wild_windows(trained):
    """Parity on tame values only would not find a scaler left outside the graph."""
    windows = probes(trained.windows, seed=3)
    low = np.array(trained.manifest.low, dtype=np.float32)
    high = np.array(trained.manifest.high, dtype=np.float32)
    beyond = ((windows < low) | (windows > high)).any(axis=(1, 2))
    assert beyond[LEAST_WINDOWS:].all()
