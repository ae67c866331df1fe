"""The same bars told one by one to the live desk, through its runner, its queue and a simulated venue.

It is slow and writes everything down; what comes of it equals what the compiled loop computes, to the bit. Between two
moments of a bar there is no time: no timer fires, and whatever the venue tells is answered before it goes on.
"""

import gc
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from trading_system import __version__
from trading_system.backtest.history import first_open_of, forecasters_of, interval_of, slices_of
from trading_system.backtest.recorder import Recorder
from trading_system.backtest.rows import policy_at, reader
from trading_system.backtest.run import Outcome, OwnPolicy, Progress, checked
from trading_system.backtest.tape import ACCOUNT, Beliefs, Setup, Tape
from trading_system.blotter import events as e
from trading_system.blotter import objections as why
from trading_system.blotter.portfolio import Portfolio, SleeveKey, terms_of
from trading_system.blotter.state import Policy
from trading_system.desk.clock import SimulatedClock
from trading_system.desk.decide import decide
from trading_system.desk.engine import Desk
from trading_system.desk.inbox import Inbox
from trading_system.desk.reconcile import differences as books_apart
from trading_system.desk.runner import Runner
from trading_system.errors import ConfigurationError, InvariantBroken
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.execution_engine.simulator.venue import SimulatedVenue
from trading_system.execution_engine.simulator.venue_book import Listing
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.ports import Forecaster, Journal, OrderQueue

COMPARED_EVERY: Final = 1_000
"""Slices between two comparisons of the desk's books with the venue's."""
TOLD_EVERY: Final = 1_000
"""Slices between two words about progress."""
TELLABLE: Final = why.STALE_FEED | why.UNRECONCILED
"""The gates that facts can raise for one slice."""


class Errands(OrderQueue, Protocol):
    """A queue whose errands are taken out again in the same process."""

    def take(self) -> e.Errand | None:
        """Hand out the next errand, the urgent first; None where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayParts:
    """What bootstrap plugs in: an empty journal and queue."""

    journal: Journal
    queue: Errands


def replay(
    tape: Tape,
    beliefs: Beliefs,
    setup: Setup,
    *,
    instruments: Sequence[Instrument],
    sleeves: Sequence[SleeveKey],
    parts: ReplayParts,
    own: OwnPolicy | None = None,
    forecasters: Mapping[SleeveKey, Forecaster] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Tell `tape` to the live desk and return what came of it: to the bit what `backtest.run` computes.

    Args:
        tape: The market.
        beliefs: The views; not looked at where `forecasters` form them.
        setup: What stays the same.
        instruments: (I) what `setup.terms` are the numbers of, all paid in one currency.
        sleeves: (K) strategy and symbol of each sleeve of `setup`.
        parts: Where facts are written, and how errands wait.
        own: A policy in the place of ours.
        forecasters: Who forms the view of each sleeve, bar by bar, ATR included.
        progress: Told now and then how far it is.

    Raises:
        ConfigurationError: The setup is not that of these instruments and sleeves, or cannot be told as facts.
        DataError: A belief or a bar is none.
        InvariantBroken: The desk's books and the venue's came apart.
    """
    line = _Line(tape, beliefs, setup, instruments, sleeves, parts, own, forecasters, progress)
    return line.run()


