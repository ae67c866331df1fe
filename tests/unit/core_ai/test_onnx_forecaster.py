"""The forecaster: bar by bar what the network says of whole windows, after a restart the same bits."""

import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_system.blotter.signals import Unknown
from trading_system.core_ai.inference.lanes import STEP_FILE
from trading_system.core_ai.inference.manifest import DEMO_MODEL, load, read, save
from trading_system.core_ai.inference.onnx_forecaster import OnnxForecaster
from trading_system.core_ai.training.dataset import dataset_of
from trading_system.core_ai.training.export import onnx_of, step_of
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.data_pipeline.normalizers.features import FEATURE_NAMES, WARM_UP, set_of
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.errors import ConfigurationError
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import Forecaster
from trading_system.testnet.synthetic import PLANTED, synthetic_bars


@pytest.fixture
def forecaster(exported, tmp_path):
    return OnnxForecaster.load(tmp_path / "model")


@pytest.fixture
def another(exported, tmp_path):
    """Return a maker of further forecasters over the same files."""
    return lambda: OnnxForecaster.load(tmp_path / "model")


def test_it_says_bar_by_bar_what_the_network_says_of_windows(forecaster, trained, make_bars):
    """Streaming against torch on every window of unseen bars: the same probability within 1e-6."""
    bars = make_bars(600, seed=9)
    dataset = dataset_of(bars, window=8, horizon=1)
    with torch.no_grad():
        expected = trained.network(torch.from_numpy(dataset.windows(np.arange(len(dataset.ends))))).numpy()
    told = [forecaster.push(bar) for bar in bars]
    for end, probability in zip(dataset.ends.tolist(), expected.tolist(), strict=True):
        assert told[end].known
        assert told[end].probability == pytest.approx(probability, abs=1e-6)
        assert told[end].features == tuple(dataset.values[end].tolist())


def test_a_known_forecast_carries_what_the_manifest_says(forecaster, exported, make_bars):
    """Sizes, horizon and the model's name come with the probability, and the true range of the bar."""
    last = [forecaster.push(bar) for bar in make_bars(200)][-1]
    assert (last.gain, last.loss, last.horizon, last.model) == (exported.gain, exported.loss, 1, exported.name)
    assert last.reason is Unknown.NONE
    assert last.atr > 0.0


