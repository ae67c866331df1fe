"""Bars from plain CSV and Parquet files, whole columns at a time, each row checked. docs/bad-data.md says how."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from trading_system.data_pipeline import bar_checks
from trading_system.data_pipeline.bar_checks import BLANK, GOOD, Columns
from trading_system.data_pipeline.bar_tables import RawRow
from trading_system.data_pipeline.file_rows import FileRows, bad_row, rows_of_file, timeless
from trading_system.data_pipeline.reading import SHOWN, BadRow, Reading, reading_of, told
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.instruments import Instrument
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, interval_word

OnBadData = Literal["refuse", "quarantine"]


def read_columns(
    path: Path,
    *,
    instrument: Instrument | None,
    symbol: str,
    interval_ns: int | None,
    on_bad_data: OnBadData,
    quarantine: Quarantine | None = None,
    venue: str = "binance",
) -> Reading:
    """Return the bars of a CSV or Parquet file.

    Args:
        path: .csv, .csv.gz or .parquet with columns timestamp (open, UTC), open, high, low, close (quote per base)
            and volume (base units), in any order and case; others are ignored. See
            `bar_tables.TIME_NAMES` and `bar_cells.times_of` for the times.
        instrument: Whose ticks prices must be. None: the catalog's terms of `symbol` at `venue` where nearly all
            prices are whole ticks of them, else terms derived from the prices; the reading's notes say which.
        symbol: What the bars are of.
        interval_ns: Length of each bar, ns. None: the most common step between rows.
        on_bad_data: "refuse" raises at the first bad rows; "quarantine" puts them aside and uses the rest.
        quarantine: Where they are put; needed for "quarantine".

    Raises:
        ConfigurationError: The file cannot be read, is empty, lacks a column; the interval cannot be told.
        DataError: Rows are bad and to be refused, or more of them are bad than good. The first few are named.
    """
    if on_bad_data == "quarantine" and quarantine is None:
        raise ConfigurationError(f"{path}: to set bad rows aside, name a file to put them in")
    rows = rows_of_file(path, instrument=instrument, symbol=symbol, venue=venue)
    columns, verdicts = rows.columns, rows.verdicts
    if interval_ns is None:
        interval_ns = bar_checks.usual_step(columns.open_ns[verdicts == GOOD] if verdicts.any() else columns.open_ns)
    if interval_ns is None:
        _set_aside(_Words(rows), None)
        raise ConfigurationError(f"{path}: one row does not tell the interval; say how long a bar is")
    bar_checks.check_grid(columns.open_ns, interval_ns, verdicts)
    twins = bar_checks.check_order(columns, verdicts)
    bad: tuple[BadRow, ...] = ()
    notes = rows.terms.notes
    if verdicts.any():
        words = _Words(rows, interval_ns, twins)
        bad = _set_aside(words, quarantine if on_bad_data == "quarantine" else None)
        columns = Columns(*(column[verdicts == GOOD] for column in columns))
        notes += _by_kind(bad, rows.terms.instrument.symbol)
    return reading_of(columns, rows.terms.instrument, interval_ns, bad=bad, notes=notes)


class _Words(NamedTuple):
    """What is known of bad rows when they are to be told."""

    rows: FileRows
    interval_ns: int = 0
    twins: Mapping[int, int] = MappingProxyType({})


def _set_aside(words: _Words, quarantine: Quarantine | None) -> tuple[BadRow, ...]:
    """Put the bad rows into `quarantine` and return them.

    Raises:
        DataError: There is no quarantine, or more rows are bad than good.
    """
    rows, verdicts = words.rows, words.rows.verdicts
    good = int((verdicts == GOOD).sum())
    wrong = np.flatnonzero((verdicts != GOOD) & (verdicts != BLANK)).tolist()
    refused = quarantine is None or len(wrong) > good
    shown = wrong[:SHOWN] if refused else wrong
    raws = list(rows.table.rows(shown))
    bad = tuple(bad_row(row, raw, rows, words.interval_ns, words.twins) for row, raw in zip(shown, raws, strict=True))
    if wrong and refused:
        many = "" if quarantine is None else "; more are bad than good, which no quarantine repairs"
        count = f"{len(wrong)} of {len(wrong) + good} rows"
        raise DataError(
            f"{rows.path}: {count} cannot be bars of {rows.terms.instrument.symbol}{many}\n  {told(bad, len(wrong))}"
        )
    if quarantine is not None:
        quarantine.put_all(_record(row, raw, told, words) for row, raw, told in zip(shown, raws, bad, strict=True))
    return bad


def _by_kind(bad: tuple[BadRow, ...], symbol: str) -> tuple[str, ...]:
    """Return what a report should say of rows that were set aside: how many, by kind, the most frequent first."""
    counts = Counter(row.kind.value for row in bad).most_common()
    if not counts:
        return ()
    kinds = ", ".join(f"{many} {kind}" for kind, many in counts)
    return (f"{symbol}: {len(bad)} row{'' if len(bad) == 1 else 's'} set aside: {kinds}.",)


def _record(row: int, raw: RawRow, told: BadRow, words: _Words) -> Record:
    rows, instrument = words.rows, words.rows.terms.instrument
    return Record(
        source=str(rows.path),
        kind=str(told.kind),
        reason=str(told),
        raw=raw.raw,
        line=raw.line,
        series=Series(
            venue=instrument.venue,
            symbol=instrument.symbol,
            interval=interval_word(words.interval_ns),
            tick=f"{instrument.tick:f}",
        ),
        form=rows.table.form,
        columns=rows.table.columns,
        open_ns=None if timeless(row, raw, rows) else int(rows.columns.open_ns[row]),
    )
