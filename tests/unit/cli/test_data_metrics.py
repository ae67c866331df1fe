"""`data metrics import` from the shell's point of view: vintages in any order, each with when it was received."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.market_files import Run

OF = ("--provider", "coin_metrics", "--asset", "btc")


def vintage(folder: Path, value: str) -> Path:
    """Write a file that says `value` of the first day of 2024."""
    path = folder / f"{value}.csv"
    path.write_text(f"time,TxCnt\n2024-01-01,{value}\n", encoding="utf-8")
    return path


def test_an_older_file_that_is_imported_later_says_what_was_known_before(run: Run, bare_environment: Path) -> None:
    """6 was received in March and imported first, 5 in February: in February it was 5, from March on 6."""
    for value, heard, done in (("6", "2024-03-01", "new"), ("5", "2024-02-01", "restated")):
        told = run("data", "metrics", "import", vintage(bare_environment, value), *OF, "--heard", heard, "--json")
        assert told.code == 0
        assert json.loads(told.out)[done] == 1
    for at, value in (("2024-02-29T23:59:59Z", "5"), ("2024-03-01", "6")):
        told = run("data", "metrics", "show", *OF, "--name", "TxCnt", "--at", at, "--json")
        assert [json.loads(line)["value"] for line in told.out.splitlines()] == [value]


@pytest.mark.parametrize(
    ("heard", "why"),
    [("2999-01-01", "is still to come"), ("2024-01-01T12:00:00Z", "cannot tell"), ("yesterday", "is no moment")],
)
def test_a_file_that_cannot_have_been_received_then_is_refused(
    run: Run, bare_environment: Path, heard: str, why: str
) -> None:
    """In the future; before the day that it tells of was over; at no moment: one message, and nothing is stored."""
    told = run("data", "metrics", "import", vintage(bare_environment, "6"), *OF, "--heard", heard)
    assert told.code == 2
    assert why in told.err
    assert "Traceback" not in told.err
    assert "no metrics" in run("data", "metrics", "ls").out
