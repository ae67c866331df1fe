"""The facts of a small account, told in the order in which a journal has them."""

from dataclasses import replace

from tests.factories import START_NS, make_bar, make_fill, make_instrument, make_policy, make_ticket

from trading_system.blotter import events as e
from trading_system.blotter import objections, state
from trading_system.blotter.portfolio import account_row, fold, sleeve_row
from trading_system.blotter.tickets import Intent, OrderTicket
from trading_system.desk.decide import decide
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_MS

STRATEGY = "lstm"


def opening(*instruments: Instrument, cash: int = 100_000 * ATOMS) -> list[e.Fact]:
    """Return the start of an account that owns `cash` atoms of USDT and trades each of `instruments`."""
    sleeves = [
        e.SleeveOpened(ts_ns=START_NS, strategy=STRATEGY, instrument=instrument, policy=make_policy())
        for instrument in instruments or (make_instrument(),)
    ]
    return [
        e.EngineStarted(ts_ns=START_NS, account="main", version="0", settings="hash"),
        *sleeves,
        e.Reconciled(ts_ns=START_NS, balances={"USDT": cash}, differences=()),
    ]


def decision(told: list[e.Fact], bar: Bar, *, gates: int = objections.NONE, atr: float = 12_000.0) -> e.Decided:
    """Return what is decided at `bar`, on a view that expects a rise, after all that was `told`."""
    portfolio = fold(told)
    book = portfolio.sleeves[STRATEGY, bar.symbol]
    account = account_row(portfolio, book.instrument.quote, {bar.symbol: bar.close}, gates)
    sleeve = sleeve_row(portfolio, book, book.decided_ns)
    row = state.BarRow(
        close_ns=bar.close_ns,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume_atoms=bar.volume_atoms,
        atr=atr,
    )
    view = state.View(probability=0.7, gain=0.02, loss=0.01, expires_ns=bar.close_ns + 1)
    return e.Decided(
        ts_ns=bar.close_ns,
        strategy=STRATEGY,
        symbol=bar.symbol,
        account=account,
        sleeve=sleeve,
        bar=row,
        view=view,
        policy=book.policy,
        step=decide(account, sleeve, row, view, book.policy),
        model="model-hash",
        features=(0.25, -1.5),
        why="",
    )


def an_entry_and_its_stop() -> tuple[list[e.Fact], OrderTicket, OrderTicket]:
    """Return facts, entry and stop: a bar, a decision, an entry filled in two parts, and its stop in doubt.

    The entry buys 0.9 BTC: 0.3 at 40,001.00 and 0.6 at 40,004.00, 40,003.00 on average, decided at 40,000.00.
    """
    told = opening()
    bar = make_bar(close=4_000_000)
    told += [e.BarClosed(ts_ns=bar.close_ns, bar=bar)]
    told += [decision(told, bar)]
    entry = make_ticket(lots=90_000, decided_ns=bar.close_ns)
    name = entry.client_order_id
    told += [
        e.OrderQueued(ts_ns=bar.close_ns, ticket=entry),
        e.OrderSubmitted(ts_ns=bar.close_ns + NS_PER_MS, client_order_id=name),
        e.OrderAccepted(ts_ns=bar.close_ns + 2 * NS_PER_MS, client_order_id=name, venue_order_id="17"),
        make_fill(entry, trade=1, lots=30_000, price_ticks=4_000_100, fee_atoms=30_000),
        make_fill(entry, trade=2, lots=60_000, price_ticks=4_000_400, fee_atoms=60_000),
    ]
    stop = make_ticket(intent=Intent.PROTECT, lots=89_910, decided_ns=bar.close_ns)
    later, name = bar.close_ns + 3 * NS_PER_MS, stop.client_order_id
    told += [
        e.OrderQueued(ts_ns=later, ticket=stop),
        e.OrderSubmitted(ts_ns=later, client_order_id=name),
        e.OrderInDoubt(ts_ns=later + NS_PER_MS, client_order_id=name, reason="the answer was lost"),
        e.InquiryRequested(ts_ns=later + NS_PER_MS, client_order_id=name, reason="no answer"),
    ]
    return told, entry, stop


def differently(decided: e.Decided) -> e.Decided:
    """Return `decided` as if this code had wanted one lot more."""
    sleeve = decided.step.sleeve._replace(target_lots=decided.step.sleeve.target_lots + 1)
    return replace(decided, step=decided.step._replace(sleeve=sleeve))
