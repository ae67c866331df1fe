"""Orders and decisions in words: what a person reads who asks why."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.blotter.state import Asks
from trading_system.blotter.story import Story
from trading_system.blotter.tickets import OrderTicket
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS, from_atoms
from trading_system.market.timestamps import NS_PER_MS, iso


def worth(atoms: int, currency: str) -> str:
    """Return `atoms` as an amount with its currency."""
    return f"{from_atoms(atoms):f} {currency}"


def quantity(instrument: Instrument, lots: int) -> str:
    """Return `lots` in base units with their currency, without trailing zeros."""
    return worth(lots * instrument.lot_atoms, instrument.base)


def price(instrument: Instrument, ticks: int) -> str:
    """Return `ticks` as a price, quote per base, with the decimals of the tick."""
    return f"{instrument.price(ticks):f}"


def asked_for(ticket: OrderTicket, instrument: Instrument) -> str:
    """Return what `ticket` asks for: "buy 0.012 BTC at market".

    A stop is told with its trigger: "sell 0.012 BTC at 39500.00 or better once the price touches 39700.00".
    """
    limit = "at market" if ticket.limit_ticks is None else f"at {price(instrument, ticket.limit_ticks)} or better"
    once = "" if ticket.stop_ticks is None else f" once the price touches {price(instrument, ticket.stop_ticks)}"
    return f"{ticket.side.value} {quantity(instrument, ticket.lots)} {limit}{once}"


def why(story: Story, verdict: str) -> Iterator[str]:
    """Yield the decision behind an order, line by line.

    Args:
        verdict: What came out when the decision was worked out again.
    """
    d, i = story.decided, story.instrument
    if d is None or story.decision is None:
        yield "Why: the journal holds no decision for it."
        return
    yield f"Why: entry {story.decision.seq}, decided {iso(d.ts_ns)} at the close of {iso(d.bar.close_ns)}"
    for name, text in (
        ("bar", f"{_bar(d, i)}, ATR {float(i.tick) * d.bar.atr:.6g}"),
        ("features", " ".join(f"{value:.4g}" for value in d.features) or "none"),
        ("model", d.model or "none"),
        ("view", _view(d)),
        ("equity", _equity(d, i)),
        ("owned", f"{worth(d.sleeve.position_atoms, i.base)}, wanted {quantity(i, d.step.sleeve.target_lots)}"),
        ("stop", price(i, d.step.sleeve.stop_ticks) if d.step.sleeve.stop_ticks else "none"),
        ("against", "; ".join(objections.words(d.step.objections)) or "nothing"),
        ("asked", "; ".join(asks_in_words(d.step.asks, i)) or "nothing at once; what it wanted was asked for later"),
        ("again", verdict),
    ):
        yield f"  {name:<9} {text}"


def life(story: Story) -> Iterator[str]:
    """Yield what was told of an order in the order of the journal: entry, time, time until written down, words."""
    yield "What happened"
    for told in story.life:
        late_ms = (told.recorded_ns - told.fact.ts_ns) / NS_PER_MS
        said = WORDS[type(told.fact)](told.fact, story.instrument)
        yield f"  {told.seq:>7}  {iso(told.fact.ts_ns)}  {late_ms:>+8.1f} ms  {said}"


def outcome(story: Story) -> Iterator[str]:
    """Yield how an order ended, or how it stands: what it filled, at which price, and what that cost."""
    order, i, d = story.order, story.instrument, story.decided
    state = "over" if order.over else "LIVE, and only the venue knows how it stands" if order.doubtful else "live"
    yield f"How it stands: {order.status.value} ({state})"
    rows = [("executed", f"{quantity(i, order.filled)} of {quantity(i, order.ticket.lots)}")]
    if story.average_price is not None:
        rows.append(("average", f"{story.average_price.normalize():f} {i.quote}"))
        rows.append(("fees", ", ".join(map(str, story.fees))))
        references = [("close", d.bar.close if d else 0), ("trigger", order.ticket.stop_ticks or 0)]
        rows += [("cost", _cost(story, name, ticks)) for name, ticks in references if ticks]
    for name, text in rows:
        yield f"  {name:<9} {text}"


def asks_in_words(asks: Asks, instrument: Instrument) -> Iterator[str]:
    """Yield what a decision asked for at once."""
    if asks.cancel_entry:
        yield "cancel the resting buy"
    if asks.cancel_stop:
        yield "cancel the resting stop"
    if asks.exit_lots:
        yield f"sell {quantity(instrument, asks.exit_lots)} at market"
    if asks.entry_lots:
        yield f"buy {quantity(instrument, asks.entry_lots)} at market"
    if asks.protect_lots:
        trigger = price(instrument, asks.protect_ticks)
        yield f"rest a stop for {quantity(instrument, asks.protect_lots)} at {trigger}"


def _bar(d: e.Decided, i: Instrument) -> str:
    prices = ", ".join(f"{name} {price(i, getattr(d.bar, name))}" for name in ("open", "high", "low", "close"))
    return f"{prices} {i.quote}, volume {worth(d.bar.volume_atoms, i.base)}"


def _view(d: e.Decided) -> str:
    view = d.view
    if not view.expires_ns:
        return f"none: {d.why or 'no reason was given'}"
    return (
        f"rises with probability {view.probability:.4f}; by {view.gain:.5f} if it does, falls by {view.loss:.5f} "
        f"if not; holds until {iso(view.expires_ns)}"
    )


def _equity(d: e.Decided, i: Instrument) -> str:
    account, peak = d.account, d.step.account.peak_equity
    equity = account.cash_atoms + account.holdings_atoms
    fallen = max(0.0, 1.0 - equity / peak) if peak > 0 else 0.0
    return (
        f"{worth(equity, i.quote)}: cash {from_atoms(account.cash_atoms):f}, of it promised "
        f"{from_atoms(account.reserved_atoms):f}; peak {peak / ATOMS:.2f}, fallen from it by {fallen:.4f}"
    )


def _cost(story: Story, name: str, ticks: int) -> str:
    cost = worth(story.slippage_atoms(ticks), story.instrument.quote)
    reference = {"close": "the close decided on", "trigger": "the stop's trigger"}[name]
    bps = story.slippage_bps(ticks)
    return f"{cost} ({bps:+.2f} bps) against {reference}, {price(story.instrument, ticks)}; fees aside"


def _filled(fact: e.OrderFilled, i: Instrument) -> str:
    return f"executed {quantity(i, fact.lots)} at {price(i, fact.price_ticks)}, fee {fact.fee} (trade {fact.trade_id})"


def _ended(word: str) -> Callable[[Any, Instrument], str]:
    def say(fact: e.OrderCanceled | e.OrderExpired, i: Instrument) -> str:
        counted = "" if fact.filled is None else f", {quantity(i, fact.filled)} executed by then"
        return f"{word}{counted}{_because(fact.reason)}"

    return say


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


WORDS: Final[Mapping[type[e.Fact], Callable[[Any, Instrument], str]]] = {
    e.EntryHeld: lambda fact, i: f"held back, {quantity(i, fact.ticket.lots)}: other strategies may give it some",
    e.LotsCrossed: lambda fact, i: (
        f"crossed inside the account: {fact.buyer} got {quantity(i, fact.lots)} from {fact.seller} at "
        f"{price(i, fact.price_ticks)}, without a fee"
    ),
    e.OrderQueued: lambda fact, i: f"asked for: {asked_for(fact.ticket, i)}",
    e.OrderSubmitted: lambda fact, _: "claimed by a worker, about to be sent",
    e.OrderAccepted: lambda fact, _: f"the venue has it, as {fact.venue_order_id}",
    e.OrderFilled: _filled,
    e.OrderCanceled: _ended("canceled"),
    e.OrderExpired: _ended("ended by the venue"),
    e.OrderRejected: lambda fact, _: f"the venue said no, code {fact.code}{_because(fact.reason)}",
    e.OrderInDoubt: lambda fact, _: f"IN DOUBT: it may live or not{_because(fact.reason)}",
    e.OrderNotFound: lambda fact, _: "proven absent: the venue does not know it, and it can no longer appear",
    e.CancelRequested: lambda fact, _: "to be canceled",
    e.CancelInDoubt: lambda fact, _: f"our cancel is IN DOUBT{_because(fact.reason)}",
    e.CancelRefused: lambda fact, _: f"the venue would not cancel it{_because(fact.reason)}",
    e.InquiryRequested: lambda fact, _: f"the venue is asked what became of it{_because(fact.reason)}",
    e.InquiryAnswered: lambda fact, _: "the venue has answered",
    e.EngineStarted: lambda fact, _: f"THE ENGINE WAS STARTED AGAIN (version {fact.version})",
}
"""What each fact in the life of an order says, and what came before it was asked for."""
