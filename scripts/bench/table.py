"""What was measured as tables: for a terminal and, the same cells, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table as RichTable
from scripts.bench.processes import Spent
from scripts.bench.turns import Measured

CENT: Final = 0.01
"""Final equities may differ by so much, quote currency: engines add up floats in another order."""

WAY: Final = {"marked": ", with equity by bar", "from bars": ", with equity, averages worked out too"}
"""What a case adds to the engine's own main one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells with a title; the first column is text, the others are numbers.

    Attributes:
        title: Heading.
        head: Names of the columns.
        rows: Cells, as printed.
        notes: Lines below it.
        failed: Whether something in it is not as it must be.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    failed: bool = False

    def markdown(self) -> str:
        """Return it as Markdown."""
        cells = [self.head, ["---", *["--:"] * (len(self.head) - 1)], *self.rows]
        lines = ["| " + " | ".join(row) + " |" for row in cells]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"### {self.title}", "", *lines, "", *notes]).rstrip() + "\n"

    def rich(self) -> RichTable:
        """Return it for a terminal."""
        table = RichTable(title=self.title, caption="\n".join(self.notes), title_justify="left", caption_justify="left")
        for number, name in enumerate(self.head):
            table.add_column(name, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table


def loops(
    title: str, measured: Sequence[Measured], bars: int, bound: Measured, ours: Measured | None, notes: Sequence[str]
) -> Table:
    """Return the table of engines that ran the same rules in memory, each beside the bound and beside ours."""
    rows = [
        (
            f"{one.engine}{WAY.get(one.case.partition(', ')[2], '')}",
            f"{min(one.rounds) * 1e3:,.2f}–{max(one.rounds) * 1e3:,.2f}",
            f"{bars / one.best / 1e6:,.2f}",
            times(one, bound),
            times(one, ours),
            "same" if same(one, bound) else f"OTHER: {one.trades:,}, {one.hash}, {one.equity:,.4f}",
            f"{one.first_s:,.2f}",
            f"{one.peak_mb:,.0f}",
        )
        for one in measured
    ]
    told = f"The same trades: {bound.trades:,}, hash {bound.hash}, final equity {bound.equity:,.4f}."
    head = ("engine", "ms, best of each round", "M bars/s", "x bound", "x ours", "trades", "first s", "peak MB")
    failed = not all(same(one, bound) for one in measured)
    return Table(title=title, head=head, rows=rows, notes=[told, *notes], failed=failed)


def wholes(title: str, spent: dict[str, Spent], notes: Sequence[str]) -> Table:
    """Return the table of whole processes."""
    rows = [
        (
            what,
            f"{min(one.wall_s):,.3f}–{max(one.wall_s):,.3f}",
            f"{min(one.cpu_s):,.3f}",
            f"{one.peak_mb:,.0f}",
            one.trades,
        )
        for what, one in spent.items()
    ]
    return Table(title=title, head=("process", "s, by round", "CPU s", "peak MB", "trades"), rows=rows, notes=notes)


def same(one: Measured, other: Measured) -> bool:
    """Return whether both made the same trades: their bars, their number, and to the cent what they came to."""
    alike = (one.trades, one.hash) == (other.trades, other.hash)
    return alike and abs(one.equity - other.equity) <= CENT


def times(one: Measured, base: Measured | None) -> str:
    """Return how many times as long as `base` it took, best against best, or a dash."""
    return "–" if base is None else f"{one.best / base.best:,.2f}"


def by_round(one: Measured, base: Measured) -> tuple[float, float]:
    """Return the least and the greatest ratio between two that were measured in the same rounds."""
    ratios = [a / b for a, b in zip(one.rounds, base.rounds, strict=True)]
    return min(ratios), max(ratios)
