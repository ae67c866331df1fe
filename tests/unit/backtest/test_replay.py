"""The live desk, told bar by bar, comes to what the loop computes; and its journal is all there is to know."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.tales import BITCOIN, Tale, alone, quarrel, wild

from trading_system.backtest.agreement import differences
from trading_system.backtest.replay import replay
from trading_system.backtest.run import Outcome, OwnPolicy, run
from trading_system.backtest.tape import ACCOUNT, Beliefs, Tape
from trading_system.blotter import events as e
from trading_system.blotter.objections import HALTED, STALE_FEED
from trading_system.blotter.portfolio import Portfolio, account_row, sleeve_row
from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.blotter.state import Account, BarRow, Policy, Sleeve, Step, View
from trading_system.blotter.tickets import client_order_id
from trading_system.bootstrap import replay_parts
from trading_system.desk.decide import decide
from trading_system.errors import ConfigurationError, DataError
from trading_system.kernel import kernel
from trading_system.market.bars import Bar

SEED: Final = 20_260_301
SEEDS: Final = st.integers(0, 2**32 - 1)


def replayed(tale: Tale, own: OwnPolicy | None = None) -> Outcome:
    """Return what becomes of a tale that is told bar by bar."""
    parts = replay_parts()
    return replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=parts, own=own)


def facts_of(tale: Tale) -> list[e.Fact]:
    """Return the journal of a replay."""
    parts = replay_parts()
    replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=parts)
    return [entry.fact for entry in parts.journal.read()]


def test_a_strategy_alone_agrees_in_every_order_fill_stop_and_balance() -> None:
    """Two thousand bars of market orders, trailing stops and views that come and go."""
    tale = alone(np.random.default_rng(SEED), slices=2_000)
    fast, slow = run(*tale.told, plain=True), replayed(tale)
    assert len(fast.fills) > 50
    assert differences(fast, slow, tale.sleeves) == []


def test_the_compiled_loop_agrees_too() -> None:
    """What is compared everywhere else is the loop as plain Python; the two are the same to the bit."""
    tales = [wild(SEED + n) for n in range(20)]
    assert [differences(run(*tale.told), replayed(tale), tale.sleeves) for tale in tales] == [[]] * 20


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS, slices=st.integers(1, 60))
def test_both_speeds_agree_in_every_order_fill_stop_denial_and_balance(seed: int, slices: int) -> None:
    """Whatever the market does, the strategies believe and the rules are."""
    tale = wild(seed, slices)
    assert differences(run(*tale.told, plain=True), replayed(tale), tale.sleeves) == []


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS, slices=st.integers(1, 60))
def test_both_speeds_agree_where_strategies_quarrel_over_one_instrument(seed: int, slices: int) -> None:
    """Who gave lots to whom, at what price and when, what was held back, and what was asked of the venue in the end."""
    tale = quarrel(seed, slices)
    assert differences(run(*tale.told, plain=True), replayed(tale), tale.sleeves) == []


def test_the_compiled_loop_crosses_the_same_lots() -> None:
    """Plain Python stands for it everywhere else."""
    tales = [quarrel(SEED + n) for n in range(30)]
    assert [differences(run(*tale.told), replayed(tale), tale.sleeves) for tale in tales] == [[]] * 30


def test_the_quarrels_are_quarrels() -> None:
    """Lots cross at closes, with and without latency, and once a cancel has been answered; rests are dropped, too."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        tale, heard = quarrel(seed), ""
        late = " late" if tale.setup.rules.latency_bars else ""
        for fact in facts_of(tale):
            if isinstance(fact, e.LotsCrossed):
                seen[f"crossed after {heard}{late}"] += 1
            elif isinstance(fact, e.EntryDropped):
                seen[f"dropped{late}: {fact.reason}"] += 1
            elif isinstance(fact, e.BarClosed | e.OrderCanceled):
                heard = type(fact).__name__
    kinds = [f"crossed after {kind}{late}" for kind in ("BarClosed", "OrderCanceled") for late in ("", " late")]
    kinds += ["dropped: the rest is smaller than the venue accepts", "dropped late: it is decided anew"]
    assert {kind: seen[kind] for kind in kinds if seen[kind] < 3} == {}


