"""Orders in words, and facts as plain values."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from tests.factories import START_NS, make_fill, make_instrument, make_ticket
from tests.unit.blotter.scenes import an_entry_and_its_stop, opening
from tests.unit.journal.generated import ANY_FACT

from trading_system.blotter import events as e
from trading_system.blotter.plain import plain
from trading_system.blotter.story import stories
from trading_system.blotter.telling import WORDS, asked_for, outcome
from trading_system.blotter.tickets import Intent
from trading_system.journal.memory import MemoryJournal
from trading_system.market.money import Money

INSTRUMENT = make_instrument()
NAME = make_ticket().client_order_id


def test_every_event_of_an_order_has_words() -> None:
    """A new kind of event must be told, too."""
    events = {kind for kind in e.KINDS.values() if issubclass(kind, e.OrderEvent)}
    assert WORDS.keys() == events | {e.OrderQueued, e.EngineStarted, e.EntryHeld, e.LotsCrossed}


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (e.OrderCanceled(ts_ns=1, client_order_id=NAME, reason="at our request"), "canceled: at our request"),
        (
            e.OrderCanceled(ts_ns=1, client_order_id=NAME, reason="", filled=25),
            "canceled, 0.00025 BTC executed by then",
        ),
        (e.OrderExpired(ts_ns=1, client_order_id=NAME, reason="ioc"), "ended by the venue: ioc"),
        (
            e.OrderRejected(ts_ns=1, client_order_id=NAME, code=-2010, reason="no balance"),
            "the venue said no, code -2010: no balance",
        ),
        (e.CancelInDoubt(ts_ns=1, client_order_id=NAME, reason="timeout"), "our cancel is IN DOUBT: timeout"),
        (
            replace(make_fill(make_ticket(), lots=1), fee=Money(atoms=-1, currency="BNB")),
            "executed 0.00001 BTC at 40000.00, fee -0.00000001 BNB (trade 1)",
        ),
    ],
)
def test_an_event_is_told_in_human_units(fact: e.Fact, words: str) -> None:
    """Base and quote units, never lots and ticks; an empty reason leaves no colon."""
    assert WORDS[type(fact)](fact, INSTRUMENT) == words


def test_a_stop_is_told_with_its_trigger_and_its_limit() -> None:
    """Both prices matter: where it wakes, and the worst it takes."""
    ticket = make_ticket(intent=Intent.PROTECT, lots=120, stop_ticks=3_970_000)
    expected = "sell 0.0012 BTC at 39690.00 or better once the price touches 39700.00"
    assert asked_for(ticket, INSTRUMENT) == expected


def test_a_sale_below_its_reference_costs_and_one_above_earns() -> None:
    """Stop at 39,000 sold at 38,950: 100 lots of 1e-5 cost 0.05 USDT; 50 / 39,000 is 12.82 bps."""
    ticket = make_ticket(intent=Intent.PROTECT, lots=100, stop_ticks=3_900_000)
    told = [*opening(), e.OrderQueued(ts_ns=START_NS, ticket=ticket), make_fill(ticket, price_ticks=3_895_000)]
    journal = MemoryJournal()
    journal.append(told, START_NS)
    story = stories(journal.read())[ticket.client_order_id]
    assert "  cost      0.05 USDT (+12.82 bps) against the stop's trigger, 39000.00; fees aside" in outcome(story)
    assert story.slippage_atoms(3_890_000) == -5_000_000


def test_plain_values_name_what_tuples_hold() -> None:
    """A decision can be read by field names at every depth."""
    decided = next(fact for fact in an_entry_and_its_stop()[0] if isinstance(fact, e.Decided))
    told = plain(decided)
    assert isinstance(told, dict)
    assert told["bar"] == {
        "close_ns": START_NS + 900_000_000_000,
        "open": 4_000_000,
        "high": 4_000_000,
        "low": 4_000_000,
        "close": 4_000_000,
        "volume_atoms": 100_000_000,
        "atr": 12_000.0,
    }
    assert '"intent": "enter"' in json.dumps(plain(make_ticket()))
    assert '"tick": "0.01"' in json.dumps(plain(INSTRUMENT))


@given(fact=ANY_FACT)
def test_every_fact_becomes_json(fact: e.Fact) -> None:
    """Whatever it holds; and JSON brings back the same plain values."""
    assert json.loads(json.dumps(plain(fact))) == plain(fact)
