"""`trading-system replay`: the same bars told to the live desk one by one, and compared with the back-test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trading_system.cli.studies import study_of_options, study_options

if TYPE_CHECKING:
    from trading_system.backtest.assemble import Prepared
    from trading_system.backtest.run import Outcome
    from trading_system.backtest.study import Study
    from trading_system.cli.telling import Tell

EXAMPLE = """
Example:

  trading-system replay --bars BTCUSDT.csv --strategy sma_cross --from 2024-01-01 --to 2024-02-01 --check
"""
DIFFERENT: Final = 1
"""The exit code where replay and back-test do not agree."""


class _Apart(Exception):
    """Replay and back-test do not agree."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__(differences[0])
        self.differences = differences


@click.command(epilog=EXAMPLE)
@study_options
@click.option(
    "--check", is_flag=True, help="Run the back-test too; exit code 1 and the first difference if there is one."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the run's files and its page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(check: bool, out: Path | None, as_json: bool, **options: Any) -> int:
    """Tell bars one by one to the live desk: its runner, its queue, and a simulated venue, with a journal in memory.

    Views are formed bar by bar, as they are live. It is a thousand times slower than `backtest`, and comes to the same
    orders, fills and balances, to the last bit; `--check` proves it for your bars and your strategy.
    """
    from trading_system.cli.running import run_study
    from trading_system.cli.telling import machine

    def play(study: "Study", prepared: "Prepared", tell: "Tell") -> "Outcome":
        from trading_system.backtest.agreement import differences
        from trading_system.backtest.conduct import backtested, replayed
        from trading_system.bootstrap import replay_parts

        slow = replayed(study, prepared, replay_parts(), push=True, progress=tell("telling the desk bar by bar"))
        if check:
            found = differences(backtested(study, prepared, tell("running compiled")), slow, prepared.sleeves)
            if found:
                raise _Apart(found)
        return slow

    more = {"agree": True} if check else {}
    try:
        run_study(study_of_options(**options), out=out, as_json=as_json, command="replay", play=play, more=more)
    except _Apart as apart:
        if as_json:
            import json

            machine(json.dumps({"command": "replay", "agree": False, "differences": apart.differences}))
        click.echo(f"Replay and back-test differ: {apart}", err=True)
        return DIFFERENT
    if check and not as_json:
        click.echo("Replay and back-test agree in every decision, order, fill and balance.")
    return 0
