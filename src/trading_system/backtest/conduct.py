"""A study, run: compiled, or told to the live desk bar by bar, or both."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from trading_system.backtest.assemble import Prepared
from trading_system.backtest.finish import finished
from trading_system.backtest.own_policy import blamed_on, compiling
from trading_system.backtest.run import Outcome, Progress, run
from trading_system.backtest.study import Study
from trading_system.ports import Forecaster

if TYPE_CHECKING:
    from trading_system.backtest.replay import ReplayParts

TRIED: Final = 64
"""Slices that a policy of the user's decides as ordinary Python before it is compiled."""


def backtested(study: Study, prepared: Prepared, progress: Progress | None = None) -> Outcome:
    """Return what comes of `study`, compiled.

    Raises:
        ConfigurationError: Something is out of range; the user's own policy fails, or cannot be compiled.
        ImportError: numba is not installed.
    """
    if study.own is not None:
        _try(study, prepared)
    with compiling(study.own):
        outcome = run(prepared.tape, prepared.beliefs, prepared.setup, own=prepared.own, sound=True, progress=progress)
    return finished(outcome, prepared.tape, prepared.setup, study.word("finish"))


def replayed(
    study: Study, prepared: Prepared, parts: "ReplayParts", *, push: bool, progress: Progress | None = None
) -> Outcome:
    """Return what comes of `study`, told to the live desk bar by bar.

    Args:
        study: What was chosen.
        prepared: What is run.
        parts: An empty journal and queue.
        push: Whether forecasters form the views bar by bar, as they do live, instead of the table of all views.
        progress: Told how far it is.

    Raises:
        ConfigurationError: As `replay.replay`; or the user's own policy fails.
        InvariantBroken: The desk's books and the venue's came apart.
    """
    from trading_system.backtest.replay import replay

    forecasters: dict[tuple[str, str], Forecaster] = {
        sleeve: study.strategies[sleeve.label].forecaster() for sleeve in prepared.sleeves
    }

    def told() -> Outcome:
        return replay(
            prepared.tape,
            prepared.beliefs,
            prepared.setup,
            instruments=prepared.instruments,
            sleeves=prepared.sleeves,
            parts=parts,
            own=prepared.own,
            forecasters=forecasters if push else None,
            progress=progress,
        )

    outcome = told() if study.own is None else _blamed(study, told)
    return finished(outcome, prepared.tape, prepared.setup, study.word("finish"))


def _try(study: Study, prepared: Prepared) -> None:
    """Let the user's policy decide a few bars as Python, so that its mistakes are told as Python tells them."""
    part = slice(prepared.first, prepared.first + TRIED)
    tape = prepared.tape._replace(
        **{name: column[part] for name, column in prepared.tape._asdict().items() if name != "gates"}
    )
    beliefs = prepared.beliefs._replace(**{name: table[part] for name, table in prepared.beliefs._asdict().items()})
    _blamed(study, lambda: run(tape, beliefs, prepared.setup, own=prepared.own, plain=True))


def _blamed(study: Study, play: Callable[[], Outcome]) -> Outcome:
    assert study.own is not None
    with blamed_on(study.own.path, "decide() failed"):
        return play()
