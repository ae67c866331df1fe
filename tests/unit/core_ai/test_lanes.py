"""Lanes: one step at a time, and yet what the network says of whole windows; whatever happened before them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core_ai.holes import holed

from trading_system.core_ai.inference.lanes import Lanes, step_session, walked
from trading_system.core_ai.inference.model_forecaster import AGREE, ModelForecaster
from trading_system.core_ai.training.export import onnx_of, step_disagreement, step_of
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.data_pipeline.normalizers.scaler import Scaler
from trading_system.errors import ConfigurationError

WINDOW, WIDTH = 6, 3
SCALER = Scaler(low=(-1.0, 0.0, 5.0), high=(1.0, 2.0, 5.0), floor=(-9.0,) * 3, ceiling=(9.0,) * 3)


def network_of(layers, hidden=5, seed=1):
    """Return a network whose answers differ widely from row to row."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = DirectionNetwork(SCALER, hidden=hidden, dropout=0.0, layers=layers).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(4.0)
            network.temperature.fill_(0.7)
    return network


NETWORKS = {layers: network_of(layers) for layers in (1, 2, 3)}
SESSIONS = {layers: step_session(step_of(network), width=WIDTH) for layers, network in NETWORKS.items()}


def rows_of(count, seed):
    """Return rows within the scale and far beyond it."""
    chance = np.random.default_rng(seed)
    return (chance.standard_normal((count, WIDTH)) * chance.choice([0.1, 1.0, 30.0], size=(count, 1))).astype(
        np.float32
    )


def said(network, rows, window=WINDOW):
    """Return what torch says of each whole window of `rows`."""
    views = np.lib.stride_tricks.sliding_window_view(rows, window, axis=0).transpose(0, 2, 1).copy()
    with torch.no_grad():
        return network(torch.from_numpy(views)).numpy()


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_they_say_what_the_network_says_of_whole_windows(layers):
    """2,000 windows, one row at a time: torch's probabilities within 1e-6, and these are far from all alike."""
    rows = rows_of(2_000, seed=3)
    lanes, expected = Lanes(SESSIONS[layers], window=WINDOW), said(NETWORKS[layers], rows)
    told = np.array([lanes.emit(row)[0] for row in rows])[WINDOW - 1 :]
    assert np.abs(told - expected).max() <= AGREE
    assert expected.std() > 0.005


