"""Features: from the past only, the same live and in batch, and each as it is written down."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers import indicators_arrays as arrays
from trading_system.data_pipeline.normalizers.features import (
    CROSS_SET,
    FUNDING_SET,
    HOUSE_SET,
    KINDS,
    MODEL_SET,
    Anchor,
    FeatureSet,
    FeatureStream,
    Row,
    feature_table,
    named,
    set_of,
)
from trading_system.errors import ConfigurationError, DataError
from trading_system.kernel import compiled, kernel
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns

pytestmark = pytest.mark.slow

EVERY_SET = HOUSE_SET + CROSS_SET + FUNDING_SET + set_of(["level@hash_rate", "change_7@hash_rate"])
WARM = EVERY_SET.warm_up


def at(index, *, open_, high, low, close, volume=10**8):
    minute = 60_000_000_000
    return Bar(
        symbol="X",
        open_ns=index * minute,
        close_ns=(index + 1) * minute,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_atoms=volume,
    )


def scaled(bar, factor):
    """Return `bar` with prices and volume multiplied."""
    return replace(
        bar,
        open=bar.open * factor,
        high=bar.high * factor,
        low=bar.low * factor,
        close=bar.close * factor,
        volume_atoms=bar.volume_atoms * factor,
    )


def lifted(bar, ticks):
    """Return `bar` that much higher: the next one does not open where it closed."""
    return replace(bar, open=bar.open + ticks, high=bar.high + ticks, low=bar.low + ticks, close=bar.close + ticks)


def beside(count, seed=0):
    """Return what EVERY_SET needs beside so many bars, some of it unknown."""
    chance = np.random.default_rng(seed)
    columns = {name: chance.uniform(0.5, 2.0, count) for name in EVERY_SET.aux}
    columns["hash_rate"][: min(count, 30)] = math.nan
    return columns


def pushed(stream, bars, aux):
    """Return what `stream` says of each bar."""
    told = zip(*aux.values(), strict=True) if aux else ((),) * len(bars)
    return [stream.push(bar, dict(zip(aux, values, strict=True))) for bar, values in zip(bars, told, strict=True)]


def bits(values):
    """Return the bits of numbers, so that NaN equals NaN and 0.0 is not -0.0."""
    return np.ascontiguousarray(values, dtype=np.float64).view(np.int64).tolist()


@given(count=st.integers(0, 3 * WARM), seed=st.integers(0, 50), hole=st.integers(1, 3 * WARM))
def test_batch_and_streaming_agree_to_the_bit_on_every_prefix(make_bars, count, seed, hole):
    """The table of the first n bars is what a stream said bar by bar, and what longer tables begin with."""
    bars = make_bars(3 * WARM + 1, seed=seed)
    del bars[hole]
    aux = beside(len(bars), seed)
    short = {name: column[:count] for name, column in aux.items()}
    stream = FeatureStream(EVERY_SET)
    told, atrs = [], []
    for row in range(count):
        told.append(stream.push(bars[row], {name: float(column[row]) for name, column in aux.items()}))
        atrs.append(stream.atr)
    table, whole = feature_table(bars[:count], EVERY_SET, short), feature_table(bars, EVERY_SET, aux)
    assert table.values.tobytes() == whole.values[:count].tobytes()
    assert table.atr.tobytes() == whole.atr[:count].tobytes()
    assert bits(table.atr) == bits(atrs)
    for row, values in zip(told, table.values, strict=True):
        assert (row is None) == np.isnan(values).any()
        assert row is None or bits(row.values) == bits(values)


@given(cut=st.integers(1, 299), factor=st.sampled_from([2, 3, 10]))
def test_the_future_cannot_change_the_past(make_bars, cut, factor):
    """Whatever the market does after a bar, and whether it goes on at all, the rows up to it are the same."""
    bars = make_bars(300)
    shocked = bars[:cut] + [scaled(bar, factor) for bar in bars[cut:]]
    told, retold, ended = feature_table(bars), feature_table(shocked), feature_table(bars[:cut])
    for other in (retold, ended):
        assert told.values[:cut].tobytes() == other.values[:cut].tobytes()
        assert told.atr[:cut].tobytes() == other.atr[:cut].tobytes()


WINDOWED = FeatureSet(features=tuple(each for each in EVERY_SET.features if each.anchor is Anchor.WINDOW))


@given(last=st.integers(WARM, 400), seed=st.integers(0, 20))
def test_a_windowed_row_is_rebuilt_to_the_bit_from_its_memory_alone(make_bars, last, seed):
    """A process that starts again from the last `memory` bars knows the same row and ATR."""
    bars, aux = make_bars(400, seed=seed), beside(400, seed)
    assert WINDOWED.memory is not None
    first = last - WINDOWED.memory
    endless, again = FeatureStream(WINDOWED), FeatureStream(WINDOWED)
    rows = pushed(endless, bars[:last], {name: column[:last].tolist() for name, column in aux.items()})
    rebuilt = pushed(again, bars[first:last], {name: column[first:last].tolist() for name, column in aux.items()})
    assert rebuilt[-1] is not None
    assert rebuilt[-1] == rows[-1]
    assert again.atr == endless.atr


@pytest.mark.parametrize("feature", EVERY_SET.features, ids=EVERY_SET.names)
def test_a_feature_depends_on_what_it_declares(make_bars, feature):
    """Windowed: on its last `warm_up` bars and no more. Anchored: on more than that, or it need not be anchored."""
    bars, aux = make_bars(400, seed=3), beside(400)
    single = FeatureSet(features=(feature,))
    whole = feature_table(bars, single, aux).values[:, 0]
    different = []
    for last in range(200, 400):
        part = slice(last + 1 - feature.warm_up, last + 1)
        again = feature_table(bars[part], single, {name: column[part] for name, column in aux.items()}).values[-1, 0]
        assert not math.isnan(again)
        different.append(bits([again]) != bits([whole[last]]))
    assert any(different) == (feature.anchor is Anchor.GAP)


@pytest.mark.parametrize("feature", [each for each in EVERY_SET.features if each.warm_up > 1], ids=lambda f: f.name)
def test_no_feature_declares_a_longer_warm_up_than_it_needs(make_bars, feature):
    """With one bar less than declared its step says something else for some bar: the number is not padded."""
    bars, aux = [lifted(bar, 5_000 * (index % 2)) for index, bar in enumerate(make_bars(400, seed=3))], beside(400)
    eager = FeatureSet(features=(replace(feature, warm_up=1),))
    whole = feature_table(bars, eager, aux).values[:, 0]
    sooner = []
    for last in range(200, 400):
        part = slice(last + 2 - feature.warm_up, last + 1)
        again = feature_table(bars[part], eager, {name: column[part] for name, column in aux.items()}).values[-1, 0]
        sooner.append(again != whole[last])
    assert any(sooner)


@given(stop=st.integers(0, 300), hole=st.integers(1, 299), seed=st.integers(0, 20))
def test_a_stream_goes_on_from_its_checkpoint_as_if_it_had_never_stopped(make_bars, stop, hole, seed):
    """Through JSON and back, at any bar, features that never forget included: the same bits from there on."""
    bars = make_bars(301, seed=seed)
    del bars[hole]
    aux = {name: column.tolist() for name, column in beside(300, seed).items()}
    endless, stopped = FeatureStream(EVERY_SET), FeatureStream(EVERY_SET)
    rows = pushed(endless, bars, aux)
    pushed(stopped, bars[:stop], {name: column[:stop] for name, column in aux.items()})
    again = FeatureStream.restored(json.loads(json.dumps(stopped.checkpoint())), EVERY_SET)
    assert (again.atr, again.broken, again.seen) == (stopped.atr, stopped.broken, stopped.seen)
    after = pushed(again, bars[stop:], {name: column[stop:] for name, column in aux.items()})
    assert after == rows[stop:]
    assert again.checkpoint() == endless.checkpoint() or bits(again._states[-1]) == bits(endless._states[-1])


def test_a_checkpoint_of_other_features_is_refused(make_bars):
    """Its numbers would mean something else; so would they after an edit of a step."""
    stream = FeatureStream(MODEL_SET)
    pushed(stream, make_bars(20), {})
    with pytest.raises(ConfigurationError, match="another choice, or their code has changed"):
        FeatureStream.restored(stream.checkpoint(), HOUSE_SET)


@pytest.mark.parametrize("harm", [{"format": 2}, {"states": []}, {"seen": None}, {"bar": ["X"]}, {"ranges": [0.0]}])
def test_a_broken_checkpoint_is_refused(make_bars, harm):
    """Half a memory is none."""
    stream = FeatureStream(MODEL_SET)
    pushed(stream, make_bars(20), {})
    with pytest.raises(DataError, match="no checkpoint"):
        FeatureStream.restored(stream.checkpoint() | harm, MODEL_SET)


@pytest.mark.parametrize("hole", [1, 5])
def test_a_gap_makes_everything_cold_until_warm_again(make_bars, hole):
    """No value reaches over missing bars; ATR is 0 there, and the first row comes `warm_up` bars later."""
    bars = make_bars(3 * HOUSE_SET.warm_up)
    cut = HOUSE_SET.warm_up + 10
    broken = bars[:cut] + bars[cut + hole :]
    stream = FeatureStream()
    rows = []
    for index, bar in enumerate(broken):
        rows.append(stream.push(bar))
        assert stream.broken == (index >= cut)
        if index == cut:
            assert stream.atr == 0.0
    defined = [index for index, row in enumerate(rows) if row is not None]
    assert defined[:11] == list(range(cut - 11, cut))
    assert defined[11] == cut + HOUSE_SET.warm_up - 1
    fresh = FeatureStream()
    assert pushed(fresh, broken[cut:], {})[-1] == rows[-1]


def test_a_bar_of_another_symbol_or_length_starts_everything_afresh(make_bars):
    """Bars of two instruments, or of two intervals, in one stream never mix into one value."""
    bars = make_bars(HOUSE_SET.warm_up + 1)
    last = bars[-1]
    others = (replace(last, symbol="ETHUSDT"), replace(last, close_ns=last.close_ns + 60_000_000_000))
    for other in others:
        stream = FeatureStream()
        assert pushed(stream, bars[:-1], {})[-1] is not None
        assert stream.push(other) is None
        table = feature_table([*bars[:-1], other])
        assert np.isnan(table.values[-1]).any()
        assert table.atr[-1] == 0.0


def test_columns_are_bars_too(make_bars):
    """The same numbers from columns, holes included, as from bars."""
    bars = make_bars(400)
    del bars[150:153]
    names = ("close_ns", "open", "high", "low", "close", "volume_atoms")
    columns = BarColumns(
        symbol="BTCUSDT",
        interval_ns=bars[0].close_ns - bars[0].open_ns,
        **{name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64) for name in names},
    )
    assert feature_table(columns).values.tobytes() == feature_table(bars).values.tobytes()
    assert feature_table(columns).atr.tobytes() == feature_table(bars).atr.tobytes()


@given(rows=st.lists(st.tuples(*[st.integers(1, 10**9)] * 3).map(sorted), min_size=1, max_size=90))
def test_what_never_forgets_is_the_indicator_of_its_name_to_the_bit(rows):
    """Two definitions of one average, one on tuples and one on plain numbers, are one definition."""
    low, close, high = np.array(rows, dtype=np.int64).T
    bars = [
        at(index, open_=int(c), high=int(h), low=int(lo), close=int(c))
        for index, (lo, c, h) in enumerate(zip(low, close, high, strict=True))
    ]
    told = arrays.macd(close, 3, 7, 4)
    expected = {
        "atr_ratio_5": arrays.atr(high, low, close, 5) / close,
        "ema_distance_6": close / arrays.ema(close, 6, seed=6) - 1.0,
        "macd_3_7": told.line / close,
        "macd_histogram_3_7_4": (told.line - told.signal) / close,
    }
    values = feature_table(bars, set_of(expected)).values
    for column, name in enumerate(expected):
        assert bits(np.nan_to_num(values[:, column])) == bits(np.nan_to_num(expected[name])), name
    others = {"rsi_5": arrays.rsi(close, 5) / 100.0, "adx_4": arrays.adx(high, low, close, 4).adx / 100.0}
    values = feature_table(bars, set_of(others)).values
    for column, name in enumerate(others):  # told in per cent there: one rounding more
        assert values[:, column] == pytest.approx(others[name], rel=1e-13, nan_ok=True), name


def last_row(bars, features=HOUSE_SET, **aux):
    stream = FeatureStream(features)
    rows = pushed(stream, bars, aux)
    assert rows[-1] is not None
    return dict(zip(features.names, rows[-1].values, strict=True)), rows[-1].atr


def test_a_market_that_only_rises_by_hand():
    """Each bar opens at the last close and closes 1 % of a fixed 1,000 ticks higher, on its high, at one volume."""
    count = HOUSE_SET.warm_up
    bars = [
        at(i, open_=1_000 + 10 * i, high=1_010 + 10 * i, low=1_000 + 10 * i, close=1_010 + 10 * i) for i in range(count)
    ]
    close = 1_010 + 10 * (count - 1)
    row, atr = last_row(bars)
    for horizon in (1, 4, 16, 96):
        assert row[f"return_{horizon}"] == pytest.approx(math.log(close / (close - 10 * horizon)), abs=2e-15)
    moves = [math.log((close - 10 * k) / (close - 10 * (k + 1))) for k in range(32)]
    assert row["volatility_32"] == pytest.approx(math.sqrt(sum(m * m for m in moves) / 32), rel=1e-12)
    assert row["parkinson_32"] == pytest.approx(
        math.sqrt(sum(m * m for m in moves) / 32 / (4 * math.log(2))), rel=1e-12
    )
    assert atr == 10.0
    assert row["range_ratio_14"] == 10 / close
    assert row["atr_ratio_14"] == pytest.approx(10 / close, rel=1e-15)
    assert (row["rsi_14"], row["cutler_rsi_14"], row["adx_14"]) == (1.0, 1.0, pytest.approx(1.0))
    assert row["ema_distance_50"] == pytest.approx(close / (close - 10 * 24.5) - 1)  # it lags by (n - 1) / 2 bars
    assert row["macd_12_26"] == pytest.approx(70 / close)  # (26 - 12) / 2 bars of 10
    assert row["macd_histogram_12_26_9"] == pytest.approx(0.0, abs=1e-12)
    assert row["bollinger_20_2"] == pytest.approx(95 / (2 * 10 * math.sqrt(399 / 12)))  # of 0, 10, … 190
    assert row["volume_z_96"] == 0.0
    assert row["obv_slope_32"] == 1.0
    typical = [(2 * (close - 10 * k) + close - 10 * (k + 1)) / 3 for k in range(96)]
    assert row["vwap_distance_96"] == pytest.approx(close / (sum(typical) / 96) - 1, rel=1e-12)
    assert (row["body"], row["upper_wick"], row["lower_wick"], row["close_location"]) == (1.0, 0.0, 0.0, 1.0)


def test_volume_and_candle_by_hand():
    """95 bars trade 1 and the last 3: mean 98/96, variance 95·4/96²; of 14 moves 13 rose 10 and the last fell 30."""
    count = HOUSE_SET.warm_up
    bars = [
        at(i, open_=1_000 + 10 * i, high=1_020 + 10 * i, low=1_000 + 10 * i, close=1_010 + 10 * i)
        for i in range(count - 1)
    ]
    close = bars[-1].close
    bars.append(at(count - 1, open_=close, high=close + 10, low=close - 40, close=close - 30, volume=3 * 10**8))
    row, _ = last_row(bars)
    assert row["volume_z_96"] == pytest.approx((3 - 98 / 96) / math.sqrt(95 * 4 / 96**2), rel=1e-14)
    assert row["cutler_rsi_14"] == 130 / 160
    assert row["obv_slope_32"] == (31 - 3) / (31 + 3)
    assert (row["body"], row["upper_wick"], row["lower_wick"], row["close_location"]) == (-0.6, 0.2, 0.2, -0.6)


def test_a_market_that_stands_still_has_finite_features():
    """Bars without range, move or volume mean: no strength either way, no deviation, in the middle of nothing."""
    row, atr = last_row([at(i, open_=500, high=500, low=500, close=500, volume=0) for i in range(WARM)])
    assert atr == 0.0
    assert {name: value for name, value in row.items() if not name.startswith(("hour", "weekday"))} == {
        name: 0.5 if "rsi" in name else 0.0 for name in row if not name.startswith(("hour", "weekday"))
    }


def test_volume_without_a_move_is_on_neither_side():
    """Of 32 bars of one volume the first 16 rise; then the price stands still."""
    bars = [at(i, open_=500, high=600, low=400, close=500 + min(i, 16)) for i in range(33)]
    assert last_row(bars, set_of(["obv_slope_32"]))[0] == {"obv_slope_32": 0.5}


@pytest.mark.parametrize(
    ("day", "hours", "hour", "week"),
    [
        (4, 0, (0.0, 1.0), (0.0, 1.0)),  # 1970-01-05 was a Monday
        (4, 6, (1.0, 0.0), None),
        (4, 12, (0.0, -1.0), None),
        (5, 18, (-1.0, 0.0), (1.0, 0.0)),  # a quarter of a week later
        (7, 12, (0.0, -1.0), (0.0, -1.0)),
    ],
)
def test_hour_and_weekday_are_points_on_a_circle(day, hours, hour, week):
    """At the close, UTC: midnight and six are a quarter of a turn apart, Monday and Tuesday evening too."""
    bar = at((day * 24 + hours) * 60 - 1, open_=500, high=510, low=490, close=500)
    row, _ = last_row([bar], set_of(["hour_sine", "hour_cosine", "weekday_sine", "weekday_cosine"]))
    assert (row["hour_sine"], row["hour_cosine"]) == hour
    assert week is None or (row["weekday_sine"], row["weekday_cosine"]) == week


def test_what_stands_beside_the_bars_by_hand(make_bars):
    """A level is what was given; a change is the log of its ratio; of what is unknown or not positive there is none."""
    features = set_of(["level@fees", "change_2@fees"])
    bars, fees = make_bars(7), [1.0, 2.0, 4.0, math.nan, 0.0, 3.0, 2.0]
    values = feature_table(bars, features, {"fees": np.array(fees)}).values
    assert bits(values[:, 0]) == bits(fees)
    assert np.isnan(values[:, 1]).tolist() == [True, True, False, True, True, True, True]
    assert values[2, 1] == math.log(4.0)
    rows = pushed(FeatureStream(features), bars, {"fees": fees})
    assert [row is not None for row in rows] == [False, False, True, False, False, False, False]


def test_what_a_set_needs_beside_the_bars_must_be_there(make_bars):
    """A forgotten column is named, and so is one of another length."""
    bars = make_bars(3)
    with pytest.raises(DataError, match="btc_close"):
        feature_table(bars, CROSS_SET)
    with pytest.raises(DataError, match=r"as many values, not \(2,\)"):
        feature_table(bars, CROSS_SET, {"btc_close": np.ones(2)})
    stream = FeatureStream(CROSS_SET)
    stream.push(bars[0], {"btc_close": 1.0})
    kept = stream.checkpoint()
    with pytest.raises(DataError, match="btc_close"):
        stream.push(bars[1], {"eth_close": 1.0})
    assert stream.checkpoint() == kept  # it may be pushed again


def test_a_change_of_values_needs_a_change_of_name(make_bars):
    """Models are bound to this hash. If these numbers move, a formula changed: train again, and say so here."""
    assert MODEL_SET.name == "d29c91f753273b8447f2f5ad1954e5317ff8071c1be498ba151e1ce92392916e"
    row, atr = last_row(make_bars(120, seed=42), MODEL_SET)
    assert [round(value, 9) for value in (*row.values(), atr)] == [
        0.000720327,
        0.002139228,
        0.003988033,
        0.00087743,
        0.001544085,
        0.612383489,
        -1.297034641,
        0.802513465,
        0.896872742,
        0.44228869,
        3053.571428571,
    ]


def test_the_name_of_a_feature_set_depends_on_all_that_its_values_follow_from():
    """A model that saw other columns, the same in another order, or columns made otherwise, is another model."""
    first, second = named("return_1"), named("rsi_14")
    sets = (
        (first, second),
        (second, first),
        (first,),
        (first, named("rsi_15")),
        (first, replace(second, formula="something else")),
        (first, replace(second, warm_up=second.warm_up + 1)),
        (first, replace(second, anchor=Anchor.WINDOW)),
        (first, replace(second, parameters=(13,))),
        (first, replace(second, step=named("cutler_rsi_14").step)),
        (first, replace(second, aux="btc_close")),
    )
    assert len({FeatureSet(features=each).name for each in sets}) == len(sets)


def test_every_kind_reads_the_inputs_that_it_declares():
    """The table in the docs would lie otherwise."""
    for name, kind in KINDS.items():
        assert set(kind.step.__code__.co_names) & set(Row._fields) == set(kind.inputs), name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tomorrow_1", "no feature 'tomorrow_1'; there are return_16"),
        ("return", "is written like return_16"),
        ("return_0", r"numbers 1\.\.100,000"),
        ("return_1_2", "is written like return_16"),
        ("macd_26_12", "the first less than the second"),
        ("level", "is written like level@NAME"),
        ("rsi_14@btc", "is written like rsi_14"),
        ("RSI_14", "no feature"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_would(name, words):
    """Whoever mistypes learns what there is."""
    with pytest.raises(ConfigurationError, match=words):
        named(name)


def test_a_set_holds_each_feature_once():
    """Two columns of one name could not be told apart."""
    with pytest.raises(ConfigurationError, match="rsi_14 stands twice"):
        set_of(["rsi_14", "body", "rsi_14"])


@kernel
def _logs(values, out):
    for i in range(len(values)):
        out[i] = math.log(values[i])


def test_a_logarithm_is_the_same_at_both_speeds():
    """Both ask the machine's own library; a compiler that put in one of its own would show here first."""
    chance = np.random.default_rng(7)
    values = np.concatenate([np.exp(chance.uniform(-40, 40, 200_000)), 1.0 + chance.normal(0, 1e-4, 200_000)])
    out = np.empty_like(values)
    compiled(_logs)(values, out)
    assert bits(out) == bits([math.log(value) for value in values.tolist()])


