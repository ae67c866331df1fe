"""What `backtest` and `replay` have in common: read, prepare, run, report."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from trading_system.cli import telling
from trading_system.cli.telling import Tell
from trading_system.errors import ConfigurationError

if TYPE_CHECKING:
    from trading_system.backtest.assemble import Prepared
    from trading_system.backtest.result import Result
    from trading_system.backtest.run import Outcome
    from trading_system.backtest.study import Study


def run_study(
    study: "Study",
    *,
    out: Path | None,
    as_json: bool,
    command: str = "backtest",
    play: "Callable[[Study, Prepared, Tell], Outcome] | None" = None,
    more: Mapping[str, object] | None = None,
    counted: "Callable[[Result], Result] | None" = None,
    also: Callable[[Path], None] | None = None,
) -> None:
    """Run `study`, write its folder and print it.

    Args:
        study: What to run.
        out: Its folder; None to write none.
        as_json: Print JSON and nothing else.
        command: What the run is called.
        play: How it is run; compiled where it is not given.
        more: What else stands in the JSON.
        counted: Adds to the result what only a sweep knows.
        also: Writes what else stands in the folder.

    Raises:
        ConfigurationError, DataError: What is wrong with the study, its bars, or the folder.
    """
    check_out(study, out)
    with telling.stages() as tell, needed(), _folder(out) as part:
        tell("loading")
        from trading_system.backtest.assemble import prepare
        from trading_system.backtest.report.findings import findings_of
        from trading_system.backtest.report.folder import write
        from trading_system.backtest.results import result_of
        from trading_system.backtest.run_folder import QUARANTINE
        from trading_system.backtest.sources import read_all

        tell("reading bars")
        readings = read_all(study, None if part is None else part / QUARANTINE)
        tell("working out the views")
        prepared = prepare(study, readings)
        outcome = (play or _compiled)(study, prepared, tell)
        tell("working out the statistics")
        result = result_of(study, prepared, outcome, command=command)
        result = result if counted is None else counted(result)
        first = prepared.first
        del prepared, outcome  # views and decisions make room for the statistics: a gigabyte for 20,000,000 bars
        findings = findings_of(result, first=first)
        if part is not None:
            tell("writing the report")
            write(result, part, findings=findings)
            if also is not None:
                also(part)
    if as_json:
        telling.machine(telling.as_json(result, findings, out, more or {}))
    else:
        telling.show(result, findings, out)


def check_out(study: "Study", out: Path | None) -> None:
    """Refuse a folder that cannot be the run's, or none where one is needed, before any work is done.

    Raises:
        ConfigurationError: What is wrong with it.
    """
    from trading_system.backtest.run_folder import check_free

    if out is not None:
        check_free(out)
    elif study.word("on_bad_data") == "quarantine":
        raise ConfigurationError(
            "--on-bad-data quarantine needs --out DIR: rows are set aside into DIR/quarantine.jsonl"
        )


def _compiled(study: "Study", prepared: "Prepared", tell: Tell) -> "Outcome":
    from trading_system.backtest.conduct import backtested

    return backtested(study, prepared, tell("running (an update's first run compiles for a minute)"))


def _folder(out: Path | None) -> AbstractContextManager[Path | None]:
    from trading_system.backtest.run_folder import replacing

    return nullcontext() if out is None else replacing(out)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: importing makes hardly any, and a tenth of a second goes into looking."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def needed() -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"a back-test needs {error.name}: pip install {error.name}") from error
