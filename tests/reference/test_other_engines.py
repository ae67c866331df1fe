"""Conventions of other engines, each as choices of ours and as a loop of a few lines that knows nothing of ours.

Prices are ticks of 0.01 and amounts are atoms (1e-8), whole numbers in both, so that every fill and the cash agree to
the last digit. What each engine takes for granted stands in docs/backtest.md.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from tests.reference.markets import ATOMS, TICK, Bar, odds, units, walk
from tests.reference.running import (
    ALWAYS_IN,
    FREE,
    SIGNALS,
    TARGET_WEIGHT,
    Ran,
    backtest,
    replay,
    signals,
    signals_of,
    write_bars,
)

pytestmark = pytest.mark.slow

CASH = 10_000 * ATOMS
COUNT = 300
EVENTS = {
    "enter_above": 0.9,
    "leave_below": 0.1,
    "stop": "none",
    "cash_buffer": 0,
    "max_exposure": 100,
    "max_gross": 100,
}
"""Signals are events: 1 buys, 0 sells, and where there is none what is held is held."""

Trade = tuple[int, int, int]
"""Bar, lots bought or sold, price in ticks."""


def worth(lots: int, ticks: int, lot: int) -> int:
    """Return what `lots`, of which `lot` make a unit, are worth, atoms."""
    return lots * ticks * (ATOMS // TICK // lot)


def terms(lot: str) -> dict[str, object]:
    """Return the terms of trade, and 10,000 of cash, free of costs."""
    return FREE | {"tick": "0.01", "lot": lot, "min_notional": 0, "cash": CASH // ATOMS}


def ran(folder: Path, bars: list[Bar], odds: dict[int, float], lot: str, sets: dict[str, object], *more: str) -> Ran:
    """Run signals on bars."""
    told = terms(lot) | signals(folder, odds) | sets
    return backtest(folder / "run", write_bars(folder, units(bars)), "script", told, *more)


def fills(ran: Ran) -> list[Trade]:
    """Return every fill."""
    return list(zip(ran.slices.tolist(), ran.lots.tolist(), ran.fills["price_ticks"].to_list(), strict=True))


def assert_same(ran: Ran, trades: list[Trade], cash: int, *, at_least: int) -> None:
    """Every fill agrees, and the cash at the end to the atom; and there was something to agree in."""
    assert fills(ran) == trades
    assert int(ran.equity["cash_atoms"][-1]) == cash
    assert len(trades) >= at_least


@pytest.mark.parametrize(("seed", "percent"), [(1, 0), (2, 0), (1, 3), (2, 3)])
def test_backtesting_py_all_in_with_a_commission_turned_at_the_next_open(tmp_path, seed, percent):
    """Whole shares of all cash, 0.2 % of each order, longs and shorts that close each other, the last at an open.

    With a stop of so many per cent from the close that decided, or without one.
    """
    bars, told = walk(seed, COUNT, step=150, grid=100), odds(seed, COUNT)
    cash, held, wish, stop, level, trades = CASH, 0, 0, 0, 0, []

    def trade(n: int, shares: int, price: int) -> None:
        nonlocal cash, held
        if shares:
            cash -= worth(shares, price, 1) + worth(abs(shares), price, 1) * 2 // 1_000
            held += shares
            trades.append((n, shares, price))

    for n, (opened, high, low, close) in enumerate(bars):
        if wish:
            trade(n, -held, opened)
            trade(n, wish * (cash * 1_000 // (worth(1, opened, 1) * 1_002)), opened)
            stop = level
        if held > 0 and low <= stop:
            trade(n, -held, min(opened, stop))
        elif held < 0 and stop and high >= stop:
            trade(n, -held, max(opened, stop))
        want = {1.0: 1, 0.0: -1}.get(told.get(n, 0.5), 0)
        wish = want if want * held <= 0 else 0
        level = close * (100 - wish * percent) // 100 if percent else 0
    trade(COUNT - 1, -held, bars[-1][0])
    sets = {"share": 1 - 2**-52, "taker_fee_bps": 20, "short": "allowed", "finish": "last_open"}
    sets |= {"stop_loss": percent / 100}
    assert_same(ran(tmp_path, bars, told, "1", sets, "--policy", str(ALWAYS_IN)), trades, cash, at_least=40)


@pytest.mark.parametrize("seed", [3, 4])
def test_vectorbt_from_signals_all_cash_at_the_close_with_fees_and_slippage(tmp_path, seed):
    """Size infinite in steps of 0.0001, 10 bps of slippage, 0.1 % of fees; signals while in, or out, are not heeded."""
    bars, told = walk(seed, COUNT, start=100_000, step=2_000, grid=1_000), odds(seed, COUNT)
    cash, held, trades = CASH, 0, []
    for n, (*_, close) in enumerate(bars):
        price, lots = 0, 0
        if told.get(n) == 1.0 and held == 0:
            price = close + close // 1_000
            lots = cash * 1_000 // (worth(1, price, 10_000) * 1_001)
        elif told.get(n) == 0.0 and held > 0:
            price, lots = close - close // 1_000, -held
        if lots:
            cash -= worth(lots, price, 10_000) + worth(abs(lots), price, 10_000) // 1_000
            held += lots
            trades.append((n, lots, price))
    sets = EVENTS | {"size": "at_fill", "size_fraction": 1, "fill": "close", "taker_fee_bps": 10, "slippage_bps": 10}
    assert_same(ran(tmp_path, bars, told, "0.0001", sets), trades, cash, at_least=30)


@pytest.mark.parametrize("seed", [5, 6])
def test_vectorbt_stop_loss_and_take_profit_a_fraction_of_the_entry_away(tmp_path, seed):
    """3 % below and 5 % above the close that bought: what opens beyond fills at the open; the stop comes first."""
    bars, told = walk(seed, COUNT, step=120, grid=100), odds(seed, COUNT, often=0.2)
    cash, held, stop, take, trades = CASH, 0, 0, 0, []
    for n, (opened, high, low, close) in enumerate(bars):
        price = 0
        if held and (opened <= stop or (opened < take and low <= stop)):
            price = min(opened, stop)
        elif held and high >= take:
            price = max(opened, take)
        elif told.get(n) == 0.0 and held:
            price = close
        if price:
            trades.append((n, -held, price))
            cash, held = cash + worth(held, price, 1_000), 0
        if told.get(n) == 1.0 and not held:
            held, stop, take = cash // worth(1, close, 1_000), close * 97 // 100, close * 105 // 100
            cash -= worth(held, close, 1_000)
            trades.append((n, held, close))
    sets = EVENTS | {"size": "at_fill", "size_fraction": 1, "fill": "close", "limit_fill": "open", "stop": "fixed"}
    sets |= {"atr_stop": "0.03", "take_profit": "0.05", "stop_slack": 0.25}
    assert_same(ran(tmp_path, bars, told, "0.001", sets), trades, cash, at_least=30)


@pytest.mark.parametrize("seed", [7, 8])
def test_nautilus_limit_entries_that_expire_and_pay_as_makers(tmp_path, seed):
    """Bid 1 % below the close for three bars: through it fills at the limit; an open below it takes, at the open."""
    bars, told = walk(seed, COUNT, grid=100, step=150), odds(seed, COUNT)
    cash, held, limit, until, leave, trades = CASH, 0, 0, 0, False, []
    for n, (opened, _, low, close) in enumerate(bars):
        price, bps = 0, 0
        if leave:
            cash += worth(held, opened, 100) - worth(held, opened, 100) * 10 // 10_000
            trades.append((n, -held, opened))
            held, leave = 0, False
        if limit and n == until - 3 and opened <= limit:
            price, bps = opened, 10
        elif limit and low < limit:
            price, bps = limit, 2
        if price:
            cash -= worth(100, price, 100) + worth(100, price, 100) * bps // 10_000
            held, limit, until = 100, 0, 0
            trades.append((n, 100, price))
        if limit and n == until - 1:
            limit = 0
        if told.get(n) == 1.0 and not held and not limit and n >= until:
            limit, until = close * 99 // 100, n + 4
        leave = told.get(n) == 0.0 and held > 0
        if told.get(n) == 0.0 and limit:
            limit, until = 0, n + 1
    sets = EVENTS | {"size": "lots", "size_lots": 100, "entry_order": "limit", "entry_offset": "0.01", "entry_bars": 3}
    sets |= {"taker_fee_bps": 10, "maker_fee_bps": 2}
    assert_same(ran(tmp_path, bars, told, "0.01", sets), trades, cash, at_least=20)


@pytest.mark.parametrize("seed", [9, 10])
def test_nautilus_market_orders_that_take_a_share_of_each_bars_volume(tmp_path, seed):
    """A tenth of a bar's volume is ours, at its open; the rest of an order, in or out, goes on to the next bars."""
    bars, told = walk(seed, COUNT), odds(seed, COUNT)
    volumes = [0 if n % 7 == 0 else 10 * (1 + n * n % 11) for n in range(COUNT)]
    cash, held, buy, leave, trades = CASH, 0, 0, False, []
    for n, ((opened, *_), volume) in enumerate(zip(bars, volumes, strict=True)):
        lots = -min(held, volume // 10) if leave else min(buy, volume // 10)
        if lots:
            cash -= worth(lots, opened, 1) + worth(abs(lots), opened, 1) // 1_000
            held, buy = held + lots, buy - max(lots, 0)
            trades.append((n, lots, opened))
        leave = leave and held > 0
        if told.get(n) == 1.0 and held == 0 and buy == 0:
            buy = 20
        elif told.get(n) == 0.0:
            leave, buy = held > 0, 0
    sets = {"size": "lots", "size_lots": 20, "entry_bars": 10**6, "volume_limit": "0.1", "taker_fee_bps": 10}
    sets = terms("1") | signals(tmp_path, told) | EVENTS | sets
    found = backtest(tmp_path / "run", write_bars(tmp_path, units(bars), volumes=volumes), "script", sets)
    assert_same(found, trades, cash, at_least=60)


@pytest.mark.parametrize("seed", [11, 12])
def test_freqtrade_a_fixed_stake_at_the_next_open_and_missing_bars_filled(tmp_path, seed):
    """500 of quote currency each time, 0.1 % both ways; where bars are missing the last close is traded at."""
    bars, told, missing = walk(seed, COUNT), odds(seed, COUNT), range(40, COUNT, 23)
    for n in missing:
        bars[n] = (bars[n - 1][3],) * 4
    told = {n: probability for n, probability in told.items() if n not in missing}
    cash, held, order, trades = CASH, 0, 0, []
    for n, (opened, *_, close) in enumerate(bars):
        if order:
            cash -= worth(order, opened, 10_000) + worth(abs(order), opened, 10_000) // 1_000
            held += order
            trades.append((n, order, opened))
        order = -held if told.get(n) == 0.0 else 0
        if told.get(n) == 1.0 and held == 0:
            order = 500 * ATOMS // worth(1, close, 10_000)
    sets = {"size": "quote", "size_quote": 500, "taker_fee_bps": 10, "gaps": "fill"}
    sets = terms("0.0001") | signals(tmp_path, told) | EVENTS | sets
    found = backtest(tmp_path / "run", write_bars(tmp_path, units(bars), missing=missing), "script", sets)
    assert_same(found, trades, cash, at_least=30)
    assert found.told["counts"]["missing_bars"] == len(missing)


@pytest.mark.parametrize("seed", [13, 14])
def test_an_order_that_arrives_two_bars_late(tmp_path, seed):
    """Latency in whole bars: decided at a close, filled at the open of the third bar behind it; then asked anew."""
    bars, told = walk(seed, COUNT), {5 * n: signal for n, signal in odds(seed, COUNT // 5, often=0.9).items()}
    cash, held, order, due, trades = CASH, 0, 0, 0, []
    for n, (opened, *_) in enumerate(bars):
        if order and n == due:
            cash -= worth(order, opened, 1)
            held += order
            trades.append((n, order, opened))
            order = 0
        if not order and told.get(n) == (0.0 if held else 1.0):
            order, due = -held or 10, n + 3
    sets = EVENTS | {"size": "lots", "size_lots": 10, "latency_bars": 2, "entry_bars": 10**6}
    assert_same(ran(tmp_path, bars, told, "1", sets), trades, cash, at_least=20)


@pytest.mark.parametrize("seed", [15, 16])
def test_lean_set_holdings_of_two_coins_rebalanced_at_the_close(tmp_path, seed):
    """Weights of 0 to 4/9 of equity in each: bought, added to, sold in part; 0.1 % of each order in quote currency.

    Through the live desk, bar by bar, with a policy of one's own that compiles nothing.
    """
    symbols, count = ("BTCUSDT", "ETHUSDT"), 120
    markets = [walk(seed + n, count) for n in range(2)]
    rng = np.random.default_rng(seed)
    weights = np.repeat(rng.integers(0, 5, (count // 6, 2)) / 9, 6, axis=0)  # every six hours others
    cash, held, trades = CASH, [0, 0], []
    for n in range(count):
        closes = [market[n][3] for market in markets]
        equity = cash + sum(worth(lots, close, 1_000) for lots, close in zip(held, closes, strict=True))
        orders = [int(weights[n, k] * equity / worth(1, closes[k], 1_000)) - held[k] for k in range(2)]
        for k in sorted(range(2), key=lambda k: orders[k] > 0):  # what is sold pays for what is bought
            if orders[k]:
                cash -= worth(orders[k], closes[k], 1_000) + worth(abs(orders[k]), closes[k], 1_000) // 1_000
                held[k] += orders[k]
                trades.append((n, orders[k], closes[k]))
    odds_ = {symbol: dict(enumerate((1 + weights[:, k]) / 2)) for k, symbol in enumerate(symbols)}
    sets = terms("0.001") | signals_of(tmp_path, odds_) | {"fill": "close", "taker_fee_bps": 10}
    first, second = (
        write_bars(tmp_path, units(market), symbol=symbol) for symbol, market in zip(symbols, markets, strict=True)
    )
    found = replay(tmp_path / "run", first, "script", sets, "--bars", second, "--policy", str(TARGET_WEIGHT))
    assert_same(found, trades, cash, at_least=60)


def test_the_recipe_of_the_guide_trades_given_signals_as_events(tmp_path):
    """All cash buys at the open behind the 1, is held while nothing is said, and sold at the open behind the 0."""
    guide = (SIGNALS.parents[2] / "docs" / "backtest.md").read_text(encoding="utf-8")
    recipe = re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert len(recipe) == 1
    config = tmp_path / "events.yaml"
    config.write_text(recipe[0], encoding="utf-8")
    bars: list[Bar] = [(10_000 + 100 * n, 10_100 + 100 * n, 9_900 + 100 * n, 10_050 + 100 * n) for n in range(8)]
    sets = {name: value for name, value in signals(tmp_path, {1: 1.0, 4: 0.0}).items() if name != "atr"}
    sets |= terms("0.001")
    found = backtest(tmp_path / "run", write_bars(tmp_path, units(bars)), "script", sets, "--config", str(config))
    assert fills(found) == [(2, 98_039, 10_200), (5, -98_039, 10_500)]
