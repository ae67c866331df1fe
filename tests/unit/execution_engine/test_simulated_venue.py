"""A venue of bars by hand: who is served when, what it takes, what it refuses, and what is in the account then.

One lot is 0.001 AAA; at a price of 1,000 ticks (10.00 USDT) it is worth a million atoms (0.01 USDT).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.blotter import events as e
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import InvariantBroken
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.execution_engine.simulator.rules import Rules
from trading_system.execution_engine.simulator.venue import SimulatedVenue
from trading_system.execution_engine.simulator.venue_book import Listing
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument

AAA: Final = Instrument(
    venue="bars",
    symbol="AAAUSDT",
    base="AAA",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.001"),
    min_lots=2,
    min_notional=Decimal(0),
    shortable=True,
)
ONE_PERCENT: Final = Costs(taker_fee=1_000_000, maker_fee=500_000, slip=0)
IN_QUOTE: Final = ONE_PERCENT._replace(fee_in_base=0)
CASH: Final = 10**9
"""10 USDT, or 1,000 lots at 1,000 ticks."""
LOT: Final = 100_000
"""Base atoms in a lot."""
Prices = tuple[int, int, int, int]
FLAT: Final[Prices] = (1_000, 1_000, 1_000, 1_000)


class Floor:
    """A venue, and whoever answers what it tells."""

    def __init__(self, rules: Rules | None = None, costs: Costs = ONE_PERCENT, cash: int = CASH, sleeves: int = 1):
        self.venue = SimulatedVenue(
            listings=[Listing(instrument=AAA, costs=costs)],
            sleeves=[(f"s{n}", "AAAUSDT") for n in range(sleeves)],
            rules=rules or Rules(),
            quote="USDT",
            cash_atoms=cash,
            clock=SimulatedClock(),
        )
        self.answer: Callable[[e.Fact], object] = lambda fact: None

    def bar(self, prices: Prices | None = FLAT, volume: int = 10**9) -> list[e.Fact]:
        """Tell a slice from open to close and return what happened; None for a slice without a bar."""
        bars = {}
        if prices is not None:
            open_, high, low, close = prices
            bars["AAAUSDT"] = Bar(
                symbol="AAAUSDT",
                open_ns=0,
                close_ns=1,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume_atoms=volume,
            )
        return [*self._heard(self.venue.opens(bars)), *self._heard(self.venue.passes())]

    def close(self) -> list[e.Fact]:
        """Trade at the close."""
        return self._heard(self.venue.closes())

    def _heard(self, told: Iterator[e.Fact]) -> list[e.Fact]:
        facts = []
        for fact in told:
            facts.append(fact)
            self.answer(fact)
        return facts


def ticket(
    name: str = "a",
    intent: Intent = Intent.ENTER,
    lots: int = 100,
    side: Side = Side.BUY,
    *,
    kind: OrderKind = OrderKind.MARKET,
    limit: int | None = None,
    stop: int | None = None,
    take: int | None = None,
    sleeve: int = 0,
    share: float = 0.0,
    reserve: int = 0,
) -> OrderTicket:
    """Return an order to buy 100 lots at market, unless told otherwise."""
    return OrderTicket(
        client_order_id=name,
        strategy=f"s{sleeve}",
        symbol="AAAUSDT",
        side=side,
        intent=intent,
        kind=kind,
        lots=lots,
        limit_ticks=limit,
        stop_ticks=stop,
        take_ticks=take,
        decided_ns=1,
        share=share,
        reserve_atoms=reserve,
    )


def at_limit(name: str, limit: int, *, sleeve: int = 0, reserve: int = 0) -> OrderTicket:
    """Return an order to buy 100 lots at a limit."""
    return ticket(name, kind=OrderKind.LIMIT, limit=limit, sleeve=sleeve, reserve=reserve)


def stop_at(stop: int, *, name: str = "stop", lots: int = 100, take: int | None = None) -> OrderTicket:
    """Return what protects a long position of 100 lots: sold at `stop`, down to 50 ticks below it."""
    return ticket(
        name, Intent.PROTECT, lots, Side.SELL, kind=OrderKind.STOP_LIMIT, limit=stop - 50, stop=stop, take=take
    )


def when_filled(name: str, then: Callable[[], object]) -> Callable[[e.Fact], object]:
    """Return what answers the fill of `name` and nothing else."""
    return lambda fact: isinstance(fact, e.OrderFilled) and fact.client_order_id == name and then()


def shown(facts: list[e.Fact]) -> list[str]:
    """Return what was told, in short."""
    told = []
    for fact in facts:
        assert isinstance(fact, e.OrderEvent)
        word = f"{type(fact).__name__} {fact.client_order_id}"
        told.append(f"{word} {fact.lots}@{fact.price_ticks}" if isinstance(fact, e.OrderFilled) else word)
    return told


def test_a_market_order_is_accepted_at_once_and_filled_at_the_next_open() -> None:
    """A hundred lots at 1,010: 101,000,000 atoms paid, and 1 % of the coins is the fee."""
    floor = Floor()
    floor.bar()
    assert shown(floor.venue.submit(ticket())) == ["OrderAccepted a"]
    assert floor.venue.open_order_ids() == {"a"}
    (fill,) = floor.bar((1_010, 1_020, 1_000, 1_015))
    assert isinstance(fill, e.OrderFilled)
    assert (fill.lots, fill.price_ticks, fill.fee.atoms, fill.fee.currency) == (100, 1_010, LOT, "AAA")
    assert floor.venue.balances() == {"USDT": CASH - 101_000_000, "AAA": 99 * LOT}
    assert floor.venue.open_order_ids() == set()


def test_what_a_fill_calls_for_stands_before_the_rest_of_the_bar() -> None:
    """The stop is asked for when the fill is told, and the same bar's low reaches it."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(ticket())
    stop = stop_at(950, lots=99)
    floor.answer = when_filled("a", lambda: floor.venue.submit(stop))
    assert shown(floor.bar((1_000, 1_000, 940, 960))) == ["OrderFilled a 100@1000", "OrderFilled stop 99@950"]
    assert floor.venue.balances()["AAA"] == 0


