"""A run made by hand: four bars, one position, one kill, and the venue's ledger that belongs to it.

One lot is 0.001 BTC and one tick 1 USDT, so that every number can be worked out in the head. Cash 10 000 USDT.

bar 0, close 100   buy 50 BTC; the engine is killed before the answer; it got 50 at 101, fee 0.05 BTC: 49.95 left.
bar 1, close 110   equity 10 000 − 5 050 + 49.95 × 110 = 10 444.50
bar 2, close 105   equity  4 950 + 49.95 × 105 = 10 194.75; leave: sold at 104, fee 5.1948 USDT.
bar 3, close 120   equity  4 950 + 49.95 × 104 − 5.1948 = 10 139.6052
"""

from collections.abc import Sequence
from typing import Any, Final

from tests.factories import START_NS, make_instrument

from trading_system.blotter import events as e
from trading_system.blotter import state
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.dashboard.notes import Kill, Mishap, RunNotes
from trading_system.journal.memory import MemoryJournal
from trading_system.market.bars import interval_ns
from trading_system.market.money import Money, to_atoms
from trading_system.ports import Entry

COIN: Final = make_instrument(tick="1", lot="0.001")
BAR_NS: Final = interval_ns("15m")
CLOSES: Final = (100, 110, 105, 120)
BOUGHT, STOPPED, SOLD = "ts-bought", "ts-stop", "ts-sold"
POLICY: Final = state.Policy(*(0.5,) * len(state.Policy._fields))


def closed(index: int) -> int:
    """When bar `index` closes, ns."""
    return START_NS + (index + 1) * BAR_NS


def ticket(name: str, intent: Intent, lots: int, index: int, *, stop: int | None = None) -> OrderTicket:
    """A ticket decided at bar `index`: buys to enter, sells else; a stop's limit lies one tick lower."""
    return OrderTicket(
        client_order_id=name,
        strategy="lstm",
        symbol="BTCUSDT",
        side=Side.BUY if intent is Intent.ENTER else Side.SELL,
        intent=intent,
        kind=OrderKind.MARKET if stop is None else OrderKind.STOP_LIMIT,
        lots=lots,
        limit_ticks=None if stop is None else stop - 1,
        stop_ticks=stop,
        decided_ns=closed(index),
    )


def decided(index: int, cash: str, coins: str, probability: float) -> e.Decided:
    """The decision at the close of bar `index`, with what the account held then."""
    close = CLOSES[index]
    sleeve = state.Sleeve(
        terms=state.Terms(100_000, 100_000, 1, 500_000_000),
        position_atoms=to_atoms(coins),
        entry_lots=0,
        entry_taking=0,
        exit_lots=0,
        stop_lots=0,
        stop_resting_ticks=0,
        stop_limit_ticks=0,
        stop_status=state.STOP_NONE,
        carried=state.FLAT,
    )
    return e.Decided(
        ts_ns=closed(index),
        strategy="lstm",
        symbol="BTCUSDT",
        account=state.Account(to_atoms(cash), 0, to_atoms(coins) * close, 0, state.FRESH),
        sleeve=sleeve,
        bar=state.BarRow(closed(index), close, close + 2, close - 2, close, 100_000_000, 2.0),
        view=state.View(probability, 0.01, 0.01, closed(index) + BAR_NS),
        policy=POLICY,
        step=state.Step(state.FRESH, state.FLAT, 0, state.Asks(0, 0, 0, 0, 0, 0)),
        model="demo",
        features=(),
        why="",
    )


def filled(index: int, name: str, trade_id: str, lots: int, price: int, fee: Money) -> e.OrderFilled:
    """An execution one second after the close of bar `index`."""
    ts_ns = closed(index) + 1_000_000_000
    return e.OrderFilled(ts_ns=ts_ns, client_order_id=name, trade_id=trade_id, lots=lots, price_ticks=price, fee=fee)


