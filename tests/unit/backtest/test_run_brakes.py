"""What keeps a whole portfolio from new risk: the day's loss, the fall from the peak, the sum of all positions."""

import pytest
from tests.unit.backtest.histories import FREE, HOUR_NS, Prices, alone, beside, fills_of, told
from tests.unit.desk.numbers import DAY_NS, DOUBTFUL, POLICY, SURE, TERMS, TORN

from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import ENTER, PROTECT
from trading_system.blotter import objections as why
from trading_system.blotter.state import Policy, View

FLAT: Prices = (1_000, 1_000, 1_000, 1_000)
FALL: Prices = (1_000, 1_000, 890, 890)
LOW: Prices = (890, 890, 890, 890)
CAREFUL = POLICY._replace(max_daily_loss=0.04)
"""Half of a million is bought at 1,000 and stopped at 900: 50,000 lost, 5 %."""
EVENING = DAY_NS - 4 * HOUR_NS
"""The first four bars close at 20:00, 21:00, 22:00 and 23:00; the fifth at midnight."""


def played(bars: list[Prices], views: tuple[View, ...], policy: Policy, first_ns: int = EVENING) -> Outcome:
    """Return what becomes of a million atoms without costs."""
    return run(*told(bars, views, first_ns=first_ns), alone(policy=policy, costs=FREE), plain=True)


def entered(outcome: Outcome) -> list[int]:
    """Return the slices in which positions were entered."""
    return [fill["at"] for fill in fills_of(outcome) if fill["intent"] == ENTER]


def objections(outcome: Outcome, sleeve: int = 0) -> list[int]:
    """Return what was objected at each close."""
    return outcome.decided[:, sleeve, 2].tolist()


# --- the day ------------------------------------------------------------------------------------------


def test_a_days_loss_stops_new_entries_until_midnight() -> None:
    """Entered by 21:00, stopped by 22:00; nothing more that day. The close at 00:00 opens the new one, and enters."""
    bars = [FLAT, FLAT, FALL, LOW, LOW, LOW, LOW]
    outcome = played(bars, (SURE,) * 7, CAREFUL)
    assert entered(outcome) == [1, 5]
    assert objections(outcome) == [0, 0, why.DAILY_LOSS, why.DAILY_LOSS, 0, 0, 0]
    assert outcome.denials == {why.DAILY_LOSS: 2}


def test_a_loss_of_exactly_the_limit_is_allowed() -> None:
    """5 % of a million are 50,000, which the fall costs; where less is allowed, it is too much."""
    bars = [FLAT, FLAT, FALL, LOW, LOW]
    assert entered(played(bars, (SURE,) * 5, POLICY._replace(max_daily_loss=0.05))) == [1, 3]
    assert entered(played(bars, (SURE,) * 5, POLICY._replace(max_daily_loss=0.0499))) == [1]


def test_the_day_is_measured_from_its_first_close_and_not_from_its_best() -> None:
    """500 lots bought at 1,000 rise to 1,100 and end at 1,000: nothing was lost since the day began."""
    bars = [FLAT, FLAT, (1_000, 1_100, 1_000, 1_100), (1_100, 1_100, 1_000, 1_000)]
    policy = CAREFUL._replace(stop_mode=1.0)
    assert objections(played(bars, (SURE, TORN, TORN, TORN), policy, first_ns=HOUR_NS)) == [0, 0, 0, 0]


def test_a_loss_carried_over_midnight_belongs_to_the_day_in_which_it_came() -> None:
    """Bought at 20:00 and down 4.9 % by 23:00; at midnight the day begins with what is left: another 4.9 % may go."""
    policy = POLICY._replace(max_daily_loss=0.049, stop_mode=1.0, atr_stop=10.0, max_exposure=0.49)
    bars = [FLAT, FLAT, (1_000, 1_000, 900, 900), (900, 900, 900, 900), (900, 900, 900, 900), (900, 900, 820, 820)]
    outcome = played(bars, (SURE, *(TORN,) * 5), policy)
    assert outcome.equity_atoms.tolist() == [1_000_000, 1_000_000, 951_000, 951_000, 951_000, 911_800]
    assert objections(outcome) == [0] * 6
    assert objections(played(bars, (SURE, *(TORN,) * 5), policy, first_ns=HOUR_NS))[5] == why.DAILY_LOSS


def test_a_position_is_left_and_protected_whatever_the_day_has_cost() -> None:
    """The brake keeps us out of new risk, never in old: the stop of a second sleeve still fills."""
    bars = [FLAT, FLAT, (1_000, 1_000, 920, 920), (920, 920, 890, 890)]
    outcome = played(bars, (SURE, TORN, TORN, TORN), POLICY._replace(max_daily_loss=0.01))
    assert objections(outcome)[2:] == [why.DAILY_LOSS] * 2
    assert [fill["intent"] for fill in fills_of(outcome)] == [ENTER, PROTECT]


