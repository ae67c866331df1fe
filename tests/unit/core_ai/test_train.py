"""Training: the same weights twice, the best epoch kept, and no more confidence than skill."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from trading_system.core_ai.training.dataset import dataset_of, split
from trading_system.core_ai.training.train import calibrate, odds_of, reproducible, train
from trading_system.data_pipeline.bar_store import bars_hash
from trading_system.data_pipeline.normalizers.features import HOUSE_SET, MODEL_SET, set_of
from trading_system.errors import ConfigurationError


def bits(network):
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


def test_training_twice_gives_the_same_weights(make_bars, small):
    """Same bars, plan and seed: the same bits and the same manifest, whatever chance was used before."""
    bars, plan = make_bars(800), replace(small, epochs=3)
    first = train(bars, interval="1h", plan=plan, tell=lambda epoch: None)
    torch.rand(7)
    second = train(bars, interval="1h", plan=plan, tell=lambda epoch: None)
    assert bits(first.network) == bits(second.network)
    assert first.manifest == second.manifest


def test_another_seed_gives_other_weights(make_bars, small):
    """The seed is what decides: the test above can fail."""
    bars, plan = make_bars(800), replace(small, epochs=1)
    first, second = (
        train(bars, interval="1h", plan=replace(plan, seed=seed), tell=lambda epoch: None) for seed in (1, 2)
    )
    assert bits(first.network)["lstm.weight_ih_l0"] != bits(second.network)["lstm.weight_ih_l0"]


def test_training_leaves_the_callers_torch_as_it_was():
    """Threads, determinism and the state of chance are the caller's."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist()
    with reproducible(9):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        torch.rand(3)
    after = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist()
    assert before == after


def test_it_stops_when_unseen_bars_get_no_better_and_keeps_the_best_epoch(make_bars, small):
    """On a random walk there is nothing to learn: it ends early, `patience` epochs after its best."""
    told = []
    plan = replace(small, epochs=60, patience=4, learning_rate=3e-2)
    result = train(make_bars(900, pull=0.0), interval="1h", plan=plan, tell=told.append)
    assert [epoch.number for epoch in told] == list(range(1, result.best.number + 5))
    assert len(told) < 60
    assert result.best == min(told, key=lambda epoch: epoch.validation)


def test_what_is_kept_is_the_network_of_the_best_epoch(make_bars, small):
    """Training that ends right after that epoch gives the same weights as training that went on in vain."""
    bars, plan = make_bars(900, pull=0.0), replace(small, epochs=60, patience=4, learning_rate=3e-2)
    went_on = train(bars, interval="1h", plan=plan, tell=lambda epoch: None)
    ended = train(bars, interval="1h", plan=replace(plan, epochs=went_on.best.number), tell=lambda epoch: None)
    assert bits(went_on.network) == bits(ended.network)


def test_the_calibration_of_the_validation_part_is_in_the_network(trained, make_bars, small):
    """Worked out again from the network's odds: that temperature, in the manifest and in the graph's buffer."""
    dataset = dataset_of(make_bars(3_000), window=small.window, horizon=small.horizon)
    parts = split(
        dataset, train_share=small.train_share, validation_share=small.validation_share, embargo=small.horizon
    )
    expected = calibrate(odds_of(trained.network, dataset, parts.validation), dataset.rises[parts.validation])
    assert trained.manifest.temperature == pytest.approx(expected, rel=1e-6)
    assert float(trained.network.temperature) == trained.manifest.temperature != 1.0


def test_it_learns_a_market_that_turns_back(trained):
    """Moves that revert by 0.6 can be called: clearly over half, and the loss on unseen bars fell."""
    model, always_up = trained.manifest.scores["model"], trained.manifest.scores["always_up"]
    assert model.accuracy > 0.62
    assert model.log_loss < always_up.log_loss - 0.03


def test_the_manifest_says_what_was_done(trained, make_bars, small):
    """Features, span, data, seed, parts and versions: enough to do it again."""
    manifest, bars = trained.manifest, make_bars(3_000)
    assert (manifest.features, manifest.feature_set) == (MODEL_SET.names, MODEL_SET.name)
    assert (manifest.window, manifest.horizon, manifest.seed) == (small.window, small.horizon, small.seed)
    assert (manifest.bars, manifest.data_sha256) == (3_000, bars_hash(bars))
    assert manifest.trained_from_ns == bars[0].open_ns
    assert manifest.trained_to_ns == bars[2_099].close_ns  # 70 % of 3,000 bars; the last label is bar 2,099's
    assert set(manifest.scores) == {"model", "always_up", "momentum", "reversal"}
    assert set(manifest.versions) == {"numpy", "onnxruntime", "python", "torch"}
    assert manifest.plan["hidden"] == small.hidden


def test_a_network_may_see_other_features_of_the_house(make_bars, small):
    """What it saw is in the manifest, by name and hash; two features are two columns of its scaler."""
    features = set_of(["return_1", "body"])
    manifest = train(
        make_bars(800), interval="1h", plan=replace(small, epochs=1), tell=lambda epoch: None, features=features
    ).manifest
    assert (manifest.features, manifest.feature_set) == (features.names, features.name)
    assert len(manifest.low) == 2


def test_features_that_a_desk_could_not_have_are_refused_before_the_training(make_bars, small):
    """Wilder's averages never forget: a desk that starts again from its last bars has other bits."""
    with pytest.raises(ConfigurationError, match=r"rsi_14.*never forget"):
        train(make_bars(800), interval="1h", plan=small, tell=lambda epoch: None, features=HOUSE_SET)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_calibration_finds_how_sure_the_network_may_be(true):
    """Outcomes drawn with odds / `true`: the temperature found is `true`, within the noise of 20,000 draws."""
    chance = np.random.default_rng(1)
    odds = chance.normal(scale=2.0, size=20_000)
    rises = chance.random(20_000) < 1.0 / (1.0 + np.exp(-odds / true))
    assert calibrate(odds, rises) == pytest.approx(true, rel=0.1)


def test_odds_without_skill_are_calibrated_away():
    """If what it said was noise, the calibrated network says even odds."""
    chance = np.random.default_rng(2)
    odds = chance.normal(size=5_000)
    assert calibrate(odds, chance.random(5_000) < 0.5) > 8.0
