"""Who looks on can fail, or be slow; the desk does not notice."""

import io
import threading
from collections import Counter

from trading_system.blotter.events import Fact, TimerFired
from trading_system.telemetry.log import FactLog
from trading_system.telemetry.observers import Background, Guarded


class Gate:
    """An observer that waits to be let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.arrived = threading.Event()
        self.seen: list[Fact] = []

    def notice(self, fact: Fact) -> None:
        """Keep `fact` once the gate is open."""
        self.arrived.set()
        self.open.wait()
        self.seen.append(fact)


def closed_log() -> FactLog:
    """Return a log whose stream is gone."""
    stream = io.StringIO()
    stream.close()
    return FactLog(stream)


def test_a_failing_observer_is_counted_and_not_heard_of() -> None:
    """Each fact it fails on counts under its class."""
    failures: Counter[str] = Counter()
    observer = Guarded(closed_log(), lambda name: failures.update([name]))
    observer.notice(TimerFired(ts_ns=1))
    observer.notice(TimerFired(ts_ns=2))
    assert failures == {"FactLog": 2}


def test_an_observer_in_the_background_fails_there() -> None:
    """The thread outlives the failure, and goes on with the next fact."""
    failures: Counter[str] = Counter()
    observer = Background(closed_log(), lambda name: failures.update([name]))
    observer.notice(TimerFired(ts_ns=1))
    observer.notice(TimerFired(ts_ns=2))
    observer.close()
    assert failures == {"FactLog": 2}


def test_a_slow_observer_keeps_nobody_waiting_and_what_is_too_much_is_counted() -> None:
    """One fact being noticed and two waiting fill the room of two; the fourth and fifth are dropped."""
    failures: Counter[str] = Counter()
    gate = Gate()
    observer = Background(gate, lambda name: failures.update([name]), room=2)
    observer.notice(TimerFired(ts_ns=1))
    gate.arrived.wait()
    for number in range(2, 6):
        observer.notice(TimerFired(ts_ns=number))
    assert failures == {"Gate": 2}
    gate.open.set()
    observer.close()
    assert [fact.ts_ns for fact in gate.seen] == [1, 2, 3]


def test_closing_waits_until_all_was_noticed() -> None:
    """The last lines of a log are those one looks for."""
    stream = io.StringIO()
    observer = Background(FactLog(stream), lambda name: None)
    for number in range(500):
        observer.notice(TimerFired(ts_ns=number))
    observer.close()
    assert len(stream.getvalue().splitlines()) == 500


def test_closing_gives_up_on_an_observer_that_hangs() -> None:
    """A stuck pipe must not keep the process from ending."""
    gate = Gate()
    observer = Background(gate, lambda name: None, room=1)
    observer.notice(TimerFired(ts_ns=1))
    gate.arrived.wait()
    observer.notice(TimerFired(ts_ns=2))
    observer.close(timeout_s=0.01)
    assert gate.seen == []
    gate.open.set()
