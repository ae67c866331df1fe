"""A fact read back is the fact that was written, or it was never written."""

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from tests.unit.journal.generated import ANY_FACT

from trading_system.blotter import state
from trading_system.blotter.events import (
    KINDS,
    Decided,
    EngineStarted,
    Errand,
    Fact,
    OrderCanceled,
    OrderFilled,
    Reconciled,
    TimerFired,
)
from trading_system.errors import JournalBroken
from trading_system.journal import codec
from trading_system.market.money import Money

FILL = OrderFilled(
    ts_ns=1_700_000_000_000_000_000,
    client_order_id="ts-a",
    trade_id="9",
    lots=3,
    price_ticks=42,
    fee=Money(atoms=-5, currency="BNB"),
)


def every_kind(fact: type[Fact] = Fact) -> set[type[Fact]]:
    """Return all classes of facts that the program defines."""
    return {fact, *(kind for below in fact.__subclasses__() for kind in every_kind(below))}


@given(fact=ANY_FACT)
def test_every_fact_survives_the_way_to_bytes_and_back(fact: Fact) -> None:
    """Dataclasses, NamedTuples, Decimals, enums and numbers of any size come back equal and of the same type."""
    back = codec.decode(codec.kind_of(fact), codec.encode(fact))
    assert back == fact
    assert repr(back) == repr(fact)  # equal is not enough: 1 == 1.0, and Decimal("1") == Decimal("1.0")


def test_the_body_is_plain_json_with_its_version() -> None:
    """Another program reads a journal without ours; written out by hand."""
    assert codec.encode(FILL) == (
        b'{"v":1,"fact":{"ts_ns":1700000000000000000,"client_order_id":"ts-a","trade_id":"9","lots":3,'
        b'"price_ticks":42,"fee":{"atoms":-5,"currency":"BNB"}}}'
    )


def test_the_same_fact_gives_the_same_bytes() -> None:
    """The order in which a dict was filled is chance; the chain of two runs must not hang on it."""
    one = Reconciled(ts_ns=1, balances={"BTC": 1, "USDT": 2}, differences=())
    other = Reconciled(ts_ns=1, balances={"USDT": 2, "BTC": 1}, differences=())
    assert codec.encode(one) == codec.encode(other)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_place(number: float, decided: Decided) -> None:
    """JSON has no NaN: what would come back as something else is not written, and the message says where it is."""
    view = state.NO_VIEW._replace(gain=number)
    with pytest.raises(JournalBroken, match=r"Decided cannot be written down: .*\$\.view\[1\].*NaN"):
        codec.encode(replace(decided, view=view))


def test_a_nan_where_nothing_would_be_allowed_is_refused() -> None:
    """There null would be read back as "no number", which is something else than a broken one."""
    ended = OrderCanceled(ts_ns=1, client_order_id="ts-a", reason="", filled=math.nan)  # type: ignore[arg-type]
    with pytest.raises(JournalBroken, match="would read back as something else"):
        codec.encode(ended)


def test_a_number_of_numpy_is_refused() -> None:
    """numpy's scalars are not Python's numbers; one that slips in is a bug to be seen at once."""
    with pytest.raises(JournalBroken, match="float64"):
        codec.encode(replace(FILL, lots=np.float64(3)))  # type: ignore[arg-type]  # the point of the test


def test_a_value_of_the_wrong_type_is_refused() -> None:
    """1.0 lots equal 1 lot in Python, yet would not read back."""
    with pytest.raises(JournalBroken, match=r"\$\.lots"):
        codec.encode(replace(FILL, lots=1.0))  # type: ignore[arg-type]  # the point of the test


def test_a_class_that_is_no_kind_is_refused() -> None:
    """What cannot be read again must not be written."""
    with pytest.raises(JournalBroken, match="Fact is not a kind"):
        codec.encode(Fact(ts_ns=1))


def test_a_subclass_under_the_name_of_a_kind_is_refused() -> None:
    """The name alone does not make a kind."""
    impostor = type("TimerFired", (TimerFired,), {})
    with pytest.raises(JournalBroken, match="TimerFired is not a kind"):
        codec.encode(impostor(ts_ns=1))


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("OrderTeleported", b'{"v":1,"fact":{}}', "no such kind"),
        ("TimerFired", b'{"v":2,"fact":{"ts_ns":1}}', "layout is version 2"),
        ("TimerFired", b'{"v":1,"fact":{}}', "ts_ns"),
        ("TimerFired", b"{", "truncated"),
        ("BarClosed", b'{"v":1,"fact":{"ts_ns":1,"bar":null}}', r"\$\.bar"),
    ],
)
def test_what_cannot_be_read_says_why(kind: str, body: bytes, why: str) -> None:
    """A journal of a newer version, or of a stranger, is refused in words."""
    with pytest.raises(JournalBroken, match=why):
        codec.decode(kind, body)


def test_facts_of_an_order_carry_its_name_and_others_none() -> None:
    """The column `client_order_id` finds the life of one order."""
    started = EngineStarted(ts_ns=1, account="main", version="1", settings="s")
    assert [codec.order_of(fact) for fact in (FILL, started)] == ["ts-a", ""]


def test_every_fact_of_the_program_is_a_kind() -> None:
    """A fact that is missing in KINDS could not be journaled; only the two bases are abstract."""
    names = {kind.__name__ for kind in every_kind() if kind.__module__ == Fact.__module__}
    assert names == set(KINDS) | {"Fact", "OrderEvent"}
    assert {kind.__name__ for kind in get_args(Errand)} <= set(KINDS)
