"""Results of made-up runs: a seeded random walk, some round trips in it, and books that add up.

No strategy and no engine is behind them; they have the shape of a real run, exact balances and every kind of fill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from trading_system.backtest.report.findings import Findings
from trading_system.backtest.result import Fills, Reason, Result, Traded
from trading_system.backtest.statistics.summary import Month, Statistic
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS

MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z."""

EXITS: Final = (Reason.EXIT, Reason.STOP, Reason.TAKE_PROFIT, Reason.TIME_OUT, Reason.UNPROTECTED)
TAKER: Final = 100_000
"""Fee of 10 bps, in 1e-8."""
HALF_SPREAD: Final = 50
SLIPPAGE: Final = 120

CONFIG: Final[Mapping[str, Any]] = {
    "bars": {"interval": "1m", "on_bad_data": "refuse", "synthetic": False},
    "cash": "100000",
    "costs": {"fee_asset": "base", "maker_bps": 10.0, "slippage": "fixed", "slippage_bps": 0.3, "taker_bps": 10.0},
    "fills": {"at": "next_open", "gaps": "open", "limits": "through", "volume_share": 0.1},
    "policy": {"atr_stop": 3.0, "kelly_cap": 0.2, "kelly_share": 0.25, "max_drawdown": 0.2},
    "strategies": [{"name": "ma_cross", "fast": 20, "slow": 80}],
}


def make_instrument(symbol: str = "BTCUSDT", *, tick: str = "0.01", lot: str = "0.00001") -> Instrument:
    """Return an instrument quoted in USDT."""
    return Instrument(
        venue="binance",
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_lots=1,
        min_notional=Decimal(5),
    )


def make_bars(symbol: str, count: int, rng: np.random.Generator, *, first_ticks: int = 4_200_000) -> BarColumns:
    """Return a random walk of one-minute bars, each about 0.08 % long."""
    close = np.maximum(first_ticks * np.exp(np.cumsum(rng.normal(0.0, 8e-4, count))), 1_000).astype(np.int64)
    open_ = np.concatenate([[first_ticks], close[:-1]])
    reach = np.abs(rng.normal(0.0, 4e-4, (2, count)))
    return BarColumns(
        symbol=symbol,
        interval_ns=MINUTE_NS,
        close_ns=START_NS + MINUTE_NS * np.arange(1, count + 1, dtype=np.int64),
        open=open_,
        high=(np.maximum(open_, close) * (1.0 + reach[0])).astype(np.int64) + 1,
        low=(np.minimum(open_, close) * (1.0 - reach[1])).astype(np.int64) - 1,
        close=close,
        volume_atoms=rng.integers(1, 100, count) * ATOMS,
    )


@dataclass(slots=True)
class Book:
    """One sleeve as it trades: what changed in cash and position at which slice, and its fills."""

    cash: Ints
    position: Ints
    stops: Ints
    rows: list[tuple[int, ...]]


def _traded(
    sleeve: int, bars: BarColumns, instrument: Instrument, trips: int, sizes: tuple[int, int], rng: np.random.Generator
) -> Book:
    """Return `trips` round trips, each bought at an open and sold at a later one; none overlap."""
    count = len(bars)
    cash, position, stops = np.zeros((3, count), dtype=np.int64)
    book = Book(cash=cash, position=position, stops=stops, rows=[])
    owned = 0
    moments = np.sort(rng.choice(np.arange(1, count), 2 * trips, replace=False)).tolist()
    for trip, (entered, left) in enumerate(zip(moments[::2], moments[1::2], strict=True)):
        lots = int(rng.integers(*sizes))
        reason = EXITS[trip % len(EXITS)]
        for at, side, why in ((entered, 1, Reason.ENTRY), (left, -1, reason)):
            reference = int(bars.open[at])
            price = reference + side * (HALF_SPREAD + SLIPPAGE)
            worth = lots * price * instrument.notional_atoms
            fee = (lots * instrument.lot_atoms if side > 0 else worth) * TAKER // ATOMS
            book.cash[at] -= side * worth + (0 if side > 0 else fee)
            in_base = int(side > 0)
            change = side * lots * instrument.lot_atoms - (fee if in_base else 0)
            book.position[at] += change
            book.rows.append((at, sleeve, why, side, lots, price, reference, HALF_SPREAD, fee, in_base, 0))
            owned += change
            lots = owned // instrument.lot_atoms  # all that can be sold; less than a lot stays as dust
        book.stops[entered:left] = int(bars.open[entered]) * 98 // 100
    return book


