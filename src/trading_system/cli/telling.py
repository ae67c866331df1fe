"""What a run tells: how far it is on a terminal, its numbers as a table for people or as JSON for machines."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from trading_system.backtest.report.findings import Findings
    from trading_system.backtest.result import Result

Tell = Callable[[str], Callable[[int, int], None] | None]
"""Told the name of each stage as it begins; returns what is to be told how much of it is done, of how much."""


@contextmanager
def stages() -> "Iterator[Tell]":
    """Show on standard error what is being done, where that is a terminal; yield what is to be told of each stage."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(name: str) -> Callable[[int, int], None]:
            progress.update(task, description=name, completed=0, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield tell


SHOWN: Final = (
    ("total_return", "held_return", "cagr", "volatility"),
    ("sharpe", "sharpe_low", "sharpe_high", "sortino", "calmar"),
    ("deflated_sharpe", "trials"),
    ("max_drawdown", "max_drawdown_s", "exposure", "turnover"),
    ("trades", "win_rate", "profit_factor", "expectancy"),
)
"""Statistics that are printed, in groups."""


def as_json(result: "Result", findings: "Findings", out: Path | None, more: Mapping[str, object]) -> str:
    """Return the run as one JSON object; `more` stands in it too."""
    told: dict[str, Any] = {
        **more,
        "command": result.command,
        "out": None if out is None else str(out),
        "trades": len(findings.trade_returns),
        "fills": len(result.fills),
        "equity": _equity(result, findings),
        "optimistic": list(result.optimistic),
        "sleeves": [{"strategy": strategy, "symbol": symbol} for strategy, symbol in result.sleeves],
        "statistics": {each.name: each.value for each in findings.statistics},
        "counts": dict(result.counts),
        "denials": dict(result.denials),
        "notes": notes(result),
        "data_sha256": {each.instrument.symbol: each.sha256 for each in result.traded},
        "config": result.config,
        "seed": result.seed,
        "code_version": result.code_version,
    }
    return json.dumps(told, allow_nan=False)


def _equity(result: "Result", findings: "Findings") -> Mapping[str, object]:
    end, held = int(result.equity_atoms[-1]) / 1e8, float(findings.held[-1])
    return {"quote": result.quote, "start": findings.start, "end": end, "held_end": held}


def notes(result: "Result") -> list[str]:
    """Return what is to be known about the bars, in sentences."""
    return [note for bars in result.config["found"]["bars"] for note in bars["notes"]]


def show(result: "Result", findings: "Findings", out: Path | None) -> None:
    """Print the run for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    names = ", ".join(f"{strategy} on {symbol}" for strategy, symbol in result.sleeves)
    console.print(f"\n[bold]{result.command}[/bold]: {names}", markup=True)
    for choice in result.optimistic:
        console.print(f"[bold yellow]optimistic[/bold yellow] {choice}")
    equity = _equity(result, findings)
    console.print(
        f"{result.quote} {equity['start']:,.2f} -> {equity['end']:,.2f}; bought and held {equity['held_end']:,.2f}"
    )
    known = {each.name: each for each in findings.statistics}
    table = Table(box=None, show_header=False, padding=(0, 2))
    for group in SHOWN:
        cells = [known[name] for name in group if name in known]
        for each in cells:
            table.add_row(each.label, written(each.value, each.unit), each.why or "")
    console.print(table)
    denied = sorted(result.denials.items(), key=lambda pair: -pair[1])
    for objection, times in denied[:3]:
        console.print(f"denied {times:,} times: {objection}")
    for note in notes(result):
        console.print(f"[dim]{note}[/dim]")
    if out is not None:
        console.print(f"report: {out / 'report.html'}")


def written(value: float | int | None, unit: str) -> str:
    """Return a statistic as it is read: fractions in per cent.

    >>> written(0.0123, "fraction"), written(None, "ratio"), written(1234, "count")
    ('1.23 %', '-', '1,234')
    """
    if value is None:
        return "-"
    if unit == "fraction":
        return f"{100.0 * value:,.2f} %"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "s":
        return f"{value / 86_400:,.1f} days"
    return f"{value:,.2f}" + ("" if unit in ("ratio", "quote") else f" {unit}")


def machine(text: str) -> None:
    """Write one JSON object to standard output, and nothing else."""
    click.echo(text)
