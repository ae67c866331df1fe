"""Cells that tell a number, as floats; what is empty is told from what cannot be read."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects.rows import Mask
from trading_system.market.columns import Floats

NOTHING: Final = ("", "nan", "null", "none", "na", "n/a", "nil", "-", "--", "nat", "inf", "-inf", "+inf", "infinity")
"""Words, in small letters, with which programs write that there is no number."""


class Numbers(NamedTuple):
    """(S,) floats, NaN where there is no number, and which cells hold something that is none."""

    values: Floats
    unreadable: Mask


def numbers(cells: pl.Series, *, decimal_comma: bool = False) -> Numbers:
    """Return the numbers in `cells`, of any type."""
    if cells.dtype == pl.String:
        return _texts(cells, decimal_comma=decimal_comma)
    try:
        values = cells.cast(pl.Float64, strict=False)
    except pl.exceptions.PolarsError:  # lists and structures are no numbers
        return Numbers(np.full(len(cells), np.nan), np.ones(len(cells), dtype=np.bool_))
    if cells.dtype.is_temporal() or cells.dtype == pl.Boolean:
        return Numbers(np.full(len(cells), np.nan), cells.is_not_null().to_numpy())
    return Numbers(values.fill_null(np.nan).to_numpy(), (values.is_null() & cells.is_not_null()).to_numpy())


def _texts(cells: pl.Series, *, decimal_comma: bool) -> Numbers:
    values = cells.cast(pl.Float64, strict=False)
    if values.null_count():
        text = cells.str.strip_chars().str.strip_chars("\"'")
        plain = text.str.replace_all(",", "." if decimal_comma else "", literal=True)
        values = pl.select(pl.coalesce(values, plain.cast(pl.Float64, strict=False))).to_series()
        empty = text.is_null() | text.str.to_lowercase().is_in(NOTHING)
        return Numbers(values.fill_null(np.nan).to_numpy(), (values.is_null() & ~empty).to_numpy())
    return Numbers(values.to_numpy(), np.zeros(len(cells), dtype=np.bool_))