def test_the_wild_tales_are_wild() -> None:
    """A proof by examples in which nothing happens proves nothing."""
    told = [run(*wild(seed).told, plain=True) for seed in range(60)]
    assert sum(len(outcome.fills) for outcome in told) > 1_000
    assert sum(len(outcome.orders) for outcome in told) > 2_000
    assert sum(outcome.rejected for outcome in told) > 100
    assert sum(outcome.ambiguous for outcome in told) > 3
    assert len({flags for outcome in told for flags in outcome.denials}) > 5
    assert sum(bool((outcome.short_atoms > 0).any()) for outcome in told) > 5


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS)
def test_folding_the_journal_gives_the_books_that_each_decision_was_reached_on(seed: int) -> None:
    """All state is a fold of the journal: read up to any decision, it gives that decision's own inputs."""
    portfolio, marks = Portfolio(), dict[str, int]()
    for fact in facts_of((quarrel if seed % 2 else wild)(seed)):
        if isinstance(fact, e.BarClosed):
            marks[fact.bar.symbol] = fact.bar.close
        if isinstance(fact, e.Decided):
            book = portfolio.sleeves[fact.strategy, fact.symbol]
            assert sleeve_row(portfolio, book, fact.bar.close_ns) == fact.sleeve
            assert account_row(portfolio, "USDT", marks, fact.account.gates) == fact.account
        portfolio.apply(fact)


def test_folding_the_journal_gives_the_end() -> None:
    """Cash, positions and what is carried, without the process that wrote it."""
    tale, parts = alone(np.random.default_rng(SEED), slices=500), replay_parts()
    outcome = replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=parts)
    portfolio = Portfolio()
    for entry in parts.journal.read():
        portfolio.apply(entry.fact)
    assert portfolio.balances["USDT"] == outcome.cash_atoms[-1]
    assert [book.position_atoms for book in portfolio.sleeves.values()] == outcome.position_atoms.tolist()
    carried = [book.carried[:2] for book in portfolio.sleeves.values()]
    assert carried == [tuple(row[:2]) for row in outcome.decided[-1].tolist()]


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, cut=st.integers(1, 59), shock=st.sampled_from([0.5, 0.9, 1.1, 3.0]))
def test_the_future_cannot_change_the_past(seed: int, cut: int, shock: float) -> None:
    """Every fact up to a close is the same, whatever the market does after it and whatever is believed of it."""
    tale = (quarrel if seed % 2 else wild)(seed)
    until = int(tale.tape.close_ns[cut - 1])
    both = facts_of(tale), facts_of(shocked(tale, cut, shock))
    told, retold = ([fact for fact in facts if fact.ts_ns <= until] for facts in both)
    assert told == retold
    traded = tale.tape.close[:cut, tale.setup.instrument].any(axis=1)
    if len(tale.tape.gates) and tale.tape.gates[cut - 1] & STALE_FEED:
        traded[-1] = False  # its bars are heard after the close
    assert any(isinstance(fact, e.BarClosed) for fact in told) == traded.any()


def shocked(tale: Tale, cut: int, by: float) -> Tale:
    """Return `tale` with other prices, volumes and views from slice `cut` on."""
    columns = {name: getattr(tale.tape, name).copy() for name in Tape._fields}
    for name in ("open", "high", "low", "close"):
        future = columns[name][cut:]
        columns[name][cut:] = np.where(future > 0, np.maximum(1, future * by), 0)
    columns["volume_atoms"][cut:] //= 2
    columns["atr"][cut:] *= by
    beliefs = [column.copy() for column in tale.beliefs]
    beliefs[0][cut:] = 1.0 - beliefs[0][cut:]
    return Tale(
        tape=Tape(**columns),
        beliefs=Beliefs(*beliefs),
        setup=tale.setup,
        instruments=tale.instruments,
        sleeves=tale.sleeves,
    )


