"""No order lost, doubled, orphaned or left unprotected, wherever the engine is killed. `make prove` runs all seeds."""

from pathlib import Path

import pytest
from tests.proofs.crash import BROKEN, STEPS, Step, Trial

SEEDS = (1, 2)
FLAW_SHOWS = {
    "commits-after-sending": "entry: sent and executed, not answered",
    "resends-on-timeout": "decision durable",
    "takes-timeout-for-rejection": "decision durable",
}
"""A step at which each flaw does its harm: the first only by a kill, the others by the weather alone."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the rehearsals of this worker's seeds are kept."""
    return tmp_path_factory.mktemp("crash")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_a_killed_engine_comes_back_exact(step: Step, seed: int, folder: Path) -> None:
    """SIGKILL at the step, a new start: every order, fill and balance equals the venue's ledger."""
    outcome = await Trial(seed=seed, folder=folder).run(step)
    assert outcome.violations == (), (
        f"replay it with: python scripts/prove.py --first {seed} --seeds 1 --step '{step.name}'"
    )
    assert outcome.kills == (len(step.kills) or 1)


@pytest.mark.parametrize("flaw", BROKEN)
async def test_an_engine_with_a_flaw_is_found_out(flaw: str, folder: Path, tmp_path: Path) -> None:
    """The same trial of an engine that commits late, sends twice, or takes silence for a no, reports violations."""
    step = next(step for step in STEPS if step.name == FLAW_SHOWS[flaw])
    outcome = await Trial(seed=1, folder=tmp_path, engine=BROKEN[flaw]).run(step)
    assert outcome.violations
