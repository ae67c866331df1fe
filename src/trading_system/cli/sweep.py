"""`trading-system sweep`: every combination of ranges, and the best of them with what it is worth."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trading_system.cli.studies import asked_of_options, study_options

if TYPE_CHECKING:
    from trading_system.backtest.result import Result
    from trading_system.backtest.trials import Trials

EXAMPLE = """
Example:

  trading-system sweep --bars BTCUSDT.csv --strategy sma_cross --set fast=5..50:5 --set slow=60,120 --out runs/sweep
"""
YEAR_NS: Final = 365.25 * 86_400e9
SHOWN: Final = 10
"""Trials that are printed."""


@click.command(epilog=EXAMPLE)
@study_options
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the best run, and all trials.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
def command(out: Path | None, as_json: bool, **options: Any) -> None:
    """Try every combination of ranges, in one pass over the bars for all policies, on all cores.

    A range is FIRST..LAST:STEP or a list with commas. The trial with the best Sharpe ratio is run again and reported,
    with its deflated Sharpe ratio, the probability of back-test overfitting, and the number of trials: the more were
    tried, the less the best of them means.
    """
    from tempfile import TemporaryDirectory

    from trading_system.cli import telling
    from trading_system.cli.running import check_out, needed, run_study

    asked, sources, own = asked_of_options(**options)
    with telling.stages() as tell, needed(), TemporaryDirectory() as aside:
        from trading_system.backtest.run_folder import QUARANTINE
        from trading_system.backtest.sources import read_all
        from trading_system.backtest.trials import grid_of, tried

        grid = grid_of(asked, sources, own)
        first = grid.studies[0]
        check_out(first, out)
        tell("reading bars")
        readings = read_all(first, Path(aside) / QUARANTINE)  # they are read again for the report, which keeps them
        trials = tried(grid, own, readings, tell("trying (an update's first run compiles for a minute)"))
    per_year = YEAR_NS / readings[0].bars.interval_ns

    def counted(result: "Result") -> "Result":
        return replace(
            result,
            config={**result.config, "sweep": _config(trials) | {"impossible": grid.impossible}},
            trials=len(trials.studies),
            trial_sharpes=trials.sharpes,
            pbo=trials.pbo,
        )

    run_study(
        trials.studies[trials.best],
        out=out,
        as_json=as_json,
        command="sweep",
        counted=counted,
        more={"sweep": _summary(trials, per_year) | {"impossible": grid.impossible}} if as_json else None,
        also=lambda folder: _write(trials, per_year, folder),
    )
    if not as_json:
        _show(trials, per_year)
        if grid.impossible:
            click.echo(f"{grid.impossible:,} combinations cannot be and were left out; the first: {grid.because}")


def _config(trials: "Trials") -> dict[str, Any]:
    """Return what the configuration of the best run says of the others."""
    varied = {
        name: sorted({row[place] for row in trials.values}, key=lambda text: (len(text), text))
        for place, name in enumerate(trials.names)
    }
    return {"trials": len(trials.studies), "varied": varied, "best": _named(trials, trials.best)}


def _named(trials: "Trials", n: int) -> dict[str, str]:
    return dict(zip(trials.names, trials.values[n], strict=True))


def _order(trials: "Trials") -> list[int]:
    return sorted(range(len(trials.studies)), key=lambda n: (-trials.sharpes[n], n))


def _summary(trials: "Trials", per_year: float) -> dict[str, Any]:
    """Return the sweep for machines: the best few, and what choosing among them costs."""
    return _config(trials) | {
        "pbo": trials.pbo,
        "top": [
            {
                "set": _named(trials, n),
                "sharpe": float(trials.sharpes[n]) * per_year**0.5,
                "total_return": float(trials.returns[n]),
                "max_drawdown": float(trials.falls[n]),
                "fills": int(trials.swept.fills[n]),
            }
            for n in _order(trials)[:SHOWN]
        ],
    }


def _write(trials: "Trials", per_year: float, folder: Path) -> None:
    import polars as pl

    from trading_system.backtest.trials import table_of

    pl.DataFrame(table_of(trials, per_year)).write_parquet(folder / "trials.parquet", compression="zstd")


def _show(trials: "Trials", per_year: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        *trials.names, "Sharpe", "return", "deepest fall", "fills", title=f"The best of {len(trials.studies):,}"
    )
    for n in _order(trials)[:SHOWN]:
        table.add_row(
            *trials.values[n],
            f"{trials.sharpes[n] * per_year**0.5:.2f}",
            f"{100 * trials.returns[n]:,.2f} %",
            f"{100 * trials.falls[n]:.2f} %",
            f"{trials.swept.fills[n]:,}",
        )
    console = Console(highlight=False)
    console.print(table)
    if trials.pbo is None:
        console.print("Too few trials, or too little time, to tell the probability of back-test overfitting.")
    else:
        console.print(f"Probability of back-test overfitting: {100 * trials.pbo:.0f} % (50 % is chance).")