class _Line:
    """Everything plugged together, for one replay."""

    def __init__(
        self,
        tape: Tape,
        beliefs: Beliefs,
        setup: Setup,
        instruments: Sequence[Instrument],
        sleeves: Sequence[SleeveKey],
        parts: ReplayParts,
        own: OwnPolicy | None,
        forecasters: Mapping[SleeveKey, Forecaster] | None,
        progress: Progress | None,
    ) -> None:
        tape, beliefs, setup = checked(tape, beliefs, setup, own, plain=True)
        _check(tape, setup, instruments, sleeves)
        self._tape, self._setup, self._instruments, self._sleeves = tape, setup, instruments, sleeves
        self._progress = progress
        self._symbols: Final = {symbol: int(i) for (_, symbol), i in zip(sleeves, setup.instrument, strict=True)}
        self._interval_ns = interval_of(tape)
        self._policies = [_policy(setup, k, own) for k in range(len(sleeves))]
        self._quote = instruments[0].quote
        self._clock = SimulatedClock(first_open_of(tape, self._interval_ns))
        self._venue = SimulatedVenue(
            listings=[
                Listing(instrument=instrument, costs=Costs(*row))
                for instrument, row in zip(instruments, setup.costs.tolist(), strict=True)
            ],
            sleeves=sleeves,
            rules=setup.rules,
            quote=self._quote,
            cash_atoms=setup.cash_atoms,
            clock=self._clock,
        )
        self._portfolio = Portfolio()
        self._queue = parts.queue
        self._inbox = Inbox(clock=self._clock, wake_ns=lambda: None)
        self._recorder = Recorder(tape, sleeves, self._portfolio, self._venue)
        told = forecasters or forecasters_of(tape, beliefs, setup, sleeves, self._interval_ns)
        self._desk = Desk(
            portfolio=self._portfolio,
            forecasters=told,
            interval_ns=self._interval_ns,
            stale_ns=0,
            quote=self._quote,
            decide=decide if own is None else own.decide,
        )
        self._runner = Runner(
            desk=self._desk,
            journal=parts.journal,
            clock=self._clock,
            queue=parts.queue,
            observers=[self._recorder, self] if len(self._symbols) < len(sleeves) else [self._recorder],
        )
        self._story = self._tell_all()

    def run(self) -> Outcome:
        """Tell everything and return what came of it."""
        with _uncollected():
            _driven(self._runner.run(self._inbox, self))
        return self._recorder.outcome()

    # --- the pacer: the inbox waits for the story ---------------------------------------------------

    async def settle(self) -> None:
        """Carry what waits to the venue, as long as nobody has answered: answers come first."""
        while not self._inbox.pending:
            errand = self._queue.take()
            if errand is None:
                return
            self._carry(errand)

    async def wait(self, wake_ns: int | None) -> bool:
        """Go on with the story until there is something to hear; False at its end."""
        return next(self._story, False)

    def _carry(self, errand: e.Errand) -> None:
        """Take `errand` to the venue. Nothing is lost on the way, so there is nothing to doubt."""
        now = self._clock.now_ns()
        match errand:
            case e.OrderQueued(ticket=ticket):
                self._runner.tell(e.OrderSubmitted(ts_ns=now, client_order_id=ticket.client_order_id))
                answers = self._venue.submit(ticket)
            case e.CancelRequested():
                answers = self._venue.cancel(self._portfolio.orders[errand.client_order_id].ticket)
            case e.ReconcileRequested():
                answers = [self._compared()]
            case e.InquiryRequested():
                raise InvariantBroken(f"the desk doubts {errand.client_order_id}: {errand.reason}")
        for answer in answers:
            self._inbox.answer(answer)

    def _compared(self) -> e.Reconciled:
        balances = self._venue.balances()
        apart = books_apart(self._portfolio, self._venue.open_order_ids(), balances)
        return e.Reconciled(ts_ns=self._clock.now_ns(), balances=balances, differences=apart)

    def notice(self, fact: e.Fact) -> None:
        """Let the venue know whose lots are whose: it counts shares of the cash as the loop does.

        Observed where sleeves share an instrument; nowhere else do lots cross.
        """
        if isinstance(fact, e.LotsCrossed):
            self._venue.crossed((fact.buyer, fact.symbol), (fact.seller, fact.symbol), fact.lots)

    # --- the story ----------------------------------------------------------------------------------

    def _tell_all(self) -> Iterator[bool]:
        """Tell the whole story; after each yield the desk has heard and answered all that was told."""
        now = self._clock.now_ns()
        self._inbox.hear(e.EngineStarted(ts_ns=now, account=ACCOUNT, version=__version__, settings=""))
        yield True
        for (strategy, symbol), policy in zip(self._sleeves, self._policies, strict=True):
            instrument = next(i for i in self._instruments if i.symbol == symbol)
            self._inbox.hear(e.SleeveOpened(ts_ns=now, strategy=strategy, instrument=instrument, policy=policy))
            yield True
        slices = len(self._tape.close_ns)
        for s, (close_ns, gates, bars) in enumerate(slices_of(self._tape, self._symbols, self._interval_ns)):
            yield from self._tell_slice(s, close_ns, gates, bars)
            if self._progress is not None and (s + 1) % TOLD_EVERY == 0:
                self._progress(s + 1, slices)
            if (s + 1) % COMPARED_EVERY == 0 or s + 1 == slices:
                yield from self._compare(close_ns)
        if self._progress is not None:
            self._progress(slices, slices)

    def _tell_slice(self, s: int, close_ns: int, gates: int, bars: dict[str, Bar]) -> Iterator[bool]:
        inbox, venue = self._inbox, self._venue
        self._clock.move(close_ns - self._interval_ns + 1)  # a bar's first trade is after the close before it
        for fact in venue.opens(bars):
            inbox.hear(fact)
            yield True
        self._clock.move(close_ns)
        for fact in venue.passes():
            inbox.hear(fact)
            yield True
        if gates & why.UNRECONCILED:
            inbox.hear(e.Reconciled(ts_ns=close_ns, balances={}, differences=("the history says so",)))
            yield True
        heard_ns = close_ns + 1 if gates & why.STALE_FEED else close_ns
        for bar in bars.values():
            inbox.hear(e.BarClosed(ts_ns=heard_ns, bar=bar))
            yield True
        if not bars:
            self._recorder.mark(s)
        elif len(bars) < len(self._symbols):
            inbox.hear(e.SliceClosed(ts_ns=heard_ns))
            yield True
        if gates & why.UNRECONCILED:
            inbox.hear(e.Reconciled(ts_ns=close_ns, balances={}, differences=()))
            yield True
        for fact in venue.closes():
            inbox.hear(fact)
            yield True

    def _compare(self, now_ns: int) -> Iterator[bool]:
        """Compare the desk's books with the venue's, unless something is under way."""
        if not self._desk.at_rest() or self._portfolio.differences:
            return
        self._inbox.hear(e.ReconcileRequested(ts_ns=now_ns, reason="it was time", routine=True))
        yield True
        if self._portfolio.differences:
            raise InvariantBroken(f"at {now_ns} the desk's books and the venue's differ: {self._portfolio.differences}")


