"""The controller: from what is wanted and what is booked to what is asked."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.unit.desk.numbers import TERMS, at_market, make_sleeve, sleeves

from trading_system.blotter.state import (
    NO_ENTRY,
    NOTHING,
    STOP_CANCELING,
    STOP_NONE,
    STOP_PENDING,
    STOP_REFUSED,
    STOP_RESTING,
    WAITED_OUT,
    Asks,
    Entry,
    Sleeve,
    SleeveCarried,
)
from trading_system.desk.decide import asked, held_lots
from trading_system.risk_management.exposure import leavable, protectable

QUIET = NOTHING
PRICE = 1_000


def want(target: int, stop: int = 900, take: int = 0) -> SleeveCarried:
    """Return the last decision's answer."""
    return SleeveCarried(target_lots=target, stop_ticks=stop, take_ticks=take)


BRACKETED = make_sleeve(held=30, stop=30, stop_at=900, take_at=1_100, status=STOP_RESTING)


def missing(sleeve: Sleeve, wanted: SleeveCarried) -> Entry:
    """Return an entry at market for what is wanted and not there yet."""
    return at_market(wanted.target_lots - held_lots(sleeve) - sleeve.entry_lots)


@pytest.mark.parametrize(
    ("status", "asks"),
    [
        (STOP_NONE, QUIET._replace(exit_lots=30)),
        (STOP_PENDING, QUIET),
        (STOP_RESTING, QUIET._replace(cancel_stop=1)),
        (STOP_CANCELING, QUIET),
        (STOP_REFUSED, QUIET._replace(exit_lots=30)),
    ],
)
def test_an_exit_waits_until_the_stop_no_longer_locks_the_currency(status: int, asks: Asks) -> None:
    """A resting stop locks what it would sell: first its cancel is confirmed, then we leave."""
    alive = status in (STOP_PENDING, STOP_RESTING, STOP_CANCELING)
    sleeve = make_sleeve(held=30, stop=30 if alive else 0, stop_at=900 if alive else 0, status=status)
    assert asked(sleeve, want(0), PRICE, NO_ENTRY) == asks


@pytest.mark.parametrize(
    ("sleeve", "wanted", "asks"),
    [
        # from flat
        (make_sleeve(), want(40), QUIET._replace(entry_lots=40)),
        (make_sleeve(), want(3), QUIET._replace(entry_lots=3)),
        (make_sleeve(), want(2), QUIET),  # 2,000 atoms; the venue wants 3,000
        (make_sleeve(coming=40, taking=1), want(40), QUIET),
        (make_sleeve(coming=36, taking=1), want(40), QUIET),  # one entry at a time
        # an entry no longer wanted
        (make_sleeve(coming=40), want(0), QUIET._replace(cancel_entry=1)),
        (make_sleeve(coming=40, taking=1), want(0), QUIET),  # a market order cannot be called back
        (make_sleeve(coming=40), want(40), QUIET),
        (make_sleeve(held=10, coming=30), want(39), QUIET._replace(cancel_entry=1, protect_lots=10, protect_ticks=900)),
        # protection
        (make_sleeve(held=30), want(30), QUIET._replace(protect_lots=30, protect_ticks=900)),
        (make_sleeve(held=30, dust=99), want(31), QUIET._replace(protect_lots=30, protect_ticks=900)),
        (make_sleeve(held=30), want(30, stop=0), QUIET),
        (make_sleeve(held=30, coming=10, taking=1), want(40), QUIET),  # the rest of the fill comes at once
        (make_sleeve(held=30, coming=10), want(40), QUIET._replace(protect_lots=30, protect_ticks=900)),  # or in doubt
        (make_sleeve(held=30, stop=30, status=STOP_PENDING), want(30), QUIET),
        (make_sleeve(held=30, stop=30, stop_at=900, status=STOP_RESTING), want(30), QUIET),
        (make_sleeve(held=30, stop=30, stop_at=899, status=STOP_RESTING), want(30), QUIET._replace(cancel_stop=1)),
        (make_sleeve(held=30, stop=20, stop_at=900, status=STOP_RESTING), want(30), QUIET._replace(cancel_stop=1)),
        # with a target beside the stop
        (BRACKETED, want(30, take=1_100), QUIET),
        (BRACKETED, want(30, take=1_101), QUIET._replace(cancel_stop=1)),
        (BRACKETED, want(30), QUIET._replace(cancel_stop=1)),
        (
            make_sleeve(held=30),
            want(30, take=1_100),
            QUIET._replace(protect_lots=30, protect_ticks=900, take_ticks=1_100),
        ),
        (make_sleeve(held=30), want(30, stop=0, take=1_100), QUIET._replace(protect_lots=30, take_ticks=1_100)),
        (make_sleeve(held=30), want(30, take=1_000), QUIET._replace(exit_lots=30)),
        (make_sleeve(held=4), want(4), QUIET),  # at 3/4 of 900 worth 2,700
        (make_sleeve(held=5), want(5), QUIET._replace(protect_lots=5, protect_ticks=900)),
        (make_sleeve(held=4, stop=3, stop_at=900, status=STOP_RESTING), want(4), QUIET),  # nothing could replace it
        (make_sleeve(held=2, stop=3, stop_at=900, status=STOP_RESTING), want(2), QUIET._replace(cancel_stop=1)),
        (make_sleeve(stop=3, stop_at=900, status=STOP_RESTING), want(0), QUIET._replace(cancel_stop=1)),  # an orphan
        # leaving in part: first out, then protected anew
        (make_sleeve(held=30), want(10), QUIET._replace(exit_lots=20)),
        (make_sleeve(held=30, going=20), want(10), QUIET._replace(protect_lots=10, protect_ticks=900)),
        (make_sleeve(held=30), want(28), QUIET._replace(protect_lots=30, protect_ticks=900)),  # two lots are dust
        (make_sleeve(held=30, stop=30, stop_at=900, status=STOP_RESTING), want(28), QUIET),
        (make_sleeve(held=30, going=30), want(0), QUIET),
        # the venue refused the stop
        (make_sleeve(held=30, status=STOP_REFUSED), want(30), QUIET._replace(exit_lots=30)),
        (make_sleeve(held=30, going=30, status=STOP_REFUSED), want(30), QUIET),
        (make_sleeve(status=STOP_REFUSED), want(40), QUIET),
        # no entry beside a sale
        (make_sleeve(held=10, going=10), want(40), QUIET),
        (make_sleeve(held=10, stop=10, stop_at=900, status=STOP_RESTING), want(40), QUIET),
    ],
)
def test_asks_are_the_difference_between_wanted_and_booked(sleeve: Sleeve, wanted: SleeveCarried, asks: Asks) -> None:
    """Each line is one rule, at its edge."""
    assert asked(sleeve, wanted, PRICE, missing(sleeve, wanted)) == asks


