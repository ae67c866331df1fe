"""The weather: what goes wrong on purpose, one small class each, planned by the count of requests.

A fault waits for the `nth` POST of an order (or DELETE of one) since the testnet began, counted from 1.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import ClassVar

from trading_system.errors import ConfigurationError


class On(StrEnum):
    """Which requests a fault counts."""

    ORDER = "order"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the `nth` request of a kind. A subclass says where the way breaks.

    Attributes:
        reaches: The exchange sees the request.
        tells: The reports that follow from it are sent.
        cuts: The account's user data streams are closed first.
        answers: The client gets its answer; else its connection is closed.
    """

    nth: int
    on: On = On.ORDER

    reaches: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    cuts: ClassVar[bool] = False
    answers: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.nth < 1:
            raise ConfigurationError(f"{type(self).__name__} waits for request {self.nth}; they are counted from 1")


class LoseRequest(Fault):
    """The connection closes before the exchange sees the request: nothing happened."""

    __slots__ = ()
    reaches = False
    answers = False


class LoseAnswer(Fault):
    """Accepted, matched and reported; then the connection closes without an answer."""

    __slots__ = ()
    answers = False


class DropConnection(Fault):
    """The user data stream closes just before the reports, which are never sent; the answer arrives."""

    __slots__ = ()
    tells = False
    cuts = True


@dataclass(frozen=True, slots=True)
class HoldAnswer(Fault):
    """Accepted and matched; no report, no answer. `hook` runs in between: a demo kills the client there."""

    hook: Callable[[], Awaitable[None]] | None = None

    tells: ClassVar[bool] = False
    answers: ClassVar[bool] = False


KINDS: dict[str, type[Fault]] = {kind.__name__: kind for kind in (LoseRequest, LoseAnswer, DropConnection, HoldAnswer)}


class Weather:
    """Counts requests and says which fault, if any, meets each."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.seen = {On.ORDER: 0, On.CANCEL: 0}
        self._waiting: dict[tuple[On, int], Fault] = {}
        for fault in faults:
            self.schedule(fault)

    def schedule(self, fault: Fault) -> None:
        """Plan `fault`; a later one for the same request takes its place.

        Raises:
            ConfigurationError: That request has come already.
        """
        if fault.nth <= self.seen[fault.on]:
            raise ConfigurationError(f"{fault.on} {fault.nth} has come already; {self.seen[fault.on]} were seen")
        self._waiting[fault.on, fault.nth] = fault

    def meet(self, on: On) -> Fault | None:
        """Count one request and return what befalls it."""
        self.seen[on] += 1
        return self._waiting.pop((on, self.seen[on]), None)

    def forecast(self) -> list[dict[str, str | int]]:
        """Return the faults still to come, in order."""
        return [
            {"kind": type(fault).__name__, "on": fault.on.value, "nth": fault.nth}
            for _, fault in sorted(self._waiting.items())
        ]


def weather(*, seed: int, orders: int, kinds: Sequence[type[Fault]], rate: float) -> tuple[Fault, ...]:
    """Return a seeded plan: each of the next `orders` orders meets one of `kinds` with chance `rate`, 0..1."""
    chance = Random(seed)
    return tuple(chance.choice(kinds)(nth) for nth in range(1, orders + 1) if chance.random() < rate)
