"""Binance's archives: what is in them first, then the venue for the rest; nothing that differs from its checksum."""

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from tests.integration.fetch_worlds import MINUTE_NS, exchange, fetched, minutes, rows, same, stored

from trading_system.data_pipeline.bar_store import BarStore
from trading_system.errors import DataError, OutcomeUnknown
from trading_system.market.bars import Bar
from trading_system.testnet.config import BTCUSDT
from trading_system.testnet.faults import On
from trading_system.utils.error_handling.quarantine import Quarantine

pytestmark = pytest.mark.slow

MONTHLY: Final = "data/spot/monthly/klines/BTCUSDT/1m"
DAILY: Final = "data/spot/daily/klines/BTCUSDT/1m"
DAY: Final = 1_440


def line(bar: Bar, *, unit_ns: int) -> str:
    """Return a row as the archives write it (binance-public-data, README.md, "Klines")."""
    prices = ",".join(f"{price / 100:.8f}" for price in (bar.open, bar.high, bar.low, bar.close))
    volume = f"{bar.volume_atoms // 10**8}.{bar.volume_atoms % 10**8:08d}"
    return f"{bar.open_ns // unit_ns},{prices},{volume},{bar.close_ns // unit_ns - 1},1.00000000,3,1.0,1.0,0"


def archive(folder: Path, name: str, lines: Sequence[str]) -> Path:
    """Write a ZIP of `lines` and its checksum, and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(f"{name}.csv", "\n".join(lines) + "\n")
    path = folder / f"{name}.zip"
    path.write_bytes(buffer.getvalue())
    seal(path)
    return path


def seal(path: Path) -> None:
    """Write the checksum of what lies there now."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def month(folder: Path, name: str, bars: Sequence[Bar], *, unit_ns: int = 1_000_000) -> Path:
    """Write an archive of `bars`, in milliseconds unless told otherwise."""
    return archive(folder, f"BTCUSDT-1m-{name}", [line(bar, unit_ns=unit_ns) for bar in bars])


@asynccontextmanager
async def served(folder: Path, *, broken: int = 0) -> AsyncIterator[str]:
    """Yield the address of a server of files; its first `broken` answers are 503."""
    left = broken

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal left
        if left:
            left -= 1
            return web.Response(status=503)
        path = folder / request.path.removeprefix("/")
        return web.FileResponse(path) if path.is_file() else web.Response(status=404, text="<Code>NoSuchKey</Code>")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_archives_first_then_the_venue_for_the_rest(tmp_path: Path) -> None:
    """January's first three days: a day each for two of them, the third from the venue, which is asked for no more."""
    bars = minutes(3 * DAY)
    day(tmp_path, 1, bars)
    day(tmp_path, 2, bars)
    async with exchange(bars) as testnet, served(tmp_path) as url:
        ended = await fetched(testnet, tmp_path / "bars", bars, archive=url)
        assert testnet.floor.weather.seen[On.DATA] == 2  # 1,440 bars are two pages
        assert same(stored(tmp_path / "bars"), rows(bars[:-1]))
        assert ended.told()["new"] == 3 * DAY - 1
        await fetched(testnet, tmp_path / "bars", bars, archive=f"{url}gone/")
        assert testnet.floor.weather.seen[On.DATA] == 2


def day(folder: Path, number: int, bars: Sequence[Bar]) -> Path:
    """Write the archive of a day of January 2024."""
    return month(folder / DAILY, f"2024-01-{number:02d}", bars[(number - 1) * DAY : number * DAY])


@pytest.mark.parametrize("flat", [True, False])
async def test_a_month_from_a_folder_laid_out_as_binance_does_or_flat(tmp_path: Path, flat: bool) -> None:
    """The month is taken where there is one; the days beside it are not read."""
    bars = minutes(2 * DAY)
    source = tmp_path / "archives"
    month(source if flat else source / MONTHLY, "2024-01", bars)
    (source / "BTCUSDT-1m-2024-01-01.zip").write_bytes(b"no archive")
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path / "bars", bars, archive=str(source), offline=True)
        assert testnet.floor.weather.seen[On.DATA] == 0
    assert same(stored(tmp_path / "bars"), rows(bars))
    assert ended.told()["new"] == len(bars)


