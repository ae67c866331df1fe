"""From cells to whole ticks, atoms and nanoseconds: exact, or blamed."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_cells import MAX_TICKS, atoms_of, places_of, ticks_of, times_of
from trading_system.data_pipeline.bar_checks import GOOD, Kind, kind_of
from trading_system.errors import ConfigurationError

TICKS = ["1", "0.01", "0.05", "0.25", "0.5", "0.03", "0.00001", "0.00000001", "5", "10"]

ticks = st.lists(st.integers(1, MAX_TICKS), min_size=1, max_size=20)


def kinds(read):
    return [None if verdict == GOOD else kind_of(verdict) for verdict in read.verdicts.tolist()]


@given(counts=ticks, tick=st.sampled_from(TICKS).map(Decimal))
def test_a_price_of_whole_ticks_comes_back_exactly(counts, tick):
    """Written as the float64 nearest to it, or in decimals: k ticks are k ticks, up to the limit."""
    exact = [tick * count for count in counts]
    for cells in (pl.Series([float(price) for price in exact]), pl.Series([f"{price:f}" for price in exact])):
        read = ticks_of(cells, tick)
        assert read.values.tolist() == counts
        assert not read.verdicts.any()


@given(counts=ticks, tick=st.sampled_from(TICKS))
def test_a_price_that_another_program_computed_in_floats_comes_back_exactly(counts, tick):
    """`ticks * 0.01` is not always the float64 nearest to the price, but near enough to say which is meant."""
    assert ticks_of(pl.Series([count * float(tick) for count in counts]), Decimal(tick)).values.tolist() == counts


@given(
    count=st.integers(1, 10**11),
    tick=st.sampled_from(TICKS).map(Decimal),
    off=st.sampled_from(["0.1", "0.5", "-0.01", "0.001"]).map(Decimal),
)
def test_a_price_off_the_tick_is_found_out(count, tick, off):
    """A tenth, a half, a hundredth or a thousandth of a tick, beside up to a hundred thousand million of them."""
    read = ticks_of(pl.Series([float(tick * (count + off))]), tick)
    assert kinds(read) == [Kind.TICK]
    assert ticks_of(pl.Series([float(tick * (count + off))]), tick, whole=False).values.tolist() in (
        [[count], [count + 1]] if off == Decimal("0.5") else [[round(count + off)]]
    )


def test_text_is_read_to_the_nearest_float():
    """polars parses as Python does; the argument in the module's head rests on it."""
    texts = [f"{whole}.{part:08d}" for whole in range(0, 200_000, 997) for part in range(1, 10**8, 9_999_991)]
    assert pl.Series(texts).cast(pl.Float64).to_list() == [float(text) for text in texts]


def test_decimals_are_read_to_the_nearest_float():
    """As text is, so that a Parquet file of decimals says the same as one of floats."""
    exact = [Decimal(units).scaleb(-8) for units in range(1, 10**13, 99_999_999_977)]
    cells = pl.Series(exact, dtype=pl.Decimal(38, 8)).cast(pl.Float64)
    assert cells.to_list() == [float(price) for price in exact]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (None, Kind.MISSING),
        (float("nan"), Kind.NUMBER),
        (float("inf"), Kind.NUMBER),
        (float("-inf"), Kind.NUMBER),
        (0.0, Kind.PRICE),
        (-1.0, Kind.PRICE),
        (-0.005, Kind.PRICE),
        (1e300, Kind.LARGE),
        (0.004, Kind.TICK),
        (MAX_TICKS / 100, None),
        (MAX_TICKS / 100 + 1, Kind.LARGE),
    ],
)
def test_each_odd_price_has_its_kind(cell, kind):
    """And its neighbors are read all the same."""
    read = ticks_of(pl.Series([1.25, cell, 2.5]), Decimal("0.01"))
    assert kinds(read) == [None, kind, None]
    assert (read.values[0], read.values[2]) == (125, 250)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("", Kind.MISSING),
        ("  ", Kind.MISSING),
        ("1,5", Kind.NUMBER),
        ("abc", Kind.NUMBER),
        ("1e2", None),
        (" 7 ", None),
    ],
)
def test_each_odd_text_has_its_kind(cell, kind):
    """Spaces are nothing; what is no number is told from what is not there."""
    assert kinds(ticks_of(pl.Series(["1", cell]), Decimal("0.01"))) == [None, kind]


