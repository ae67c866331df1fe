"""What one row alone tells: numbers that are missing, not positive, or cannot be those of one bar."""

from typing import Final

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import Mask, Rows

SLACK: Final = 1e-9
"""How far, relatively, open or close may lie outside high and low: the noise of averages and of floats."""


def not_numbers(rows: Rows) -> Mask:
    """Return which readable rows lack a number: an empty cell, NaN or infinity."""
    missing: Mask = np.zeros(len(rows.time_ns), dtype=np.bool_)
    for column in rows.numbers if rows.with_volume else rows.numbers[:-1]:
        missing |= ~np.isfinite(column)
    return missing & ~rows.unreadable


def not_positive(rows: Rows) -> Mask:
    """Return which rows have a price that is zero or negative, or a negative volume."""
    lowest = np.fmin(np.fmin(rows.open, rows.high), np.fmin(rows.low, rows.close))
    with np.errstate(invalid="ignore"):
        low: Mask = (lowest <= 0) | (rows.volume < 0)
        return low


def priced(rows: Rows) -> Mask:
    """Return which rows have four prices above zero, whether or not they can be those of one bar."""
    prices = np.stack(rows.numbers[:4])
    told: Mask = np.isfinite(prices).all(axis=0) & (prices > 0).all(axis=0) & ~rows.unreadable & ~(rows.volume < 0)
    return told


def impossible(rows: Rows) -> Mask:
    """Return which rows have a high below the low, or an open or close outside them."""
    top, bottom = np.fmax(rows.open, rows.close), np.fmin(rows.open, rows.close)
    with np.errstate(invalid="ignore"):
        room = SLACK * np.abs(rows.close)
        odd: Mask = (rows.high < rows.low - room) | (top > rows.high + room) | (bottom < rows.low - room)
        return odd


def empty(rows: Rows) -> Mask:
    """Return which rows are bars in which nothing was traded: no volume, or zeros throughout."""
    zeros: Mask = (rows.open == 0) & (rows.high == 0) & (rows.low == 0) & (rows.close == 0)
    return zeros | (rows.volume == 0) if rows.with_volume else zeros