async def test_times_in_microseconds_are_told_by_their_size(tmp_path: Path) -> None:
    """Spot archives have them from 2025-01-01 on: the same bars, to the bit."""
    bars = minutes(2 * DAY)
    month(tmp_path / "ms", "2024-01", bars)
    month(tmp_path / "us", "2024-01", bars, unit_ns=1_000)
    async with exchange(bars) as testnet:
        for name in ("ms", "us"):
            store = tmp_path / f"store-{name}"
            await fetched(testnet, store, bars, archive=str(tmp_path / name), offline=True)
            assert same(stored(store), rows(bars))


async def test_an_archive_with_a_header_and_windows_lines_is_read_all_the_same(tmp_path: Path) -> None:
    """Archives of futures have headers; whoever unpacked and packed them may have changed the lines."""
    bars = minutes(100)
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore"
    archive(tmp_path, "BTCUSDT-1m-2024-01", [f"{text}\r" for text in [header, *(line(b, unit_ns=10**6) for b in bars)]])
    async with exchange(bars) as testnet:
        await fetched(testnet, tmp_path / "bars", bars, archive=str(tmp_path), offline=True)
    assert same(stored(tmp_path / "bars"), rows(bars))


def truncate(path: Path) -> None:
    """Cut the end off, as a download that broke."""
    path.write_bytes(path.read_bytes()[:-100])


def unseal(path: Path) -> None:
    """Take the checksum away."""
    path.with_name(f"{path.name}.CHECKSUM").unlink()


def seal_another(path: Path) -> None:
    """Let the checksum be that of another file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  ETHUSDT-1m-2024-01.zip\n")


def no_zip(path: Path) -> None:
    """Put something else there, with a right checksum."""
    path.write_bytes(b"<html>not found</html>")
    seal(path)


def two_inside(path: Path) -> None:
    """Pack a second file."""
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("another.csv", "")
    seal(path)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (truncate, "its SHA-256 is"),
        (unseal, "there is no BTCUSDT-1m-2024-01.zip.CHECKSUM"),
        (seal_another, "no SHA-256 of BTCUSDT-1m-2024-01.zip"),
        (no_zip, "cannot be unpacked"),
        (two_inside, "should hold BTCUSDT-1m-2024-01.csv and nothing else"),
    ],
)
async def test_an_archive_that_is_not_what_it_should_be_is_refused_by_name(
    tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    """Nothing of it is kept, and the run ends: somebody must look."""
    bars = minutes(200)
    harm(month(tmp_path / MONTHLY, "2024-01", bars))
    async with exchange(bars) as testnet:
        with pytest.raises(DataError, match=words) as told:
            await fetched(testnet, tmp_path / "bars", bars, archive=str(tmp_path))
    assert "BTCUSDT-1m-2024-01.zip" in str(told.value)
    assert not list((tmp_path / "bars").glob("**/*.parquet"))


async def test_rows_that_are_no_bars_are_set_aside_with_their_line_and_asked_of_the_venue(tmp_path: Path) -> None:
    """A high below the low, a price of noise, a time off the grid, one of another month: five of a hundred."""
    bars = minutes(100)
    lines = [line(bar, unit_ns=10**6) for bar in bars]
    cells = lines[10].split(",")
    lines[10] = ",".join([cells[0], cells[1], cells[3], "999999.0", *cells[4:]])
    lines[20] = lines[20].replace(lines[20].split(",")[1], "nan", 1)
    lines[30] = lines[30].replace(lines[30].split(",")[0], str(bars[30].open_ns // 10**6 + 1), 1)
    lines[40] = lines[40].replace(lines[40].split(",")[0], str(bars[40].open_ns // 10**6 + 40 * 86_400_000), 1)
    lines[50] = lines[50].replace(lines[50].split(",")[5], "1e5", 1)
    archive(tmp_path, "BTCUSDT-1m-2024-01", lines)
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path / "bars", bars, archive=str(tmp_path))
        assert testnet.floor.weather.seen[On.DATA] == 5
    assert same(stored(tmp_path / "bars"), rows(bars[:-1]))
    assert ended.told()["unreadable"] == 5
    kept = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    kinds = [row.record.kind for row in kept]
    assert kinds == ["high below low", "not a number", "off the grid", "unsorted", "not a number"]
    assert {row.record.line: row.record.raw.decode() for row in kept} == {n + 1: lines[n] for n in (10, 20, 30, 40, 50)}


async def test_an_archive_that_contradicts_the_store_is_told(tmp_path: Path) -> None:
    """The stored bar stays; the archive's row is set aside."""
    bars = minutes(100)
    other = replace(bars[7], close=bars[7].low)
    BarStore(tmp_path / "bars").write([other], replace(BTCUSDT, venue="binance"), "1m")
    month(tmp_path, "2024-01", bars)
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path / "bars", bars, archive=str(tmp_path), offline=True)
    assert same(stored(tmp_path / "bars"), rows([*bars[:7], other, *bars[8:]]))
    assert (ended.told()["contradicting"], ended.told()["new"]) == (1, 99)
    (row,) = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    assert row.record.raw.decode() == line(bars[7], unit_ns=10**6)
    assert (row.record.source, row.record.line, row.record.kind) == ("BTCUSDT-1m-2024-01.zip", 8, "contradiction")


