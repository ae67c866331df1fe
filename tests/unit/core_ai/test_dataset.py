"""Examples: labels by hand, and parts of time that know nothing of what comes after them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.core_ai.training.dataset import dataset_of, move_sizes, split, training_rows
from trading_system.data_pipeline.normalizers.features import MODEL_SET, WARM_UP, feature_table, set_of
from trading_system.data_pipeline.normalizers.scaler import fit
from trading_system.errors import ConfigurationError


def scaled(bar, factor):
    return replace(bar, open=bar.open * factor, high=bar.high * factor, low=bar.low * factor, close=bar.close * factor)


def test_a_label_is_the_move_from_this_close_to_the_horizons(make_bars):
    """Example by example against the bars: move, direction and window."""
    bars = make_bars(200)
    dataset = dataset_of(bars, window=8, horizon=3)
    assert dataset.ends.tolist() == list(range(WARM_UP + 7 - 1, 200 - 3))
    values = feature_table(bars, MODEL_SET).values
    windows = dataset.windows(np.arange(len(dataset.ends)))
    for example, end in enumerate(dataset.ends.tolist()):
        assert dataset.moves[example] == bars[end + 3].close / bars[end].close - 1.0
        assert dataset.rises[example] == (bars[end + 3].close > bars[end].close)
        assert windows[example].tobytes() == values[end - 7 : end + 1].astype(np.float32).tobytes()


def test_a_price_that_stands_still_is_no_rise(make_bars):
    """Nobody earns on a close equal to this one."""
    bars = make_bars(200)
    close = bars[150].close
    bars[151] = replace(bars[151], close=close, high=max(bars[151].high, close), low=min(bars[151].low, close))
    dataset = dataset_of(bars, window=8, horizon=1)
    example = dataset.ends.tolist().index(150)
    assert dataset.moves[example] == 0.0
    assert not dataset.rises[example]


@pytest.mark.parametrize("hole", [1, 30])
def test_no_label_and_no_window_reaches_over_a_gap(make_bars, hole):
    """The last examples before the gap have their label before it; the next begin warm behind it."""
    bars = make_bars(500)
    dataset = dataset_of(bars[:200] + bars[200 + hole :], window=8, horizon=3)
    ends = dataset.ends.tolist()
    assert [end for end in ends if end < 200] == list(range(WARM_UP + 7 - 1, 197))
    assert min(end for end in ends if end >= 197) == 200 + WARM_UP + 7 - 1


@given(
    count=st.integers(1_700, 2_000),
    horizon=st.integers(1, 40),
    train_share=st.floats(0.4, 0.7),
    validation_share=st.floats(0.1, 0.2),
    embargo=st.integers(0, 40),
)
@settings(max_examples=30, deadline=None)
def test_every_label_is_known_before_the_next_part_begins(
    make_bars, count, horizon, train_share, validation_share, embargo
):
    """Purge and embargo: from a part's last label to the next part's first close lie at least `embargo` bars."""
    dataset = dataset_of(make_bars(count), window=8, horizon=horizon)
    parts = split(dataset, train_share=train_share, validation_share=validation_share, embargo=embargo)
    for earlier, later in ((parts.train, parts.validation), (parts.validation, parts.test)):
        last_label = dataset.ends[earlier].max() + horizon
        assert dataset.ends[later].min() - last_label > embargo
    together = np.concatenate((parts.train, parts.validation, parts.test))
    assert (np.diff(together) > 0).all()


@given(factor=st.sampled_from([2, 5]), beyond=st.integers(0, 300))
@settings(max_examples=10, deadline=None)
def test_what_comes_after_the_training_part_changes_no_bit_of_it(make_bars, factor, beyond):
    """Windows, labels, scaler and move sizes of the training part are the same whatever validation and test hold."""
    bars = make_bars(1_000)
    cut = 700 + beyond  # the training part ends at bar 700
    told, retold = [], []
    for kept, series in ((told, bars), (retold, bars[:cut] + [scaled(bar, factor) for bar in bars[cut:]])):
        dataset = dataset_of(series, window=8, horizon=3)
        train = split(dataset, train_share=0.7, validation_share=0.15, embargo=3).train
        kept.extend((dataset.windows(train).tobytes(), dataset.moves[train].tobytes(), move_sizes(dataset, train)))
        kept.append(fit(training_rows(dataset, train)))
    assert told == retold


def test_the_scaler_would_notice_a_training_row(make_bars):
    """The test above can fail: a change inside the training part moves the bounds."""
    bars = make_bars(1_000)
    shocked = bars[:650] + [scaled(bar, 5) for bar in bars[650:]]
    bounds = []
    for series in (bars, shocked):
        dataset = dataset_of(series, window=8, horizon=3)
        bounds.append(
            fit(training_rows(dataset, split(dataset, train_share=0.7, validation_share=0.15, embargo=3).train))
        )
    assert bounds[0] != bounds[1]


def test_move_sizes_are_the_means_of_rises_and_falls(make_bars):
    """By hand over the training moves: gain over those above 0, loss over the others."""
    dataset = dataset_of(make_bars(1_000), window=8, horizon=3)
    train = np.arange(300)
    moves = dataset.moves[train].tolist()
    gain, loss = move_sizes(dataset, train)
    rises, falls = [move for move in moves if move > 0], [-move for move in moves if move <= 0]
    assert gain == pytest.approx(sum(rises) / len(rises), rel=1e-12)
    assert loss == pytest.approx(sum(falls) / len(falls), rel=1e-12)


@pytest.mark.parametrize("count", [0, 1, 50, 130, 300])
def test_too_few_bars_are_refused_in_words(make_bars, count):
    """No part may be too small to say anything."""
    with pytest.raises(ConfigurationError, match=f"{count} bars .*collect more"):
        split(dataset_of(make_bars(count), window=8, horizon=3), train_share=0.7, validation_share=0.15, embargo=3)


def test_a_market_of_one_direction_teaches_nothing(make_bars):
    """Without a single fall there is no loss to expect."""
    bars = [
        replace(bar, open=1_000 + i, high=1_002 + i, low=1_000 + i, close=1_001 + i)
        for i, bar in enumerate(make_bars(600))
    ]
    dataset = dataset_of(bars, window=8, horizon=3)
    with pytest.raises(ConfigurationError, match="one way"):
        move_sizes(dataset, np.arange(100))


def test_no_window_reaches_over_a_gap_even_where_no_feature_looks_back(make_bars):
    """The body of a bar knows its own bar only: nothing in the row behind a gap shows that there is one."""
    bars = make_bars(60)
    dataset = dataset_of([*bars[:30], *bars[31:]], window=5, horizon=2, features=set_of(["body"]))
    assert dataset.ends.tolist() == [*range(4, 28), *range(34, 57)]
