"""Binance's archives of bars: a ZIP for each month or day, with its SHA-256 beside it, from a folder or an address.

Below an address, and in a folder that was copied from there, `BTCUSDT-1m-2024-01.zip` lies in
`data/spot/monthly/klines/BTCUSDT/1m`; one of a day is called `BTCUSDT-1m-2024-01-31.zip` and lies below `daily`. In a
folder they may also lie side by side. A file without its `.CHECKSUM`, or that differs from it, is refused by name.

Source: binance-public-data, README.md ("Klines", "CHECKSUM"): one row is open time, open, high, low, close, volume and
six more columns, without a header; times are in milliseconds, of spot from 2025-01-01 on in microseconds.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import aiohttp
import numpy as np

from trading_system.data_pipeline.bar_checks import DAY_NS, GOOD, Columns, Kind, kind_of
from trading_system.data_pipeline.collectors.archive_rows import COLUMNS, MOST_BYTES, Rows, rows_of, unzipped
from trading_system.data_pipeline.collectors.keeping import CONTRADICTION, Keeper, Row, month_of
from trading_system.data_pipeline.collectors.spans import Span, overlap, without
from trading_system.errors import ConfigurationError, DataError, OutcomeUnknown
from trading_system.market.timestamps import NS_PER_S
from trading_system.utils.error_handling.quarantine_records import Record
from trading_system.utils.error_handling.retries import answered

Cycle = Literal["monthly", "daily"]

REASONS: Final = {Kind.UNSORTED: "it is of another time than the archive"}
"""What to say of a row in place of its kind."""
TIMELESS: Final = frozenset({Kind.CELLS, Kind.MISSING, Kind.TIME})
"""Rows of these kinds do not say when they open, or not for sure."""
TIMEOUT: Final = aiohttp.ClientTimeout(total=600.0, connect=10.0, sock_read=30.0)
TRIES: Final = 5


class Archive(NamedTuple):
    """One file: how often such are published, its name, and the time that it is of."""

    cycle: Cycle
    name: str
    span: Span


class Archives(Protocol):
    """Where archives lie."""

    async def read(self, path: str, name: str) -> bytes | None:
        """Return the content of the file `name` of the folder `path` ("data/spot/..."); None where there is none."""
        ...


class FolderArchives:
    """Archives in a folder, laid out as Binance does, or side by side.

    Raises:
        ConfigurationError: There is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigurationError(f"--archive {root}: no such folder")
        self._root = root

    async def read(self, path: str, name: str) -> bytes | None:
        """Return the content of a file."""
        for found in (self._root / path / name, self._root / name):
            if found.is_file():
                return found.read_bytes()
        return None