async def test_a_server_in_trouble_is_asked_again_and_then_named(tmp_path: Path) -> None:
    """Two 503 are lived through; a server that never answers ends the run."""
    bars = minutes(100)
    month(tmp_path / MONTHLY, "2024-01", bars)
    async with exchange(bars) as testnet:
        async with served(tmp_path, broken=2) as url:
            await fetched(testnet, tmp_path / "bars", bars, archive=url, offline=True)
        assert same(stored(tmp_path / "bars"), rows(bars))
        with pytest.raises(OutcomeUnknown, match=r"2024-01.zip.*ClientConnector"):
            await fetched(testnet, tmp_path / "other", bars, archive=url, offline=True)


async def test_what_is_read_is_told_in_json(tmp_path: Path) -> None:
    """The numbers of the run, as a machine reads them."""
    bars = minutes(100)
    month(tmp_path, "2024-01", bars)
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path / "bars", bars, archive=str(tmp_path), offline=True)
    told = json.loads(json.dumps(ended.told()))
    assert datetime.fromisoformat(told["since"]) == datetime(2024, 1, 1, tzinfo=UTC)
    assert bars[1].open_ns - bars[0].open_ns == MINUTE_NS
    assert (told["stored"], told["new"], told["quarantine"], told["interrupted"]) == (100, 100, None, False)


async def test_what_archives_do_not_have_is_not_looked_for_in_them_again_but_asked_of_the_venue(tmp_path: Path) -> None:
    """An archive lacks bars 40 to 49: offline it is read once; the venue is asked for those ten all the same."""
    bars = minutes(100)
    source = tmp_path / "archives"
    month(source, "2024-01", [*bars[:40], *bars[50:]])
    async with exchange(bars) as testnet:
        until_ns = bars[-1].close_ns
        first = await fetched(testnet, tmp_path / "bars", bars, until_ns=until_ns, archive=str(source), offline=True)
        assert (first.told()["new"], first.told()["known"]) == (90, 0)
        (source / "BTCUSDT-1m-2024-01.zip").write_bytes(b"whoever reads this fails")
        again = await fetched(testnet, tmp_path / "bars", bars, until_ns=until_ns, archive=str(source), offline=True)
        assert (again.told()["new"], again.told()["known"]) == (0, 0)
        whole = await fetched(testnet, tmp_path / "bars", bars, until_ns=until_ns, archive=str(source))
        assert (whole.told()["new"], whole.told()["known"]) == (10, 0)
    assert same(stored(tmp_path / "bars"), rows(bars))
