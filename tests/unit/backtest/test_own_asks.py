"""What a user's own policy asks beyond what can be taken is cut off, before the books or the memory suffer."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.backtest.histories import FREE, alone, fills_of, orders_of, told
from tests.unit.desk.numbers import TERMS, make_sleeve

from trading_system.backtest.own_asks import within
from trading_system.backtest.run import Outcome, OwnPolicy, run
from trading_system.backtest.tape import ENTER, EXIT
from trading_system.blotter.state import (
    NO_VIEW,
    STOP_NONE,
    STOP_PENDING,
    STOP_REFUSED,
    STOP_RESTING,
    Account,
    Asks,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Step,
    Terms,
    View,
)
from trading_system.desk.decide import MOST_PARTS
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import held_lots

ASKS: Final = Asks(cancel_entry=0, cancel_stop=0, exit_lots=0, entry_lots=0, protect_lots=0, protect_ticks=0)


@kernel
def greedy(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Ask for `size_lots` (the sign is the side) in `entry_parts` from flat, and to leave more than is owned after."""
    held = held_lots(sleeve)
    return Step(
        account=account.carried,
        sleeve=SleeveCarried(
            target_lots=int(policy.size_lots) if held == 0 else 0,
            stop_ticks=0,
            take_ticks=0,
            bars_held=0,
            bars_waiting=0,
            reason=0,
        ),
        objections=0,
        asks=Asks(
            cancel_entry=0,
            cancel_stop=0,
            exit_lots=0 if held == 0 else 5 * abs(held),
            entry_lots=int(policy.size_lots) if held == 0 else 0,
            protect_lots=0,
            protect_ticks=0,
            take_ticks=0,
            entry_limit_ticks=0,
            entry_post_only=0,
            entry_parts=int(policy.entry_parts),
            entry_share=0.0,
        ),
        denied=0,
    )


def played(lots: int, *, parts: int = 1, terms: Terms = TERMS, plain: bool = True) -> Outcome:
    """Return four flat bars at 1,000 under `greedy`, with a million in cash."""
    setup = alone(costs=FREE, terms=terms)
    policy = Policy(*setup.policies[0])._replace(size_lots=float(lots), entry_parts=float(parts))
    history = told([(1_000,) * 4] * 4, [NO_VIEW] * 4)
    own = OwnPolicy(decide=greedy)
    return run(*history, setup._replace(policies=setup.policies * 0 + policy), own=own, plain=plain)


def test_what_nobody_owns_is_not_sold_where_nothing_is_lent() -> None:
    """On plain spot a sale from flat is no order at all; where shorts are allowed it is one."""
    assert not len(played(-500).orders)
    assert [fill["lots"] for fill in fills_of(played(-500, terms=TERMS._replace(shortable=1)))][:1] == [500]


def test_no_more_is_left_than_is_held() -> None:
    """500 lots are bought; 2,500 are to be sold, and 500 are."""
    fills = [(fill["at"], fill["intent"], fill["side"], fill["lots"]) for fill in fills_of(played(500))]
    assert fills[:2] == [(1, ENTER, 1, 500), (2, EXIT, -1, 500)]


@pytest.mark.parametrize(("parts", "orders"), [(1_000_000, MOST_PARTS), (0, 1), (-3, 1)])
def test_an_entry_comes_in_no_more_parts_than_there_are_rows_for(parts: int, orders: int) -> None:
    """More than a slice has rows for would be written past the end of the table: compiled code does not look."""
    first = [order for order in orders_of(played(900, parts=parts)) if order["decided"] == 0]
    assert len(first) == orders
    assert sum(order["asked"] for order in first) == 900


def test_the_same_is_cut_off_at_both_speeds() -> None:
    """What a million parts do in compiled code too."""
    plain, fast = (played(900, parts=1_000_000, plain=plain) for plain in (True, False))
    assert plain.orders.tolist() == fast.orders.tolist()
    assert plain.fills.tolist() == fast.fills.tolist()


ANY: Final = st.integers(-(10**6), 10**6)


@given(
    position=st.integers(-(10**5), 10**5),
    going=st.integers(0, 500),
    stop=st.integers(0, 500),
    coming=st.sampled_from([0, 0, 7, -7]),
    status=st.sampled_from([STOP_NONE, STOP_PENDING, STOP_RESTING, STOP_REFUSED]),
    shortable=st.integers(0, 1),
    wanted=st.tuples(ANY, ANY, ANY, ANY),
)
def test_whatever_is_asked_together_it_trades_no_more_than_is_owned(
    position: int, going: int, stop: int, coming: int, status: int, shortable: int, wanted: tuple[int, int, int, int]
) -> None:
    """One order of each kind; parts between one and the most; what is within bounds stays as it is."""
    sleeve = make_sleeve()._replace(
        terms=TERMS._replace(shortable=shortable),
        position_atoms=position,
        exit_lots=going,
        stop_lots=stop,
        stop_status=status,
        entry_lots=coming,
    )
    leave, enter, guard, parts = wanted
    asks = ASKS._replace(exit_lots=leave, entry_lots=enter, protect_lots=guard, entry_parts=parts)
    left, owned = within(asks, sleeve), abs(position) // TERMS.lot_atoms
    assert 0 <= left.exit_lots <= max(0, leave)
    assert 0 <= left.protect_lots <= max(0, guard)
    assert left.exit_lots + left.protect_lots <= max(0, owned - going - stop)
    assert not (going and left.exit_lots)
    assert not (coming and left.entry_lots)
    assert left.entry_lots == (0 if coming or (enter < 0 and not shortable) else enter)
    assert 1 <= left.entry_parts <= max(1, min(MOST_PARTS, abs(left.entry_lots)))
    assert status in (STOP_NONE, STOP_REFUSED) or not left.protect_lots
    assert within(left, sleeve) == left