def test_a_protective_order_that_would_trade_at_once_is_rejected() -> None:
    """The close is 1,000: a stop there, or a target, is refused; one below it rests."""
    floor = Floor()
    floor.bar()
    for refused in (stop_at(1_000), stop_at(900, take=1_000)):
        (answer,) = floor.venue.submit(refused)
        assert isinstance(answer, e.OrderRejected)
    assert shown(floor.venue.submit(stop_at(999))) == ["OrderAccepted stop"]


def test_a_cancel_is_answered_at_once_and_an_order_that_is_over_has_said_so() -> None:
    """Canceled twice, or canceled after its fill, it is told of once."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(stop_at(900))
    (over,) = floor.venue.cancel(stop_at(900))
    assert isinstance(over, e.OrderCanceled)
    assert over.filled == 0
    assert floor.venue.cancel(stop_at(900)) == []
    assert floor.bar((1_000, 1_000, 800, 850)) == []


def test_latency_delays_orders_cancels_and_their_answers() -> None:
    """Two bars later than the next one: asked at the close of bar 0, at the market at the open of bar 3."""
    floor = Floor(Rules(latency_bars=2))
    floor.bar()
    assert floor.venue.submit(ticket()) == []
    assert floor.venue.submit(stop_at(900)) == []
    assert [shown(floor.bar()) for _ in range(2)] == [[], []]
    assert shown(floor.bar()) == ["OrderAccepted stop", "OrderAccepted a", "OrderFilled a 100@1000"]
    assert floor.venue.cancel(stop_at(900)) == []
    assert [shown(floor.bar()) for _ in range(2)] == [[], []]
    assert shown(floor.bar()) == ["OrderCanceled stop"]


def test_a_cancel_on_its_way_does_not_stop_a_fill() -> None:
    """The stop is struck in the bar before the cancel arrives; the cancel then finds nothing."""
    floor = Floor(Rules(latency_bars=1))
    floor.bar()
    floor.venue.submit(ticket())
    floor.venue.submit(stop_at(900, lots=99))
    floor.bar()
    floor.bar()
    floor.venue.cancel(stop_at(900))
    assert shown(floor.bar((1_000, 1_000, 890, 900))) == ["OrderFilled stop 99@900"]
    assert floor.bar() == []


def test_without_a_bar_nothing_arrives_and_nothing_is_filled() -> None:
    """An instrument that is silent is waited for."""
    floor = Floor(Rules(latency_bars=1))
    floor.bar()
    floor.venue.submit(ticket())
    assert [floor.bar(None) for _ in range(3)] == [[], [], []]
    assert shown(floor.bar()) == ["OrderAccepted a", "OrderFilled a 100@1000"]


def test_a_post_only_order_that_would_take_is_ended_where_it_meets_the_market() -> None:
    """Its limit is at the open or beyond; a tick below it rests, and is filled as a maker."""
    floor = Floor()
    floor.bar()
    for limit, name in ((1_000, "takes"), (999, "rests")):
        floor.venue.submit(replace(at_limit(name, limit), kind=OrderKind.POST_ONLY))
    told = floor.bar((1_000, 1_000, 998, 1_000))
    assert shown(told) == ["OrderExpired takes", "OrderFilled rests 100@999"]
    assert floor.venue.rejected_total == 1
    assert [met.maker for met in floor.venue.met] == [1]


def test_a_buy_that_the_cash_does_not_pay_is_ended() -> None:
    """A thousand lots at 1,000 are all the cash; at 1,001 they are more. With the fee in quote 1,000 are too many."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(ticket("dear", lots=1_000))
    assert shown(floor.bar((1_001, 1_001, 1_001, 1_001))) == ["OrderExpired dear"]
    floor.venue.submit(ticket("just", lots=1_000))
    assert shown(floor.bar()) == ["OrderFilled just 1000@1000"]
    assert floor.venue.balances()["USDT"] == 0
    quoted = Floor(costs=IN_QUOTE)
    quoted.bar()
    quoted.venue.submit(ticket("fee", lots=1_000))
    assert shown(quoted.bar()) == ["OrderExpired fee"]