@pytest.mark.parametrize(
    ("price", "asks"),
    [
        (901, QUIET._replace(protect_lots=30, protect_ticks=900)),
        (900, QUIET._replace(exit_lots=30)),
        (850, QUIET._replace(exit_lots=30)),
    ],
)
def test_a_stop_that_the_price_has_passed_is_an_exit_at_market(price: int, asks: Asks) -> None:
    """The venue would refuse it."""
    assert asked(make_sleeve(held=30), want(30), price, NO_ENTRY) == asks


def test_dust_below_its_stop_is_neither_sold_nor_protected() -> None:
    """Thirty lots at 90 are 2,700, too little to sell; a stop at 900 the venue would refuse."""
    assert asked(make_sleeve(held=30), want(30), 90, NO_ENTRY) == QUIET


@pytest.mark.parametrize("level", [900, 950])
def test_a_resting_stop_that_the_price_has_reached_is_left_to_the_venue(level: int) -> None:
    """It is selling already; to move it now would take the sale back."""
    sleeve = make_sleeve(held=30, stop=30, stop_at=900, status=STOP_RESTING)
    assert asked(sleeve, want(30, stop=level), 900, NO_ENTRY) == QUIET


def test_without_a_price_we_can_still_leave_but_not_enter() -> None:
    """What cannot be weighed is not bought; what only reduces risk is tried."""
    assert asked(make_sleeve(held=30), want(0), 0, NO_ENTRY).exit_lots == 30
    assert asked(make_sleeve(), want(30), 0, at_market(30)).entry_lots == 0


def test_without_a_price_no_stop_counts_as_passed_or_reached() -> None:
    """A price of zero is no price: a position is protected, and a resting stop is moved as wanted."""
    resting = make_sleeve(held=30, stop=30, stop_at=800, status=STOP_RESTING)
    assert asked(make_sleeve(held=30), want(30), 0, NO_ENTRY) == QUIET._replace(protect_lots=30, protect_ticks=900)
    assert asked(resting, want(30), 0, NO_ENTRY) == QUIET._replace(cancel_stop=1)


TINY = TERMS._replace(min_lots=1, min_notional_atoms=0)