WILD_SET = set_of(
    [
        *(
            "return_2",
            "volatility_3",
            "parkinson_3",
            "atr_ratio_3",
            "range_ratio_3",
            "rsi_3",
            "cutler_rsi_3",
            "macd_2_4",
        ),
        *("macd_histogram_2_4_2", "ema_distance_3", "bollinger_3_2", "adx_2", "volume_z_3", "obv_slope_3"),
        *("vwap_distance_3", "body", "upper_wick", "lower_wick", "close_location"),
    ]
)
BOUNDS = {
    **dict.fromkeys(("rsi_3", "cutler_rsi_3", "adx_2", "upper_wick", "lower_wick"), (0.0, 1.0)),
    **dict.fromkeys(("obv_slope_3", "body", "close_location"), (-1.0, 1.0)),
    "volume_z_3": (-1.0001 * 2**0.5, 1.0001 * 2**0.5),
    "bollinger_3_2": (-0.50005 * 2**0.5, 0.50005 * 2**0.5),
}
PRICES = st.integers(1, 10**15) | st.integers(1, 3)
WILD_BARS = st.lists(
    st.tuples(PRICES, PRICES, PRICES, PRICES, st.integers(0, 4 * 10**18) | st.just(0)), min_size=1, max_size=30
)


@given(rows=WILD_BARS)
def test_no_bar_is_wild_enough_for_a_value_out_of_bounds_or_two_answers(rows):
    """Prices of 1 to 10**15 ticks, volumes of 0 to 4e18 atoms, standing still or jumping."""
    bars = [
        at(i, open_=o, high=max(o, h, lo, c), low=min(o, h, lo, c), close=c, volume=v)
        for i, (o, h, lo, c, v) in enumerate(rows)
    ]
    values, stream = feature_table(bars, WILD_SET).values, FeatureStream(WILD_SET)
    for row, at_once in zip([stream.push(bar) for bar in bars], values, strict=True):
        assert row is None or bits(row.values) == bits(at_once)
    assert not np.isinf(values).any()
    for name, (low, high) in BOUNDS.items():
        column = values[:, WILD_SET.names.index(name)]
        assert np.all(np.isnan(column) | ((low <= column) & (column <= high))), name
