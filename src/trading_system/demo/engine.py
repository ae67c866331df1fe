"""The engine as a process of its own: started, watched, killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trading_system.errors import ConfigurationError, InvariantBroken

TAIL: Final = 12
"""Lines of what a dead engine said last that are shown."""


class Engine:
    """`trading-system paper`, run again under the same arguments each time it is started.

    Args:
        arguments: What follows `trading-system paper`.
        secrets: Key and secret of the exchange.
        errors: File for what it says besides its log.
    """

    def __init__(self, arguments: Sequence[str], *, secrets: tuple[str, str], errors: Path) -> None:
        self._arguments = arguments
        key, secret = secrets
        self._environment = os.environ | {"TRADING_SECRETS__API_KEY": key, "TRADING_SECRETS__API_SECRET": secret}
        self._errors = errors
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's number; 0 when none runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> None:
        """Start it."""
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "trading_system", "paper", *self._arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=errors, stderr=errors, env=self._environment,
            )  # fmt: skip

    async def ended(self) -> int:
        """Wait until it has ended and return its exit code; a signal's number comes negative."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """End it by SIGKILL, from which no process can defend itself, and wait until it is gone."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            await self.ended()

    def died(self, code: int) -> ConfigurationError | InvariantBroken:
        """Return what to raise when it ended with `code` and nobody had asked it to: its own last words."""
        said = self._errors.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
        words = "\n".join(f"  {line}" for line in said) or "  nothing"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        message = f"the engine ended {how} before the market did; it said last:\n{words}"
        return ConfigurationError(message) if code == 2 else InvariantBroken(message)