def test_same_tale_same_facts() -> None:
    """Told twice, the journal is the same, to the byte."""
    tale, journals = wild(SEED), [replay_parts() for _ in range(2)]
    for parts in journals:
        replay(*tale.told, instruments=tale.instruments, sleeves=tale.sleeves, parts=parts)
    first, second = ([entry.hash for entry in parts.journal.read()] for parts in journals)
    assert first == second


def test_orders_bear_the_same_names_in_the_journal_and_in_the_run_folder() -> None:
    """The account is part of a name, so both speeds must call it alike."""
    tale = alone(np.random.default_rng(SEED), slices=40)
    queued = [fact for fact in facts_of(tale) if isinstance(fact, e.OrderQueued)]
    assert queued
    for ticket in (fact.ticket for fact in queued):
        asked = (ticket.strategy, ticket.symbol, ticket.decided_ns, ticket.intent, ticket.attempt)
        assert ticket.client_order_id == client_order_id(ACCOUNT, *asked)


def test_the_journal_tells_what_happened_in_its_own_order() -> None:
    """An entry, its stop and the exit: asked at a close, claimed before it is sent, filled after the next open."""
    tale = alone(np.random.default_rng(SEED), slices=40)
    kinds = [type(fact).__name__ for fact in facts_of(tale)]
    assert kinds[:6] == ["EngineStarted", "ReconcileRequested", "Reconciled", "SleeveOpened", "BarClosed", "Decided"]
    entered = kinds.index("OrderQueued")
    assert kinds[entered - 1 : entered + 3] == ["Decided", "OrderQueued", "OrderSubmitted", "OrderAccepted"]
    filled = kinds.index("OrderFilled")
    assert kinds[filled : filled + 4] == ["OrderFilled", "OrderQueued", "OrderSubmitted", "OrderAccepted"]


class Rising:
    """Believes in a rise after two rising closes; ATR is the last bar's range."""

    def __init__(self) -> None:
        self._closes: list[int] = []

    def push(self, bar: Bar) -> Forecast:
        """Return the belief after `bar`."""
        self._closes = [*self._closes[-2:], bar.close]
        atr = float(bar.high - bar.low)
        if len(self._closes) < 3:
            return unknown(Unknown.COLD, model="rising", horizon=2, atr=atr)
        rose = self._closes[0] < self._closes[1] < self._closes[2]
        return Forecast(
            probability=0.7 if rose else 0.3,
            gain=0.01,
            loss=0.01,
            horizon=2,
            known=True,
            reason=Unknown.NONE,
            model="rising",
            atr=atr,
        )


def test_views_formed_bar_by_bar_agree_with_the_table_of_all_views() -> None:
    """A forecaster that is pushed each bar decides as the array does that was worked out beforehand."""
    tale = alone(np.random.default_rng(SEED), slices=400)
    close, reach = tale.tape.close[:, 0], tale.tape.high - tale.tape.low
    rose = np.concatenate([[False] * 2, (close[:-2] < close[1:-1]) & (close[1:-1] < close[2:])])
    probability = np.where(rose, 0.7, 0.3)[:, None]
    probability[:2] = np.nan
    tape = tale.tape._replace(atr=reach.astype(np.float64))
    beliefs = tale.beliefs._replace(probability=probability)
    setup = tale.setup._replace(life_ns=tale.setup.life_ns * 2)
    slow = replay(
        tape,
        tale.beliefs,  # not looked at
        setup,
        instruments=tale.instruments,
        sleeves=tale.sleeves,
        parts=replay_parts(),
        forecasters={tale.sleeves[0]: Rising()},
    )
    fast = run(tape, beliefs, setup, plain=True)
    assert len(fast.fills) > 20
    assert differences(fast, slow, tale.sleeves) == []


