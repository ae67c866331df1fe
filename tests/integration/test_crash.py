"""No order lost, doubled, orphaned or left unprotected, wherever the engine is killed. `make prove` runs all seeds."""

from pathlib import Path

import pytest
from tests.proofs.crash import BROKEN, FLAWS, Trial, reached
from tests.proofs.steps import STEPS, Step

SEEDS = (1, 2)
QUIET = "bar: a decision to wait durable"
FLAW_SHOWS = {
    "commits-after-sending": (1, QUIET),
    "resends-on-timeout": (1, QUIET),
    "takes-timeout-for-rejection": (1, QUIET),
    "takes-not-found-for-final": (6, "bar: heard, a decision to wait not written"),
    "recovers-without-asking": (1, "stop: its fill heard, not written"),
    "reconnects-without-asking": (1, QUIET),
}
"""A seed and a step at which each flaw does its harm. Most do it in bad weather, wherever the process ends; who does
not ask does it only where a stop filled while nobody listened."""
MORE_SEEDS = range(1, 9)
"""Tried where that seed's weather has changed: a flaw must show in one of them."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the rehearsals of this worker's seeds are kept."""
    return tmp_path_factory.mktemp("crash")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_a_killed_engine_comes_back_exact(step: Step, seed: int, folder: Path) -> None:
    """SIGKILL at the step, a new start: every order, fill and balance equals the venue's ledger."""
    outcome = await reached(step, seed, folder)
    assert outcome.violations == (), (
        f"replay it with: python scripts/prove.py --first {outcome.seed} --seeds 1 --step '{step.name}'"
    )
    assert outcome.kills == (len(step.kills) or 1)


@pytest.mark.parametrize("flaw", FLAWS)
async def test_an_engine_with_a_flaw_is_found_out(flaw: str, tmp_path: Path) -> None:
    """The same trial of an engine that commits late, sends twice, or does not ask where it must, reports violations."""
    first, name = FLAW_SHOWS[flaw]
    step = next(step for step in STEPS if step.name == name)
    for seed in (first, *(seed for seed in MORE_SEEDS if seed != first)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = await Trial(seed=seed, folder=folder, engine=BROKEN[flaw]).run(step)
        if outcome.violations:
            return
    pytest.fail(f"an engine that {flaw} passed for sound with every seed")
