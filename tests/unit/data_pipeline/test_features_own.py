"""A user's own feature: it runs at both speeds like ours, and a mistake in it is told with its line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trading_system.data_pipeline.normalizers.features import (
    HOUSE_SET,
    Anchor,
    FeatureSet,
    FeatureStream,
    chosen,
    feature_table,
    load_feature,
)
from trading_system.errors import ConfigurationError

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "features" / "run_strength.py"
HEAD = 'FORMULA = "any"\nWARM_UP = 1\n'


@pytest.fixture
def written(tmp_path):
    """Return what writes a file with `body`, below a formula and a warm-up of one bar."""

    def write(body, head=HEAD):
        path = tmp_path / "mine.py"
        path.write_text(head + body, encoding="utf-8")
        return path

    return write


def test_it_is_a_feature_like_any_other(make_bars):
    """Declared, named by its source, in a set beside ours, and streamed to the bits of batch."""
    features = chosen(f"{EXAMPLE},rsi_14")
    own = features.features[0]
    assert (own.name, own.warm_up, own.room, own.parameters) == ("run_strength", 2, 2, (20,))
    assert (own.anchor, own.inputs) == (Anchor.GAP, ("log_return", "move"))
    bars = make_bars(200)
    del bars[90]
    table, stream = feature_table(bars, features), FeatureStream(features)
    rows = [stream.push(bar) for bar in bars]
    for row, values in zip(rows, table.values, strict=True):
        assert (row is None) == np.isnan(values).any()
        assert row is None or np.array(row.values).tobytes() == values.tobytes()


def test_a_run_by_hand(make_bars):
    """Closes 100, 110, 121, 121, 100: one up, two up, standing still after two, down."""
    example = FeatureSet(features=(load_feature(EXAMPLE),))
    bars = make_bars(5)
    closes = [100, 110, 121, 121, 100]
    told = [
        type(bar)(
            symbol="X",
            open_ns=bar.open_ns,
            close_ns=bar.close_ns,
            open=close,
            high=close,
            low=close,
            close=close,
            volume_atoms=1,
        )
        for bar, close in zip(bars, closes, strict=True)
    ]
    values = feature_table(told, example).values[1:, 0].tolist()
    assert values == pytest.approx([np.log(1.1), np.log(1.21) * 2**0.5, 0.0, np.log(100 / 121)], abs=1e-15)


def test_at_the_first_bar_and_behind_a_gap_nothing_has_moved(written, make_bars):
    """There is no bar before: no move, no return, and a range of the bar's own."""
    bars = make_bars(40)
    del bars[20]
    for field, first in (("move", 0.0), ("log_return", 0.0), ("true_range", None), ("seen", 1.0)):
        feature = load_feature(written(f"ANCHOR = 'gap'\ndef step(state, row):\n    return row.{field}\n"))
        values = feature_table(bars, FeatureSet(features=(feature,))).values[:, 0]
        for index in (0, 20):
            expected = bars[index].high - bars[index].low if first is None else first
            assert values[index] == expected


def test_an_edit_of_its_arithmetic_changes_the_name_of_every_set_that_it_is_in(written):
    """A comment, a docstring or an annotation does not."""

    def name(body):
        return FeatureSet(features=(load_feature(written(body)),)).name

    first = name("def step(state, row):\n    return row.close - row.open\n")
    assert (
        name('def step(state, row) -> float:\n    """Body."""\n    return (row.close - row.open)  # ticks\n') == first
    )
    assert name("def step(state, row):\n    return row.open - row.close\n") != first
    helper = "from trading_system.kernel import kernel\nK = {}\n@kernel\ndef f(x):\n    return x * K\n"
    uses = "def step(state, row):\n    return f(row.close)\n"
    assert name(helper.format(2.0) + uses) != name(helper.format(3.0) + uses)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def step(state, row):\n    return row.closes\n", r"mine\.py, line 4: step\(\) failed: AttributeError"),
        ("STATE = 2\ndef step(state, row):\n    return state[2]\n", r"line 5: step\(\) failed: IndexError"),
        ("def step(state, row)\n    return 1\n", r"line 3: cannot be run: SyntaxError"),
        ("import nowhere_to_be_found\n", r"line 3: cannot be run: ModuleNotFoundError"),
        ("step = 3\n", r"define a function step\(state, row\)"),
        ("def step(row):\n    return 1.0\n", r"it must take state, row and then the PARAMETERS"),
        ("PARAMETERS = {'n': 3}\ndef step(state, row):\n    return 1.0\n", r"\(state, row, n\)"),
        ("PARAMETERS = {'n': '3'}\ndef step(state, row, n):\n    return 1.0\n", "PARAMETERS, names to numbers"),
        ("STATE = -1\ndef step(state, row):\n    return 1.0\n", "define STATE"),
        ("ANCHOR = 'start'\ndef step(state, row):\n    return 1.0\n", "define ANCHOR, 'window' or 'gap'"),
        ("NAME = 'a b'\ndef step(state, row):\n    return 1.0\n", "define NAME"),
        ("def step(state, row):\n    return 'high'\n", r"step\(\) failed|cannot be compiled"),
        (
            "def step(state, row):\n    return sum([row.open, row.close])\n",
            r"runs as Python and cannot be compiled",
        ),
        (
            "seen = []\ndef step(state, row):\n    seen.append(row.close)\n    return float(len(seen))\n",
            "it must remember nothing but `state`",
        ),
        (
            "STATE = 1\ndef step(state, row):\n    state[0] += row.volume\n    return state[0]\n",
            "raise WARM_UP, or say ANCHOR = 'gap'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(written, body, words):
    """Before a single real bar is looked at."""
    with pytest.raises(ConfigurationError, match=words):
        load_feature(written(body))


def test_a_step_that_writes_beyond_its_numbers_is_found_out(written, make_bars):
    """Only on bars that no made-up one is like: what compiled code does not look for is looked for behind it."""
    body = "STATE = 1\ndef step(state, row):\n    state[1 if row.volume > 1e17 else 0] = 1.0\n    return 1.0\n"
    features = FeatureSet(features=(load_feature(written(body)),))
    bars = make_bars(30)
    feature_table(bars, features)
    bars[20] = replace(bars[20], volume_atoms=10**18)
    with pytest.raises(ConfigurationError, match="mine: its step writes beyond its 1 numbers"):
        feature_table(bars, features)


@pytest.mark.parametrize("head", ["WARM_UP = 1\n", "FORMULA = 'any'\n", "FORMULA = 'any'\nWARM_UP = 0\n"])
def test_what_must_be_defined_is_named(written, head):
    """A formula and a warm-up."""
    with pytest.raises(ConfigurationError, match=r"define (FORMULA|WARM_UP)"):
        load_feature(written("def step(state, row):\n    return 1.0\n", head=head))


def test_a_choice_is_sets_features_and_files_in_their_order():
    """What is unknown, or stands there twice, is refused; so is nothing."""
    names = chosen(f" house , change_4@ETHUSDT.close,{EXAMPLE}").names
    assert names == (*HOUSE_SET.names, "change_4@ETHUSDT.close", "run_strength")
    with pytest.raises(ConfigurationError, match="stands twice"):
        chosen("house,rsi_14")
    with pytest.raises(ConfigurationError, match=r"nowhere\.py: cannot be read"):
        chosen("nowhere.py")
    with pytest.raises(ConfigurationError, match="name features, as in"):
        chosen(" ,")
