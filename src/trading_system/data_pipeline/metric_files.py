"""One file of metrics: every revision of one series in one year, with a hash over all of it."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.data_pipeline.metric_history import Heard
from trading_system.data_pipeline.store_files import replace_file
from trading_system.errors import DataError
from trading_system.market.onchain import Metric

_SCHEMA: Final = {
    "source": pl.String,
    "asset": pl.String,
    "name": pl.String,
    "start_ns": pl.Int64,
    "end_ns": pl.Int64,
    "available_ns": pl.Int64,
    "revision": pl.Int64,
    "value": pl.String,
    "license": pl.String,
    "heard_ns": pl.Int64,
    "stamped_ns": pl.Int64,
}
"""The columns: the attributes of `Metric`, then those of `Heard`."""
_OF_METRIC: Final = tuple(_SCHEMA)[:-2]
_HASH: Final = "metrics_sha256"


def read_metrics(path: Path) -> list[Heard]:
    """Return what a file of the store holds, by span and revision, once its hash is checked.

    Raises:
        DataError: It is no file of the store, stands in another series' folder, or does not hold what was written.
    """
    try:
        content = path.read_bytes()  # once: the file may be replaced while we read
        promised = pl.read_parquet_metadata(io.BytesIO(content))[_HASH]
        rows = pl.read_parquet(io.BytesIO(content), columns=list(_SCHEMA)).rows()
    except (pl.exceptions.PolarsError, KeyError, OSError) as error:
        raise DataError(f"{path}: is no file of this store: {error}") from error
    if _hash(rows) != promised:
        raise DataError(f"{path}: does not hold what was written (its hash differs): delete it and fetch it again")
    place = path.parent.parts[-3:]
    if any(row[:3] != place for row in rows):
        raise DataError(f"{path}: holds {' '.join(rows[0][:3])}: put it back where it was")
    return [Heard(Metric(**dict(zip(_OF_METRIC, row[:-2], strict=True))), *row[-2:]) for row in rows]


def write_metrics(path: Path, heard: Sequence[Heard]) -> None:
    """Replace the file at `path` by `heard`, whole or not at all; the writer's lock of its folder is held."""
    rows = [(*(getattr(each.metric, name) for name in _OF_METRIC), each.heard_ns, each.stamped_ns) for each in heard]
    buffer = io.BytesIO()
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    frame.write_parquet(buffer, compression="zstd", metadata={_HASH: _hash(rows)})
    replace_file(path, buffer.getbuffer())


def _hash(rows: Sequence[tuple[object, ...]]) -> str:
    """Return a hash over every cell: each row a line, cells in the order of the columns. No cell holds a tab."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update("\t".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()
