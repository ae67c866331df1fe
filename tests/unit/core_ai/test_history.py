"""A network over a whole history: what it says bar by bar, in batches, and not twice."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.unit.core_ai.holes import holed

from trading_system.blotter.signals import Unknown
from trading_system.core_ai.inference.history import history_of
from trading_system.core_ai.inference.lanes import STEP_FILE
from trading_system.core_ai.inference.manifest import DEMO_MODEL, read, save
from trading_system.core_ai.inference.strategies.registry import make
from trading_system.core_ai.inference.view_cache import kept
from trading_system.core_ai.training.export import export, onnx_of, step_of
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.data_pipeline.normalizers.features import set_of
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.errors import ConfigurationError
from trading_system.market.columns import BarColumns

AGREE = 1e-6
HOUR_NS = 3_600_000_000_000


def columns_of(bars):
    """Return `bars` as columns of hours."""
    names = ("close_ns", "open", "high", "low", "close", "volume_atoms")
    columns = {name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64) for name in names}
    return BarColumns(symbol="BTCUSDT", interval_ns=HOUR_NS, **columns)


@pytest.fixture(autouse=True)
def views(tmp_path, monkeypatch):
    """Return where views are kept: a folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "trading-system" / "views"


@pytest.fixture
def strategy(exported, tmp_path):
    """Return the small network as a strategy."""
    return make("model", {"folder": str(tmp_path / "model")})


@pytest.mark.parametrize("seed", range(3))
def test_a_back_test_believes_what_a_desk_would_believe(strategy, make_bars, seed):
    """Every number of every row, over gaps and wild bars, has the same bits, so that both come to the same orders."""
    bars = holed(make_bars(1_500, seed=seed), np.random.default_rng(seed))
    table, forecaster = strategy.table(columns_of(bars)), strategy.forecaster()
    told = [forecaster.push(bar) for bar in bars]
    assert table.known.tolist() == [forecast.known for forecast in told]
    for field in ("probability", "gain", "loss", "atr"):
        assert getattr(table, field).tolist() == [getattr(forecast, field) for forecast in told], field
    assert {forecast.reason for forecast in told} == {
        Unknown.NONE,
        Unknown.COLD,
        Unknown.GAP,
        Unknown.OUT_OF_RANGE,
    }
    assert table.gain[table.known].tolist() != table.loss[table.known].tolist()


def test_features_that_never_look_back_hold_no_window_over_a_gap(trained, tmp_path_factory, make_bars):
    """Known at the same bars as live: a whole window of such bars behind the gap, though each has its features."""
    features = ("body", "upper_wick")
    ends = {name: (end,) * 2 for name, end in {"low": -1.0, "high": 1.0, "floor": -2.0, "ceiling": 2.0}.items()}
    network = DirectionNetwork(Scaler(**ends), hidden=4, dropout=0.0).eval()
    named = {"features": features, "feature_set": set_of(features).name}
    manifest = msgspec.structs.replace(trained.manifest, **named, **ends)
    folder = tmp_path_factory.mktemp("model")
    save(folder, onnx_of(network, window=8), manifest, others={STEP_FILE: step_of(network)})
    bars = make_bars(60)
    table = make("model", {"folder": str(folder)}).table(columns_of(bars[:30] + bars[31:]))
    assert table.known.tolist() == [False] * 7 + [True] * 23 + [False] * 7 + [True] * 22


def test_a_model_without_steps_is_asked_about_whole_windows(trained, tmp_path, make_bars):
    """What was exported without a step: the same bars known, and the same within 1e-6."""
    save(tmp_path / "whole", onnx_of(trained.network, window=trained.manifest.window), trained.manifest)
    strategy, bars = make("model", {"folder": str(tmp_path / "whole")}), make_bars(600, seed=2)
    table, forecaster = strategy.table(columns_of(bars)), strategy.forecaster()
    told = [forecaster.push(bar) for bar in bars]
    assert table.known.tolist() == [forecast.known for forecast in told]
    assert np.abs(table.probability - [forecast.probability for forecast in told]).max() <= AGREE


