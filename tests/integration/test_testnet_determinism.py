"""The same seed and commands give the same bytes, whichever process asks."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def recorded(seed: int, hash_seed: str) -> list[str]:
    """Return what a process with this `PYTHONHASHSEED` hears: a hash over every byte, and the ledger's."""
    command = [sys.executable, "-m", "tests.unit.testnet.recording", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return run.stdout.split()


def test_two_processes_hear_the_same_bytes() -> None:
    """Two markets, orders of all kinds, lost answers and dropped streams: every answer and message is the same."""
    first = recorded(11, "1")
    assert len(first) == 2
    assert first == recorded(11, "2")
    assert first != recorded(12, "1")