def test_exits_come_before_entries_since_they_bring_the_cash() -> None:
    """The second sleeve's entry is paid by what the first one sells at the same open."""
    floor = Floor(sleeves=2, costs=IN_QUOTE._replace(taker_fee=0))
    floor.bar()
    floor.venue.submit(ticket("in", lots=1_000, sleeve=1))
    floor.bar()
    floor.venue.submit(ticket("new", lots=1_000, sleeve=0))
    floor.venue.submit(ticket("out", Intent.EXIT, 1_000, Side.SELL, sleeve=1))
    assert shown(floor.bar()) == ["OrderFilled out 1000@1000", "OrderFilled new 1000@1000"]


def test_a_volume_limit_fills_in_parts_and_the_rest_goes_on() -> None:
    """Half of 120 lots is all that a bar lets us trade, for both sleeves together."""
    floor = Floor(Rules(volume_share=50_000_000), sleeves=2)
    floor.bar()
    floor.venue.submit(ticket("first", lots=100))
    floor.venue.submit(ticket("second", lots=30, sleeve=1))
    told = [shown(floor.bar(volume=120 * LOT)) for _ in range(3)]
    assert told == [
        ["OrderFilled first 60@1000"],
        ["OrderFilled first 40@1000", "OrderFilled second 20@1000"],
        ["OrderFilled second 10@1000"],
    ]
    assert floor.venue.open_order_ids() == set()


def test_a_limit_order_that_volume_left_over_rests_at_its_limit() -> None:
    """It came to the market at 1,000 and took what there was; the rest waits in the book and pays the limit."""
    floor = Floor(Rules(volume_share=100_000_000))
    floor.bar()
    floor.venue.submit(at_limit("a", 1_005))
    assert shown(floor.bar(volume=60 * LOT)) == ["OrderFilled a 60@1000"]
    assert shown(floor.bar((1_000, 1_010, 1_000, 1_010), volume=60 * LOT)) == ["OrderFilled a 40@1005"]


