"""`data check` and `data import` mean the same: what the one calls repair, flag or quarantine, the other does."""

from collections import Counter

import pytest
from tests.unit.cli.market_files import HEADER, MINUTE_MS, START_MS, rows

from trading_system.data_pipeline.bar_import import import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.normalizers.defects.kinds import Action
from trading_system.data_pipeline.normalizers.quality_files import check_file
from trading_system.utils.error_handling.quarantine import Quarantine

COUNT = 300


def with_cell(line, place, text):
    cells = line.split(",")
    cells[place] = text
    return ",".join(cells)


def swapped(lines):
    return [*lines[:100], lines[101], lines[100], *lines[102:]]


def moved(lines):
    return [*lines[:100], *lines[150:200], *lines[100:150], *lines[200:]]


def stamped(lines):
    return [with_cell(line, 0, str(START_MS + (n + 1) * MINUTE_MS - 1)) for n, line in enumerate(lines)]


def doubled(lines):
    return [line for line in lines for _ in range(2)]


def changed(place, text):
    return lambda lines: [*lines[:50], with_cell(lines[50], place, text), *lines[51:]]


CASES = {
    "clean": (list, 0),
    "two rows swapped": (swapped, 0),
    "a block of fifty moved": (moved, 0),
    "newest first": (lambda lines: lines[::-1], 0),
    "every row twice": (doubled, 0),
    "stamped a millisecond before the end": (stamped, 0),
    "a gap": (lambda lines: [*lines[:50], *lines[60:]], 0),
    "no volume": (changed(5, "0"), 0),
    "a row that contradicts": (lambda lines: [*lines, with_cell(lines[50], 5, "9.75")], 2),
    "off the grid": (changed(0, str(START_MS + 50 * MINUTE_MS + 7_000)), 1),
    "the year 2100": (changed(0, "4102444800000"), 1),
    "a low of zero": (changed(3, "0"), 1),
    "a high below the low": (changed(2, "1"), 1),
    "no number": (changed(4, "nan"), 1),
    "a word": (changed(4, "soon"), 1),
    "no time": (changed(0, "soon"), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_an_import_does_what_a_check_says(tmp_path, case):
    """Repaired rows are repaired, as many and of the same kind; no row is set aside but what a check quarantines."""
    change, aside = CASES[case]
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join([HEADER, *change(rows(COUNT))]) + "\n")
    store, quarantine = BarStore(tmp_path / "bars"), Quarantine(tmp_path / "quarantine.jsonl")
    done = import_file(path, store, quarantine, venue="binance", symbol="BTCUSDT")
    repaired: Counter[str] = Counter()
    quarantined = 0
    for defect in check_file(path).defects:
        if defect.action is Action.REPAIR:
            repaired[defect.kind.value] += defect.rows
        quarantined += defect.rows * (defect.action is Action.QUARANTINE)
    assert done.repaired == repaired
    assert (done.set_aside > 0) == (quarantined > 0)
    assert done.set_aside == aside
    kept = len(store.columns("binance", "BTCUSDT", "1m").open_ns)
    assert kept == done.new
    assert kept + done.known + done.set_aside + done.contradicted == len(path.read_text().splitlines()) - 1
    held = [row for row in quarantine.contents().rows.values() if row.state == "held"]
    assert len(held) == done.set_aside
    assert all(row.record.raw and row.record.line for row in held)
