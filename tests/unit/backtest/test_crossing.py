"""Two strategies on one instrument, worked out by hand: what one leaves the other gets, and the venue sees the rest."""

from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.histories import Prices, beside, fills_of, orders_of, told
from tests.unit.backtest.tales import quarrel
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TERMS, TORN

from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import CROSS, ENTER, EXIT, PROTECT, Beliefs, Rules
from trading_system.blotter.state import (
    ENTER_AT_LIMIT,
    NO_VIEW,
    SIZE_LOTS,
    STOP_ABSENT,
    STOP_FIXED,
    Policy,
    Terms,
    View,
)
from trading_system.execution_engine.simulator.costs import Costs

IN_QUOTE: Final = Costs(taker_fee=1_000_000, maker_fee=1_000_000, slip=0, fee_in_base=0)
"""1 % of what changes hands at the venue, in quote currency."""
FLAT: Final[Prices] = (1_000, 1_000, 1_000, 1_000)
RISEN: Final[Prices] = (1_000, 1_100, 1_000, 1_100)
AFTER: Final[Prices] = (1_100, 1_100, 1_100, 1_100)
BARS: Final = (FLAT, RISEN, AFTER, AFTER)
LEAVES: Final = (SURE, DOUBTFUL, TORN, TORN)
COMES: Final = (NO_VIEW, SURE, TORN, TORN)
FALLING: Final = View(probability=0.25, gain=0.02, loss=0.02, expires_ns=SURE.expires_ns)


class Trader(NamedTuple):
    """A sleeve: how many lots it trades, what it believes bar by bar, and how."""

    lots: int
    views: tuple[View, ...]
    stop_mode: float = STOP_FIXED
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def policy(self) -> Policy:
        """What it does about its beliefs."""
        sized = POLICY._replace(size_mode=SIZE_LOTS, size_lots=float(self.lots), stop_mode=self.stop_mode)
        return sized._replace(**dict(self.changes))


def netted(
    *traders: Trader, terms: Terms = TERMS, rules: Rules | None = None, bars: tuple[Prices, ...] = BARS
) -> Outcome:
    """Return what becomes of traders of one instrument."""
    parts = [told(bars, trader.views[: len(bars)]) for trader in traders]
    tape, beliefs = (
        parts[0][0],
        Beliefs(*(np.concatenate(each, axis=1) for each in zip(*(p[1] for p in parts), strict=True))),
    )
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[terms],
        costs=[IN_QUOTE],
        instrument=[0] * len(traders),
        policies=[trader.policy for trader in traders],
        rules=rules,
    )
    return run(tape, beliefs, setup, plain=True)


def apart(*traders: Trader) -> Outcome:
    """Return what becomes of the same traders, each on an instrument of its own with the same prices."""
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS] * len(traders),
        costs=[IN_QUOTE] * len(traders),
        instrument=list(range(len(traders))),
        policies=[trader.policy for trader in traders],
    )
    return run(*beside(*(told(BARS, trader.views) for trader in traders)), setup, plain=True)


def fills(outcome: Outcome) -> list[tuple[int, ...]]:
    """Return slice, sleeve, intent, side, lots, price and fee of each fill."""
    words = ("at", "sleeve", "intent", "side", "lots", "price", "fee")
    return [tuple(fill[word] for word in words) for fill in fills_of(outcome)]


