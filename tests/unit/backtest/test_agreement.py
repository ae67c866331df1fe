"""The first difference of each kind is named: when, whose, what, and both values."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.backtest.tales import alone

from trading_system.backtest.agreement import differences
from trading_system.backtest.run import Outcome, run
from trading_system.backtest.tape import FILL_FEE, FILL_LOTS, ORDER_ATTEMPT, ORDER_LOTS

SLEEVES = [("one", "BTCUSDT")]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """A run with orders and fills."""
    return run(*alone(np.random.default_rng(7), slices=300).told, plain=True)


def changed(outcome: Outcome, name: str, at: tuple[int, ...] | int, by: int = 1) -> Outcome:
    """Return `outcome` with one number of one array another."""
    array = getattr(outcome, name).copy()
    array[at] += by
    return replace(outcome, **{name: array})


def test_what_is_the_same_has_no_differences(outcome: Outcome) -> None:
    """Also where the rows of orders are told in another order: they are matched by name."""
    assert differences(outcome, outcome, SLEEVES) == []
    turned = outcome.orders[::-1].copy()
    fills = outcome.fills.copy()
    fills[:, 1] = len(turned) - 1 - fills[:, 1]
    assert differences(outcome, replace(outcome, orders=turned, fills=fills), SLEEVES) == []


@pytest.mark.parametrize("name", ["cash_atoms", "holdings_atoms", "short_atoms"])
def test_a_balance_that_differs_is_named_with_its_slice(outcome: Outcome, name: str) -> None:
    """The first of them, though two differ."""
    other = changed(changed(outcome, name, 40), name, 50)
    ours = getattr(outcome, name)[40]
    (words,) = differences(outcome, other, SLEEVES)
    assert words.startswith("slice 40 (2023-11-15T00:41:00.000Z)")
    assert words.endswith(f"{name} {ours} by backtest, {ours + 1} by replay")


def test_a_stop_that_moved_elsewhere_is_named(outcome: Outcome) -> None:
    """Decisions are compared in target, stop and objections."""
    (words,) = differences(outcome, changed(outcome, "decided", (30, 0, 1)), SLEEVES)
    assert "slice 30" in words
    assert "decision of one on BTCUSDT: stop in ticks" in words


def test_an_order_of_other_lots_is_named(outcome: Outcome) -> None:
    """With the order's own name: intent and attempt."""
    (words,) = differences(outcome, changed(outcome, "orders", (0, ORDER_LOTS)), SLEEVES)
    assert "entry 1 of one on BTCUSDT: lots" in words


def test_an_order_that_only_one_side_asked_for_is_named(outcome: Outcome) -> None:
    """Its fills then belong to nothing that the other side knows."""
    words = differences(outcome, changed(outcome, "orders", (0, ORDER_ATTEMPT)), SLEEVES)
    assert "next comes entry 1 of one on BTCUSDT" in words[0]
    less = replace(outcome, orders=outcome.orders[:-1], fills=outcome.fills[:0])
    assert any("nothing more by replay" in text for text in differences(outcome, less, SLEEVES))


@pytest.mark.parametrize(("column", "name"), [(FILL_LOTS, "lots"), (FILL_FEE, "fee in atoms")])
def test_a_fill_that_differs_is_named(outcome: Outcome, column: int, name: str) -> None:
    """Lots, price, what it was before costs, fee, maker."""
    (words,) = differences(outcome, changed(outcome, "fills", (0, column)), SLEEVES)
    assert "fill of entry 1 of one on BTCUSDT of slice" in words
    assert f": {name} " in words


def test_differences_come_in_the_order_of_time(outcome: Outcome) -> None:
    """Whoever looks for a cause reads the first line."""
    other = changed(changed(outcome, "cash_atoms", 200), "decided", (100, 0, 0))
    assert [words.split()[1] for words in differences(outcome, other, SLEEVES)] == ["100", "200"]


def test_ends_and_counts_are_compared_as_well(outcome: Outcome) -> None:
    """Positions, denials, rejected, ambiguous and decisions, over the whole run."""
    other = replace(
        changed(outcome, "position_atoms", 0),
        denials={2: 1},
        rejected=outcome.rejected + 1,
        ambiguous=outcome.ambiguous + 1,
        decisions=outcome.decisions + 1,
    )
    words = differences(outcome, other, SLEEVES)
    assert [text.split(":")[0] for text in words] == [
        "at the end, one on BTCUSDT",
        *(f"over the whole run, {name}" for name in ("denials", "rejected", "ambiguous", "decisions")),
    ]


def test_another_run_is_not_compared_line_by_line(outcome: Outcome) -> None:
    """A run that kept no decisions, or was told other bars, is no second telling of this one."""
    other = replace(outcome, decided=outcome.decided[:0])
    (words,) = differences(outcome, other, SLEEVES)
    assert words.startswith("not the same run")
