"""How observers are kept from stopping the desk: their failures are counted, their slowness is theirs alone."""

import queue
import threading
from collections.abc import Callable
from typing import Final

from trading_system.blotter.events import Fact
from trading_system.ports import Observer

Failed = Callable[[str], None]
"""Is told the class of an observer each time it failed to take note of a fact."""

ROOM: Final = 10_000
"""Facts that may wait for a slow observer; those beyond are dropped and counted."""


class Guarded:
    """An observer that never raises."""

    def __init__(self, observer: Observer, failed: Failed) -> None:
        self._observer = observer
        self._failed = failed

    def notice(self, fact: Fact) -> None:
        """Let the observer take note of `fact`; count it where it cannot."""
        try:
            self._observer.notice(fact)
        except Exception:  # noqa: BLE001  # the one place: whatever is wrong with who looks on, trading goes on
            self._failed(type(self._observer).__name__)


class Background:
    """An observer that takes note in a thread of its own, in order; a pipe that nobody reads cannot stop the desk."""

    def __init__(self, observer: Observer, failed: Failed, *, room: int = ROOM) -> None:
        self._name = type(observer).__name__
        self._failed = failed
        self._observer = Guarded(observer, failed)
        self._waiting: queue.Queue[Fact | None] = queue.Queue(room)
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def notice(self, fact: Fact) -> None:
        """Keep `fact` for the thread; where there is no room left it is dropped and counted."""
        try:
            self._waiting.put_nowait(fact)
        except queue.Full:
            self._failed(self._name)

    def close(self, timeout_s: float = 5.0) -> None:
        """Return once everything was taken note of, or after `timeout_s` seconds."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (fact := self._waiting.get()) is not None:
            self._observer.notice(fact)