@pytest.mark.parametrize("stop_mode", [STOP_ABSENT, STOP_FIXED], ids=["no stop rests", "a stop rests"])
def test_one_buys_ten_while_the_other_leaves_six_and_the_venue_sees_a_buy_of_four(stop_mode: float) -> None:
    """Worked out by hand, in atoms; fees are 1 % of what the venue sees.

    0. The second decides to buy 6 lots.
    1. They fill at the open, 1,000: 6,000 paid and 60 of fee. At the close, 1,100, it wants to leave and the first
       wants 10. A stop that rests is canceled before the next open: then 6 lots cross at 1,100.
    2. The other 4 fill at the open, 1,100: 4,400 paid and 44 of fee. 1,000,000 - 6,060 - 4,444 = 989,496.

    Apart, 6 are sold at the open and 10 bought: 6,600 - 66 and 11,000 + 110. That costs 132 more: 1 % of the 6,600
    that were sold and bought for nothing.
    """
    buyer, seller = Trader(10, COMES), Trader(6, LEAVES, stop_mode)
    together, alone = netted(buyer, seller), apart(buyer, seller)
    assert fills(together) == [
        (1, 1, ENTER, 1, 6, 1_000, 60),
        (1, 0, CROSS, 1, 6, 1_100, 0),
        (1, 1, CROSS, -1, 6, 1_100, 0),
        (2, 0, ENTER, 1, 4, 1_100, 44),
    ]
    assert together.cash_atoms.tolist() == [1_000_000, 993_940, 989_496, 989_496]
    assert together.position_atoms.tolist() == [1_000, 0]
    assert alone.position_atoms.tolist() == [1_000, 0]
    assert together.cash_atoms[-1] - alone.cash_atoms[-1] == 132


def test_who_got_all_it_wanted_is_protected_at_the_very_close() -> None:
    """6 for 6: no order but the buyer's own stop, 2 ATR of 50 below 1,100."""
    outcome = netted(Trader(6, COMES), Trader(6, LEAVES))
    orders = [(row["decided"], row["sleeve"], row["intent"], row["asked"], row["stop"]) for row in orders_of(outcome)]
    assert orders[2:] == [(1, 0, CROSS, 6, 0), (1, 1, CROSS, 6, 0), (1, 0, PROTECT, 6, 1_000)]
    assert (outcome.crossings, outcome.position_atoms.tolist()) == (1, [600, 0])


def test_who_leaves_more_than_is_wanted_sells_the_rest() -> None:
    """10 for 6: the venue sees a sale of 4, at the next open."""
    outcome = netted(Trader(6, COMES), Trader(10, LEAVES))
    assert fills(outcome)[1:] == [
        (1, 0, CROSS, 1, 6, 1_100, 0),
        (1, 1, CROSS, -1, 6, 1_100, 0),
        (2, 1, EXIT, -1, 4, 1_100, 44),
    ]


def test_the_rest_of_an_entry_that_is_too_small_for_the_venue_is_not_sent() -> None:
    """7 for 6: one lot at 1,100 is less than the 3,000 that the venue asks for."""
    outcome = netted(Trader(7, COMES), Trader(6, LEAVES))
    assert [fill[2] for fill in fills(outcome)] == [ENTER, CROSS, CROSS]
    assert outcome.position_atoms.tolist() == [600, 0]


def test_what_leaves_is_never_cut_down_to_less_than_the_venue_takes() -> None:
    """7 leave and 6 are wanted: one lot could not be sold. So 4 cross, 3 are sold, and the entry's rest is dropped."""
    outcome = netted(Trader(6, COMES), Trader(7, LEAVES))
    assert [(fill[2], fill[4]) for fill in fills(outcome)] == [(ENTER, 7), (CROSS, 4), (CROSS, 4), (EXIT, 3)]
    assert outcome.position_atoms.tolist() == [400, 0]


def test_partners_are_served_in_the_configured_order() -> None:
    """8 leave; the first wants 5 and gets them, the second wants 10 and gets 3: 7 are bought."""
    outcome = netted(Trader(5, COMES), Trader(8, LEAVES), Trader(10, COMES))
    crossed = [(fill[1], fill[3], fill[4]) for fill in fills(outcome) if fill[2] == CROSS]
    assert crossed == [(0, 1, 5), (1, -1, 5), (2, 1, 3), (1, -1, 3)]
    assert fills(outcome)[-1] == (2, 2, ENTER, 1, 7, 1_100, 77)


