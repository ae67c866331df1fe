"""Where a run is written: a folder of its own, which appears whole; never over anything that is no run's."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from trading_system.backtest.report.folder import CONFIG, PAGE, REPORT, TABLES
from trading_system.errors import ConfigurationError

QUARANTINE: Final = "quarantine.jsonl"
"""Rows of the bars that were set aside."""
TRIALS: Final = "trials.parquet"
"""What became of each policy of a sweep."""
A_RUNS: Final = frozenset({CONFIG, REPORT, PAGE, QUARANTINE, TRIALS, *TABLES})
"""All that a run leaves."""


def check_free(out: Path) -> None:
    """Refuse a place that a run must not be written to.

    Raises:
        ConfigurationError: `out` is a file, or a folder that holds something else than a run.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ConfigurationError(f"--out {out}: is no folder; a run is written into a folder of its own")
    held = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    foreign = [name for name in held if name not in A_RUNS]
    if foreign or (held and REPORT not in held):
        what = ", ".join((foreign or held)[:3])
        raise ConfigurationError(f"--out {out}: holds {what}, which is no run's; name another folder")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `out` when all went well, and is gone when it did not.

    Raises:
        ConfigurationError: `out` is not free, see `check_free`, or nothing can be written beside it.
    """
    check_free(out)
    out = out.absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    except OSError as error:
        raise ConfigurationError(f"--out {out}: cannot be written: {error.strerror}") from error
    try:
        yield part
        part.chmod(0o777 & ~_umask())
        _exchange(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _exchange(part: Path, out: Path) -> None:
    """Put `part` in the place of `out`; between the two renames nothing stands there, and the old run is beside it."""
    if not out.exists():
        os.rename(part, out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
    os.rename(out, old)
    os.rename(part, out)
    shutil.rmtree(old)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
