"""A row of any source that was set aside can be read again: a person may release it, and a rule put right takes it."""

import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from trading_system.broker_connectors.binance.klines import closed, rows
from trading_system.data_pipeline.bar_import import import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.ohlcv import bars_of
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.data_pipeline.held_rows import cells_of
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.data_pipeline.second_look import Terms, released, replayed
from trading_system.market.catalog import derived
from trading_system.ports import BarRecord
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Series

START_MS, MINUTE_MS = 1_704_067_200_000, 60_000
CENTS = derived("BTCUSDT", 2, venue="binance")
ODD = 3
"""The minute whose close is half a cent, and no whole tick of a cent."""


def kline(minute: int) -> list[object]:
    """Return a row as REST and archives have it (rest-api.md, "Kline/Candlestick data")."""
    opened = START_MS + minute * MINUTE_MS
    last = "30000.505" if minute == ODD else "30000.50"
    return [opened, "30000.00", "30001.00", "29999.00", last, "1.5", opened + 59_999, "1.0", 3, "1.0", "1.0", "0"]


def brought(path: Path, folder: Path) -> None:
    """Import a file by ticks of a cent."""
    store, quarantine = BarStore(folder / "bars"), Quarantine(folder / "quarantine.jsonl")
    import_file(path, store, quarantine, venue="binance", symbol="BTCUSDT", instrument=CENTS)


def csv(folder: Path) -> None:
    """A file with a header."""
    lines = [",".join(str(cell) for cell in kline(minute)[:6]) for minute in range(9)]
    path = folder / "bars.csv"
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *lines]) + "\n")
    brought(path, folder)


def parquet(folder: Path) -> None:
    """A file of columns."""
    names = ("timestamp", "open", "high", "low", "close", "volume")
    path = folder / "bars.parquet"
    cells = [[str(cell) if place else cell for place, cell in enumerate(kline(minute)[:6])] for minute in range(9)]
    pl.DataFrame(cells, schema=list(names), orient="row").write_parquet(path)
    brought(path, folder)


def archive(folder: Path) -> None:
    """A ZIP as Binance publishes it, of twelve cells a row."""
    path = folder / "BTCUSDT-1m-2024-01.zip"
    lines = [",".join(str(cell) for cell in kline(minute)) for minute in range(9)]
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("BTCUSDT-1m-2024-01.csv", "\n".join(lines) + "\n")
    brought(path, folder)


async def passed(folder: Path, records: list[BarRecord]) -> None:
    """Let the desk's gate judge what a venue told."""
    series = Series(venue="binance", symbol="BTCUSDT", interval="1m", tick="0.01")
    gate = Gate(Quarantine(folder / "quarantine.jsonl"), source="venue", series=series)

    async def parts():
        yield Told(records=tuple(records), start_ns=0, end_ns=0)

    async for _ in bars_of(parts(), gate, symbol="BTCUSDT", start_ns=0, notice=lambda hole: None):
        pass


async def rest(folder: Path) -> None:
    """A page of history."""
    body = json.dumps([kline(minute) for minute in range(9)]).encode()
    await passed(folder, rows(body, CENTS, MINUTE_MS * 1_000_000))


async def stream(folder: Path) -> None:
    """Messages of the combined stream (web-socket-streams.md, "Kline/Candlestick Streams for UTC")."""
    frames = []
    for minute in range(9):
        names = ("t", "o", "h", "l", "c", "v", "T")
        bar = {"s": "BTCUSDT", "i": "1m", "x": True, **dict(zip(names, kline(minute), strict=False))}
        data = {"e": "kline", "E": START_MS, "s": "BTCUSDT", "k": bar}
        frames.append(json.dumps({"stream": "btcusdt@kline_1m", "data": data}).encode())
    found = [closed(frame, CENTS, "1m") for frame in frames]
    await passed(folder, [record for record in found if record is not None])


@pytest.mark.parametrize("source", [csv, parquet, archive, rest, stream], ids=lambda source: source.__name__)
@pytest.mark.parametrize("look", [partial(released, why="the venue shows it"), replayed], ids=["release", "replay"])
async def test_a_row_of_each_source_can_be_released_and_replayed(
    tmp_path: Path, source: Callable[[Path], object], look: Callable[..., list]
) -> None:
    """One close of half a cent was no whole tick; by ticks of a tenth of a cent the row is a bar, to the digit."""
    done = source(tmp_path)
    if done is not None:
        await done
    quarantine, store = Quarantine(tmp_path / "quarantine.jsonl"), BarStore(tmp_path / "bars")
    (row,) = quarantine.contents().rows.values()
    cells = cells_of(row.record)
    assert (cells["timestamp"], cells["close"]) == (str(START_MS + ODD * MINUTE_MS), "30000.505")
    (stays,) = look(quarantine, store, [row], by="ann")
    assert stays.outcome.value == "stays"
    assert "not a whole tick (the tick is 0.01)" in stays.why
    (looked,) = look(quarantine, store, [row], by="ann", terms=Terms(tick="0.001"))
    assert (looked.outcome.value, looked.why) == ("stored", "it is a bar, and stands in the store now")
    held = store.columns("binance", "BTCUSDT", "1m")
    at = held.open_ns.tolist().index((START_MS + ODD * MINUTE_MS) * 1_000_000)
    assert held.close[at] == 3_000_050_500_000
