"""A table of features as a Parquet file."""

import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from trading_system.data_pipeline.normalizers.features.batch import FeatureTable
from trading_system.data_pipeline.normalizers.features.feature import FeatureSet
from trading_system.data_pipeline.store_files import replace_file
from trading_system.market.columns import BarColumns
from trading_system.market.timestamps import NS_PER_MS


def write_table(
    path: Path, bars: BarColumns, features: FeatureSet, table: FeatureTable, words: Mapping[str, str]
) -> None:
    """Write `table` to `path`, whole or not at all.

    Columns: timestamp (open of the bar, UTC, ms), the features in their order, atr (ticks); null where undefined.

    Args:
        path: Of the file; its folder is there.
        bars: That the table is of.
        features: Its columns.
        table: As `feature_table` gives it.
        words: Go into the file's metadata.

    Raises:
        OSError: It cannot be written there; what was there is still there.
    """
    opened = (bars.close_ns - bars.interval_ns) // NS_PER_MS
    columns = {name: table.values[:, column] for column, name in enumerate(features.names)}
    frame = pl.DataFrame({"timestamp": opened} | columns | {"atr": table.atr})
    frame = frame.with_columns(pl.col(*features.names).fill_nan(None), pl.col("atr").replace(0.0, None))
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", metadata=dict(words))
    replace_file(path, content.getbuffer())
