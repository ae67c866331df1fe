"""Round trips out of fills, by hand, and the rule that not an atom is lost between them."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_instrument
from tests.unit.backtest.made_runs import PLAIN, UNIT, make_fills, make_result

from trading_system.backtest.result import Fills, Reason
from trading_system.backtest.trades import STILL_OPEN, Trades, all_trades, trades, worth
from trading_system.market.instruments import Instrument

TINY = make_instrument(symbol="AAAUSD", base="AAA", quote="USD", tick="0.01", lot="0.001", min_notional="0")
"""100,000 base atoms a lot; a lot at a tick is worth 1,000 quote atoms."""


def traded(fills: Fills, *, instrument: Instrument = PLAIN, close: int = 100, last: int = 99) -> Trades:
    """Return the trades of sleeve 0."""
    return trades(fills, 0, instrument, last_close_ticks=close, last_slice=last)


def test_a_trade_runs_from_flat_to_flat_at_average_prices() -> None:
    """Buy 2 at 10 and 1 at 16: average 12. Sell 1 at 13 and 2 at 16: average 15. 9 won on 36 paid: a quarter."""
    one = traded(make_fills([(10, 2), (16, 1), (13, -1), (16, -2)], slices=[3, 4, 7, 9], reasons=[0, 0, 1, 2]))
    assert (one.side.tolist(), one.lots.tolist(), one.open.tolist()) == ([1], [3], [False])
    assert (one.entry_price.tolist(), one.exit_price.tolist()) == ([12.0], [15.0])
    assert (one.pnl_atoms.tolist(), one.returns.tolist()) == ([9 * UNIT], [0.25])
    assert (one.entry_slice.tolist(), one.exit_slice.tolist(), one.bars.tolist()) == ([3], [9], [6])
    assert one.reason.tolist() == [Reason.STOP]


def test_a_fill_through_zero_ends_one_trade_and_starts_the_next() -> None:
    """Long 2 from 10, sell 5 at 12: 4 won, short 3; covered at 11: 3 won. The fee of 5 is shared 2 to 3."""
    two = traded(make_fills([(10, 2), (12, -5), (11, 3)], fees=[0, 5, 0]))
    assert (two.side.tolist(), two.lots.tolist()) == ([1, -1], [2, 3])
    assert two.pnl_atoms.tolist() == [4 * UNIT - 2, 3 * UNIT - 3]
    assert two.fees_atoms.tolist() == [2, 3]
    assert two.exit_slice.tolist() == [1, 2]
    assert two.entry_slice.tolist() == [0, 1]


def test_what_is_open_at_the_end_is_marked_at_the_last_close() -> None:
    """Long 4 from 10, 1 sold at 14, 3 left at 100: 4 + 270 won; the average exit is (14 + 300) / 4."""
    one = traded(make_fills([(10, 4), (14, -1)]), close=100, last=50)
    assert (one.open.tolist(), one.reason.tolist(), one.exit_slice.tolist()) == ([True], [STILL_OPEN], [50])
    assert (one.pnl_atoms.tolist(), one.exit_price.tolist()) == ([274 * UNIT], [78.5])


def test_spread_and_slippage_are_told_apart() -> None:
    """Bought 3 at 105 where the bar said 100 and half the spread was 2: 6 of spread, 9 of slippage. Sold alike."""
    one = traded(make_fills([(105, 3), (95, -3)], references=[100, 100], spreads=[2, 1]))
    assert one.spread_atoms.tolist() == [(6 + 3) * UNIT]
    assert one.slippage_atoms.tolist() == [(9 + 12) * UNIT]


def test_a_fee_in_base_is_missing_from_the_position_and_valued_at_the_fill() -> None:
    """Buy 10 lots (1,000,000 base atoms) at 500 ticks with a fee of 1,000 base atoms: 5,000 quote atoms.

    Nine lots can be sold, at 600; 99,000 base atoms are left, less than a lot, and count at 600: 594,000 quote atoms.
    """
    one = traded(make_fills([(500, 10), (600, -9)], fees=[1_000, 0], in_base=[1, 0]), instrument=TINY)
    assert one.open.tolist() == [False]
    assert one.fees_atoms.tolist() == [5_000]
    assert one.pnl_atoms.tolist() == [-5_000_000 + 5_400_000 + 594_000]


def test_dust_is_handed_to_the_next_trade_at_the_price_that_ended_the_last() -> None:
    """Of the case above 99,000 base atoms are left, credited at 600; the next trade pays 594,000 for them.

    It buys 1 lot at 700 without a fee, holds 199,000 base atoms and sells 1 lot at 800, leaving them at 800: 792,000.
    """
    fills = make_fills([(500, 10), (600, -9), (700, 1), (800, -1)], fees=[1_000, 0, 0, 0], in_base=[1, 0, 0, 0])
    two = traded(fills, instrument=TINY)
    assert two.pnl_atoms.tolist() == [994_000, -594_000 - 700_000 + 800_000 + 792_000]


def test_an_entry_whose_fee_leaves_less_than_a_lot_stays_open() -> None:
    """One lot bought, a hundredth of it taken as fee: it cannot be sold, but it is a position, marked at the close."""
    one = traded(make_fills([(500, 1)], fees=[1_000], in_base=[1]), instrument=TINY, close=500)
    assert (one.open.tolist(), one.pnl_atoms.tolist()) == ([True], [-500_000 + 495_000])
    assert one.exit_price.tolist() == [5.0]


def test_what_is_too_small_to_be_sold_does_not_hold_a_trade_open() -> None:
    """Of 10 units 3 are left, worth 36 where the venue wants 50: the next entry starts a trade, and pays 36 for them.

    Had the exit gone on instead, the 3 would have been sold in the same trade.
    """
    strict = make_instrument(symbol="AAAUSD", base="AAA", quote="USD", tick="1", lot="1", min_notional="50")
    two = traded(make_fills([(10, 10), (12, -7), (20, 5), (20, -8)]), instrument=strict)
    assert two.entry_slice.tolist() == [0, 2]
    assert two.pnl_atoms.tolist() == [(-100 + 84 + 36) * UNIT, (-36 - 100 + 160) * UNIT]
    one = traded(make_fills([(10, 10), (12, -7), (11, -3)]), instrument=strict)
    assert one.pnl_atoms.tolist() == [(-100 + 84 + 33) * UNIT]


def test_dust_at_the_end_is_no_open_trade() -> None:
    """3 units worth 36 are left where the venue wants 50: the trade ended with the sale before."""
    strict = make_instrument(symbol="AAAUSD", base="AAA", quote="USD", tick="1", lot="1", min_notional="50")
    one = traded(make_fills([(10, 10), (12, -7)]), instrument=strict, close=1_000)
    assert (one.open.tolist(), one.exit_slice.tolist(), one.exit_price.tolist()) == ([False], [1], [12.0])


def test_what_a_fee_in_base_leaves_of_a_short_is_dust_too() -> None:
    """10 lots sold short at 500, 10 bought back at 400, a hundredth of a lot taken as fee: short by 1,000 base atoms.

    They are worth 4,000 quote atoms, which the next trade takes over; it begins with the fill after.
    """
    fills = make_fills([(500, -10), (400, 10), (300, 1), (300, -1)], fees=[0, 1_000, 0, 0], in_base=[0, 1, 0, 0])
    two = traded(fills, instrument=TINY)
    assert (two.side.tolist(), two.exit_slice.tolist()) == ([-1, 1], [1, 3])
    assert two.pnl_atoms.tolist() == [5_000_000 - 4_000_000 - 4_000, 4_000 - 300_000 + 300_000 - 3_000]


def test_each_sleeve_has_its_own_trades() -> None:
    """What sleeve 1 did is nothing to sleeve 0."""
    assert len(traded(make_fills([(10, 1), (12, -1)], sleeve=1))) == 0


def test_the_trades_of_a_run_are_marked_at_its_last_bar() -> None:
    """Two units bought at 100, the last close is 130: 60 won so far."""
    result = make_result([UNIT] * 3, closes=[100, 110, 130], fills=make_fills([(100, 2)], slices=[1]))
    whole = all_trades(result)
    assert (whole.pnl_atoms.tolist(), whole.exit_slice.tolist()) == ([60 * UNIT], [2])


def test_the_trades_of_all_sleeves_stand_in_the_order_in_which_they_ended() -> None:
    """Sleeve 1 trades another instrument, whose lot at a tick is worth less, and ends between sleeve 0's trades."""
    mine = make_fills([(10, 1), (12, -1), (12, 1), (11, -1)], slices=[0, 1, 2, 4])
    theirs = make_fills([(500, 1), (600, -1)], slices=[1, 3], sleeve=1)
    told = {
        field.name: np.concatenate([getattr(mine, field.name), getattr(theirs, field.name)])
        for field in fields(Fills)
        if field.name != "client_order_ids"
    }
    whole = Fills(**told, client_order_ids=[""] * 6)
    one = make_result([UNIT] * 5, fills=whole)
    other = replace(TINY, symbol="BBBUSD")
    result = replace(
        one,
        sleeves=(("test", "AAAUSD"), ("test", "BBBUSD")),
        traded=(one.traded[0], replace(one.traded[0], instrument=other)),
    )
    ordered = all_trades(result)
    assert ordered.sleeve.tolist() == [0, 1, 0]
    assert ordered.exit_slice.tolist() == [1, 3, 4]
    assert ordered.pnl_atoms.tolist() == [2 * UNIT, 100_000, -UNIT]


