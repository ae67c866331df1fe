"""A bar's path is exactly the bar; files and seeds give the same bars each time."""

from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import START_NS, make_bar, make_instrument

from trading_system.errors import DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.testnet.flow import Close, Print, bars_of_file, merged, moments, path_of, synthetic_bars

MINUTE_NS = interval_ns("1m")


@st.composite
def any_bars(draw: st.DrawFn) -> Bar:
    """Return any bar that can be, flat ones and ones without volume included."""
    low = draw(st.integers(1, 10_000_000))
    opened, close = low + draw(st.integers(0, 50_000)), low + draw(st.integers(0, 50_000))
    high = max(opened, close) + draw(st.integers(0, 50_000))
    volume = draw(st.one_of(st.integers(0, 20_000), st.integers(0, 10**13)))
    return make_bar(open=opened, high=high, low=low, close=close, volume_atoms=volume, index=draw(st.integers(0, 500)))


@given(bar=any_bars(), seed=st.integers(0, 2**32))
def test_a_path_is_exactly_its_bar(bar: Bar, seed: int) -> None:
    """First, highest, lowest and last price and the sum of the quantities are the bar's; times lie inside, in order."""
    path = path_of(bar, seed=seed, lot_atoms=1_000)
    prices = [trade.price for trade in path]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
    assert sum(trade.atoms for trade in path) == bar.volume_atoms
    assert all(trade.atoms % 1_000 == 0 for trade in path[:-1])
    assert all(earlier.ns < later.ns for earlier, later in pairwise(path))
    assert bar.open_ns < path[0].ns
    assert path[-1].ns < bar.close_ns
    assert path == path_of(bar, seed=seed, lot_atoms=1_000)


def test_the_nearer_extreme_is_visited_first() -> None:
    """A bar that opens near its high goes up before it goes down."""
    falling = [t.price for t in path_of(make_bar(open=990, high=1_000, low=900, close=950), seed=1, lot_atoms=1_000)]
    rising = [t.price for t in path_of(make_bar(open=910, high=1_000, low=900, close=950), seed=1, lot_atoms=1_000)]
    assert falling.index(1_000) < falling.index(900)
    assert rising.index(900) < rising.index(1_000)


def test_closes_of_one_time_come_together_and_before_the_next_trades() -> None:
    """Two symbols close at the same moment: both closes are told before anything of the next bar."""
    bars = [make_bar(index=0), make_bar(index=1)]
    others = [make_bar(index=0, symbol="ETHUSDT"), make_bar(index=1, symbol="ETHUSDT")]
    streams = (moments(series, seed=0, lot_atoms=1_000) for series in (bars, others))
    told = list(merged(*streams))
    closes = [number for number, moment in enumerate(told) if isinstance(moment, Close)]
    assert closes == [14, 15, 30, 31]  # seven trades a bar and symbol
    assert all(earlier.ns <= later.ns for earlier, later in pairwise(told))
    assert isinstance(told[16], Print)


def test_a_close_is_told_before_a_trade_of_the_same_moment() -> None:
    """Whichever symbol it is of: who decides at a close has not seen the next trade."""
    bar, trade = make_bar(), Print(make_bar().close_ns, "ETHUSDT", 1, 1_000, False)
    streams = (iter([(trade.ns, 1, trade)]), iter([(bar.close_ns, 0, Close(bar.close_ns, bar))]))
    assert [type(moment) for moment in merged(*streams)] == [Close, Print]


def test_gaps_stay_gaps() -> None:
    """Nothing is traded where the recording has no bar."""
    told = [m for _, _, m in moments([make_bar(index=0), make_bar(index=9)], seed=0, lot_atoms=1_000)]
    assert not any(make_bar(index=0).close_ns < moment.ns < make_bar(index=9).open_ns for moment in told)


