"""What a run came to, in words: why each fill happened, under which name, and what protected the position."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.histories import FREE, HOUR_NS, Prices, alone, told
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TORN

from trading_system.backtest.assemble import Prepared
from trading_system.backtest.code_version import commit
from trading_system.backtest.finish import finished
from trading_system.backtest.result import Reason
from trading_system.backtest.results import fills_of, stops_of
from trading_system.backtest.run import Outcome, run
from trading_system.backtest.study import Sleeve
from trading_system.backtest.tape import ACCOUNT
from trading_system.blotter.state import Policy, View
from trading_system.blotter.tickets import Intent, client_order_id

FLAT: Prices = (1_000, 1_000, 1_000, 1_000)


def prepared(bars: list[Prices], views: tuple[View, ...], policy: Policy = POLICY) -> Prepared:
    tape, beliefs = told(bars, views)
    return Prepared(
        tape=tape,
        beliefs=beliefs,
        setup=alone(policy=policy, costs=FREE),
        own=None,
        readings=(SimpleNamespace(),),  # type: ignore[arg-type]  # nothing of it is looked at
        sleeves=(Sleeve("rule", "BTCUSDT"),),
        interval_ns=HOUR_NS,
        first=0,
    )


def played(run_of: Prepared, finish: str = "hold") -> Outcome:
    return finished(run(run_of.tape, run_of.beliefs, run_of.setup, plain=True), run_of.tape, run_of.setup, finish)


TAKING = POLICY._replace(take_profit=2.0)
"""The target lies 2 x 50 above the close of the decision."""


@pytest.mark.parametrize(
    ("bars", "views", "changes", "reason"),
    [
        ([FLAT, FLAT, (950, 960, 890, 900)], (SURE, TORN, TORN), {}, Reason.STOP),
        ([FLAT, FLAT, FLAT, FLAT], (SURE, DOUBTFUL, TORN, TORN), {}, Reason.EXIT),
        ([FLAT, FLAT, (1_050, 1_150, 1_050, 1_060)], (SURE, TORN, TORN), {"take_profit": 2.0}, Reason.TAKE_PROFIT),
        ([FLAT, FLAT, FLAT, FLAT], (SURE, TORN, TORN, TORN), {"max_bars": 1.0}, Reason.TIME_OUT),
        ([FLAT, (890, 1_000, 880, 1_000)], (SURE, TORN), {}, Reason.UNPROTECTED),
        ([FLAT, (1_110, 1_120, 1_100, 1_110)], (SURE, TORN), {"take_profit": 2.0}, Reason.TAKE_PROFIT),
        ([FLAT, FLAT, (700, 780, 690, 700), (680, 700, 600, 650)], (SURE, TORN, TORN, TORN), {}, Reason.UNPROTECTED),
    ],
)
def test_a_fill_says_why_it_happened(
    bars: list[Prices], views: tuple[View, ...], changes: dict[str, Any], reason: Reason
) -> None:
    """The stop; a view that is gone; the target; held long enough; beyond the stop, or the target, before it stood; a
    market that jumped over the stop."""
    ours = prepared(bars, views, POLICY._replace(**changes))
    assert [Reason(int(code)) for code in fills_of(ours, played(ours)).reason] == [Reason.ENTRY, reason]


def test_a_maker_of_a_stop_that_was_jumped_over_is_still_a_stop() -> None:
    """It rested as a limit order at 787 and filled at 788's touch: not the target."""
    ours = prepared([FLAT, FLAT, (700, 788, 690, 780)], (SURE, TORN, TORN), TAKING)
    fills = fills_of(ours, played(ours))
    assert (fills.maker.tolist(), fills.price_ticks.tolist()) == ([0, 1], [1_000, 787])
    assert Reason(int(fills.reason[1])) is Reason.STOP


def test_the_end_is_a_reason_of_its_own() -> None:
    ours = prepared([FLAT, FLAT], (SURE, TORN))
    assert [Reason(int(code)) for code in fills_of(ours, played(ours, "last_close")).reason] == [
        Reason.ENTRY,
        Reason.FINISH,
    ]


def test_orders_are_named_as_live_ones_are() -> None:
    """A hash of account, strategy, instrument, the deciding close, intent and attempt."""
    ours = prepared([FLAT, FLAT, FLAT], (SURE, DOUBTFUL, TORN))
    assert fills_of(ours, played(ours)).client_order_ids == [
        client_order_id(ACCOUNT, "rule", "BTCUSDT", HOUR_NS, Intent.ENTER, 1),
        client_order_id(ACCOUNT, "rule", "BTCUSDT", 2 * HOUR_NS, Intent.EXIT, 1),
    ]


def test_a_run_without_fills_has_an_empty_table_of_them() -> None:
    ours = prepared([FLAT, FLAT], (TORN, TORN))
    assert len(fills_of(ours, played(ours))) == 0


def test_the_chart_shows_a_stop_only_where_a_position_is_wanted() -> None:
    """Flat the level follows the price unseen: 900 stands from the decision to enter until the one to leave."""
    ours = prepared([FLAT, FLAT, FLAT, FLAT, FLAT], (TORN, SURE, TORN, DOUBTFUL, TORN))
    (stops,) = stops_of(ours, played(ours))
    assert stops is not None
    assert stops.tolist() == [0, 900, 900, 0, 0]


def test_without_decisions_there_are_no_stops_to_show() -> None:
    ours = prepared([FLAT], (TORN,))
    outcome = run(ours.tape, ours.beliefs, ours.setup, plain=True, decisions=False)
    assert stops_of(ours, outcome) == [None]
    assert np.array_equal(outcome.close_ns, [HOUR_NS])


def test_a_checkout_knows_its_commit(tmp_path) -> None:
    """From git's own files: a branch, a packed branch, a commit that is checked out itself; else it is not known."""
    assert commit(tmp_path) == ""
    (tmp_path / "src/trading_system").mkdir(parents=True)
    assert commit(tmp_path) == ""
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text("a" * 40 + "\n")
    assert commit(tmp_path) == "a" * 40
    (git / "refs/heads/main").unlink()
    (git / "packed-refs").write_text("# pack-refs\n" + "b" * 40 + " refs/heads/main\n")
    assert commit(tmp_path) == "b" * 40
    (git / "HEAD").write_text("c" * 40 + "\n")
    assert commit(tmp_path) == "c" * 40