@given(
    before=st.lists(st.tuples(st.integers(0, 99), st.booleans(), st.booleans()), max_size=20),
    seed=st.integers(0, 99),
    layers=st.sampled_from([1, 2]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_was_before_a_window_is_forgotten_to_the_bit(before, seed, layers):
    """After T rows in a row the answer has the bits of lanes that saw nothing else, rested or not, asked or not.

    This is a gap, a NaN and a restart in one: what is pushed after any of them is all that counts.
    """
    old, new = Lanes(SESSIONS[layers], window=WINDOW), Lanes(SESSIONS[layers], window=WINDOW)
    strange = rows_of(100, seed=seed + 1)
    for index, asked, rested in before:
        (old.emit if asked else old.take)(strange[index])
        if rested:
            old.rest()
    rows = rows_of(WINDOW + 3, seed=seed)
    for row in rows[: WINDOW - 1]:
        old.take(row)
        new.take(row)
        new.rest()
    after = [(old.emit(row).tolist(), new.emit(row).tolist()) for row in rows[WINDOW - 1 :]]
    assert all(one == other for one, other in after)


def test_what_is_infinite_is_clipped_and_leaves_nothing_behind():
    """Infinite rows stand at the end of the scale; a window later there is no trace of them."""
    lanes, rows = Lanes(SESSIONS[2], window=WINDOW), rows_of(3 * WINDOW, seed=5)
    rows[2], rows[4, 1] = np.inf, -np.inf
    told = np.array([lanes.emit(row)[0] for row in rows])[WINDOW - 1 :]
    assert np.abs(told - said(NETWORKS[2], rows)).max() <= AGREE


def test_a_row_of_no_numbers_is_outlived():
    """A NaN that was let in is gone with its window, for every lane that held it is: nothing adds up over lanes."""
    lanes, rows = Lanes(SESSIONS[2], window=WINDOW), rows_of(3 * WINDOW, seed=5)
    rows[3] = np.nan
    told = np.array([lanes.emit(row)[0] for row in rows])
    assert np.isnan(told[WINDOW - 1 : 3 + WINDOW]).all()
    assert np.abs(told[3 + WINDOW :] - said(NETWORKS[2], rows[4:])).max() <= AGREE


def test_a_window_of_one_row_has_no_other_lanes():
    """T = 1: the fresh lane answers, and there is nothing to do afterwards."""
    lanes, rows = Lanes(SESSIONS[2], window=1), rows_of(50, seed=8)
    told = np.array([lanes.emit(row)[0] for row in rows])
    assert np.abs(told - said(NETWORKS[2], rows, window=1)).max() <= AGREE


def test_many_instruments_are_answered_at_once():
    """Each of 7 instruments hears what its own rows say and nothing of its neighbors'."""
    rows = np.stack([rows_of(40, seed=seed) for seed in range(7)], axis=1)  # (bars, I, F)
    lanes = Lanes(SESSIONS[2], window=WINDOW, instruments=7)
    told = np.array([lanes.emit(row).copy() for row in rows])[WINDOW - 1 :]
    for each in range(7):
        assert np.abs(told[:, each] - said(NETWORKS[2], rows[:, each].copy())).max() <= AGREE


def test_an_answer_needs_no_rest_first():
    """The oldest lane alone is asked; resting afterwards, twice even, changes no later answer."""
    rows = rows_of(30, seed=2)
    tired, rested = Lanes(SESSIONS[1], window=WINDOW), Lanes(SESSIONS[1], window=WINDOW)
    for row in rows:
        assert tired.emit(row).tolist() == rested.emit(row).tolist()
        rested.rest()
        rested.rest()


def test_windows_walked_through_in_a_batch_say_the_same():
    """The step applied T times to many windows: what export compares, and what is compared again before trading."""
    rows = rows_of(400, seed=4)
    views = np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0).transpose(0, 2, 1)
    assert np.abs(walked(SESSIONS[2], views) - said(NETWORKS[2], rows)).max() <= AGREE


@pytest.mark.parametrize(("window", "width", "hidden", "layers"), [(60, 16, 64, 2), (WINDOW, WIDTH, 5, 3)])
def test_a_batch_of_windows_has_the_bits_of_one_lane(window, width, hidden, layers):
    """A back-test asks in batches and a desk one by one; only bits that are the same come to the same orders."""
    scaler = Scaler(low=(-1.0,) * width, high=(1.0,) * width, floor=(-9.0,) * width, ceiling=(9.0,) * width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = DirectionNetwork(scaler, hidden=hidden, dropout=0.0, layers=layers).eval()
    session = step_session(step_of(network), width=width)
    rows = np.random.default_rng(1).standard_normal((window + 99, width)).astype(np.float32)
    lanes = Lanes(session, window=window)
    alone = [float(lanes.emit(row)[0]) for row in rows][window - 1 :]
    views = np.lib.stride_tricks.sliding_window_view(rows, window, axis=0).transpose(0, 2, 1)
    for size in (1, 3, 100):
        told = np.concatenate([walked(session, views[start : start + size]) for start in range(0, 100, size)])
        assert told.tolist() == alone
    assert len(set(alone)) > 50


def test_another_networks_step_is_found_out():
    """One network's step against another's windows: export would not write it."""
    windows = rows_of(300, seed=6).reshape(50, WINDOW, WIDTH)
    own, other = step_of(NETWORKS[2]), step_of(network_of(2, seed=9))
    assert step_disagreement(NETWORKS[2], own, windows) <= AGREE
    assert step_disagreement(NETWORKS[2], other, windows) > 1e-3


@pytest.mark.parametrize("width", [WIDTH - 1, WIDTH + 1])
def test_a_step_of_other_rows_is_refused(width):
    """Its width is not the manifest's."""
    with pytest.raises(ConfigurationError, match=f"no step of {width} features"):
        step_session(step_of(NETWORKS[1]), width=width)


@pytest.mark.parametrize("graph", [b"no graph", onnx_of(NETWORKS[1], window=WINDOW)])
def test_a_graph_that_is_no_step_is_refused(graph):
    """The wrong bytes, and the right bytes of the wrong graph."""
    with pytest.raises(ConfigurationError, match=r"step\.onnx"):
        step_session(graph, width=WIDTH)


@pytest.mark.parametrize("seed", range(3))
def test_a_forecaster_by_steps_tells_the_story_of_one_by_windows(trained, make_bars, seed):
    """Gaps, wild bars and restarts: the same reasons, and where both know something, the same within 1e-6."""
    chance = np.random.default_rng(seed)
    bars = holed(make_bars(1_500, seed=seed), chance)
    model, step = onnx_of(trained.network, window=trained.manifest.window), step_of(trained.network)
    by_window = ModelForecaster(trained.manifest, model)
    by_step = ModelForecaster(trained.manifest, model, step)
    known = 0
    for index, bar in enumerate(bars):
        expected, told = by_window.push(bar), by_step.push(bar)
        assert told == replace(expected, probability=told.probability)
        assert abs(told.probability - expected.probability) <= AGREE
        known += told.known
        if chance.random() < 0.5:
            by_step.rest()
        if chance.random() < 0.003 and index > by_step.warm_up:  # killed, and warmed with the last bars alone
            by_step, by_window = (
                ModelForecaster(trained.manifest, model, step),
                ModelForecaster(trained.manifest, model),
            )
            for past in bars[index - by_step.warm_up : index + 1]:
                by_window.push(past)
                again = by_step.push(past)
            assert (again.known, again.probability) == (told.known, told.probability)
    assert 100 < known < len(bars)