def test_a_long_and_a_short_entry_cross_and_each_gets_a_stop_of_its_own() -> None:
    """8 bought by one, 5 sold short by the other: 5 cross, 3 are bought. The account owns 3, stops guard 8 and 5."""
    shorts = TERMS._replace(shortable=1)
    outcome = netted(Trader(8, COMES), Trader(5, (NO_VIEW, FALLING, TORN, TORN)), terms=shorts)
    assert fills(outcome) == [
        (1, 0, CROSS, 1, 5, 1_100, 0),
        (1, 1, CROSS, -1, 5, 1_100, 0),
        (2, 0, ENTER, 1, 3, 1_100, 33),
    ]
    assert outcome.position_atoms.tolist() == [800, -500]
    stops = {
        row["sleeve"]: (row["side"], row["asked"], row["stop"])
        for row in orders_of(outcome)
        if row["intent"] == PROTECT
    }
    assert stops == {0: (-1, 8, 1_000), 1: (1, 5, 1_200)}


def test_a_limit_a_part_and_a_share_of_the_cash_do_not_cross() -> None:
    """A limit has a price of its own and parts are meant to be spread: both sides go to the venue in full."""
    for changes in ((("entry_mode", float(ENTER_AT_LIMIT)),), (("entry_parts", 2.0),)):
        outcome = netted(Trader(10, COMES, STOP_FIXED, changes), Trader(6, LEAVES))
        assert outcome.crossings == 0
        assert (EXIT, 6) in [(fill[2], fill[4]) for fill in fills(outcome)]


def test_with_latency_the_entry_waits_for_the_cancel_and_what_it_still_wants_crosses_then() -> None:
    """All asks arrive a bar later: the cancel of close 3 at the open of slice 5, at the price that both know, 1,100.

    Until then the entry is held back and decided anew at each close; its rest is asked for at that open and fills at
    the next one.
    """
    views = (SURE, TORN, TORN, DOUBTFUL, DOUBTFUL, TORN, TORN)
    wants = (NO_VIEW, NO_VIEW, NO_VIEW, SURE, SURE, TORN, TORN)
    bars = (FLAT, FLAT, FLAT, RISEN, AFTER, (1_150, 1_150, 1_150, 1_150), AFTER)
    outcome = netted(Trader(10, wants), Trader(6, views), rules=Rules(latency_bars=1), bars=bars)
    assert fills(outcome) == [
        (2, 1, ENTER, 1, 6, 1_000, 60),
        (5, 0, CROSS, 1, 6, 1_100, 0),
        (5, 1, CROSS, -1, 6, 1_100, 0),
        (6, 0, ENTER, 1, 4, 1_100, 44),
    ]


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_crossing_moves_no_cash_and_nothing_of_what_the_account_owns(seed: int) -> None:
    """Of each crossing the buyer's row and the seller's: the same lots and price, no fee, and no sleeve beside itself.

    Cash and coins of the whole account are told by the fills of the venue alone.
    """
    tale = quarrel(seed)
    outcome = run(*tale.told, plain=True)
    rows = fills_of(outcome)
    inside = [row for row in rows if row["intent"] == CROSS]
    for bought, sold in zip(inside[::2], inside[1::2], strict=True):
        assert (bought["side"], sold["side"]) == (1, -1)
        assert bought["sleeve"] != sold["sleeve"]
        same = ("at", "lots", "price", "reference")
        assert [bought[word] for word in same] == [sold[word] for word in same]
        assert (bought["fee"], sold["fee"], bought["price"]) == (0, 0, bought["reference"])
    coins = [0] * len(tale.instruments)
    for row in rows:
        i = int(tale.setup.instrument[row["sleeve"]])
        fee = row["fee"] if row["in_base"] else 0
        if row["intent"] != CROSS:
            coins[i] += row["side"] * row["lots"] * int(tale.setup.terms[i, 0]) - fee
    for i, owned in enumerate(coins):
        assert outcome.position_atoms[tale.setup.instrument == i].sum() == owned
