"""The budget: never past our share of a minute, never while the venue wants a pause."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from trading_system.broker_connectors.rate_limit import SHARE, WeightBudget


@dataclass
class Time:
    """A clock that only waiting moves."""

    now_s: float = 1_000_040.0
    waits: list[float] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now_s += seconds

    def waiting(self, seconds: float, why: str) -> None:
        """Note a wait."""
        self.waits.append(seconds)
        self.why.append(why)

    def budget(self, limit: int) -> WeightBudget:
        """Return a budget that lives in this time."""
        return WeightBudget(limit=limit, now_s=lambda: self.now_s, sleep=self.sleep, waiting=self.waiting)


@given(
    limit=st.integers(10, 200),
    asked=st.lists(st.tuples(st.integers(1, 40), st.floats(0.0, 30.0)), max_size=60),
)
async def test_no_minute_of_the_venue_sees_more_than_our_share(limit: int, asked: list[tuple[int, float]]) -> None:
    """Counted by the venue: only a single request that is larger than the share may pass it, and then alone."""
    time, used = Time(), dict[int, list[int]]()
    budget = time.budget(limit)
    for weight, later_s in asked:
        await budget.spend(weight)
        used.setdefault(int(time.now_s // 60), []).append(weight)
        time.now_s += later_s
    assert all(sum(weights) <= limit * SHARE or len(weights) == 1 for weights in used.values())


async def test_what_the_venue_counts_is_believed() -> None:
    """Others share the address: 79 of 100 are used, ours are 2; one more waits for the next minute."""
    time = Time()
    budget = time.budget(100)
    await budget.spend(2)
    budget.learn(79)
    await budget.spend(2)
    assert time.waits == [40.5]  # at second 20 of the minute: 40 to its end, and half a second
    assert time.why == ["79 of 100 request weight of this minute is used"]


async def test_a_pause_that_the_venue_asks_for_is_kept_by_all() -> None:
    """The longest counts; then there is nothing more to wait for."""
    time = Time()
    budget = time.budget(6_000)
    budget.hold(7.0)
    budget.hold(3.0)
    await budget.spend(2)
    await budget.spend(2)
    assert time.waits == [7.0]
    assert time.why == ["the venue asks for a pause"]


async def test_the_limit_is_the_venues() -> None:
    """It says so in its rules."""
    time = Time()
    budget = time.budget(10)
    budget.set_limit(1_000)
    for _ in range(100):
        await budget.spend(2)
    assert time.waits == []