@pytest.mark.parametrize(
    ("sleeve", "wanted", "price", "asks"),
    [
        (make_sleeve(terms=TINY, status=STOP_REFUSED), want(0), PRICE, QUIET),
        (make_sleeve(terms=TINY), want(0), PRICE, QUIET),
        (make_sleeve(terms=TINY, held=1), want(1), PRICE, QUIET._replace(protect_lots=1, protect_ticks=900)),
        (make_sleeve(terms=TINY, held=1), want(1), 900, QUIET._replace(exit_lots=1)),
        (make_sleeve(terms=TINY, held=1), want(1, stop=1), 1, QUIET._replace(exit_lots=1)),
        (make_sleeve(terms=TINY, held=2), want(1), PRICE, QUIET._replace(exit_lots=1)),
        (make_sleeve(terms=TINY, coming=1), want(0), PRICE, QUIET._replace(cancel_entry=1)),
        (make_sleeve(terms=TINY), want(1), PRICE, QUIET._replace(entry_lots=1)),
        (
            make_sleeve(terms=TINY, held=1, stop=1, stop_at=1, status=STOP_RESTING),
            want(1, stop=2),
            1,
            QUIET,
        ),
    ],
)
def test_a_single_lot_is_treated_like_any_number_of_them(
    sleeve: Sleeve, wanted: SleeveCarried, price: int, asks: Asks
) -> None:
    """Where the venue takes one lot of any worth, none is still none."""
    assert asked(sleeve, wanted, price, missing(sleeve, wanted)) == asks


def test_nothing_is_entered_when_it_may_not_be() -> None:
    """After an order fact only what protects and reduces is asked."""
    assert asked(make_sleeve(), want(40), PRICE, NO_ENTRY) == QUIET


WANTS = st.builds(
    SleeveCarried,
    bars_waiting=st.integers(WAITED_OUT, 2),
    target_lots=st.integers(-1_000, 1_000),
    stop_ticks=st.integers(0, 2_000),
    take_ticks=st.one_of(st.just(0), st.integers(1, 2_000)),
)
ENTRIES = st.one_of(
    st.just(NO_ENTRY),
    st.builds(
        Entry,
        lots=st.integers(-1_000, 1_000),
        limit_ticks=st.one_of(st.just(0), st.integers(1, 2_000)),
        post_only=st.integers(0, 1),
        parts=st.integers(1, 5),
        share=st.sampled_from([0.0, 0.5, 1.0]),
    ),
)


def side_of(sleeve: Sleeve) -> int:
    """Return 1 for a long position or none, -1 for a short one."""
    return -1 if held_lots(sleeve) < 0 else 1


@given(sleeve=sleeves(), wanted=WANTS, price=st.integers(-1, 2_000), entry=ENTRIES)
def test_no_more_is_taken_off_than_is_there_and_free(
    sleeve: Sleeve, wanted: SleeveCarried, price: int, entry: Entry
) -> None:
    """Exit and protection together stay within what is held, less what is going and what the stop may trade."""
    asks = asked(sleeve, wanted, price, entry)
    free = abs(held_lots(sleeve)) - sleeve.exit_lots - sleeve.stop_lots
    assert min(asks._replace(entry_lots=0)) >= 0
    assert asks.exit_lots + asks.protect_lots <= max(0, free)
    assert not (asks.exit_lots and asks.protect_lots)
    assert not (asks.cancel_stop and (asks.exit_lots or asks.protect_lots))
    if asks.entry_lots:
        assert (sleeve.stop_status, sleeve.exit_lots, sleeve.entry_lots) == (STOP_NONE, 0, 0)
        assert asks[7:] == (entry.limit_ticks, entry.post_only, entry.parts, entry.share)
        assert asks.entry_lots == entry.lots


def told(sleeve: Sleeve, asks: Asks) -> Sleeve:
    """Return the sleeve with the asks booked, as queued orders book them, before the venue says anything."""
    if asks.cancel_stop:
        sleeve = sleeve._replace(stop_status=STOP_CANCELING)
    if asks.protect_lots:
        sleeve = sleeve._replace(
            stop_status=STOP_PENDING,
            stop_lots=asks.protect_lots,
            stop_resting_ticks=asks.protect_ticks,
            stop_take_ticks=asks.take_ticks,
        )
    return sleeve._replace(
        entry_lots=sleeve.entry_lots + asks.entry_lots,
        entry_taking=1 if asks.entry_lots else sleeve.entry_taking,
        exit_lots=sleeve.exit_lots + asks.exit_lots,
    )


@given(sleeve=sleeves(), wanted=WANTS, price=st.integers(1, 2_000), entry=ENTRIES)
def test_what_was_asked_is_not_asked_again_while_the_venue_is_silent(
    sleeve: Sleeve, wanted: SleeveCarried, price: int, entry: Entry
) -> None:
    """The first asks may call for one more (the rest of a partial exit is protected at once); then there is peace."""
    for _ in range(2):
        sleeve = told(sleeve, asked(sleeve, wanted, price, entry))
    assert asked(sleeve, wanted, price, entry)._replace(cancel_entry=0) == QUIET