@kernel
def contrary(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Decide as ours would if the view were turned around."""
    turned = View(probability=1.0 - view.probability, gain=view.loss, loss=view.gain, expires_ns=view.expires_ns)
    return decide(account, sleeve, bar, turned, policy)


def test_a_policy_of_the_users_own_is_replayed_as_well() -> None:
    """The same function takes the place of ours at both speeds."""
    own = OwnPolicy(decide=contrary)
    for seed in range(SEED, SEED + 15):
        tale = wild(seed)
        assert differences(run(*tale.told, plain=True, own=own), replayed(tale, own), tale.sleeves) == []


def test_progress_is_told_up_to_the_end() -> None:
    """Every thousand slices, and once all are told."""
    tale, told = alone(np.random.default_rng(SEED), slices=2_100), list[tuple[int, int]]()
    replay(
        *tale.told,
        instruments=tale.instruments,
        sleeves=tale.sleeves,
        parts=replay_parts(),
        progress=lambda done, of: told.append((done, of)),
    )
    assert told == [(1_000, 2_100), (2_000, 2_100), (2_100, 2_100)]


def test_no_bars_no_facts_but_the_start() -> None:
    """An empty history is told, too."""
    tale = alone(np.random.default_rng(SEED), slices=1)
    empty = {name: column[:0] for name, column in tale.tape._asdict().items()}
    nothing = Tale(
        tape=Tape(**empty),
        beliefs=Beliefs(*(column[:0] for column in tale.beliefs)),
        setup=tale.setup,
        instruments=tale.instruments,
        sleeves=tale.sleeves,
    )
    assert differences(run(*nothing.told, plain=True), replayed(nothing), tale.sleeves) == []


def other(tale: Tale, **changes: object) -> Tale:
    """Return `tale` with some of its parts exchanged."""
    parts = {name: getattr(tale, name) for name in ("tape", "beliefs", "setup", "instruments", "sleeves")}
    return Tale(**{**parts, **changes})


FINER: Final = type(BITCOIN)(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.00001"),
    min_lots=1,
    min_notional=Decimal(5),
)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda t: other(t, instruments=[FINER]), ConfigurationError, "terms"),
        (lambda t: other(t, sleeves=[("one", "ETHUSDT")]), ConfigurationError, "different strategies on"),
        (lambda t: other(t, setup=t.setup._replace(life_ns=t.setup.life_ns + 1)), ConfigurationError, "whole bars"),
        (lambda t: other(t, tape=t.tape._replace(gates=np.array([HALTED] * 9))), ConfigurationError, "gates"),
        (lambda t: other(t, beliefs=t.beliefs._replace(gain=np.full((9, 1), np.inf))), DataError, "forecast of one"),
        (lambda t: other(t, tape=t.tape._replace(high=t.tape.low - 1)), DataError, "cannot be one bar"),
    ],
    ids=["terms", "sleeves", "life", "gates", "belief", "bar"],
)
def test_what_cannot_be_told_is_refused(change: Callable[[Tale], Tale], error: type[Exception], words: str) -> None:
    """A replay of something else than the back-test would prove nothing."""
    with pytest.raises(error, match=words):
        replayed(change(known(alone(np.random.default_rng(SEED), slices=9))))


def known(tale: Tale) -> Tale:
    """Return `tale` with a view at every bar."""
    return other(tale, beliefs=tale.beliefs._replace(probability=np.full_like(tale.beliefs.probability, 0.5)))


def test_two_sleeves_of_one_name_are_refused() -> None:
    """Their orders would bear the same names."""
    tales = (wild(seed) for seed in range(99))
    tale = next(tale for tale in tales if len(tale.sleeves) == 2 and tale.sleeves[0][1] == tale.sleeves[1][1])
    with pytest.raises(ConfigurationError, match="different strategies"):
        replayed(other(tale, sleeves=tale.sleeves[:1] * 2))