@pytest.mark.parametrize(
    ("cell", "atoms", "kind"),
    [
        (0.0, 0, None),
        (0.1 + 0.2, 30_000_000, None),
        (1e-9, 0, None),
        (-1e-9, 0, None),
        (-0.1, None, Kind.VOLUME),
        (4e10, 4 * 10**18, None),
        (1e11, None, Kind.LARGE),
        (float("nan"), None, Kind.NUMBER),
        (float("-inf"), None, Kind.NUMBER),
        (None, None, Kind.MISSING),
    ],
)
def test_a_volume_goes_to_the_nearest_atom(cell, atoms, kind):
    """Noise far below an atom is no fault; what is no volume is."""
    read = atoms_of(pl.Series([cell], dtype=pl.Float64))
    assert kinds(read) == [kind]
    assert atoms is None or read.values.tolist() == [atoms]


def test_long_columns_and_many_chunks_are_read_like_short_ones():
    """A fault at each end of a stretch of the loop, in a column of several chunks, is blamed on its own row."""
    prices = np.arange(1, 100_001) / 100
    faults = [0, 32_767, 32_768, 65_535, 65_536, 99_999]
    prices[faults] = np.nan
    cells = pl.concat([pl.Series(prices[:40_000]), pl.Series(prices[40_000:])], rechunk=False)
    assert cells.n_chunks() == 2
    read = ticks_of(cells, Decimal("0.01"))
    assert np.flatnonzero(read.verdicts).tolist() == faults
    good = read.verdicts == GOOD
    assert (read.values[good] == np.arange(1, 100_001)[good]).all()


@pytest.mark.parametrize(
    ("prices", "places", "least"),
    [
        ([100.0, 7.0], 0, 7.0),
        ([100.25, 7.5], 2, 7.5),
        ([0.00001234], 8, 0.00001234),
        ([100 / 3, 200.0], 9, 100 / 3),
        ([None, float("nan"), -5.0, 2.5], 1, 2.5),
        ([], 0, float("inf")),
    ],
)
def test_the_decimals_that_prices_need_are_counted(prices, places, least):
    """Nine says: more than eight. What is no price does not count."""
    assert places_of(pl.Series(prices, dtype=pl.Float64), 8) == (places, least)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2024-01-01T00:00:00+01:00", Kind.NOT_UTC),
        ("2024-01-01T00:00:00-05:30", Kind.NOT_UTC),
        ("2024-13-01", Kind.TIME),
        ("soon", Kind.TIME),
        ("1704067200000", Kind.TIME),
        ("1969-12-31T23:00:00", Kind.TIME),
        ("9999-01-01T00:00:00", Kind.TIME),
        ("2024-01-01T00:00:00.5", None),
        ("", Kind.MISSING),
        (None, Kind.MISSING),
    ],
)
def test_each_odd_time_has_its_kind(text, kind):
    """Beside times in another form, which set the form that is tried first."""
    read = times_of(pl.Series(["2024-01-01 00:00", text, "2024-01-01 02:00"]))
    assert kinds(read) == [None, kind, None]
    assert read.values[0] == 1_704_067_200_000_000_000


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pl.Series([1_704_067_200_000, None]), Kind.MISSING),
        (pl.Series([1_704_067_200_000, -1]), Kind.TIME),
        (pl.Series([1_704_067_200_000, 2**62]), Kind.TIME),
        (pl.Series([1_704_067_200_000.0, 0.5]), Kind.TIME),
        (pl.Series([1_704_067_200_000.0, float("nan")]), Kind.TIME),
        (pl.Series([1_704_067_200_000.0, None]), Kind.MISSING),
        (pl.Series(["1704067200000", "x"]), Kind.TIME),
        (pl.Series(["1704067200000", ""]), Kind.MISSING),
    ],
)
def test_each_odd_epoch_has_its_kind(cells, kind):
    """The first is read, the second is told for what it is."""
    read = times_of(pl.concat([cells[:1], cells]))
    assert kinds(read) == [None, None, kind]
    assert read.values[0] == 1_704_067_200_000_000_000


@pytest.mark.parametrize("cells", [pl.Series([True, False]), pl.Series([None, None])])
def test_a_column_that_is_no_time_is_refused(cells):
    """The type of the whole column is wrong, not one row of it."""
    with pytest.raises(ConfigurationError, match="not understood"):
        times_of(cells)


def test_a_column_that_is_no_number_is_refused():
    """Likewise for prices."""
    with pytest.raises(ConfigurationError, match="no number"):
        ticks_of(pl.Series("open", [True]), Decimal("0.01"))
