"""The end of a process at a chosen step, to prove that it can come at any."""

import os
import signal
from collections.abc import Callable

from trading_system.errors import ConfigurationError


def killing_at(step: str) -> Callable[[str], None]:
    """Return a checkpoint that ends this process with SIGKILL at `step`, "NAME:N": the Nth time NAME is reached.

    Raises:
        ConfigurationError: `step` is not written like that.
    """
    name, _, count = step.rpartition(":")
    if not name or not count.isdecimal() or int(count) < 1:
        raise ConfigurationError(f"--kill-at {step}: write NAME:N, as in enter.OrderSubmitted.durable:1")
    left = int(count)

    def reached(passed: str) -> None:
        nonlocal left
        left -= passed == name
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
