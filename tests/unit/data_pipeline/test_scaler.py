"""The scaler: ends from the rows it is given, a word on what lies beyond them, and the way back."""

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.core_ai.training.dataset import dataset_of, split, training_rows
from trading_system.data_pipeline.normalizers.features import WARM_UP
from trading_system.data_pipeline.normalizers.scaler import BEYOND, KINDS, Scaler, fit
from trading_system.data_pipeline.normalizers.scaler_file import load, read, save, written
from trading_system.errors import ConfigurationError, DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
MODEST = st.floats(-1e100, 1e100)
ULP = np.finfo(np.float64).eps


@st.composite
def scalers(draw, beyond="clip"):
    """Return a scaler of one to four features with any finite ends."""
    pairs = draw(st.lists(st.tuples(MODEST, MODEST), min_size=1, max_size=4))
    low, high = (tuple(end) for end in zip(*(sorted(pair) for pair in pairs), strict=True))
    return Scaler(low=low, high=high, floor=low, ceiling=high, beyond=beyond)


def test_bounds_are_the_quantiles_and_the_room_around_the_range():
    """Of 100..200, a tail of 5 % leaves 105..195; with half the range as slack the model may be asked about 50..250."""
    scaler = fit(np.arange(100, 201, dtype=np.float64).reshape(-1, 1), tail=0.05, slack=0.5)
    assert (scaler.low, scaler.high) == ((105.0,), (195.0,))
    assert (scaler.floor, scaler.ceiling) == ((50.0,), (250.0,))


def test_without_a_tail_the_bounds_are_minimum_and_maximum():
    """A tail of 0 is the plain min-max scaler."""
    scaler = fit(np.array([[3.0, -1.0], [7.0, 4.0], [5.0, 0.0]]), tail=0.0)
    assert (scaler.low, scaler.high) == ((3.0, -1.0), (7.0, 4.0))


def test_the_standard_scale_is_mean_and_deviation():
    """Of 1, 1, 5, 5 the mean is 3 and the deviation 2: three of them reach from -3 to 9, and 5 is one third up."""
    rows = np.array([[1.0], [1.0], [5.0], [5.0]])
    scaler = fit(rows, kind="standard", reach=3.0)
    assert (scaler.low, scaler.high) == ((-3.0,), (9.0,))
    assert scaler.scaled(rows)[:, 0].tolist() == pytest.approx([-1 / 3, -1 / 3, 1 / 3, 1 / 3], rel=1e-15)
    assert fit(rows, kind="standard", reach=1.0, beyond="pass").scaled(np.array([[7.0]])).item() == 2.0


