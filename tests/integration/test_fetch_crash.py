"""`data fetch` killed ten times in its work; `tests/proofs/fetch_crash.py` does it as often as one likes."""

from pathlib import Path

import pytest
from tests.proofs.fetch_crash import trials

pytestmark = pytest.mark.slow


async def test_killed_ten_times_the_store_opens_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """No bar lost, none twice, none invented; the finished store equals the one of a single run, to the bit."""
    (outcome,) = await trials(10, 1, tmp_path)
    assert outcome.violations == ()
    assert outcome.kills >= 8  # now and then a process is done before its end comes
