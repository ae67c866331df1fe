"""Features: from the past only, the same live and in batch, and rebuilt exactly from their memory."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.features import (
    FEATURE_NAMES,
    FEATURES,
    WARM_UP,
    Atr,
    FeatureStream,
    feature_set_hash,
    feature_table,
)
from trading_system.market.bars import Bar


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


@given(count=st.integers(0, 3 * WARM_UP), seed=st.integers(0, 50))
def test_batch_and_streaming_agree_to_the_bit_on_every_prefix(make_bars, count, seed):
    """The table of the first n bars is what a stream said bar by bar, and what longer tables begin with."""
    bars = make_bars(3 * WARM_UP, seed=seed)
    stream = FeatureStream()
    told = [(stream.push(bar), stream.atr) for bar in bars[:count]]
    table, whole = feature_table(bars[:count]), feature_table(bars)
    assert table.values.tobytes() == whole.values[:count].tobytes()
    assert table.atr.tobytes() == whole.atr[:count].tobytes()
    for index, (row, atr) in enumerate(told):
        assert (row is None) == (index < WARM_UP - 1)
        assert atr == table.atr[index]
        if row is not None:
            assert row.values == tuple(table.values[index].tolist())
            assert row.atr == atr


@given(cut=st.integers(1, 299), factor=st.sampled_from([2, 3, 10]))
def test_the_future_cannot_change_the_past(make_bars, cut, factor):
    """Whatever the market does after a bar, the rows up to it are the same."""
    bars = make_bars(300)
    shocked = bars[:cut] + [scaled(bar, factor) for bar in bars[cut:]]
    told, retold = feature_table(bars), feature_table(shocked)
    assert told.values[:cut].tobytes() == retold.values[:cut].tobytes()
    assert told.atr[:cut].tobytes() == retold.atr[:cut].tobytes()


@given(last=st.integers(WARM_UP, 400), seed=st.integers(0, 20))
def test_a_row_is_rebuilt_to_the_bit_from_its_memory_alone(make_bars, last, seed):
    """A process that starts again from the last `WARM_UP` bars knows the same row and ATR."""
    bars = make_bars(400, seed=seed)
    endless, again = FeatureStream(), FeatureStream()
    rows = [endless.push(bar) for bar in bars[:last]]
    rebuilt = [again.push(bar) for bar in bars[last - WARM_UP : last]]
    assert rebuilt[-1] == rows[-1]
    assert again.atr == endless.atr


@pytest.mark.parametrize("feature", FEATURES, ids=FEATURE_NAMES)
def test_each_feature_depends_on_its_declared_memory_and_no_more(make_bars, feature):
    """A step that has seen `memory` bars answers like one that has seen everything."""
    bars = make_bars(300, seed=3)
    for last in (250, 275, 300):
        endless, again, true_range = feature.make(), feature.make(), Atr()
        pairs = [(bar, true_range.push(bar)) for bar in bars[:last]]
        values = [endless(bar, atr) for bar, atr in pairs]
        rebuilt = [again(bar, atr) for bar, atr in pairs[-feature.memory :]]
        assert rebuilt[-1] == values[-1]


@pytest.mark.parametrize("feature", [f for f in FEATURES if f.memory > 1 and f.name != "atr_ratio_14"])
def test_no_feature_declares_more_memory_than_it_has(make_bars, feature):
    """With one bar less than declared, the value differs for some bar: the number is not padded."""
    bars = make_bars(300, seed=3)
    shorter = []
    for last in range(200, 300):
        endless, again = feature.make(), feature.make()
        values = [endless(bar, 1.0) for bar in bars[:last]]
        rebuilt = [again(bar, 1.0) for bar in bars[last - feature.memory + 1 : last]]
        shorter.append(rebuilt[-1] != values[-1])
    assert any(shorter)


@pytest.mark.parametrize("hole", [1, 5])
def test_a_gap_makes_everything_cold_until_warm_again(make_bars, hole):
    """No value reaches over missing bars; ATR is 0 there, and the first row comes `WARM_UP` bars later."""
    bars = make_bars(3 * WARM_UP)
    broken = bars[: WARM_UP + 10] + bars[WARM_UP + 10 + hole :]
    stream = FeatureStream()
    rows = []
    for index, bar in enumerate(broken):
        rows.append(stream.push(bar))
        if index == WARM_UP + 10:
            assert stream.atr == 0.0
    defined = [index for index, row in enumerate(rows) if row is not None]
    assert defined[:11] == list(range(WARM_UP - 1, WARM_UP + 10))
    assert defined[11] == 2 * WARM_UP + 9
    fresh = FeatureStream()
    assert [fresh.push(bar) for bar in broken[WARM_UP + 10 :]][-1] == rows[-1]


def test_a_bar_of_another_symbol_starts_everything_afresh(make_bars):
    """Bars of two instruments in one stream never mix into one value."""
    bars = make_bars(WARM_UP + 1)
    stream = FeatureStream()
    for bar in bars[:-1]:
        row = stream.push(bar)
    assert row is not None
    assert stream.push(replace(bars[-1], symbol="ETHUSDT")) is None


def test_atr_follows_wilder_by_hand():
    """Period 3. Ranges 10, 12 (up from a close of 100 to a high of 112), 17 (down from 106 to 89): mean 13.

    Then towards 21: 13 + (21 - 13)/3 = 47/3.
    """
    atr = Atr(3)
    bars = [
        at(0, open_=100, high=104, low=96, close=98),
        at(1, open_=98, high=106, low=96, close=100),
        at(2, open_=108, high=112, low=105, close=106),
        at(3, open_=99, high=100, low=89, close=99),
        at(4, open_=99, high=110, low=89, close=95),
    ]
    assert [atr.push(bar) for bar in bars] == pytest.approx([0.0, 0.0, 0.0, 13.0, 47 / 3], rel=1e-15)


def last_row(bars):
    stream = FeatureStream()
    rows = [stream.push(bar) for bar in bars]
    assert rows[-1] is not None
    return dict(zip(FEATURE_NAMES, rows[-1].values, strict=True)), rows[-1].atr


def test_a_market_that_only_rises_by_hand():
    """Each bar opens at the last close and closes 1 % of a fixed 1,000 ticks higher, on its high, at one volume."""
    bars = [
        at(i, open_=1_000 + 10 * i, high=1_010 + 10 * i, low=1_000 + 10 * i, close=1_010 + 10 * i)
        for i in range(WARM_UP)
    ]
    close = 1_010 + 10 * (WARM_UP - 1)
    row, atr = last_row(bars)
    assert row["return_1"] == pytest.approx(math.log(close / (close - 10)), rel=1e-15)
    assert row["return_4"] == pytest.approx(math.log(close / (close - 40)), rel=1e-15)
    assert row["return_16"] == pytest.approx(math.log(close / (close - 160)), rel=1e-15)
    moves = [math.log((close - 10 * k) / (close - 10 * (k + 1))) for k in range(32)]
    assert row["volatility_32"] == pytest.approx(math.sqrt(sum(m * m for m in moves) / 32), rel=1e-14)
    assert atr == 10.0
    assert row["atr_ratio_14"] == 10 / close
    assert row["rsi_14"] == 1.0
    assert row["volume_z_96"] == 0.0
    assert row["close_location"] == 1.0


def test_volume_and_relative_strength_by_hand():
    """95 bars trade 1 and the last 3: mean 98/96, variance 95·4/96²; of 14 moves 13 rose 10 and the last fell 30."""
    bars = [
        at(i, open_=1_000 + 10 * i, high=1_020 + 10 * i, low=1_000 + 10 * i, close=1_010 + 10 * i)
        for i in range(WARM_UP - 1)
    ]
    close = bars[-1].close
    bars.append(at(WARM_UP - 1, open_=close, high=close + 10, low=close - 30, close=close - 30, volume=3 * 10**8))
    row, _ = last_row(bars)
    assert row["volume_z_96"] == pytest.approx((3 - 98 / 96) / math.sqrt(95 * 4 / 96**2), rel=1e-14)
    assert row["rsi_14"] == 130 / 160
    assert row["close_location"] == -1.0


def test_a_market_that_stands_still_has_finite_features():
    """Bars without range, move or volume mean: no strength either way, no deviation, in the middle of nothing."""
    row, atr = last_row([at(i, open_=500, high=500, low=500, close=500, volume=0) for i in range(WARM_UP)])
    assert atr == 0.0
    assert row | {"hour_sine": 0.0, "hour_cosine": 0.0} == {
        **dict.fromkeys(FEATURE_NAMES, 0.0),
        "rsi_14": 0.5,
    }


@pytest.mark.parametrize(("hours", "sine", "cosine"), [(24, 0.0, 1.0), (30, 1.0, 0.0), (36, 0.0, -1.0)])
def test_the_hour_is_a_point_on_a_circle(hours, sine, cosine):
    """Midnight, six and noon (UTC, at the close) are a quarter of a turn apart."""
    bars = [at(hours * 60 - WARM_UP + i, open_=500, high=510, low=490, close=500) for i in range(WARM_UP)]
    row, _ = last_row(bars)
    assert row["hour_sine"] == pytest.approx(sine, abs=1e-12)
    assert row["hour_cosine"] == pytest.approx(cosine, abs=1e-12)


def test_a_change_of_values_needs_a_change_of_name(make_bars):
    """Models are bound to this hash. If these numbers move, a formula changed: say so in its text, then here."""
    assert feature_set_hash() == "8f9664ba08614843809dc56b630b2c4784800681088ee3c9688bc08bc65bf6f5"
    row, atr = last_row(make_bars(WARM_UP + 7, seed=42))
    assert [round(value, 9) for value in (*row.values(), atr)] == [
        0.000720327,
        0.002139228,
        0.003988033,
        0.00087743,
        0.001518004,
        0.612383489,
        -1.297034641,
        0.802513465,
        0.896872742,
        0.44228869,
        3001.993961043,
    ]


def test_the_name_of_a_feature_set_depends_on_order_formula_and_memory():
    """A model that saw other columns, or the same in another order, is another model."""
    first, second, *_ = FEATURES
    names = {
        feature_set_hash(each)
        for each in (
            (first, second),
            (second, first),
            (first,),
            (first, replace(second, formula="something else")),
            (first, replace(second, memory=second.memory + 1)),
        )
    }
    assert len(names) == 5