def test_the_robust_scale_is_median_and_quartiles_and_one_wild_row_hardly_moves_it():
    """Of 0..8 the median is 4 and the quartiles 2 and 6; a last row of a million instead of 8 changes none of them."""
    calm, wild = np.arange(9.0).reshape(-1, 1), np.array([*range(8), 1e6]).reshape(-1, 1)
    assert fit(calm, kind="robust", reach=2.0).low == (-4.0,)
    assert fit(calm, kind="robust", reach=2.0).high == (12.0,)
    assert fit(wild, kind="robust", reach=2.0).high == (12.0,)
    assert fit(wild, kind="standard").high[0] > 1e5


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_that_never_moves_says_nothing_and_comes_back(kind):
    """Every scale of it has no length: it becomes 0, and 0 becomes the value again, to the bit."""
    scaler = fit(np.full((3, 1), 0.1), kind=kind)
    assert (scaler.low, scaler.high) == ((0.1,), (0.1,))
    assert scaler.scaled(np.array([[0.1], [7.0], [math.inf]]))[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert scaler.raw(np.array([[0.0], [-1.0], [1.0]]))[:, 0].tolist() == [0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    ("value", "inside"), [(-50.0, True), (150.0, True), (-50.1, False), (150.1, False), (math.nan, False)]
)
def test_what_training_never_came_near_is_outside(value, inside):
    """The edge belongs to the inside; a NaN does not."""
    scaler = fit(np.arange(101, dtype=np.float64).reshape(-1, 1), slack=0.5)
    assert scaler.inside((value,)) is inside


@pytest.mark.parametrize("rows", [np.empty((0, 2)), np.array([[1.0, math.nan]]), np.array([[1.0, math.inf]])])
def test_rows_that_say_nothing_are_refused(rows):
    """Bounds from no rows or from an infinity would make every later value meaningless."""
    with pytest.raises(DataError, match="cannot fit a scaler"):
        fit(rows)


def test_a_range_that_no_float_holds_is_refused():
    """From -1.7e308 to 1.7e308 the span is infinite: every value would become the middle."""
    with pytest.raises(DataError, match="not possible"):
        fit(np.array([[-1.7e308], [1.7e308]]), tail=0.0)


@pytest.mark.parametrize(
    ("beyond", "wanted"), [("clip", [-1.0, -1.0, 0.0, 1.0, 1.0]), ("pass", [-3.0, -1.0, 0.0, 1.0, 2.0])]
)
def test_what_lies_beyond_is_clipped_or_passed(beyond, wanted):
    """On a scale of 10..20, the values 0, 10, 15, 20 and 25."""
    scaler = Scaler(low=(10.0,), high=(20.0,), floor=(10.0,), ceiling=(20.0,), beyond=beyond)
    values = np.array([[0.0], [10.0], [15.0], [20.0], [25.0]])
    assert scaler.scaled(values)[:, 0].tolist() == wanted
    assert math.isnan(scaler.scaled(np.array([[math.nan]])).item())


@pytest.mark.parametrize("bad", [9.999, 20.001, math.nan, math.inf])
def test_what_lies_beyond_is_refused_by_name(bad):
    """With refuse, the first such value is named, and how many there are; the ends themselves are within."""
    scaler = Scaler(low=(0.0, 10.0), high=(1.0, 20.0), floor=(0.0, 0.0), ceiling=(1.0, 50.0), beyond="refuse")
    assert scaler.scaled(np.array([[0.0, 10.0], [1.0, 20.0]])).tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    with pytest.raises(DataError, match=r"feature 1 is .*10\.0\.\.20\.0.*1 of 4 values"):
        scaler.scaled(np.array([[0.5, 15.0], [0.5, bad]]))


@given(scaler=scalers(), data=st.data())
def test_within_the_ends_the_way_back_leads_to_the_value(scaler, data):
    """But for 8 units in the last binary place of the greater end, which is what rounding may cost; see `raw`."""
    ends = list(zip(scaler.low, scaler.high, strict=True))
    values = np.array([[data.draw(st.floats(low, high)) for low, high in ends]])
    back = scaler.raw(scaler.scaled(values))
    allowed = 8 * ULP * np.maximum(np.abs(scaler.low), np.abs(scaler.high)) + np.finfo(np.float64).smallest_subnormal
    assert (np.abs(back - values) <= allowed).all()
    assert (np.abs(scaler.scaled(values)) <= 1.0).all()


@given(scaler=scalers(), policy=st.sampled_from(BEYOND))
def test_the_ends_are_met_to_the_bit_both_ways(scaler, policy):
    """Low and high become -1 and 1 and those become low and high, however odd the numbers."""
    scaler = Scaler(low=scaler.low, high=scaler.high, floor=scaler.floor, ceiling=scaler.ceiling, beyond=policy)
    low, high = np.array(scaler.low), np.array(scaler.high)
    moves = high > low
    assert scaler.scaled(low)[moves].tolist() == [-1.0] * int(moves.sum())
    assert scaler.scaled(high)[moves].tolist() == [1.0] * int(moves.sum())
    assert scaler.raw(np.full(len(low), -1.0)).tolist() == low.tolist()
    assert scaler.raw(np.full(len(low), 1.0)).tolist() == high.tolist()


@given(scaler=scalers(), first=MODEST, second=MODEST)
def test_order_is_kept(scaler, first, second):
    """A greater value never becomes a lesser one."""
    least, most = sorted((first, second))
    width = len(scaler.low)
    assert (scaler.scaled(np.full(width, least)) <= scaler.scaled(np.full(width, most))).all()


@given(
    columns=st.lists(st.tuples(FINITE, FINITE, FINITE, FINITE), min_size=1, max_size=5),
    beyond=st.sampled_from(BEYOND),
)
def test_what_is_written_reads_back_to_the_bit(columns, beyond):
    """Whatever finite numbers the ends are; the text is plain JSON."""
    spans = [[*sorted(column[:2]), *sorted(column[2:])] for column in columns]
    spans = [[low / 4, high / 4, floor / 4, ceiling / 4] for low, high, floor, ceiling in spans]  # no span overflows
    low, high, floor, ceiling = (tuple(end) for end in zip(*spans, strict=True))
    scaler = Scaler(low=low, high=high, floor=floor, ceiling=ceiling, beyond=beyond)
    names = tuple(f"f{column}" for column in range(len(columns)))
    again = read(written(scaler, names), names)
    for name in ("low", "high", "floor", "ceiling"):
        assert np.array(getattr(again, name)).tobytes() == np.array(getattr(scaler, name)).tobytes()
    assert again.beyond == beyond
    assert json.loads(written(scaler, names))["features"] == list(names)


SCALER = Scaler(low=(0.0, -1.5), high=(1.0, 2.0), floor=(-1.0, -9.0), ceiling=(2.0, 9.0), beyond="refuse")
NAMES = ("first", "second")


def test_a_saved_scaler_loads_as_it_was_and_leaves_nothing_beside_it(tmp_path):
    """Saving twice replaces the file whole."""
    path = tmp_path / "scaler.json"
    save(path, SCALER, NAMES)
    save(path, SCALER, NAMES)
    assert load(path, NAMES) == SCALER
    assert [file.name for file in tmp_path.iterdir()] == ["scaler.json"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 1', '"format": 2', "format 2"),
        ('"first"', '"other"', "wanted is one of first, second"),
        ('"first",', "", "wanted is one of first, second"),
        ('"refuse"', '"squash"', "is no scaler"),
        ("-1.5", "NaN", "is no scaler"),
        ("-1.5", "1e999", "is no scaler"),
        ("-1.5", "2.5", "from 2.5 to 2.0"),
        ("-9.0", "9.5", "from 9.5 to 9.0"),
        ("-1.5", "-1.5, 7.0", "not alike"),
        ("{", "", "is no scaler"),
    ],
)
def test_a_scaler_that_was_changed_is_refused_with_what_is_wrong(tmp_path, old, new, said):
    """The message names the file; a number out of place would scale every later value wrongly and silently."""
    text = written(SCALER, NAMES).decode()
    assert old in text
    path = tmp_path / "scaler.json"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=said) as caught:
        load(path, NAMES)
    assert str(path) in str(caught.value)