def _policy(setup: Setup, k: int, own: OwnPolicy | None) -> Any:
    read = policy_at if own is None or own.kind is Policy else reader(own.kind)
    return read(setup.policies, k)


def _check(tape: Tape, setup: Setup, instruments: Sequence[Instrument], sleeves: Sequence[SleeveKey]) -> None:
    if [terms_of(i) for i in instruments] != [tuple(row) for row in setup.terms.tolist()]:
        raise ConfigurationError(f"the terms {setup.terms.tolist()} are not those of {[i.symbol for i in instruments]}")
    if len({i.quote for i in instruments}) != 1 or len({i.symbol for i in instruments}) != len(instruments):
        raise ConfigurationError("a replay needs instruments of different symbols, all paid in one currency")
    expected = [instruments[i].symbol for i in setup.instrument.tolist()]
    if [symbol for _, symbol in sleeves] != expected or len(set(sleeves)) != len(sleeves):
        raise ConfigurationError(f"sleeves {list(sleeves)} must be different strategies on {expected}")
    if len(tape.gates) and (tape.gates & ~TELLABLE).any():
        raise ConfigurationError("a replay can tell of old data and of books that differ; other gates are no facts")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: facts hold no cycles, and looking takes a tenth of the time."""
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()


def _driven(told: Coroutine[Any, Any, None]) -> None:
    """Run what never waits for the outside to its end; no event loop is needed."""
    try:
        told.send(None)
    except StopIteration:
        return
    told.close()
    raise InvariantBroken("a replay waited for something outside")
