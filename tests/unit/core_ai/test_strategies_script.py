"""A strategy in a user's file: shown windows and nothing else, and every mistake told with what to do."""

import numpy as np
import pytest
from tests.unit.core_ai.minutes import MINUTE_NS, bars_at, columns_of

from trading_system.core_ai.inference.strategies.registry import make
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.columns import BarColumns

CLOSES = [100, 103, 99, 104, 110, 108, 107, 111, 115, 90]


@pytest.fixture
def written(tmp_path):
    """Return a maker: the path of a file with this text, in which numpy is imported."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text("import numpy as np\n" + text)
        return str(path)

    return write


def view_of(body, window=3):
    """Return a script whose view is one expression."""
    return f"WINDOW = {window}\ndef view(bars):\n    return {body}\n"


def both_ways(path, closes=CLOSES, **given):
    """Return what the script says of `closes` at once; it says the same one by one."""
    strategy, bars = make("script", {"file": path, "atr": 1, **given}), bars_at(closes)
    table, forecaster = strategy.table(columns_of(bars)), strategy.forecaster()
    assert [forecaster.push(bar).probability for bar in bars] == table.probability.tolist()
    return table


def test_a_window_holds_the_last_bars_the_newest_last(written):
    """Of 3 bars: nothing is known of the first two; then each call sees its own bar and the two before."""
    table = both_ways(written(view_of("(bars.close[:, -1] - bars.close[:, 0] + 50) / 100")))
    assert table.known.tolist() == [False] * 2 + [True] * 8
    assert table.probability[2:5].tolist() == [0.49, 0.51, 0.61]


def test_prices_are_ticks_and_volume_is_in_base_units(written):
    """The five columns of one bar."""
    body = (
        "np.stack([bars.open, bars.high, bars.low, bars.close, bars.volume * 1e8], axis=-1)[:, -1].sum(axis=-1) / 2e4"
    )
    assert both_ways(written(view_of(body, window=1)), [100]).probability.tolist() == [
        (100 + 102 + 98 + 100 + 700) / 2e4
    ]


def test_a_script_may_ask_when_its_bars_began_and_ended(written):
    """As whole nanoseconds, which no float could hold: minute bars, the tenth of which is missing."""
    minutes = [29_000_000 + minute for minute in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10)]
    body = "((bars.open_ns[:, 0] % 100_000_000_000) / 1e12 + (bars.close_ns[:, -1] - bars.open_ns[:, 0]) / 1e13)"
    strategy, bars = (
        make("script", {"file": written(view_of(body, window=2)), "atr": 1}),
        bars_at(CLOSES, minutes=minutes),
    )
    forecaster, told = strategy.forecaster(), strategy.table(columns_of(bars)).probability
    began = [minute * MINUTE_NS % 100_000_000_000 / 1e12 for minute in minutes]
    lasted = [120_000_000_000 / 1e13] * 8 + [180_000_000_000 / 1e13]
    assert told[1:].tolist() == [at + length for at, length in zip(began, lasted, strict=False)]
    assert [forecaster.push(bar).probability for bar in bars] == told.tolist()


@pytest.mark.parametrize("count", [1, 2, 7, 128, 129, 1000])
@pytest.mark.parametrize("body", ["mean", "std", "sum", "prod", "max", "median", "var"])
def test_reductions_give_the_same_bits_however_many_windows_there_are(written, count, body):
    """numpy sums in pairs and in blocks; whichever way, one window alone is summed like one of many."""
    closes = (1_000_000 + np.cumsum(np.arange(count + 149) * 7919 % 1009 - 504)).tolist()
    shape = f"(np.{body}(bars.close / 1e6 + bars.volume / 3e-2, axis=-1) % 1.0)"
    table = both_ways(written(view_of(shape, window=150)), closes)
    assert table.known.sum() == count


def test_a_long_history_is_asked_about_in_parts(written):
    """Memory is bounded by the part; where parts meet, no bar is left out and none is told twice.

    Windows of 100,000 bars are asked about ten at a time; each of 45 is told by its newest bar.
    """
    window, known = 100_000, 45
    body = "[len(bars.close) > 10 or (bar[-1] % 97) / 97 for bar in bars.close]"
    close = 1_000 + np.arange(window - 1 + known)
    bars = BarColumns(
        symbol="BTCUSDT",
        interval_ns=MINUTE_NS,
        close_ns=MINUTE_NS * np.arange(1, len(close) + 1),
        open=close,
        high=close + 2,
        low=close - 2,
        close=close,
        volume_atoms=np.full(len(close), 10**8),
    )
    told = make("script", {"file": written(view_of(f"np.array({body})", window=window)), "atr": 1}).table(bars)
    assert told.known.sum() == known
    assert told.probability[-known:].tolist() == [(newest % 97) / 97 for newest in close[-known:].tolist()]


def test_one_answer_may_stand_for_all(written):
    """A scalar is the answer to every window."""
    assert both_ways(written(view_of("0.6"))).probability[2:].tolist() == [0.6] * 8


def test_a_script_may_ask_what_its_bars_are_of(written):
    """By its symbol."""
    assert both_ways(written(view_of("0.7 if bars.symbol == 'BTCUSDT' else 0.3"))).probability[2:].tolist() == [0.7] * 8


def test_parameters_of_the_file_are_set_like_any_other(written):
    """By name, as the kind of their default; those of every script keep their meaning."""
    path = written(
        "WINDOW = 1\nPARAMETERS = {'p': 0.5, 'up': True}\ndef view(bars, p, up): return p if up else 1 - p\n"
    )
    assert both_ways(path, p="0.75").probability[0] == 0.75
    assert both_ways(path, p="0.75", up="no").probability[0] == 0.25
    strategy = make("script", {"file": path, "p": "0.75", "horizon": "4"})
    assert (strategy.parameters["p"], strategy.parameters["up"], strategy.horizon) == (0.75, True, 4)


def test_forecasts_are_signed_with_the_hash_of_the_file(written):
    """Another file under the same name is another model."""
    one = make("script", {"file": written(view_of("0.6"))}).model
    other = make("script", {"file": written(view_of("0.7"))}).model
    assert len(one) == 64
    assert one != other


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("WINDOW = 3\ndef view(bars) return 1\n", r"mine.py, line 3: cannot be run: SyntaxError: "),
        ("WINDOW = 3\nimport nosuchmodule\n", "mine.py, line 3: cannot be run: ModuleNotFoundError: No module named"),
        ("WINDOW = 3\nraise SystemExit(3)\n", "mine.py, line 3: cannot be run: SystemExit: 3"),
        ("def view(bars): return 0.5\n", r"define how many bars it looks at, WINDOW = 1..100000; it is None"),
        ("WINDOW = True\ndef view(bars): return 0.5\n", "define how many bars it looks at, .* it is True"),
        ("WINDOW = 0\ndef view(bars): return 0.5\n", "define how many bars it looks at, .* it is 0"),
        ("WINDOW = 3\n", r"define a function view\(bars, \*\*parameters\); it is None"),
        ("WINDOW = 3\nPARAMETERS = ['a']\ndef view(bars): return 0.5\n", "PARAMETERS maps names to numbers"),
        ("WINDOW = 3\nPARAMETERS = {'reach': 1}\ndef view(bars): return 0.5\n", "name its parameter 'reach' otherwise"),
    ],
)
def test_a_file_that_cannot_be_a_strategy_is_refused_when_it_is_made(written, text, says):
    """With its name, the line where there is one, and what it must define."""
    with pytest.raises(ConfigurationError, match=says):
        make("script", {"file": written(text)})


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    """So is a folder."""
    with pytest.raises(ConfigurationError, match=r"nowhere.py: cannot be read: No such file"):
        make("script", {"file": str(tmp_path / "nowhere.py")})
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory"):
        make("script", {"file": str(tmp_path)})


def test_a_parameter_that_the_file_does_not_declare_is_refused(written):
    """With those that it does."""
    path = written("WINDOW = 1\nPARAMETERS = {'stretch': 2.0}\ndef view(bars, stretch): return 0.5\n")
    with pytest.raises(ConfigurationError, match="no parameter 'strech'; did you mean stretch"):
        make("script", {"file": path, "strech": 1})
    with pytest.raises(ConfigurationError, match="stretch must be a number, not 'far'"):
        make("script", {"file": path, "stretch": "far"})


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ("1 / 0", ConfigurationError, r"mine.py, line 4: view\(\) failed: ZeroDivisionError: division by zero"),
        ("unheard_of", ConfigurationError, r"mine.py, line 4: view\(\) failed: NameError"),
        ("bars.clse", ConfigurationError, r"view\(\) failed: AttributeError: .*clse"),
        ("None", ConfigurationError, r"view\(\) returned nothing; end it with return"),
        ("'long'", ConfigurationError, r"view\(\) failed: ValueError"),
        ("bars.close.sort()", ConfigurationError, r"view\(\) failed: ValueError: .*read-only"),
        ("bars.close * 0.0", ConfigurationError, r"answered with shape \(\d, 3\) to \d windows; return a .*axis=-1"),
        ("bars.close[0] * 0.0", ConfigurationError, r"answered with shape \(3,\) to \d windows"),
        ("bars.close[:, -1] * np.nan", DataError, r"answered nan for the window that ends at 1970-01-01T00:03:00"),
        ("bars.close[:, -1]", DataError, r"answered 99.0 for the window .* return a probability, 0..1"),
        ("-0.1", DataError, r"answered -0.1 for the window"),
    ],
)
def test_a_view_that_fails_is_told_with_its_line_and_what_to_do(written, body, error, says):
    """At both speeds, and never as a bare traceback."""
    strategy, bars = make("script", {"file": written(view_of(body))}), bars_at(CLOSES)
    with pytest.raises(error, match=says):
        strategy.table(columns_of(bars))
    forecaster = strategy.forecaster()
    with pytest.raises(error, match=says):
        [forecaster.push(bar) for bar in bars]


@pytest.mark.parametrize(
    "body",
    [
        "np.where(bars.close[:, -1] > bars.close.mean(), 0.6, 0.4)",
        "np.where(np.roll(bars.close[:, -1], -1) > bars.close[:, -1], 0.6, 0.4)",
        "0.5 + np.arange(len(bars.close)) / 1e6",
    ],
    ids=["mean over all windows", "the next window's close", "the place in the history"],
)
def test_a_view_that_looks_beyond_its_window_is_found_out(written, body):
    """Windows stand side by side in a back-test, but alone when it counts: each must have its own answer."""
    strategy = make("script", {"file": written(view_of(body))})
    with pytest.raises(ConfigurationError, match=r"and .* when asked alone, as it is live; work out each row"):
        strategy.table(columns_of(bars_at(CLOSES)))
