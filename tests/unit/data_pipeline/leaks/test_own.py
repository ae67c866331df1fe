"""Features in a user's file: what they are shown, and every mistake told with the file and the line."""

import numpy as np
import pytest
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.own import probes_in
from trading_system.data_pipeline.leaks.search import worlds_of
from trading_system.errors import ConfigurationError

BARS = columns_of(bars_of(30, seed=8))
WORLD = worlds_of(BARS, 1)["as it is"]


@pytest.fixture
def written(tmp_path):
    """Return a maker: the path of a file with this text."""

    def write(text):
        path = tmp_path / "own.py"
        path.write_text(text)
        return path

    return write


def answers_of(path):
    """Return all that the features of a file say of the world."""
    return [answer for probe in probes_in(path) for answer in probe.ask(WORLD)]


def test_a_feature_is_shown_prices_in_ticks_volume_in_units_and_times(written):
    """Each column by hand against the bars."""
    path = written(
        "import numpy as np\n"
        "def f(bars):\n"
        "    assert bars.symbol == 'BTCUSDT' and len(bars) == 30\n"
        "    return np.column_stack([bars.open, bars.high, bars.low, bars.close, bars.volume,\n"
        "                            (bars.close_ns - bars.open_ns) // bars.interval_ns])\n"
    )
    (answer,) = answers_of(path)
    assert answer.names == tuple(f"f[{column}]" for column in range(6))
    assert answer.values[:, :4].tolist() == [
        [float(price) for price in row] for row in zip(BARS.open, BARS.high, BARS.low, BARS.close, strict=True)
    ]
    assert answer.values[:, 4].tolist() == (BARS.volume_atoms / 1e8).tolist()
    assert set(answer.values[:, 5].tolist()) == {1.0}
    assert answer.of_ns.tolist() == answer.known_ns.tolist() == BARS.close_ns.tolist()


def test_a_feature_may_ask_for_the_metric(written):
    """By the name of its parameter."""
    (answer,) = answers_of(written("def f(bars, metrics):\n    return bars.close * 0 + metrics.value.sum()\n"))
    assert answer.values[0, 0] == WORLD.metrics.value.sum()


def test_only_functions_of_bars_are_asked(written):
    """Neither helpers, nor what stands under a name of its own, nor what was imported."""
    path = written(
        "from numpy import diff\nfrom math import sqrt\n"
        "def helper(values, n):\n    return values\n"
        "def _hidden(bars):\n    return 1 / 0\n"
        "def first(bars):\n    return helper(bars.close, 2)\n"
        "def second(bars):\n    return bars.open\n"
    )
    assert [answer.names for answer in answers_of(path)] == [("first",), ("second",)]


def test_no_feature_can_write_into_what_it_is_shown(written):
    """Else one could change what the next is shown."""
    path = written("def f(bars):\n    bars.close[0] = 1.0\n    return bars.close\n")
    with pytest.raises(ConfigurationError, match=r"own\.py, line 2: f\(\) failed: ValueError: .*read-only"):
        answers_of(path)


def test_nothing_is_kept_from_one_question_to_the_next(written):
    """The file is run anew: what it counts starts at nothing each time."""
    path = written("seen = []\ndef f(bars):\n    seen.append(1)\n    return bars.close * 0 + len(seen)\n")
    (probe,) = probes_in(path)
    assert [probe.ask(WORLD)[0].values[0, 0] for _ in range(3)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", r"holds no feature: define a function whose first parameter is called bars"),
        ("def f(prices):\n    return prices\n", "holds no feature"),
        ("def f(bars:\n", r"own\.py, line 1: cannot be run: SyntaxError"),
        ("import no_such_module\n", r"own\.py, line 1: cannot be run: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", r"own\.py, line 1: cannot be run: SystemExit"),
        ("def f(bars):\n    return bars.closes\n", r"own\.py, line 2: f\(\) failed: AttributeError"),
        ("def f(bars, n):\n    return bars.close\n", r"own\.py: f\(\) failed: TypeError.*'n'"),
        ("def f(bars):\n    return bars.close[1:]\n", r"f\(\) answered with shape \(29,\) to 30 bars; return one"),
        ("def f(bars):\n    return 1.0\n", r"f\(\) answered with shape \(\) to 30 bars"),
        ("def f(bars):\n    return None\n", r"f\(\) answered with shape \(\) to 30 bars"),
        ("def f(bars):\n    return ['up'] * len(bars)\n", r"f\(\) failed: ValueError"),
    ],
)
def test_a_mistake_is_told_with_where_it_is(written, text, said):
    """One message, which names the file; the line where there is one."""
    with pytest.raises(ConfigurationError, match=said):
        answers_of(written(text))


def test_a_missing_file_is_told(tmp_path):
    """Before anything else is done."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        probes_in(tmp_path / "none.py")


def test_integers_are_taken_as_they_are(written):
    """A count is a number too."""
    (answer,) = answers_of(written("import numpy as np\ndef f(bars):\n    return np.arange(len(bars))\n"))
    assert answer.values.dtype == np.float64
    assert answer.values[:, 0].tolist() == list(map(float, range(30)))
