"""What became of one order, told from the journal in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.tickets import Intent, OrderTicket
from trading_system.dashboard.notes import Kill
from trading_system.market.instruments import Instrument
from trading_system.ports import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step of a story.

    Attributes:
        ns: The venue's time, UTC ns.
        who: "engine", "venue" or "us", who killed it.
        what: One word for the step: "decided", "killed".
        words: What happened.
        seq: Its entry in the journal; None where the journal could not know.
    """

    ns: int
    who: str
    what: str
    words: str
    seq: int | None = None


def kill_story(entries: Sequence[Entry], kill: Kill) -> tuple[Moment, ...]:
    """Return what happened before, at and after `kill`, to the order that was on its way.

    The story ends when our books and the venue's agree again; a position that the order opened has its
    protective stop in it, wherever that came.
    """
    name = kill.client_order_id
    start = next((at for at, entry in enumerate(entries) if _is_about(entry.fact, name)), None)
    if start is None:
        return ()
    queued = entries[start]
    assert isinstance(queued.fact, e.OrderQueued)
    ticket, instrument = queued.fact.ticket, _instrument(entries, queued.fact.ticket)
    again = next((at for at in range(start, len(entries)) if isinstance(entries[at].fact, e.EngineStarted)), None)
    before = entries[: again if again is not None else len(entries)]
    story = list(_before(before, start, ticket, instrument))
    after = entries[again:] if again is not None else ()
    recovered = [entry.fact for entry in after if isinstance(entry.fact, e.OrderFilled) and _is_about(entry.fact, name)]
    if recovered:
        lots = sum(fill.lots for fill in recovered)
        story.append(
            Moment(
                ns=recovered[0].ts_ns,
                who="venue",
                what="matched",
                words=f"The venue accepted the order, {filled_words(lots, len(recovered), instrument)}, "
                "and its answer was withheld.",
            )
        )
    story.append(
        Moment(
            ns=kill.killed_ns,
            who="us",
            what="killed",
            words="SIGKILL ended the engine's process. It cannot clean up, and it never heard the answer.",
        )
    )
    return (*story, *_after(after, before, ticket, instrument))


def outcome(entries: Sequence[Entry], name: str, *, stream_cut_ns: int | None = None) -> str:
    """Return in one sentence what our journal heard of the order of this name, in the order it heard it.

    Args:
        stream_cut_ns: When the stream of reports was cut as well, UTC ns; None where it was not.
    """
    about = [entry.fact for entry in entries if _is_about(entry.fact, name)]
    told = list(dict.fromkeys(SHORT[type(fact)] for fact in about if type(fact) in SHORT))
    fills = [fact for fact in about if isinstance(fact, e.OrderFilled)]
    for asked in about:
        if fills and isinstance(asked, e.OrderQueued):
            told.append(filled_words(sum(fill.lots for fill in fills), len(fills), _instrument(entries, asked.ticket)))
    if stream_cut_ns is not None:
        told += _stream_again(entries, stream_cut_ns)
    return ", ".join(told) or "nothing was heard of it"


def _stream_again(entries: Sequence[Entry], since_ns: int) -> Iterator[str]:
    """Tell how a stream that broke at or after `since_ns` came back; nothing where none broke."""
    later = iter([entry.fact for entry in entries if entry.fact.ts_ns >= since_ns])  # each `any` goes on from the last
    if any(isinstance(fact, e.FeedInterrupted) for fact in later):
        yield "the broken stream was noticed"
        if any(isinstance(fact, e.FeedRestored) for fact in later):
            yield "opened again"
            if any(isinstance(fact, e.Reconciled) and not fact.differences for fact in later):
                yield "and the books were compared until they agreed"


SHORT: Final[Mapping[type[e.Fact], str]] = {
    e.OrderSubmitted: "sent once",
    e.OrderInDoubt: "in doubt",
    e.InquiryRequested: "asked for by its name",
    e.OrderAccepted: "confirmed",
    e.OrderCanceled: "canceled",
    e.OrderExpired: "expired",
    e.OrderRejected: "rejected by the venue",
    e.OrderNotFound: "proven never to have arrived",
}


def filled_words(lots: int, fills: int, instrument: Instrument) -> str:
    """Return how much was executed, in base units, and in how many executions."""
    executions = "1 execution" if fills == 1 else f"{fills} executions"
    return f"filled {instrument.quantity(lots).normalize():f} {instrument.base} in {executions}"


def ticket_words(ticket: OrderTicket, instrument: Instrument) -> str:
    """Return what `ticket` asks for.

    >>> from trading_system.blotter.tickets import OrderKind, Side
    >>> from decimal import Decimal
    >>> btc = Instrument(venue="binance", symbol="BTCUSDT", base="BTC", quote="USDT", tick=Decimal("0.01"),
    ...                  lot=Decimal("0.00001"), min_lots=1, min_notional=Decimal(5))
    >>> ticket_words(OrderTicket(client_order_id="ts-a", strategy="lstm", symbol="BTCUSDT", side=Side.BUY,
    ...     intent=Intent.ENTER, kind=OrderKind.MARKET, lots=1250, decided_ns=0), btc)
    'buy 0.0125 BTC at market'
    """
    quantity = f"{instrument.quantity(ticket.lots).normalize():f}"
    how = "at market"
    if ticket.stop_ticks is not None:
        how = f"once the price touches {instrument.price(ticket.stop_ticks):f} {instrument.quote}"
    elif ticket.limit_ticks is not None:
        how = f"at {instrument.price(ticket.limit_ticks):f} {instrument.quote} or better"
    return f"{ticket.side.value} {quantity} {instrument.base} {how}"