def test_a_pickle_is_never_opened(tmp_path):
    """Loading runs nothing: a pickle in the file's place is no JSON, and that is all that is found out about it."""
    path = tmp_path / "scaler.json"
    path.write_bytes(pickle.dumps({"low": [0.0]}))
    with pytest.raises(ConfigurationError, match="is no scaler"):
        load(path, NAMES)


def test_a_missing_file_and_missing_names_are_told(tmp_path):
    """Neither is a traceback."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.json", NAMES)
    with pytest.raises(DataError, match="1 names for the 2 features"):
        written(SCALER, ("first",))
    with pytest.raises(DataError, match="do not fit a scaler of 2"):
        SCALER.scaled(np.zeros((4, 3)))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_bars_after_the_training_fold_cannot_move_a_scaler(kind, seed):
    """Whatever validation and test hold, the ends fitted on training are the same to the bit."""
    bars = bars_of(1_400, seed=3)
    whole = dataset_of(bars, window=8, horizon=4)
    parts = split(whole, train_share=0.6, validation_share=0.2, embargo=4)
    known = int(whole.ends[parts.train[-1]]) + whole.horizon + 1
    other = bars_of(1_400, seed=seed + 4)  # another market altogether, on the same grid of time
    assert known > WARM_UP
    changed = dataset_of([*bars[:known], *other[known:]], window=8, horizon=4)
    again = split(changed, train_share=0.6, validation_share=0.2, embargo=4)
    assert changed.values[known:].tobytes() != whole.values[known:].tobytes()
    assert fit(training_rows(changed, again.train), kind=kind) == fit(training_rows(whole, parts.train), kind=kind)
