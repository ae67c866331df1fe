"""kill -9 of `data quarantine replay` at any moment: done again, all is as if nothing had happened."""

import random
import subprocess
import sys
import time
from pathlib import Path

from trading_system.data_pipeline.bar_store import BarStore
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, State

HOUR_MS = 3_600_000
START_MS = 1_577_836_800_000
"""2020-01-01T00:00Z."""
ROWS = 8_000
"""Hours, eleven months of them: eleven files, between which a process may end."""
KILLS = 6


def passes(row: int) -> bool:
    """Return whether the row is a bar by the tick of 0.001: one in eight has too few columns, one in three a close of
    102.001 above its high of 101.001."""
    return bool(row % 8) and row % 3 < 2


def fill(folder: Path) -> Path:
    """Set bars aside for a tick that was wrong, as if a file had been read by it."""
    series = Series(venue="here", symbol="ABCUSDT", interval="1h", tick="0.001")
    Quarantine(folder / "quarantine.jsonl").put_all(
        Record(
            source="ABCUSDT.csv",
            kind="not a whole tick",
            reason=f"line {row + 2}: not a whole tick",
            raw=f"{START_MS + row * HOUR_MS},100,101.001,99,{100 + row % 3}.001,{row}\n".encode(),
            line=row + 2,
            series=series,
            form="csv",
            columns=("timestamp", "open", "high", "low", "close", "volume") if row % 8 else ("timestamp", "open"),
        )
        for row in range(ROWS)
    )
    return folder


def replay(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trading_system", "data", "quarantine", "replay", "--store", "bars", "--json"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def months(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "bars/here/ABCUSDT/1h").glob("*.parquet"))}


def test_a_replay_killed_at_any_moment_is_finished_by_the_next(tmp_path):
    """Six kills spread over the time that it takes: the store opens after each, and ends like the other to the byte."""
    (tmp_path / "one_go").mkdir()
    (tmp_path / "killed").mkdir()
    whole = fill(tmp_path / "one_go")
    began = time.monotonic()
    assert replay(whole).wait() == 0
    took_s = time.monotonic() - began
    killed, chance = fill(tmp_path / "killed"), random.Random(4)
    for kill in range(KILLS):
        process = replay(killed)
        try:
            process.wait(timeout=took_s * (kill + 1 + chance.random()) / (KILLS + 1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if months(killed):
            BarStore(killed / "bars").columns("here", "ABCUSDT", "1h")  # raises where a file is not what was written
        found = Quarantine(killed / "quarantine.jsonl").contents()
        assert len(found.rows) == ROWS
    assert replay(killed).wait() == 0
    assert months(killed) == months(whole)
    ends = [
        {key: row.state for key, row in Quarantine(folder / "quarantine.jsonl").contents().rows.items()}
        for folder in (killed, whole)
    ]
    assert ends[0] == ends[1]
    assert list(ends[0].values()).count(State.REPLAYED) == sum(passes(row) for row in range(ROWS))
