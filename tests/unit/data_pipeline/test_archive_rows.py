"""Rows of archives: each by itself, with its own line, whatever stands beside it."""

from trading_system.data_pipeline.bar_checks import GOOD, Kind, kind_of
from trading_system.data_pipeline.collectors.archive_rows import COLUMNS, Rows, rows_of
from trading_system.data_pipeline.collectors.spans import Span

EVER = Span(0, 2**63 - 1)
MINUTE_NS = 60_000_000_000


def line(minute: int, more: str = "") -> str:
    """Return a row of twelve cells, and more."""
    return f"{1_704_067_200_000 + minute * 60_000},10.5,11,9,10,1,{1_704_067_259_999 + minute * 60_000},1,2,3,4,0{more}"


def read(*lines: str) -> Rows:
    """Return the rows of an archive."""
    return rows_of("\n".join(lines).encode(), "archive.zip", EVER, MINUTE_NS)


def bad(rows: Rows) -> dict[int, Kind]:
    """Return what is wrong, by line."""
    return {
        rows.lines[place]: kind_of(verdict) for place, verdict in enumerate(rows.verdicts.tolist()) if verdict != GOOD
    }


def test_a_row_with_a_cell_more_or_less_is_set_aside_and_the_others_are_read() -> None:
    """A decimal comma shifts every cell behind it; a cut row lacks what we do not read, but nobody knows where."""
    rows = read(line(0), line(1, ",5"), line(2), line(3).removesuffix(",4,0"), line(4))
    assert bad(rows) == {2: Kind.CELLS, 4: Kind.MISSING}
    assert rows.columns.close[[0, 2, 4]].tolist() == [10 * 10**8] * 3


def test_the_first_row_does_not_tell_how_many_cells_the_others_have() -> None:
    """Most rows do."""
    for first in (line(0, ",5"), line(0).removesuffix(",4,0"), "1704067200000,1"):
        assert list(bad(read(first, *(line(minute) for minute in range(1, 5))))) == [1]


def test_lines_are_counted_with_blank_ones_and_the_header() -> None:
    """The line that is told is the line that an editor shows."""
    rows = read("open_time,open,high,low,close,volume,a,b,c,d,e,f", line(0), "", "", line(1).replace(",11,", ",x,"))
    assert rows.lines == [2, 5]
    assert bad(rows) == {5: Kind.NUMBER}


def test_the_cells_have_names_all_twelve() -> None:
    """Without a name for each, a row could not be read again: too many cells."""
    assert len(COLUMNS) == len(set(COLUMNS)) == line(0).count(",") + 1