class WebArchives:
    """Archives below an address, laid out as Binance does."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base.rstrip("/")

    async def read(self, path: str, name: str) -> bytes | None:
        """Return the content of a file; a server that fails is asked again."""
        return await answered(lambda: self._get(f"{self._base}/{path}/{name}"), tries=TRIES)

    async def _get(self, url: str) -> bytes | None:
        try:
            async with self._session.get(url) as response:
                if response.status == 404:
                    return None
                if response.status != 200:
                    raise OutcomeUnknown(f"{url}: HTTP {response.status}")
                if (response.content_length or 0) > MOST_BYTES:
                    raise DataError(f"{url}: {response.content_length} bytes is more than any month of bars")
                return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutcomeUnknown(f"{url}: {type(error).__name__} {error}".strip()) from error


@asynccontextmanager
async def open_archives(where: str) -> AsyncIterator[Archives]:
    """Yield the archives in a folder or below an http address.

    Raises:
        ConfigurationError: There is no such folder.
    """
    if where.startswith(("http://", "https://")):
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            yield WebArchives(session, where)
        return
    yield FolderArchives(Path(where))


async def unpack(
    archives: Archives,
    missing: Sequence[Span],
    keeper: Keeper,
    *,
    done: Callable[[int], None] = lambda ns: None,
    said: Callable[[str], None] = lambda text: None,
) -> None:
    """Put the bars that archives have of `missing` into the store; what no archive has stays missing.

    A month's archive is taken where there is one, else those of its days. Each is kept before the next is read. What
    one does not have is remembered, so that no archive is read again for it.

    Args:
        archives: Where they lie.
        missing: In order of time.
        keeper: Of the series.
        done: Told how much more of the time has been dealt with, ns.
        said: Told which archives were read.

    Raises:
        DataError: One has no checksum, differs from it, or is no archive of bars; nothing of it was kept.
        OutcomeUnknown: The address does not answer.
    """
    symbol, interval = keeper.instrument.symbol, keeper.interval
    for month in _months(missing):
        whole = Archive("monthly", f"{symbol}-{interval}-{_day(month.start_ns)[:7]}.zip", month)
        if await _kept(archives, whole, missing, keeper, done, said):
            continue
        for day_ns in range(month.start_ns, month.end_ns, DAY_NS):
            day = Span(day_ns, day_ns + DAY_NS)
            if overlap(day, missing):
                part = Archive("daily", f"{symbol}-{interval}-{_day(day_ns)}.zip", day)
                await _kept(archives, part, missing, keeper, done, said)


async def _kept(
    archives: Archives,
    archive: Archive,
    missing: Sequence[Span],
    keeper: Keeper,
    done: Callable[[int], None],
    said: Callable[[str], None],
) -> bool:
    """Keep what `archive` has of `missing`; return whether there is such an archive."""
    path = f"data/spot/{archive.cycle}/klines/{keeper.instrument.symbol}/{keeper.interval}"
    content = await archives.read(path, archive.name)
    if content is None:
        return False
    check(content, await archives.read(path, f"{archive.name}.CHECKSUM"), archive.name)
    rows = rows_of(unzipped(content, archive.name), archive.name, archive.span, keeper.length_ns)
    _keep(rows, Span(missing[0].start_ns, missing[-1].end_ns), keeper, archive)
    told = [part for span in missing for part in without(span, [archive.span])]
    done(sum(end - start for start, end in missing) - sum(end - start for start, end in told))
    said(f"{archive.name}: {len(rows.raw):,} rows")
    return True


def check(content: bytes, checksum: bytes | None, name: str) -> None:
    """Refuse an archive that is not what the file beside it says.

    Raises:
        DataError: There is no such file, it is none, it is of another file, or the content differs.
    """
    if checksum is None:
        raise DataError(f"{name}: there is no {name}.CHECKSUM, so nobody knows whether it is whole")
    words = re.fullmatch(rb"([0-9a-fA-F]{64}) [ *](\S+)\s*", checksum)
    if words is None or words[2].decode(errors="replace") != name:
        raise DataError(f"{name}.CHECKSUM: is no SHA-256 of {name}: {checksum[:100]!r}")
    found, wanted = hashlib.sha256(content).hexdigest(), words[1].decode().lower()
    if found != wanted:
        raise DataError(f"{name}: its SHA-256 is {found} and should be {wanted}: fetch it anew; nothing of it was kept")


def _keep(rows: Rows, hull: Span, keeper: Keeper, archive: Archive) -> None:
    wanted = (rows.columns.open_ns >= hull.start_ns) & (rows.columns.open_ns < hull.end_ns)
    bad = np.flatnonzero(rows.verdicts != GOOD).tolist()
    good = np.flatnonzero((rows.verdicts == GOOD) & wanted)

    def record(row: int, kind: str, reason: str) -> Record:
        return Record(
            source=archive.name,
            kind=kind,
            reason=f"line {rows.lines[row]}: {reason}",
            raw=rows.raw[row],
            line=rows.lines[row],
            series=keeper.series,
            form="csv",
            columns=COLUMNS,
            open_ns=None if kind in TIMELESS else int(rows.columns.open_ns[row]),
        )

    def contradicting(said: Row, reason: str) -> Record:
        alike = np.logical_and.reduce([column == told for column, told in zip(rows.columns, said, strict=True)])
        return record(int(np.argmax(alike)), CONTRADICTION, reason)

    kinds = {row: kind_of(int(rows.verdicts[row])) for row in bad}
    keeper.refuse([record(row, kind, REASONS.get(kind, kind)) for row, kind in kinds.items()])
    keeper.keep_columns(Columns(*(column[good] for column in rows.columns)), contradicting)
    keeper.remember_archive(archive.span, hull, rows.columns.open_ns[good])


def _months(spans: Sequence[Span]) -> Iterator[Span]:
    """Yield each month that has time in common with `spans`, which are in order."""
    before_ns = -1
    for span in spans:
        at_ns = max(span.start_ns, before_ns)
        while at_ns < span.end_ns:
            month = month_of(_day(at_ns)[:7])
            yield month
            at_ns = before_ns = month.end_ns


def _day(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // NS_PER_S, tz=UTC):%Y-%m-%d}"
