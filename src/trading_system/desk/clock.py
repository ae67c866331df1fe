"""What time it is: the system's, or one that a stepped venue moves."""

import time


class SystemClock:
    """The machine's own time, corrected by what the venue's clock is ahead of it."""

    def __init__(self) -> None:
        self._offset_ns = 0

    def set_offset(self, offset_ns: int) -> None:
        """Take over a new measurement of how far the venue's clock is ahead, ns; negative if it is behind."""
        self._offset_ns = offset_ns

    def now_ns(self) -> int:
        """Return the venue's time, UTC ns."""
        return time.time_ns() + self._offset_ns


class SimulatedClock:
    """Stands still until it is moved, and never runs backwards."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the moment it was last moved to, UTC ns."""
        return self._now_ns

    def move(self, now_ns: int) -> None:
        """Move to `now_ns`, UTC ns; an earlier moment changes nothing."""
        self._now_ns = max(self._now_ns, now_ns)