def _before(entries: Sequence[Entry], start: int, ticket: OrderTicket, instrument: Instrument) -> Iterator[Moment]:
    """Tell from the decision to the moment that the process can no longer tell."""
    decided = next((entry for entry in reversed(entries[:start]) if isinstance(entry.fact, e.Decided)), None)
    if decided is not None and isinstance(decided.fact, e.Decided):
        view = decided.fact.view
        believed = f"the model saw a {view.probability:.0%} chance of a rise" if view.expires_ns else "no view"
        yield Moment(
            ns=decided.fact.ts_ns,
            who="engine",
            what="decided",
            words=f"At the close of a bar {believed}; the decision was to {ticket_words(ticket, instrument)}.",
            seq=decided.seq,
        )
    for entry in entries[start:]:
        if _is_about(entry.fact, ticket.client_order_id) and type(entry.fact) in BEFORE:
            what, words = BEFORE[type(entry.fact)]
            yield Moment(ns=entry.recorded_ns, who="engine", what=what, words=words, seq=entry.seq)


BEFORE: Final[Mapping[type[e.Fact], tuple[str, str]]] = {
    e.OrderQueued: ("durable", "The intent was on disk, under its final name, before anything was sent."),
    e.OrderSubmitted: (
        "claimed and sent",
        "A worker claimed the order, on disk as well, and sent it: once, and never again.",
    ),
}


def _after(
    entries: Sequence[Entry], before: Sequence[Entry], ticket: OrderTicket, instrument: Instrument
) -> Iterator[Moment]:
    """Tell from the new process to the moment that books and venue agree and the position is protected."""
    agreed, bare = False, False
    for entry in entries:
        if isinstance(entry.fact, e.OrderFilled) and _is_about(entry.fact, ticket.client_order_id):
            bare = ticket.intent is Intent.ENTER
        for what, words in _told(entry.fact, before, ticket, instrument):
            yield Moment(ns=entry.recorded_ns, who="engine", what=what, words=words, seq=entry.seq)
            bare = bare and what != "protected"
        agreed = agreed or (isinstance(entry.fact, e.Reconciled) and not entry.fact.differences)
        if agreed and not bare:
            return


def _told(
    fact: e.Fact, before: Sequence[Entry], ticket: OrderTicket, instrument: Instrument
) -> Iterator[tuple[str, str]]:
    """Return what `fact` adds to the story: one word for the step, and what happened."""
    match fact:
        case e.EngineStarted():
            yield "restarted", "A new process started."
            yield (
                "folded",
                f"It folded the journal's {len(before)} facts, its only memory. The hash chain held, up to "
                f"{before[-1].hash.hex()[:12]}…",
            )
        case e.Reconciled() if not fact.differences:
            yield "reconciled", "Our books were compared with the venue's: every open order and every balance agrees."
        case e.OrderQueued() if fact.ticket.intent is Intent.PROTECT and fact.ticket.symbol == ticket.symbol:
            yield "protected", f"A stop was sent to rest at the venue: {ticket_words(fact.ticket, instrument)}."
        case e.OrderEvent() if fact.client_order_id == ticket.client_order_id:
            yield from _told_of_it(fact, instrument)


def _told_of_it(event: e.OrderEvent, instrument: Instrument) -> Iterator[tuple[str, str]]:
    match event:
        case e.OrderInDoubt():
            yield "in doubt", f"The order was marked in doubt: {event.reason}."
        case e.InquiryRequested():
            yield "asked", f"The venue was asked for it by its name ({event.reason}). It was not sent again."
        case e.OrderAccepted():
            yield "answered", f"The venue has it, under its own number {event.venue_order_id}."
        case e.OrderFilled():
            quantity = f"{instrument.quantity(event.lots).normalize():f} {instrument.base}"
            price = f"{instrument.price(event.price_ticks):f}"
            yield "fill recovered", f"Trade {event.trade_id}: {quantity} at {price}, fee {event.fee}."
        case e.OrderCanceled() | e.OrderExpired():
            yield "ended", f"It is over: {event.reason}."
        case e.OrderRejected():
            yield "rejected", f"The venue said no ({event.code}): {event.reason}."
        case e.OrderNotFound():
            yield "absent", "The venue does not know it, and it can no longer appear: it never arrived."


def _is_about(fact: e.Fact, name: str) -> bool:
    return isinstance(fact, e.OrderEvent | e.OrderQueued) and fact.client_order_id == name


def _instrument(entries: Sequence[Entry], ticket: OrderTicket) -> Instrument:
    opened = (entry.fact for entry in entries if isinstance(entry.fact, e.SleeveOpened))
    return next(fact.instrument for fact in opened if fact.instrument.symbol == ticket.symbol)