def reduced(sleeve: Sleeve, lots: int) -> Sleeve:
    """Return the sleeve without `lots` of its position, its exit over."""
    atoms = sleeve.position_atoms - side_of(sleeve) * lots * sleeve.terms.lot_atoms
    status = STOP_NONE if sleeve.stop_status == STOP_REFUSED and lots else sleeve.stop_status
    return sleeve._replace(position_atoms=atoms, exit_lots=0, stop_status=status)


def answered(draw: st.DrawFn, sleeve: Sleeve) -> Sleeve:
    """Return the sleeve after the venue answered one open thing: filled, confirmed, refused or proven absent."""
    lot, yes = sleeve.terms.lot_atoms, draw(st.booleans())
    if sleeve.exit_lots:
        return reduced(sleeve, sleeve.exit_lots if yes else draw(st.integers(0, sleeve.exit_lots)))
    if sleeve.entry_lots:
        side, most = (1 if sleeve.entry_lots > 0 else -1), abs(sleeve.entry_lots)
        size = most if yes else draw(st.integers(0, most))
        atoms = size * lot * 999 // 1_000 if side > 0 else -size * lot  # a buy's fee is taken from what was bought
        status = STOP_NONE if sleeve.stop_status == STOP_REFUSED and size else sleeve.stop_status
        return sleeve._replace(
            position_atoms=sleeve.position_atoms + atoms, entry_lots=0, entry_taking=0, stop_status=status
        )
    if sleeve.stop_status == STOP_PENDING:
        gone = STOP_REFUSED if draw(st.booleans()) else STOP_NONE
        return sleeve._replace(stop_status=STOP_RESTING) if yes else unstopped(sleeve, gone)
    if sleeve.stop_status == STOP_CANCELING:
        return unstopped(sleeve, STOP_NONE) if yes else sleeve._replace(stop_status=STOP_RESTING)
    return sleeve


def unstopped(sleeve: Sleeve, status: int) -> Sleeve:
    """Return the sleeve without a stop."""
    return sleeve._replace(stop_status=status, stop_lots=0, stop_resting_ticks=0, stop_take_ticks=0)


def granted(sleeve: Sleeve) -> Sleeve:
    """Return the sleeve after the venue granted everything that is open."""
    sleeve = reduced(sleeve, sleeve.exit_lots)._replace(entry_lots=0, entry_taking=0)
    if sleeve.stop_status == STOP_PENDING:
        return sleeve._replace(stop_status=STOP_RESTING)
    return unstopped(sleeve, STOP_NONE) if sleeve.stop_status == STOP_CANCELING else sleeve


@given(data=st.data(), sleeve=sleeves(), wanted=WANTS, price=st.integers(1, 2_000))
def test_once_the_venue_has_answered_the_position_is_as_wanted_or_protected(
    data: st.DataObject, sleeve: Sleeve, wanted: SleeveCarried, price: int
) -> None:
    """However it answers, asking after each answer ends with no more than the target held, all of it protected.

    What stays beyond that is dust that the venue would not take. A venue that never agrees is not modeled: after
    forty answers it must have.
    """
    for turn in range(40):
        asks = asked(sleeve, wanted, price, NO_ENTRY)
        sleeve = answered(data.draw, told(sleeve, asks)) if turn < 30 else granted(told(sleeve, asks))
    side, size, resting = side_of(sleeve), abs(held_lots(sleeve)), sleeve.stop_status == STOP_RESTING
    event("flat" if size == 0 else "long" if side > 0 else "short")
    assert (sleeve.exit_lots, asked(sleeve, wanted, price, NO_ENTRY)) == (0, QUIET)
    if resting:
        assert sleeve.stop_lots <= size
    if resting and sleeve.stop_resting_ticks and side * (price - sleeve.stop_resting_ticks) <= 0:
        return  # it trades: it is left alone
    extra = size - max(0, side * wanted.target_lots)
    assert extra <= 0 or not leavable(extra, price, TERMS)
    stop, take = wanted.stop_ticks, wanted.take_ticks
    if (stop and side * (price - stop) <= 0) or (take and side * (price - take) >= 0):
        assert resting or not leavable(size, price, TERMS)
    elif sleeve.stop_status == STOP_REFUSED:
        assert not leavable(size, price, TERMS)  # a short position's stop is worth more than its way out
    elif protectable(size, stop or take, TERMS):
        assert resting
        assert (sleeve.stop_lots, sleeve.stop_resting_ticks, sleeve.stop_take_ticks) == (size, stop, take)
