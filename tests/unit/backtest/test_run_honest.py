"""Every fill against its bar, by arithmetic of this file's own: nothing that a market would not have given.

The rules of matching and costs are written a second time here, from the words of docs and issue, side by side for buys
and sales instead of mirrored; `matching.py` and `costs.py` are not asked.
"""

from collections import defaultdict
from fractions import Fraction
from math import ceil, floor
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.histories import at_venue, orders_of, wild

from trading_system.backtest.run import run
from trading_system.backtest.tape import ENTER, EXIT, PROTECT, Setup, Tape
from trading_system.blotter.state import SIZE_AT_FILL, Policy, Terms
from trading_system.execution_engine.simulator.costs import FEE_HALF_EVEN, FEE_UP, SLIP_RANGE, UNIT, Costs
from trading_system.execution_engine.simulator.matching import THROUGH, TOUCH_OR_OPEN

SEEDS: Final = st.integers(0, 2**32)
MARKETS: Final = {"sleeves": st.integers(1, 4), "instruments": st.integers(1, 3)}
Fill = dict[str, int]


class Bar:
    """The bar that a fill met."""

    def __init__(self, tape: Tape, s: int, i: int) -> None:
        self.open, self.high, self.low, self.close = (
            int(column[s, i]) for column in (tape.open, tape.high, tape.low, tape.close)
        )


def met(tape: Tape, setup: Setup, fill: Fill) -> Bar:
    """Return the bar of `fill`."""
    return Bar(tape, fill["at"], int(setup.instrument[fill["sleeve"]]))


def dearest(reference: int, bar: Bar, costs: Costs) -> int:
    """Return how far from `reference` spread and slippage may take a taker at most, ticks."""
    base = bar.high - bar.low if costs.slip_model == SLIP_RANGE else reference
    return ceil(Fraction(reference * costs.half_spread, UNIT)) + ceil(Fraction(base * costs.slip, UNIT))


def fee_due(fill: Fill, costs: Costs, terms: Terms) -> tuple[int, int]:
    """Return the fee, atoms, and whether it is base currency: of what the order brings in."""
    rate = costs.maker_fee if fill["maker"] else costs.taker_fee
    base = fill["side"] > 0 and costs.fee_in_base == 1
    brought = fill["lots"] * (terms.lot_atoms if base else fill["price"] * terms.notional_atoms)
    exact = Fraction(brought * rate, UNIT)
    if costs.fee_rounding == FEE_UP:
        return ceil(exact), int(base)
    return round(exact) if costs.fee_rounding == FEE_HALF_EVEN else floor(exact), int(base)


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_takers_pay_the_market_and_more_and_never_get_better(seed: int, sleeves: int, instruments: int) -> None:
    """At the open (the close, if chosen), at a stop or beyond it where the bar opened; spread and slippage on top."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    for fill in at_venue(run(tape, beliefs, setup, plain=True)):
        if fill["maker"]:
            continue
        bar, costs = met(tape, setup, fill), Costs(*setup.costs[setup.instrument[fill["sleeve"]]].tolist())
        reference, side, stop = fill["reference"], fill["side"], fill["stop"]
        worse = side * (fill["price"] - reference)
        assert 0 <= worse <= dearest(reference, bar, costs)
        assert 0 <= fill["spread"] <= worse
        if fill["intent"] == PROTECT:
            assert bar.low <= reference <= bar.high
            if reference != bar.open:  # else it gapped, or goes on from the bar before
                assert reference == stop
                assert bar.open < stop if side > 0 else bar.open > stop
        else:
            assert reference == (bar.close if setup.rules.at_close else bar.open)


@settings(max_examples=60)
@given(seed=SEEDS, touch=st.integers(0, 2), **MARKETS)
def test_makers_get_their_own_price_and_only_where_the_market_went(
    seed: int, touch: int, sleeves: int, instruments: int
) -> None:
    """Through it, or to it if chosen; the open only where that is chosen too, and is better."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    setup = setup._replace(rules=setup.rules._replace(touch=touch))
    for fill in at_venue(run(tape, beliefs, setup, plain=True)):
        if not fill["maker"]:
            continue
        bar, price, side = met(tape, setup, fill), fill["price"], fill["side"]
        own = {fill["limit"], fill["take"]} - {0}
        if price not in own:
            assert touch == TOUCH_OR_OPEN
            assert price == bar.open
            assert any(side * (price - limit) < 0 for limit in own)
        room = price - bar.low if side > 0 else bar.high - price
        assert room > 0 or (room == 0 and touch != THROUGH)
        assert fill["spread"] == 0
        assert fill["reference"] == price


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_within_a_bar_the_worse_case_counts(seed: int, sleeves: int, instruments: int) -> None:
    """A target is reached before the stop only at the open; and never within the bar on whose way the entry filled."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    on_the_way: set[tuple[int, int]] = set()
    for fill in at_venue(run(tape, beliefs, setup, plain=True)):
        bar, here, side = met(tape, setup, fill), (fill["at"], fill["sleeve"]), fill["side"]
        if fill["intent"] == ENTER and fill["maker"]:
            on_the_way.add(here)
        at_target = fill["take"] and fill["maker"] and side * (fill["price"] - fill["take"]) <= 0
        if not at_target:
            continue
        assert here not in on_the_way
        if fill["stop"] and (bar.high >= fill["stop"] if side > 0 else bar.low <= fill["stop"]):
            assert bar.open <= fill["take"] if side > 0 else bar.open >= fill["take"]


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_each_fee_is_the_rate_of_what_came_in(seed: int, sleeves: int, instruments: int) -> None:
    """As exact fractions, rounded as chosen; the maker's rate only for what rested."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    for fill in at_venue(run(tape, beliefs, setup, plain=True)):
        i = setup.instrument[fill["sleeve"]]
        costs, terms = Costs(*setup.costs[i].tolist()), Terms(*setup.terms[i].tolist())
        assert (fill["fee"], fill["in_base"]) == fee_due(fill, costs, terms)
        assert not fill["maker"] or fill["intent"] != EXIT


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_no_cash_is_promised_twice(seed: int, sleeves: int, instruments: int) -> None:
    """What all sleeves ask to enter with at one close is together no more than the cash that nobody had a claim on."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    outcome = run(tape, beliefs, setup, plain=True)
    asked: dict[int, int] = defaultdict(int)
    for order in orders_of(outcome):
        if order["intent"] != ENTER or Policy(*setup.policies[order["sleeve"]]).size_mode == SIZE_AT_FILL:
            continue
        i = setup.instrument[order["sleeve"]]
        price = order["limit"] or int(tape.close[order["decided"], i])
        asked[order["decided"]] += order["asked"] * price * int(setup.terms[i, 1])
    for s, promised in asked.items():
        assert promised <= outcome.cash_atoms[s] - 2 * outcome.short_atoms[s]


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_whole_orders_are_no_smaller_than_the_venue_accepts(seed: int, sleeves: int, instruments: int) -> None:
    """At the close of the decision, or at their limit: lots and notional of every entry."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=instruments)
    for order in orders_of(run(tape, beliefs, setup, plain=True)):
        if order["intent"] != ENTER:
            continue
        i = setup.instrument[order["sleeve"]]
        _, notional, min_lots, min_notional, _ = setup.terms[i].tolist()
        price = order["limit"] or int(tape.close[order["decided"], i])
        assert order["asked"] >= min_lots
        assert order["asked"] * price * notional >= min_notional