@given(last=st.integers(130, 399), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_rebuilt_to_the_bit_from_its_last_bars_alone(another, make_bars, last, seed):
    """A process that was killed and warmed with `warm_up` bars believes exactly what it believed before."""
    bars = make_bars(400, seed=seed)
    endless, again = another(), another()
    before = [endless.push(bar) for bar in bars[:last]]
    after = [again.push(bar) for bar in bars[last - again.warm_up : last]]
    assert after[-1] == before[-1]
    assert again.push(bars[last]) == endless.push(bars[last])


def test_it_is_cold_until_warm(forecaster, make_bars):
    """Exactly `warm_up` bars until the first belief; the true range is known sooner."""
    told = [forecaster.push(bar) for bar in make_bars(200)]
    assert forecaster.warm_up == WARM_UP + 8 - 1
    assert [forecast.known for forecast in told] == [False] * (forecaster.warm_up - 1) + [True] * (
        200 - forecaster.warm_up + 1
    )
    assert {forecast.reason for forecast in told[: forecaster.warm_up - 1]} == {Unknown.COLD}
    assert told[13].atr == 0.0 < told[15].atr
    assert told[0].probability == 0.5


def test_behind_a_gap_it_says_so_until_warm_again(forecaster, make_bars):
    """A missing bar: no belief that reaches over it."""
    bars = make_bars(500)
    told = [forecaster.push(bar) for bar in bars[:200] + bars[201:]]
    behind = told[200 : 200 + forecaster.warm_up]
    assert {forecast.reason for forecast in behind[:-1]} == {Unknown.GAP}
    assert behind[-1].known


def test_what_training_never_came_near_is_not_asked_about(forecaster, make_bars):
    """One bar of a thousand times the volume: nothing is believed for as long as a window holds its row."""
    bars = make_bars(400)
    bars[300] = replace(bars[300], volume_atoms=10**12)
    told = [forecaster.push(bar) for bar in bars]
    assert told[299].known
    assert [forecast.reason for forecast in told[300:308]] == [Unknown.OUT_OF_RANGE] * 8
    assert told[308].known
    assert dict(zip(FEATURE_NAMES, told[300].features, strict=True))["volume_z_96"] > 9


def test_a_bar_of_another_length_is_a_mistake_of_setup(forecaster, make_bars):
    """A model for hours says nothing about minutes, and whoever plugged them together must know."""
    bar = make_bars(1)[0]
    with pytest.raises(ConfigurationError, match=r"spans 60 s.*trained on 1h bars"):
        forecaster.push(replace(bar, close_ns=bar.open_ns + 60_000_000_000))


def test_a_graph_that_is_not_the_manifests_is_refused(exported, tmp_path):
    """Well sealed, right hash, but the network takes other windows than the manifest says."""
    manifest, model = load(tmp_path / "model")
    save(tmp_path / "other", model, msgspec.structs.replace(manifest, window=9))
    with pytest.raises(ConfigurationError, match="windows of 9 x 10"):
        OnnxForecaster.load(tmp_path / "other")


@pytest.mark.parametrize("name", ["rsi_14", "level@funding_rate"])
def test_a_model_of_features_that_a_restart_would_change_is_refused(exported, tmp_path, name):
    """A desk is warmed with its last bars: averages that never forget, and what no bar says, would be others."""
    manifest, model = load(tmp_path / "model")
    features = (name, *manifest.features[1:])
    changed = msgspec.structs.replace(manifest, features=features, feature_set=set_of(features).name)
    save(tmp_path / "other", model, changed)
    with pytest.raises(ConfigurationError, match=f"cannot have {name}"):
        OnnxForecaster.load(tmp_path / "other")


def test_a_file_that_is_no_network_is_refused(exported, tmp_path):
    """The right hash of the wrong thing."""
    manifest, _ = load(tmp_path / "model")
    save(tmp_path / "other", b"no network", manifest)
    with pytest.raises(ConfigurationError, match="cannot load it"):
        OnnxForecaster.load(tmp_path / "other")


def test_a_step_of_another_network_is_refused(trained, exported, tmp_path):
    """Each file as the manifest says, and yet not of one network: what would trade is not what was scored."""
    other = deepcopy(trained.network)
    with torch.no_grad():
        other.head.bias += 1e-3
    artefact = read(tmp_path / "model")
    save(tmp_path / "other", artefact.model, artefact.manifest, others={STEP_FILE: step_of(other)})
    with pytest.raises(ConfigurationError, match=r"step\.onnx says otherwise than the network, by 2\.\de-04"):
        OnnxForecaster.load(tmp_path / "other")


def test_an_answer_comes_first_and_the_rest_when_there_is_time(forecaster, another, make_bars):
    """Resting between bars or never: the same beliefs."""
    hasty = another()
    for bar in make_bars(200, seed=3):
        assert hasty.push(bar) == forecaster.push(bar)
        forecaster.rest()


def of_features(trained, features):
    """Return a manifest and a network for `features`, all of which lie within -1..1."""
    ends = {"low": (-1.0,), "high": (1.0,), "floor": (-2.0,), "ceiling": (2.0,)}
    ends = {name: end * len(features) for name, end in ends.items()}
    named = {"features": features, "feature_set": set_of(features).name}
    network = DirectionNetwork(Scaler(**ends), hidden=4, dropout=0.0).eval()
    return msgspec.structs.replace(trained.manifest, **named, **ends), network


def test_features_that_never_look_back_hold_no_window_over_a_gap(trained, tmp_path, make_bars):
    """They are defined at the first bar behind it, and still nothing is believed before a window of such bars."""
    features = ("body", "upper_wick")
    bars = make_bars(60)
    manifest, network = of_features(trained, features)
    save(tmp_path, onnx_of(network, window=8), manifest)
    told = [each.push(bar) for each in [OnnxForecaster.load(tmp_path)] for bar in bars[:30] + bars[31:]]
    assert [forecast.known for forecast in told] == [False] * 7 + [True] * 23 + [False] * 7 + [True] * 22
    assert {forecast.reason for forecast in told[30:37]} == {Unknown.GAP}


def test_a_network_that_answers_nothing_is_not_believed(trained, tmp_path, make_bars):
    """Weights that became NaN give no probability, and an unknown forecast says so."""
    network = deepcopy(trained.network)
    with torch.no_grad():
        network.head.bias.fill_(float("nan"))
    save(tmp_path, onnx_of(network, window=8), trained.manifest)
    broken = OnnxForecaster.load(tmp_path)
    last = [broken.push(bar) for bar in make_bars(200)][-1]
    assert (last.known, last.reason, last.probability) == (False, Unknown.NOT_FINITE, 0.5)


def test_it_is_a_forecaster_of_the_house(forecaster, make_bars):
    """It stands behind the port that the desk knows."""
    port: Forecaster = forecaster
    assert port.push(make_bars(1)[0]).known is False


def test_the_model_that_ships_believes_something(btcusdt):
    """It loads, is small, and on a synthetic market that it never saw it is more often right than wrong when sure."""
    assert sum(path.stat().st_size for path in DEMO_MODEL.iterdir()) < 200 * 1024
    shipped = OnnxForecaster.load(DEMO_MODEL)
    horizon = shipped.manifest.horizon
    bars = synthetic_bars(seed=77, count=6_000, interval_ns=900 * NS_PER_S, instrument=btcusdt, planted=PLANTED)
    told = [(index, shipped.push(bar)) for index, bar in enumerate(bars)]
    known = [(index, forecast) for index, forecast in told[:-horizon] if forecast.known]
    assert len(known) > 0.9 * len(bars)
    sure = [
        (bars[index + horizon].close > bars[index].close) == (forecast.probability > 0.5)
        for index, forecast in known
        if abs(forecast.probability - 0.5) > 0.08
    ]
    assert len(sure) > 200
    assert sum(sure) > 0.54 * len(sure)


def test_running_needs_neither_torch_nor_onnx_nor_numba():
    """What trades must start small: only training may load the heavy parts."""
    code = (
        "import sys; import trading_system.core_ai.inference.onnx_forecaster, "
        "trading_system.core_ai.inference.baselines; "
        "print(sorted({'torch', 'onnx', 'numba', 'polars'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