# --- the peak -----------------------------------------------------------------------------------------


def test_a_fall_from_the_peak_latches_over_every_midnight() -> None:
    """5 % lost where 4.9 % are allowed: no entry for three days, though each day begins anew."""
    bars = [FLAT, FLAT, FALL, *[LOW] * 72]
    outcome = played(bars, (SURE,) * len(bars), POLICY._replace(max_drawdown=0.049, max_daily_loss=0.049))
    assert entered(outcome) == [1]
    assert objections(outcome)[2] == why.DRAWDOWN | why.DAILY_LOSS
    assert set(objections(outcome)[4:]) == {why.DRAWDOWN}


def test_the_peak_counts_open_profits() -> None:
    """500 lots at 1,100 are a peak of 1,050,000; 10 % below are 945,000, reached at 890 and passed at 889."""
    policy = POLICY._replace(max_drawdown=0.1, stop_mode=1.0, atr_stop=10.0)
    rise = (1_000, 1_100, 1_000, 1_100)
    for close, objection in ((890, why.NONE), (889, why.DRAWDOWN)):
        bars = [FLAT, FLAT, rise, (1_100, 1_100, close, close)]
        assert objections(played(bars, (SURE, TORN, TORN, TORN), policy))[3] == objection


# --- all together -------------------------------------------------------------------------------------


def paired(views: list[tuple[View, View]], policies: list[Policy], *, shortable: int = 0) -> Outcome:
    """Return what becomes of a million atoms in two sleeves, each on an instrument that stays at 1,000."""
    tape, beliefs = beside(*(told([FLAT] * len(views), [pair[n] for pair in views]) for n in (0, 1)))
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS._replace(shortable=shortable)] * 2,
        costs=[FREE, FREE],
        instrument=[0, 1],
        policies=policies,
    )
    return run(tape, beliefs, setup, plain=True)


def test_two_sleeves_together_stay_within_the_gross_exposure() -> None:
    """70 % of a million: the first takes 500 lots and reserves 625,000; of the 75,000 left the second takes 75."""
    policy = POLICY._replace(max_gross=0.7)
    outcome = paired([(SURE, SURE)] * 2, [policy, policy])
    assert [(fill["sleeve"], fill["lots"]) for fill in fills_of(outcome)] == [(0, 500), (1, 75)]


@pytest.mark.parametrize(("first", "second", "lots"), [(SURE, SURE, 200), (DOUBTFUL, SURE, 200), (SURE, DOUBTFUL, 200)])
def test_a_short_position_fills_the_gross_exposure_like_a_long_one(first: View, second: View, lots: int) -> None:
    """Once filled, 500 lots are 500,000 of the 700,000 allowed, on whichever side: the second sleeve takes 200."""
    policy = POLICY._replace(max_gross=0.7, cash_buffer=0.0)
    outcome = paired([(first, TORN), (first, second), (TORN, TORN)], [policy, policy], shortable=1)
    assert [(fill["at"], fill["sleeve"], fill["lots"]) for fill in fills_of(outcome)] == [(1, 0, 500), (2, 1, lots)]


def test_what_a_short_sale_brought_in_cannot_be_spent() -> None:
    """Sold short for 500,000, of which as much again stands behind it: of 1,500,000 in cash 500,000 are free."""
    policy = POLICY._replace(max_gross=9.0, max_exposure=0.5, cash_buffer=0.0)
    all_in = policy._replace(max_exposure=9.0)
    outcome = paired([(DOUBTFUL, TORN), (DOUBTFUL, SURE), (TORN, TORN)], [policy, all_in], shortable=1)
    assert [fill["lots"] for fill in fills_of(outcome)] == [500, 500]
    assert (outcome.cash_atoms[1], outcome.short_atoms[1]) == (1_500_000, 500_000)


def test_a_brake_that_one_sleeve_trips_holds_every_sleeve() -> None:
    """The loss of the first keeps the second out, decided later in the same slice."""
    falling = told([FLAT, FLAT, FALL], (SURE, TORN, TORN))
    steady = told([FLAT, FLAT, FLAT], (TORN, TORN, SURE))
    tape, beliefs = beside(falling, steady)
    setup = make_setup(
        cash_atoms=1_000_000, terms=[TERMS] * 2, costs=[FREE] * 2, instrument=[0, 1], policies=[CAREFUL] * 2
    )
    outcome = run(tape, beliefs, setup, plain=True)
    assert (objections(outcome, sleeve=1)[2], outcome.decided[2, 1, 0]) == (why.DAILY_LOSS, 0)
