"""Where a trial ends the engine's process: each step another state of the journal and of the venue.

What follows from one event is written in one piece, so that `X.before` comes before any of it is durable and
`X.durable` after all of it. A step is named for what is written then, and no two name the same moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.tickets import Intent
from trading_system.ports import Entry
from trading_system.testnet.faults import DropConnection, Fault, On

Heard = tuple[On, str]
"""A request as it came to the venue: what kind, and which order it named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where the process ends.

    Attributes:
        name: In the table.
        kills: The checkpoint at which the first process ends, then the one at which the second does, and so on.
        sent: Instead, the first process ends once the venue has done what an order of this intent asked, and nobody
            was told.
        on: For `sent`, whether the order itself was asked for, or its cancel.
        quiet: Only where the decision asked for nothing.
    """

    name: str
    kills: tuple[str, ...] = ()
    sent: Intent | None = None
    on: On = On.ORDER
    quiet: bool = False


def _at(name: str, *kills: str, quiet: bool = False) -> Step:
    return Step(name=name, kills=kills, quiet=quiet)


STEPS: Final = (
    _at("bar: heard, a decision to wait not written", "Decided.before", quiet=True),
    _at("bar: a decision to wait durable", "Decided.durable", quiet=True),
    _at("entry: decided, not written", "enter.OrderQueued.before"),
    _at("entry: decision and intent durable", "enter.OrderQueued.durable"),
    _at("entry: taken up, claim not written", "enter.OrderSubmitted.before"),
    _at("entry: claim durable, not sent", "enter.submit.sending"),
    Step(name="entry: sent and executed, not answered", sent=Intent.ENTER),
    _at("entry: answered, not written", "enter.submit.answered"),
    _at("entry: answer durable", "enter.OrderAccepted.durable"),
    _at("entry: fill heard, not written", "enter.OrderFilled.before"),
    _at("entry: fill and the stop's intent durable", "enter.OrderFilled.durable"),
    _at("stop: taken up, claim not written", "protect.OrderSubmitted.before"),
    _at("stop: claim durable, not sent", "protect.submit.sending"),
    Step(name="stop: sent and resting, not answered", sent=Intent.PROTECT),
    _at("stop: answered, not written", "protect.submit.answered"),
    _at("stop: resting and durable", "protect.OrderAccepted.durable"),
    _at("stop: its cancel decided, not written", "protect.CancelRequested.before"),
    _at("stop: its cancel durable, not sent", "protect.cancel.sending"),
    Step(name="stop: canceled, not answered", sent=Intent.PROTECT, on=On.CANCEL),
    _at("stop: its cancel answered, not written", "protect.cancel.answered"),
    _at("stop: canceled, what follows durable", "protect.OrderCanceled.durable"),
    _at("stop: its fill heard, not written", "protect.OrderFilled.before"),
    _at("stop: its fill durable", "protect.OrderFilled.durable"),
    _at("exit: claim durable, not sent", "exit.submit.sending"),
    Step(name="exit: sent and executed, not answered", sent=Intent.EXIT),
    _at("exit: answered, not written", "exit.submit.answered"),
    _at("exit: its fill durable", "exit.OrderFilled.durable"),
    _at("feed: back, not written", "FeedRestored.before"),
    _at("feed: back and the questions durable", "FeedRestored.durable"),
    _at("start: before anything is written", "enter.submit.answered", "EngineStarted.before"),
    _at("start: recovery decided and durable", "enter.submit.answered", "EngineStarted.durable"),
    _at("start: ready, venue not asked", "enter.submit.sending", "ready"),
    _at("start: a doubt cleared up, not written", "enter.submit.answered", "enter.OrderFilled.before"),
    _at("start: compared with the venue", "protect.submit.answered", "Reconciled.durable"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a run without a kill wrote, and what the venue was asked in it, in order."""

    entries: Sequence[Entry]
    heard: Sequence[Heard]
    weather: Sequence[Fault]

    def draw(self, step: Step, seed: int) -> int:
        """Return the number of the time, from 1, at which `step` is to end the process; of the requests for `sent`.

        Raises:
            LookupError: This market never reaches the step.
        """
        if step.sent is not None:
            numbers = [n for n, intent, fault in self._requests(step.on) if intent is step.sent and fault is None]
        else:
            numbers = self._times(step)
        if not numbers:
            raise LookupError(f"seed {seed} never reaches: {step.name}")
        return Random(f"{seed} {step.name}").choice(numbers)

    def _intents(self) -> Mapping[str, Intent]:
        queued = (entry.fact for entry in self.entries if isinstance(entry.fact, e.OrderQueued))
        return {fact.client_order_id: fact.ticket.intent for fact in queued}

    def _requests(self, on: On) -> Iterator[tuple[int, Intent | None, Fault | None]]:
        """Yield number, intent and fault of each request of a kind."""
        intents, met = self._intents(), {fault.nth: fault for fault in self.weather if fault.on is on}
        names = (name for kind, name in self.heard if kind is on)
        for number, name in enumerate(names, 1):
            yield number, intents.get(name), met.get(number)

    def _times(self, step: Step) -> list[int]:
        """Return which of the times that a run reaches the step's first checkpoint will do."""
        subject, _, moment = step.kills[0].rpartition(".")
        if subject.endswith(".submit"):
            return self._submits(subject.removesuffix(".submit"), moment)
        if subject.endswith(".cancel"):  # aiohttp may repeat a DELETE: the journal says how many we made at least
            of = subject.removesuffix(".cancel")
            unanswered = 0 if moment == "sending" else self._count(f"{of}.CancelInDoubt")
            return list(range(1, self._count(f"{of}.CancelRequested") - unanswered + 1))
        if step.quiet:
            return self._quiet()
        return list(range(1, self._count(subject) + 1))

    def _submits(self, intent: str, moment: str) -> list[int]:
        """Return the numbers of all that are sent, or, of all that are answered, of those that were done."""
        ours = [fault for _, of, fault in self._requests(On.ORDER) if of is not None and of.value == intent]
        if moment == "sending":
            return list(range(1, len(ours) + 1))
        answered = [fault for fault in ours if fault is None or fault.answers]
        return [n for n, fault in enumerate(answered, 1) if fault is None or isinstance(fault, DropConnection)]

    def _quiet(self) -> list[int]:
        after = [type(entry.fact) for entry in self.entries[1:]] + [e.TimerFired]
        asked = (e.OrderQueued, e.CancelRequested, e.BreakerTripped)
        decided = [follows for entry, follows in zip(self.entries, after, strict=True) if type(entry.fact) is e.Decided]
        return [number for number, follows in enumerate(decided, 1) if not issubclass(follows, asked)]

    def _count(self, subject: str) -> int:
        intents = self._intents()

        def name(fact: e.Fact) -> str:
            kind = type(fact).__name__
            ours = isinstance(fact, e.OrderEvent | e.OrderQueued)
            return f"{intents[fact.client_order_id]}.{kind}" if ours else kind

        return sum(name(entry.fact) == subject for entry in self.entries)
