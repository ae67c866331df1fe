"""Tables at rest: rows by series and month, each once, added to and never changed."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import DTypeLike, NDArray

from trading_system.data_pipeline.store_files import (
    StoredFile,
    Values,
    described,
    flush,
    month_file,
    one_writer,
    read_month,
    staged,
)
from trading_system.data_pipeline.store_manifest import MANIFEST, MONTHS, lost, months_of, refresh, refuse_losses
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.timestamps import NS_PER_S

_THREADS: Final = 4
"""Files unpacked and hashed side by side; polars and hashlib leave the interpreter alone meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the files of a store are made of.

    Attributes:
        rows: What they are called.
        name: What the parts of a series' name are, each a folder below the root.
        schema: Its version: raise it with every change of what follows.
        columns: Each with its type, in the order in which they are stored.
        time: The column of times, UTC ns, by which rows go to months.
        key: The column that names a row, by which rows are sorted.
    """

    rows: str
    name: tuple[str, ...]
    schema: int
    columns: Mapping[str, DTypeLike]
    time: str
    key: str


class Listed(NamedTuple):
    """What the files of a series say of themselves, oldest first, and what is wrong with others, each in a sentence."""

    files: list[StoredFile]
    faults: list[str]


class Appended(NamedTuple):
    """What became of rows that were offered.

    Attributes:
        new: How many were added.
        known: How many were there already, or stood among those offered before.
        contradicted: (C,) positions of those that say otherwise than what is stored, rising; they are not written.
    """

    new: int
    known: int
    contradicted: NDArray[np.intp]


Counts = Callable[[Values], Mapping[str, int]]
"""Counts what a file is to tell besides its rows."""


class TableStore:
    """Rows under `root`/series…/YYYY-MM.parquet, sorted, each once, and a manifest beside them.

    `store_files` says how a file is replaced, `store_manifest` what is the truth. Parts of a series' name become
    folders; what a file system would take for something else ("BTC/USDT") is written as in a URL.
    """

    def __init__(self, root: Path, layout: Layout) -> None:
        self.root = root
        self._layout = layout

    def folder(self, series: tuple[str, ...]) -> Path:
        """Return where the months of `series` are.

        Raises:
            ConfigurationError: A part of the name is empty, or no name.
        """
        if not all(part.strip(". ") for part in series):
            raise ConfigurationError(f"{'/'.join(series)!r} is no name of a series")
        return self.root.joinpath(*(quote(part, safe=" ") for part in series))

    def append(self, values: Values, series: tuple[str, ...], counts: Counts) -> Appended:
        """Add rows in any order. A row already there changes nothing; one that contradicts it is not written.

        Other writers of the series are waited for. Whoever is killed has added whole months, the oldest first.

        Args:
            values: The layout's columns.
            series: Whose rows they are.
            counts: What each file is to tell besides its rows.

        Raises:
            DataError: A file that is there cannot be believed.
            OSError: The disk is full or does not allow it.
        """
        layout = self._layout
        values = {name: np.asarray(values[name], dtype=kind) for name, kind in layout.columns.items()}
        months = values[layout.time].astype("datetime64[ns]").astype("datetime64[M]")
        if not len(months):
            return Appended(0, 0, np.empty(0, dtype=np.intp))
        folder = self.folder(series)

        def merge(month: np.datetime64) -> tuple[Path, _Merged, Path | None]:
            rows, path = np.flatnonzero(months == month), folder / f"{month}.parquet"
            stored = self._read(path, series) if path.exists() else None
            merged = _merged(stored, {name: column[rows] for name, column in values.items()}, layout)
            merged = merged._replace(contradicted=rows[merged.contradicted])
            if not merged.new:
                return path, merged, None
            content = month_file(merged.values, _about(merged.values, series, path, layout, counts))
            return path, merged, staged(path, content)

        new, contradicted = 0, [np.empty(0, dtype=np.intp)]
        with one_writer(folder), ThreadPoolExecutor(_THREADS) as pool:
            for path, merged, written in pool.map(merge, np.unique(months)):
                if written is not None:  # the oldest first: who reads meanwhile sees no gap that is none
                    os.replace(written, path)
                new += merged.new
                contradicted.append(merged.contradicted)
            if new:
                flush(folder)  # before the manifest names them
            refresh(folder, _name(series))
        against = np.sort(np.concatenate(contradicted))
        return Appended(new, len(months) - new - len(against), against)

    def load(self, series: tuple[str, ...], start_ns: int = 0, end_ns: int | None = None) -> Values:
        """Return the rows with `start_ns` <= time < `end_ns`, sorted; the arrays are the caller's own.

        Raises:
            ConfigurationError: There is no such series, or none of it lies in the span.
            DataError: A file is lost, or does not hold what its hash says.
        """
        layout, folder = self._layout, self.folder(series)
        first, last = _month(start_ns), "9999-12" if end_ns is None else _month(end_ns)
        refuse_losses(folder, first, last)
        there = months_of(folder)
        if not there:
            raise ConfigurationError(f"no {layout.rows} of {' '.join(series[1:])} under {folder}")
        paths = [path for path in there if first <= path.stem <= last]
        with ThreadPoolExecutor(_THREADS) as pool:
            months = list(pool.map(lambda path: self._within(path, series, start_ns, end_ns), paths))
            months = [month for month in months if len(month[layout.time])]
            if not months:
                raise ConfigurationError(f"no {layout.rows} of {' '.join(series[1:])} under {folder} in that span")
            joined = pool.map(lambda name: np.concatenate([month[name] for month in months]), layout.columns)
            return dict(zip(layout.columns, joined, strict=True))

    def series(self) -> Iterator[tuple[tuple[str, ...], list[StoredFile]]]:
        """Yield the name of each series with what its files say of themselves, oldest first.

        Raises:
            DataError: A file is none of the store, or lies where it does not belong.
        """
        for name, listed in self.listed():
            if listed.faults:
                raise DataError(listed.faults[0])
            if listed.files:
                yield name, listed.files

    def listed(self) -> Iterator[tuple[tuple[str, ...], Listed]]:
        """Yield what `series` does, with what is wrong instead of an error; also where nothing but a manifest is left.

        Rows are not read: what a file says of itself is believed, if it lies where it says that it belongs.
        """
        place = "/".join(["*"] * len(self._layout.name))
        found = [path.parent for end in (MONTHS, MANIFEST) for path in self.root.glob(f"{place}/{end}")]
        for folder in sorted(set(found)):
            name = tuple(unquote(part) for part in folder.relative_to(self.root).parts)
            files, faults = [], []
            for path in months_of(folder):
                try:
                    files.append(self._described(path, name))
                except DataError as error:
                    faults.append(str(error))
            gone = ", ".join(f"{about.month} ({about.rows:,} rows)" for about in lost(folder))
            if gone:
                faults.append(f"files that were written are gone: {gone}")
            yield name, Listed(files, faults)

    def _described(self, path: Path, series: tuple[str, ...]) -> StoredFile:
        about = described(path)
        told = f"{about.series} {about.month} in schema {about.schema}"
        asked = f"{_name(series)} {path.stem} in schema {self._layout.schema}"
        if told != asked:
            raise DataError(f"{path}: holds {told}, not {asked}: put it back where it was, or import its source again")
        return about

    def _within(self, path: Path, series: tuple[str, ...], start_ns: int, end_ns: int | None) -> Values:
        values = self._read(path, series)
        times = values[self._layout.time]
        begin = int(np.searchsorted(times, start_ns))
        end = None if end_ns is None else int(np.searchsorted(times, end_ns))
        return {name: column[begin:end] for name, column in values.items()}

    def _read(self, path: Path, series: tuple[str, ...]) -> Values:
        return read_month(path, series=_name(series), schema=self._layout.schema)


def _name(series: tuple[str, ...]) -> str:
    return "/".join(quote(part, safe=" ") for part in series)


def _month(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // NS_PER_S, tz=UTC):%Y-%m}"


def _about(values: Values, series: tuple[str, ...], path: Path, layout: Layout, counts: Counts) -> StoredFile:
    times = values[layout.time]
    return StoredFile(
        series=_name(series),
        month=path.stem,
        schema=layout.schema,
        rows=len(times),
        first_ns=int(times[0]),
        last_ns=int(times[-1]),
        counts=counts(values),
    )


class _Merged(NamedTuple):
    values: Values
    new: int
    contradicted: NDArray[np.intp]


def _merged(stored: Values | None, offered: Values, layout: Layout) -> _Merged:
    """Return stored and offered rows as one: of rows with one key the first stays, the stored before the offered."""
    before = 0 if stored is None else len(stored[layout.key])
    both = offered if stored is None else {name: np.concatenate((stored[name], offered[name])) for name in offered}
    keys = both[layout.key]
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = ranked[1:] != ranked[:-1]
    keeper = order[np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))]
    again, kept = order[~first], keeper[~first]
    differs = np.logical_or.reduce([column[again] != column[kept] for column in both.values()])
    stays = order[first]
    if layout.time != layout.key:
        stays = stays[np.argsort(both[layout.time][stays], kind="stable")]
    values = {name: column[stays] for name, column in both.items()}
    return _Merged(values, len(stays) - before, np.sort(again[differs]) - before)
