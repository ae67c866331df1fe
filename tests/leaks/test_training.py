"""What training is fed, as a probe: an example is known when its label is, and no bar earlier."""

import numpy as np
import pytest
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.core_ai.training.dataset import dataset_of
from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.house import each_bar
from trading_system.data_pipeline.leaks.search import search

HORIZON = 5
BARS = columns_of(bars_of(450, seed=13))

pytestmark = pytest.mark.slow


def examples(*, early=0):
    """Return a probe of a training set's windows with their labels, declared to be known so many bars too early."""

    def ask(world):
        bars = world.bars
        dataset = dataset_of(list(each_bar(bars)), window=8, horizon=HORIZON)
        count = len(dataset.ends)
        values = np.column_stack(
            (dataset.windows(np.arange(count)).reshape(count, 8 * dataset.values.shape[1]), dataset.moves)
        )
        known = bars.close_ns[dataset.ends + HORIZON - early]
        return [Answer(("examples",) * values.shape[1], bars.close_ns[dataset.ends], known, values)]

    return Probe(ask=ask)


def test_an_example_known_at_the_end_of_its_horizon_does_not_leak():
    """Window and label are the same in every future, and there are neither more nor fewer of them."""
    verdict = search(BARS, [examples()], cuts=60, seed=2)
    assert verdict.leaks == ()
    assert verdict.untested == ()


def test_an_example_known_one_bar_before_is_caught():
    """The last bar of its horizon is not closed yet."""
    assert search(BARS, [examples(early=1)], cuts=60, seed=2).leaks