FILL = st.tuples(
    st.integers(1, 1_000_000),  # price
    st.integers(-50, 50).filter(bool),  # signed lots
    st.integers(0, 99_999),  # fee, at most just under a lot
    st.booleans(),  # in base
)


@given(told=st.lists(FILL, min_size=1, max_size=60), close=st.integers(1, 1_000_000))
def test_the_trades_add_up_to_what_the_account_gained(told: list[tuple[int, int, int, bool]], close: int) -> None:
    """Cash that moved and the position's worth, in whole atoms: nothing is lost at a crossing, in dust or in fees.

    Where all ended, the dust that is left counts at the price of the fill that ended the last trade.
    """
    fees = [fee for *_, fee, _ in told]
    in_base = [int(base) for *_, base in told]
    whole = traded(
        make_fills([(price, lots) for price, lots, *_ in told], fees=fees, in_base=in_base),
        instrument=TINY,
        close=close,
    )
    cash = position = 0
    for price, lots, fee, base in told:
        cash -= lots * price * 1_000 + (0 if base else fee)
        position += lots * 100_000 - (fee if base else 0)
    mark = close if whole.open.any() else told[int(whole.exit_slice[-1])][0]
    assert int(whole.pnl_atoms.sum()) == cash + worth(position, mark, TINY)
    assert not whole.open[:-1].any()
    assert np.isfinite(whole.exit_price).all()
    assert (whole.entry_slice[1:] >= whole.exit_slice[:-1]).all()


@given(lots=st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=60))
def test_without_fees_in_base_trades_end_exactly_where_the_position_is_zero_or_crosses_it(lots: list[int]) -> None:
    """Counted over the running sum of the lots."""
    whole = traded(make_fills([(100, n) for n in lots]))
    after = np.cumsum(lots)
    before = np.concatenate([[0], after[:-1]])
    ends = np.flatnonzero((before != 0) & (after * np.sign(before) <= 0))
    assert whole.exit_slice[~whole.open].tolist() == ends.tolist()
    assert whole.open.any() == bool(after[-1] != 0)


@pytest.mark.parametrize(("atoms", "expected"), [(150_000, 750), (-150_000, -750), (1, 0), (-1, 0)])
def test_worth_is_signed_and_rounds_towards_zero(atoms: int, expected: int) -> None:
    """At one tick a lot of 100,000 base atoms is worth 1,000 quote atoms; at half a tick's worth there is no price."""
    assert worth(atoms, 1, TINY) == expected * 2
