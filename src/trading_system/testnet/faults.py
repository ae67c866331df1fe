"""The weather: what goes wrong on purpose, one small class each, planned by the count of requests.

A fault waits for the `nth` request of one kind (or the nth piece of news) since the testnet began, counted from 1.
A request that its client repeats by itself counts again: two faults in a row meet both.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import ClassVar, Final

from trading_system.errors import ConfigurationError
from trading_system.testnet.refusals import Reason


class On(StrEnum):
    """What a fault counts."""

    ORDER = "order"
    """POST of an order."""
    CANCEL = "cancel"
    """DELETE of one order, or of all."""
    QUERY = "query"
    """A signed GET: an order, the open orders, the account, its trades."""
    DATA = "data"
    """GET of klines."""
    NEWS = "news"
    """A moment of the market that concerns the account: a stop triggers, what rests or was delayed fills."""
    BAR = "bar"
    """A bar that closes, told to those who listen to its stream."""


REQUESTS: Final = frozenset({On.ORDER, On.CANCEL, On.QUERY, On.DATA})
SIGNED: Final = REQUESTS - {On.DATA}
BARS: Final = frozenset({On.BAR})


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the `nth` request of a kind. A subclass says where the way breaks.

    Attributes:
        befalls: What it may happen to.
        says: The venue's no, given at the door; nothing is done.
        details: What is filled into its words.
        reaches: The exchange sees the request.
        tells: The reports that follow from it, or the bar that closes, are sent.
        cuts: The streams that would tell are closed first.
        answers: The client gets its answer; else its connection is closed.

    Raises:
        ConfigurationError: It waits for something before the first, or for what it cannot befall.
    """

    nth: int
    on: On = On.ORDER

    befalls: ClassVar[frozenset[On]] = REQUESTS
    says: ClassVar[Reason | None] = None
    details: ClassVar[tuple[str, ...]] = ()
    reaches: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    cuts: ClassVar[bool] = False
    answers: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.nth < 1:
            raise ConfigurationError(f"{type(self).__name__} waits for request {self.nth}; they are counted from 1")
        if self.on not in self.befalls:
            raise ConfigurationError(f"{type(self).__name__} befalls {', '.join(sorted(self.befalls))}, not {self.on}")


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
class Refuse(Fault):
    """Turned away for asking too much: HTTP 429, code -1003. `retry_after_s` is its `Retry-After`, seconds, >= 0."""

    retry_after_s: int = 0

    says: ClassVar[Reason | None] = Reason.TOO_MANY_REQUESTS
    details: ClassVar[tuple[str, ...]] = ("6000",)
    reaches: ClassVar[bool] = False


class Unavailable(Fault):
    """Turned away by a venue in trouble: HTTP 503, code -1008; nothing was done, which nobody is told."""

    __slots__ = ()
    says = Reason.SERVER_BUSY
    reaches = False


class Late(Fault):
    """Turned away because it took too long to get there: code -1021."""

    __slots__ = ()
    befalls = SIGNED
    says = Reason.OUTSIDE_WINDOW
    reaches = False


@dataclass(frozen=True, slots=True)
class DelayRequest(Fault):
    """The connection closes at once, and the exchange sees the order `delay_ms` later: who asks before finds none.

    The order's own time is held against the clock when it gets there: past its `recvWindow` it is refused unheard.
    """

    delay_ms: int = 3_000

    befalls: ClassVar[frozenset[On]] = frozenset({On.ORDER})
    answers: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Outage(Fault):
    """The user data stream closes just before the market's news of our orders, which is never sent."""

    on: On = On.NEWS

    befalls: ClassVar[frozenset[On]] = frozenset({On.NEWS})
    tells: ClassVar[bool] = False
    cuts: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class HoldAnswer(Fault):
    """Accepted and matched; no report, no answer. `hook` runs in between: a demo kills the client there."""

    hook: Callable[[], Awaitable[None]] | None = None

    tells: ClassVar[bool] = False
    answers: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class PageFault(Fault):
    """What happens to the answer with past klines, whose rows begin with their opening time, ms."""

    on: On = On.DATA

    befalls: ClassVar[frozenset[On]] = frozenset({On.DATA})

    def told(self, rows: list[list[object]], now_ms: int) -> list[list[object]]:
        """Return what is answered in place of `rows`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LateHistory(PageFault):
    """Klines that closed less than `late_ms` ago are not listed yet."""

    late_ms: int = 90_000

    def told(self, rows: list[list[object]], now_ms: int) -> list[list[object]]:
        """Return the rows without the youngest."""
        return [row for row in rows if int(str(row[CLOSES])) < now_ms - self.late_ms]


@dataclass(frozen=True, slots=True)
class GarbleStamp(PageFault):
    """The row in the middle says a time that is off by `off_ms`."""

    off_ms: int = 600_000_000

    def told(self, rows: list[list[object]], now_ms: int) -> list[list[object]]:
        """Return the rows, one of them of another time."""
        return [
            [int(str(cell)) + self.off_ms if column in (0, CLOSES) else cell for column, cell in enumerate(row)]
            if number == len(rows) // 2
            else row
            for number, row in enumerate(rows)
        ]


CLOSES: Final = 6
"""Where a row of klines says when it closes, ms."""


@dataclass(frozen=True, slots=True)
class BarFault(Fault):
    """What happens to the message that a bar has closed, on the market streams.

    Attributes:
        repeats: It is sent twice.
        garbles: It has no bar in it.
        off_ms: Its times are off by so much, ms.
    """

    on: On = On.BAR

    befalls: ClassVar[frozenset[On]] = BARS
    repeats: ClassVar[bool] = False
    garbles: ClassVar[bool] = False
    off_ms: ClassVar[int] = 0


class DropStream(BarFault):
    """Those who listen are hung up on, and are not told."""

    __slots__ = ()
    tells = False
    cuts = True


class LoseBar(BarFault):
    """Nobody is told; the streams live on."""

    __slots__ = ()
    tells = False


class RepeatBar(BarFault):
    """It is told twice."""

    __slots__ = ()
    repeats = True


class GarbleBar(BarFault):
    """It is told in words that nobody can read."""

    __slots__ = ()
    garbles = True


class FutureBar(BarFault):
    """It is told as one that closes a century later."""

    __slots__ = ()
    off_ms = 36_525 * 86_400_000


KINDS: Final[dict[str, type[Fault]]] = {
    kind.__name__: kind
    for kind in (
        *(LoseRequest, LoseAnswer, DropConnection, Refuse, Unavailable, Late, DelayRequest, Outage, HoldAnswer),
        *(DropStream, LoseBar, RepeatBar, GarbleBar, FutureBar, LateHistory, GarbleStamp),
    )
}


class Weather:
    """Counts requests and says which fault, if any, meets each."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.seen = dict.fromkeys(On, 0)
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
        """Count one request, or piece of news, and return what befalls it."""
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