def test_an_order_for_a_share_of_the_cash_is_counted_at_its_fill() -> None:
    """Half of what is free when the market opens at 2,000, less what another sleeve was promised: 225 lots."""
    floor = Floor(sleeves=2)
    floor.bar()
    floor.venue.submit(at_limit("promised", 500, sleeve=1, reserve=100_000_000))
    floor.venue.submit(ticket("half", lots=7, share=0.5))
    counted, fill = floor.bar((2_000, 2_000, 2_000, 2_000))
    assert isinstance(counted, e.OrderAccepted)
    assert counted.lots == 225
    assert shown([fill]) == ["OrderFilled half 225@2000"]


def test_a_share_that_pays_less_than_the_smallest_order_is_refused() -> None:
    """One lot would be paid; two are the least."""
    floor = Floor(cash=1_500_000)
    floor.bar()
    floor.venue.submit(ticket("crumb", lots=7, share=1.0))
    assert shown(floor.bar()) == ["OrderExpired crumb"]


def test_at_the_close_only_if_the_rules_say_so() -> None:
    """Decided at 1,000 and filled there; the next open would have been 1,500."""
    floor = Floor(Rules(at_close=1))
    floor.bar()
    floor.venue.submit(ticket())
    assert shown(floor.close()) == ["OrderFilled a 100@1000"]
    honest = Floor()
    honest.bar()
    honest.venue.submit(ticket())
    assert honest.close() == []
    assert shown(honest.bar((1_500, 1_500, 1_500, 1_500))) == ["OrderFilled a 100@1500"]


def test_stop_and_target_in_one_bar_count_as_the_stop_and_as_ambiguous() -> None:
    """Where a bar cannot tell, the worse case."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(ticket())
    floor.bar()
    floor.venue.submit(replace(stop_at(950, lots=99, take=1_050), kind=OrderKind.BRACKET))
    assert shown(floor.bar((1_000, 1_060, 940, 1_000))) == ["OrderFilled stop 99@950"]
    assert floor.venue.ambiguous_total == 1


def test_a_target_does_not_count_in_the_bar_whose_way_filled_the_entry() -> None:
    """The high may have come first; the stop may not have."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(at_limit("a", 950))
    stop = replace(stop_at(900, lots=99, take=1_050), kind=OrderKind.BRACKET)
    floor.answer = when_filled("a", lambda: floor.venue.submit(stop))
    assert shown(floor.bar((1_000, 1_060, 940, 1_000))) == ["OrderFilled a 100@950"]
    assert shown(floor.bar((1_000, 1_060, 990, 1_000))) == ["OrderFilled stop 99@1050"]


def test_a_name_is_used_once_while_it_lives() -> None:
    """Who sends an order again has lost count."""
    floor = Floor()
    floor.bar()
    floor.venue.submit(ticket())
    with pytest.raises(InvariantBroken, match="sent twice"):
        floor.venue.submit(ticket())


@given(
    steps=st.lists(
        st.tuples(st.integers(2, 300), st.booleans(), st.integers(900, 1_100), st.integers(0, 400)), max_size=12
    ),
    latency=st.integers(0, 2),
    share=st.sampled_from([0, 50_000_000]),
)
def test_the_account_is_what_its_fills_make_it(
    steps: list[tuple[int, bool, int, int]], latency: int, share: int
) -> None:
    """Cash and coins are the start and every fill since, each with its fee: nothing appears and nothing is lost."""
    floor = Floor(Rules(latency_bars=latency, volume_share=share))
    told = list[e.Fact]()
    sides = dict[str, int]()
    for n, (lots, buys, price, volume) in enumerate(steps):
        told += floor.bar((price, price + 5, price - 5, price), volume=volume * LOT)
        sides[str(n)] = 1 if buys else -1
        floor.venue.submit(ticket(str(n), lots=lots, side=Side.BUY if buys else Side.SELL))
    cash, coins = CASH, 0
    for fill in told:
        if isinstance(fill, e.OrderFilled):
            side = sides[fill.client_order_id]
            cash -= side * fill.lots * fill.price_ticks * 1_000
            coins += side * fill.lots * LOT
            cash -= fill.fee.atoms if fill.fee.currency == "USDT" else 0
            coins -= fill.fee.atoms if fill.fee.currency == "AAA" else 0
    assert floor.venue.balances() == ({"USDT": cash, "AAA": coins} if floor.venue.met else {"USDT": CASH})