def test_a_seed_is_a_market() -> None:
    """The same seed gives the same bars, another one others; neighbors meet at close and open."""
    make = {"count": 300, "interval_ns": MINUTE_NS, "instrument": make_instrument()}
    bars = synthetic_bars(seed=7, **make)
    assert bars == synthetic_bars(seed=7, **make)
    assert bars != synthetic_bars(seed=8, **make)
    assert all(earlier.close == later.open and earlier.close_ns == later.open_ns for earlier, later in pairwise(bars))
    assert bars[0].open == 5_000_000
    assert all(bar.volume_atoms % 1_000 == 0 and bar.volume_atoms > 0 for bar in bars)


def test_the_first_synthetic_bars_never_change() -> None:
    """Golden values: whoever changes the generator changes every demo's hash, and learns it here."""
    bars = synthetic_bars(seed=1, count=3, interval_ns=interval_ns("15m"), instrument=make_instrument())
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume_atoms) for bar in bars] == GOLDEN


GOLDEN = [
    (5000000, 5020855, 4985950, 4999873, 119981073000),
    (4999873, 5012245, 4968877, 4991129, 125543953000),
    (4991129, 5039645, 4987182, 4997205, 159980052000),
]


def write(path: Path, rows: list[tuple[object, ...]]) -> Path:
    """Write rows as Parquet or CSV, by the ending of `path`."""
    names = ["timestamp", "open", "high", "low", "close", "volume"]
    frame = pl.DataFrame(rows, schema=names, orient="row", strict=False)
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return path


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
def test_a_file_is_read_to_the_tick(tmp_path: Path, name: str) -> None:
    """4261.48 is 426,148 ticks exactly, though no float is; volumes are rounded to the atom."""
    path = write(tmp_path / name, [(START_NS // 10**6, 4261.48, 4313.62, 4261.32, 4308.83, 47.181009)])
    [bar] = bars_of_file(path, instrument=make_instrument(), interval="1h")
    assert (bar.open, bar.high, bar.low, bar.close) == (426_148, 431_362, 426_132, 430_883)
    assert bar.volume_atoms == 4_718_100_900
    assert (bar.open_ns, bar.close_ns) == (START_NS, START_NS + interval_ns("1h"))


GOOD = (START_NS // 10**6, 10.0, 12.0, 9.0, 11.0, 1.0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((GOOD[0] + 60_000, 10.0, 9.0, 9.0, 11.0, 1.0), "cannot be one bar"),
        ((GOOD[0] + 60_000, float("nan"), 12.0, 9.0, 11.0, 1.0), "not a number"),
        ((GOOD[0] + 60_000, 10.0, 12.0, 9.0, 11.0, -1.0), "negative volume"),
        ((GOOD[0], 10.0, 12.0, 9.0, 11.0, 1.0), "before the last bar"),
        ((GOOD[0] + 90_000, 10.0, 12.0, 9.0, 11.0, 1.0), "start of an interval"),
        ((GOOD[0] + 60_000, None, 12.0, 9.0, 11.0, 1.0), "not a number"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[object, ...], why: str) -> None:
    """The message says which row and what is wrong with it."""
    path = write(tmp_path / "bars.parquet", [GOOD, row])
    with pytest.raises(DataError, match=rf"row 2: .*{why}"):
        bars_of_file(path, instrument=make_instrument(), interval="1m")


def test_what_is_no_table_of_bars_is_refused(tmp_path: Path) -> None:
    """An absent file, a file of something else and a missing column are all bad data, never a traceback."""
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet")
    lacking = tmp_path / "lacking.csv"
    lacking.write_text("timestamp,open\n1,2\n")
    for path in (tmp_path / "absent.parquet", broken, lacking):
        with pytest.raises(DataError, match="not a table"):
            bars_of_file(path, instrument=make_instrument(), interval="1m")


def test_recorded_bars_become_paths_exactly(shared_data: Path) -> None:
    """A month of real bars: each path gives its bar back."""
    path = shared_data / "ohlcv" / "binance_BTCUSDT_1h.parquet"
    bars = bars_of_file(path, instrument=make_instrument(), interval="1h")
    assert len(bars) == 64_524
    for bar in bars[::97]:
        prices = [trade.price for trade in path_of(bar, seed=0, lot_atoms=1_000)]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
