"""The network against the same formulas written out in numpy."""

import numpy as np
import pytest
import torch

from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.core_ai.training.train import reproducible
from trading_system.data_pipeline.normalizers.scaler import Scaler

SCALER = Scaler(low=(-1.0, 0.0, 5.0), high=(3.0, 0.5, 5.0), floor=(-9.0,) * 3, ceiling=(9.0,) * 3)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def by_hand(network, window):
    """Return the probability for one window (T, F), from the papers' formulas in float64."""
    w = {name: value.detach().numpy().astype(np.float64) for name, value in network.state_dict().items()}
    low, high = np.array(SCALER.low), np.array(SCALER.high)
    width = high - low
    x = np.where(width > 0, 2 * (np.clip(window, low, high) - low) / np.where(width > 0, width, 1) - 1, 0.0)
    size = w["weigh.weight"].shape[1]
    h, c, states = np.zeros(size), np.zeros(size), []
    for row in x:
        gates = w["lstm.weight_ih_l0"] @ row + w["lstm.bias_ih_l0"] + w["lstm.weight_hh_l0"] @ h + w["lstm.bias_hh_l0"]
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    states = np.array(states)
    scores = np.tanh(states @ w["align.weight"].T + w["align.bias"]) @ w["weigh.weight"][0]
    shares = np.exp(scores) / np.exp(scores).sum()
    joined = np.concatenate((states[-1], shares @ states))
    return sigmoid((w["head.weight"][0] @ joined + w["head.bias"][0]) / w["temperature"])


def make_network(seed=1):
    with reproducible(seed):
        return DirectionNetwork(SCALER, hidden=5, dropout=0.3).eval()


def test_the_network_is_what_its_formulas_say():
    """LSTM, additive attention, last state and context, calibrated: to 1e-6 of the formulas in numpy."""
    network = make_network()
    network.temperature.fill_(1.7)
    windows = np.random.default_rng(3).normal(size=(20, 12, 3)).astype(np.float32) * 4
    with torch.no_grad():
        answers = network(torch.from_numpy(windows)).numpy()
    assert answers.shape == (20,)
    assert answers == pytest.approx([by_hand(network, window) for window in windows], abs=1e-6)


def test_what_lies_beyond_the_bounds_counts_as_the_bound():
    """A feature ten times its training maximum says no more than the maximum."""
    network = make_network()
    edge = torch.tensor([[[3.0, 0.0, 5.0]] * 4])
    beyond = torch.tensor([[[30.0, -7.0, 5.0]] * 4])
    with torch.no_grad():
        assert torch.equal(network(edge), network(beyond))


def test_a_feature_that_never_moved_in_training_says_nothing():
    """Its width is 0; whatever it is later, the answer is the same, and finite."""
    network = make_network()
    with torch.no_grad():
        answers = network(torch.tensor([[[1.0, 0.2, value]] * 4 for value in (5.0, 4.0, 1e6)]))
    assert torch.isfinite(answers).all()
    assert (answers == answers[0]).all()


def test_every_row_of_a_window_matters():
    """Attention and recurrence reach the oldest row; none is cut off."""
    network = make_network()
    window = torch.zeros((1, 6, 3))
    with torch.no_grad():
        still = network(window)
        for row in range(6):
            moved = window.clone()
            moved[0, row, 0] = 1.0
            assert network(moved) != still