def facts() -> list[e.Fact]:
    """Every fact of the run, in the order of the journal."""
    start, first, third = START_NS, closed(0), closed(2)
    agreed = {"USDT": to_atoms("4950"), "BTC": to_atoms("49.95")}
    return [
        e.EngineStarted(ts_ns=start, account="main", version="0.1.0", settings="5e77"),
        e.SleeveOpened(ts_ns=start, strategy="lstm", instrument=COIN, policy=POLICY),
        e.Reconciled(ts_ns=start, balances={"USDT": to_atoms("10000")}, differences=()),
        decided(0, "10000", "0", 0.625),
        e.OrderQueued(ts_ns=first, ticket=ticket(BOUGHT, Intent.ENTER, 50_000, 0)),
        e.OrderSubmitted(ts_ns=first, client_order_id=BOUGHT),
        e.EngineStarted(ts_ns=first, account="main", version="0.1.0", settings="5e77"),
        e.OrderInDoubt(ts_ns=first, client_order_id=BOUGHT, reason="claimed by a process that is gone"),
        e.InquiryRequested(ts_ns=first, client_order_id=BOUGHT, reason="start"),
        filled(0, BOUGHT, "7", 30_000, 101, Money(atoms=to_atoms("0.03"), currency="BTC")),
        filled(0, BOUGHT, "8", 20_000, 101, Money(atoms=to_atoms("0.02"), currency="BTC")),
        e.OrderQueued(ts_ns=first, ticket=ticket(STOPPED, Intent.PROTECT, 49_950, 0, stop=90)),
        e.OrderSubmitted(ts_ns=first, client_order_id=STOPPED),
        e.OrderAccepted(ts_ns=first, client_order_id=STOPPED, venue_order_id="2"),
        e.ReconcileRequested(ts_ns=first, reason="start"),
        e.Reconciled(ts_ns=first, balances=agreed, differences=()),
        decided(1, "4950", "49.95", 0.6),
        decided(2, "4950", "49.95", 0.4),
        e.CancelRequested(ts_ns=third, client_order_id=STOPPED),
        e.OrderCanceled(ts_ns=third, client_order_id=STOPPED, reason="at our request"),
        e.OrderQueued(ts_ns=third, ticket=ticket(SOLD, Intent.EXIT, 49_950, 2)),
        e.OrderSubmitted(ts_ns=third, client_order_id=SOLD),
        e.OrderAccepted(ts_ns=third, client_order_id=SOLD, venue_order_id="3"),
        filled(2, SOLD, "9", 49_950, 104, Money(atoms=to_atoms("5.1948"), currency="USDT")),
        decided(3, "10139.6052", "0", 0.5),
    ]


def entries(told: Sequence[e.Fact]) -> list[Entry]:
    """The journal that holds `told`, each fact written down when it happened."""
    journal = MemoryJournal()
    for fact in told:
        journal.append([fact], recorded_ns=fact.ts_ns)
    return list(journal.read())


def ledger() -> dict[str, Any]:
    """What the venue counts at the end, as it answers to GET /testnet/ledger."""
    return {
        "orders": [
            _order(1, BOUGHT, "BUY", "MARKET", "50.00000000", "FILLED"),
            _order(2, STOPPED, "SELL", "STOP_LOSS_LIMIT", "49.95000000", "CANCELED", stop="90", limit="89"),
            _order(3, SOLD, "SELL", "MARKET", "49.95000000", "FILLED"),
        ],
        "fills": [
            _fill(7, BOUGHT, "BUY", "101", "30.00000000", "0.03000000", "BTC"),
            _fill(8, BOUGHT, "BUY", "101", "20.00000000", "0.02000000", "BTC"),
            _fill(9, SOLD, "SELL", "104", "49.95000000", "5.19480000", "USDT"),
        ],
        "balances": {
            "house": {"USDT": {"free": "-10139.60520000", "locked": "0.00000000"}},
            "desk": {
                "USDT": {"free": "10139.60520000", "locked": "0.00000000"},
                "BTC": {"free": "0.00000000", "locked": "0.00000000"},
            },
        },
        "requests": {name: {"seen": 1, "lost": 0} for name in (BOUGHT, STOPPED, SOLD)},
        "hash": "ab" * 32,
        "now_ns": closed(3),
        "bars_left": 0,
    }


def notes() -> RunNotes:
    """What only the one who ran it knows."""
    return RunNotes(
        real_bars=False,
        market="A seeded market with planted trends.",
        interval="15m",
        seed=7,
        hashes={"data": "d1" * 32, "model": "e2" * 32},
        metrics={"model": {"Brier score": "0.243"}, "always one half": {"Brier score": "0.250"}},
        config={"policy.kelly_share": "0.25", "venue.step": "true"},
        kills=(Kill(client_order_id=BOUGHT, killed_ns=closed(0)),),
        mishaps=(Mishap(kind="the answer was lost", ns=closed(2), client_order_id=SOLD),),
    )


def _order(
    number: int, name: str, side: str, kind: str, quantity: str, status: str, *, stop: str = "0", limit: str = "0"
) -> dict[str, Any]:
    return {
        "order_id": number,
        "client_order_id": name,
        "account": "desk",
        "symbol": "BTCUSDT",
        "side": side,
        "type": kind,
        "quantity": quantity,
        "executed": quantity if status == "FILLED" else "0.00000000",
        "limit_price": f"{limit}.00000000",
        "stop_price": f"{stop}.00000000",
        "status": status,
    }


def _fill(number: int, name: str, side: str, price: str, quantity: str, fee: str, currency: str) -> dict[str, Any]:
    return {
        "trade_id": number,
        "client_order_id": name,
        "account": "desk",
        "symbol": "BTCUSDT",
        "side": side,
        "price": f"{price}.00000000",
        "quantity": quantity,
        "commission": fee,
        "commission_asset": currency,
    }