@pytest.mark.parametrize("cut", [1, 104, 105, 700, 1_100])
def test_the_future_cannot_change_the_past(strategy, make_bars, cut):
    """The first bars are believed of to the bit what they are without the later ones, whole batches or not."""
    bars = columns_of(make_bars(1_200, seed=4))
    part = replace(bars, **{name: getattr(bars, name)[:cut] for name in bars.__slots__[2:]})
    whole, alone = strategy.table(bars), strategy.table(part)
    assert whole.probability[:cut].tolist() == alone.probability.tolist()
    assert whole.known[:cut].tolist() == alone.known.tolist()


def test_a_run_knows_what_the_manifest_says(strategy, exported, tmp_path):
    """Name, horizon, the range that live bars are measured in, and that nothing reaches over a gap."""
    assert (strategy.name, strategy.model, strategy.horizon) == ("model", exported.name, exported.horizon)
    assert (strategy.atr, strategy.restart_on_gap) == (14, True)
    assert dict(strategy.parameters) == {"folder": str(tmp_path / "model")}


def test_the_model_that_ships_needs_no_folder():
    """`--strategy model` alone is the demo's."""
    assert make("model", {}).model == read(DEMO_MODEL).manifest.name


def test_a_folder_without_a_model_is_refused(tmp_path):
    """Named, before any bar is read."""
    with pytest.raises(ConfigurationError, match=r"strategy model: .*cannot be read"):
        make("model", {"folder": str(tmp_path)})


def test_bars_of_another_length_are_refused(strategy, make_bars):
    """A model for hours is not asked about minutes."""
    bars = replace(columns_of(make_bars(300)), interval_ns=60_000_000_000)
    with pytest.raises(ConfigurationError, match=r"span 60 s.*trained on 1h bars"):
        strategy.table(bars)


def test_the_same_is_not_asked_twice(exported, tmp_path, make_bars, views):
    """The second time the network is not even loaded: bytes that are none do as well."""
    artefact, bars = read(tmp_path / "model"), columns_of(make_bars(400))
    first = history_of(artefact, bars)
    again = history_of(replace(artefact, files=dict.fromkeys(artefact.files, b"no network")), bars)
    assert np.array_equal(first.probability, again.probability, equal_nan=True)
    assert len(list(views.iterdir())) == 1


def test_what_is_kept_is_kept_by_all_that_it_depends_on(trained, tmp_path, make_bars, views):
    """One bar's volume, or one weight of the network: asked again, and answered otherwise."""
    export(trained, tmp_path / "a")
    with_other_sizes = replace(trained, manifest=type(trained.manifest)(**{**fields(trained.manifest), "seed": 99}))
    export(with_other_sizes, tmp_path / "b")
    bars = columns_of(make_bars(400))
    louder = bars.volume_atoms.copy()
    louder[200] *= 2
    for folder in ("a", "b"):
        for each in (bars, replace(bars, volume_atoms=louder)):
            make("model", {"folder": str(tmp_path / folder)}).table(each)
    assert len(list(views.iterdir())) == 4


def fields(struct):
    """Return the fields of a manifest by name."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


@pytest.mark.parametrize("harm", [lambda content: content[:-4], lambda content: content[:-1] + b"\xff", lambda _: b""])
def test_a_harmed_file_is_no_answer(strategy, make_bars, views, harm):
    """Cut off, changed or empty: the network is asked again, and what it says is kept anew."""
    bars = columns_of(make_bars(400))
    first = strategy.table(bars)
    (file,) = views.iterdir()
    whole = file.read_bytes()
    file.write_bytes(harm(whole))
    assert strategy.table(bars).probability.tolist() == first.probability.tolist()
    assert file.read_bytes() == whole


def test_a_folder_that_others_may_write_to_is_not_believed(strategy, make_bars, views):
    """What lies there might be anybody's: the network is asked, and nothing is left there."""
    views.mkdir(parents=True)
    views.chmod(0o777)
    assert strategy.table(columns_of(make_bars(300))).known.any()
    assert list(views.iterdir()) == []


def test_what_was_not_looked_at_for_longest_makes_room(views):
    """Three files where two have room: the first is gone, the last is there."""
    for key in ("a", "b", "c"):
        kept(key, 10, lambda: np.zeros(10, dtype=np.float32), most_bytes=2 * (32 + 40))
    assert sorted(path.name for path in views.iterdir()) == ["b", "c"]
