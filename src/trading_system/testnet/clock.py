"""The venue's clock: virtual, so that a run depends on its seed and on nothing else."""

import time
from collections.abc import Callable

from trading_system.market.timestamps import to_ms


class VirtualClock:
    """Says what time it is at the venue; never runs backwards.

    Args:
        start_ns: The venue's time at the start, UTC ns.
        speed: 0: time moves only by `move_to`. N > 0: it also runs by itself, N times as fast as
            `monotonic_ns` (the one place of the testnet that looks at real time).
        monotonic_ns: A steady real clock, ns; read only when `speed` > 0.
    """

    def __init__(self, start_ns: int, *, speed: int = 0, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = start_ns
        self._start_ns = start_ns
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._started_ns = monotonic_ns() if speed else 0

    @property
    def now_ns(self) -> int:
        """The venue's time, UTC ns."""
        if self._speed:
            running_ns = self._start_ns + (self._monotonic_ns() - self._started_ns) * self._speed
            self._now_ns = max(self._now_ns, running_ns)
        return self._now_ns

    @property
    def now_ms(self) -> int:
        """The venue's time as its messages write it, UTC ms."""
        return to_ms(self.now_ns)

    @property
    def speed(self) -> int:
        """How many times as fast as real time it runs by itself; 0 where it does not."""
        return self._speed

    def move_to(self, ns: int) -> None:
        """Let it be `ns`, unless it is later already."""
        self._now_ns = max(self._now_ns, ns)

    def wait_s(self, ns: int) -> float:
        """Return the real seconds until the clock shows `ns` by itself; 0 where it does not run."""
        return max(0, ns - self.now_ns) / self._speed / 1e9 if self._speed else 0.0
