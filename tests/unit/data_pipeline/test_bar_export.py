"""Bars as a plain file: exact, in no more digits than they need."""

import numpy as np
import polars as pl
import pytest

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_export import export
from trading_system.errors import ConfigurationError

BARS = Columns(
    *(
        np.array(column)
        for column in (
            [1_704_067_200_000_000_000, 1_704_067_260_000_000_000],
            [10_000_000_000, 10_000_000_000],
            [10_012_500_000, 10_000_000_001],
            [9_900_000_000, 10_000_000_000],
            [10_010_000_000, 10_000_000_000],
            [2**62, 0],
        )
    )
)
FLAGS = np.array([0, 0x8001], dtype=np.uint16)


def test_a_csv_has_as_many_digits_as_the_series_needs(tmp_path):
    """One high of 100.00000001 makes eight of every price; the volumes need none of their own beyond theirs."""
    export(BARS, FLAGS, tmp_path / "bars.csv")
    assert (tmp_path / "bars.csv").read_text().splitlines() == [
        "timestamp,open,high,low,close,volume,flags",
        "1704067200000,100.00000000,100.12500000,99.00000000,100.10000000,46116860184.27387904,0",
        "1704067260000,100.00000000,100.00000001,100.00000000,100.00000000,0.00000000,32769",
    ]
    export(Columns(*(column[:1] for column in BARS)), FLAGS[:1], tmp_path / "bars.csv")
    assert (
        (tmp_path / "bars.csv").read_text().splitlines()[1].startswith("1704067200000,100.000,100.125,99.000,100.100,")
    )


def test_a_parquet_has_decimals_of_eight_places(tmp_path):
    """One type for every series, so that files can be read together."""
    export(BARS, FLAGS, tmp_path / "bars.parquet")
    frame = pl.read_parquet(tmp_path / "bars.parquet")
    assert frame.schema["close"] == frame.schema["volume"] == pl.Decimal(38, 8)
    assert [str(value) for value in frame["volume"]] == ["46116860184.27387904", "0E-8"]


def test_a_file_of_another_kind_is_refused_and_nothing_left_behind(tmp_path):
    """By the end of its name."""
    with pytest.raises(ConfigurationError, match=r"end in \.csv, \.parquet"):
        export(BARS, FLAGS, tmp_path / "bars.xlsx")
    assert list(tmp_path.iterdir()) == []
