"""One decision, by hand: a flat account, a hopeful view, and what the desk would ask of the venue.

Run it: `.venv/bin/python examples/one_decision.py`
"""

from decimal import Decimal

from trading_system.blotter.objections import words
from trading_system.blotter.state import (
    FLAT,
    FRESH,
    STOP_NONE,
    Account,
    AccountCarried,
    BarRow,
    Policy,
    Sleeve,
    Terms,
    View,
)
from trading_system.desk.decide import decide
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms

bitcoin = Instrument(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_lots=1,
    min_notional=Decimal(5),
)
sleeve = Sleeve(
    terms=Terms(
        lot_atoms=bitcoin.lot_atoms,
        notional_atoms=bitcoin.notional_atoms,
        min_lots=bitcoin.min_lots,
        min_notional_atoms=to_atoms(bitcoin.min_notional),
    ),
    position_atoms=0,
    entry_lots=0,
    entry_taking=0,
    exit_lots=0,
    stop_lots=0,
    stop_resting_ticks=0,
    stop_limit_ticks=0,
    stop_status=STOP_NONE,
    carried=FLAT,
)
bar = BarRow(
    close_ns=900_000_000_000,
    open=bitcoin.ticks("39900"),
    high=bitcoin.ticks("40100"),
    low=bitcoin.ticks("39850"),
    close=bitcoin.ticks("40000"),
    volume_atoms=to_atoms("12.5"),
    atr=20_000.0,  # ticks: 200 USDT
)
policy = Policy(
    kelly_share=0.25,
    kelly_cap=0.02,
    max_exposure=0.5,
    enter_above=0.55,
    leave_below=0.5,
    round_trip_cost=0.002,
    atr_stop=3.0,
    stop_step=0.5,
    stop_slack=0.005,
    cash_buffer=0.01,
    max_drawdown=0.2,
)


def tell(title: str, probability: float, carried: AccountCarried = FRESH) -> None:
    """Decide once on a belief of `probability` and say in words what came of it."""
    account = Account(cash_atoms=to_atoms("10000"), reserved_atoms=0, holdings_atoms=0, gates=0, carried=carried)
    view = View(probability=probability, gain=0.02, loss=0.01, expires_ns=bar.close_ns)
    step = decide(account, sleeve, bar, view, policy)
    asks, stop = step.asks, bitcoin.price(step.sleeve.stop_ticks)
    print(f"{title}:")
    print(f"  buy {bitcoin.quantity(asks.entry_lots)} BTC, stop at {stop}" if asks.entry_lots else "  ask for nothing")
    print(f"  objections: {', '.join(words(step.objections)) or 'none'}")


if __name__ == "__main__":
    tell("A hopeful view", 0.62)
    tell("No more than a coin's chance", 0.51)
    fallen = AccountCarried(peak_equity=float(to_atoms("15000")), latched=0)
    tell("The same hope, after a fall of a third", 0.62, fallen)
