"""What a person watching sees: a few lines that move on a terminal, plain lines anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trading_system.demo.supervisor import Progress
from trading_system.market.timestamps import iso

LINE_EVERY_S: Final = 1.0
"""Least time between two plain lines of progress, seconds."""


class Screen:
    """Shows progress and events.

    Args:
        console: Where to; whether it is a terminal decides how.
        symbol, base, quote: What is traded, for the labels.
    """

    def __init__(
        self, console: Console, *, symbol: str, base: str, quote: str, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._console = console
        self._names = (symbol, base, quote)
        self._now_s = now_s
        self._started_s = now_s()
        self._told_s = -LINE_EVERY_S
        self._told_bars = -1
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the moving lines at the bottom of a terminal; elsewhere do nothing."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as self._live:
            yield
        self._live = None

    def progress(self, progress: Progress) -> None:
        """Show how far the run is; plain lines come no faster than one a second."""
        now_s = self._now_s()
        speed = progress.bars_done / max(now_s - self._started_s, 1e-9)
        if self._live is not None:
            self._live.update(self._table(progress, speed), refresh=True)
        elif now_s - self._told_s >= LINE_EVERY_S or progress.bars_done == progress.bars != self._told_bars:
            self._told_s, self._told_bars = now_s, progress.bars_done
            self._console.print(f"{iso(progress.now_ns)[:16]}Z  {self._line(progress, speed)}", highlight=False)

    def event(self, words: str, *, style: str = "bold") -> None:
        """Say that something happened; it stays on the screen."""
        self._console.print(Text(words, style=style))

    def _line(self, progress: Progress, speed: float) -> str:
        _, base, quote = self._names
        return (
            f"bar {progress.bars_done}/{progress.bars}, equity {progress.equity:,.2f} {quote}, "
            f"position {progress.position:.5f} {base}, {progress.orders} orders, {progress.fills} fills, "
            f"{speed:.0f} bars/s"
        )

    def _table(self, progress: Progress, speed: float) -> Table:
        symbol, base, quote = self._names
        table = Table.grid(padding=(0, 2))
        table.add_row(
            Text(iso(progress.now_ns)[:16].replace("T", " "), style="bold"),
            ProgressBar(total=progress.bars, completed=progress.bars_done, width=36),
            f"{progress.bars_done}/{progress.bars} bars of {symbol}, {speed:.0f} a second",
        )
        table.add_row(
            Text(f"{progress.equity:,.2f} {quote}", style="bold"),
            f"holds {progress.position:.5f} {base}",
            f"{progress.orders} orders, {progress.fills} fills, "
            + (f"engine is process {progress.pid}" if progress.pid else "no engine runs"),
        )
        return table