def make_result(
    *,
    bars: int = 2_000,
    trips: int = 40,
    symbols: Sequence[str] = ("BTCUSDT",),
    strategies: Sequence[str] = ("ma_cross",),
    sizes: tuple[int, int] = (5_000, 40_000),
    seed: int = 7,
    **changed: Any,
) -> Result:
    """Return a run of every strategy on every symbol.

    Args:
        bars: Bars of each instrument, all on the same times.
        trips: Round trips of each sleeve.
        symbols: Instruments, all quoted in USDT.
        strategies: Names of the strategies.
        sizes: Lots of an entry, from and below.
        seed: Seed of the walk and of the trades.
        changed: Fields of `Result` to be other than they came out.
    """
    rng = np.random.default_rng(seed)
    instruments = [make_instrument(symbol) for symbol in symbols]
    columns = [make_bars(symbol, bars, rng) for symbol in symbols]
    cash = np.full(bars, 1_000_000 * ATOMS, dtype=np.int64)
    gross = np.zeros(bars, dtype=np.int64)
    stops = [np.zeros(bars, dtype=np.int64) for _ in symbols]
    rows: list[tuple[int, ...]] = []
    sleeves = [(strategy, at) for at in range(len(symbols)) for strategy in strategies]
    for sleeve, (_, at) in enumerate(sleeves):
        book = _traded(sleeve, columns[at], instruments[at], trips, sizes, rng)
        cash += np.cumsum(book.cash)
        held = np.cumsum(book.position) * columns[at].close // instruments[at].lot_atoms
        gross += held * instruments[at].notional_atoms
        stops[at] = np.maximum(stops[at], book.stops)
        rows += book.rows
    rows.sort(key=lambda row: row[0])
    table = np.array(rows, dtype=np.int64).reshape(-1, 11)
    values: dict[str, Any] = {
        "command": "backtest",
        "config": CONFIG,
        "interval_ns": MINUTE_NS,
        "quote": "USDT",
        "close_ns": columns[0].close_ns,
        "equity_atoms": cash + gross,
        "cash_atoms": cash,
        "gross_atoms": gross,
        "fills": Fills(
            **{name: np.ascontiguousarray(column) for name, column in zip(FILL_COLUMNS, table.T, strict=True)},
            client_order_ids=[f"bt-{number:07d}" for number in range(len(rows))],
        ),
        "sleeves": tuple((strategy, symbols[at]) for strategy, at in sleeves),
        "traded": tuple(
            Traded(instrument=instrument, bars=column, stop_ticks=stop, sha256=f"{at + 1:064x}")
            for at, (instrument, column, stop) in enumerate(zip(instruments, columns, stops, strict=True))
        ),
        "counts": {"ambiguous": 3, "decisions": bars * len(sleeves), "denied": 12, "rejected": 1},
        "denials": {"equity has fallen too far from its peak": 9, "below the venue's smallest order": 3},
        "optimistic": (),
        "trials": 1,
        "trial_sharpes": np.zeros(0),
        "pbo": None,
        "code_version": "0.1.0",
        "seed": seed,
    }
    return Result(**{**values, **changed})


FILL_COLUMNS: Final = (
    "slice",
    "sleeve",
    "reason",
    "side",
    "lots",
    "price_ticks",
    "reference_ticks",
    "spread_ticks",
    "fee_atoms",
    "fee_in_base",
    "maker",
)


def make_sharpes(trials: int, seed: int = 7) -> Floats:
    """Return Sharpe ratios per bar as a sweep of `trials` policies without skill would find them."""
    return np.random.default_rng(seed).normal(0.0, 0.01, trials)


def make_statistic(
    name: str, label: str, group: str, unit: str, value: float | int | None, *, source: str = "", why: str | None = None
) -> Statistic:
    """Return a statistic that nobody worked out."""
    formula = "worked out by nobody"
    return Statistic(
        name=name, label=label, group=group, unit=unit, value=value, formula=formula, source=source, why=why
    )


STATISTICS: Final = (
    make_statistic("total_return", "Total return", "return", "fraction", 0.0123),
    make_statistic("sharpe", "Sharpe ratio", "return", "ratio", 1.234, source="Sharpe (1994)"),
    make_statistic("calmar", "Calmar ratio", "return", "ratio", None, why="it never fell"),
    make_statistic("max_drawdown", "Deepest drawdown", "risk", "fraction", 0.0456),
    make_statistic("max_drawdown_s", "Its length", "risk", "s", 200_000),
    make_statistic("sharpe_low", "Sharpe ratio, lower limit", "certainty", "ratio", -0.3),
    make_statistic("sharpe_high", "Sharpe ratio, upper limit", "certainty", "ratio", 2.2),
    make_statistic("deflated_sharpe", "Deflated Sharpe ratio", "certainty", "fraction", 0.44),
    make_statistic("trials", "Trials", "certainty", "count", 1),
    make_statistic("trades", "Trades", "trades", "count", 1234),
    make_statistic("held_return", "Buy and hold", "baseline", "fraction", -0.05),
    make_statistic("held_max_drawdown", "Its drawdown", "baseline", "fraction", 0.12),
)


def make_findings(result: Result, **changed: Any) -> Findings:
    """Return what might have been worked out from `result`; only buying and holding is true."""
    close = result.traded[0].bars.close
    start = int(result.equity_atoms[0]) / ATOMS
    values: dict[str, Any] = {
        "statistics": STATISTICS,
        "months": [Month(2023, 12, -0.0321), Month(2024, 1, 0.0456), Month(2024, 2, 0.25)],
        "start": start,
        "held": start * close / close[0],
        "trade_returns": np.random.default_rng(result.seed).standard_t(3, 60) * 0.01,
    }
    return Findings(**{**values, **changed})
