"""The columns that a run leaves, each table as its file holds it; a page is drawn from these and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from trading_system.backtest.report.thinning import MOST_POINTS, candles, extremes
from trading_system.backtest.result import Reason, Result, Traded
from trading_system.market.columns import Floats, Ints
from trading_system.market.money import ATOMS

FILLS: Final = {
    "time_ns": pl.Int64,
    "instrument": pl.String,
    "strategy": pl.String,
    "side": pl.String,
    "lots": pl.Int64,
    "price_ticks": pl.Int64,
    "fee_atoms": pl.Int64,
    "fee_asset": pl.String,
    "reason": pl.String,
    "client_order_id": pl.String,
    "reference_ticks": pl.Int64,
    "spread_ticks": pl.Int64,
    "maker": pl.Boolean,
}
EQUITY: Final = {"time_ns": pl.Int64, "equity": pl.Float64, "cash_atoms": pl.Int64, "drawdown": pl.Float64}
HELD: Final = {"time_ns": pl.Int64, "equity": pl.Float64, "drawdown": pl.Float64}
PRICES: Final = {
    "time_ns": pl.Int64,
    "instrument": pl.String,
    "open": pl.Int64,
    "high": pl.Int64,
    "low": pl.Int64,
    "close": pl.Int64,
    "stop_ticks": pl.Int64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The tables of a run; which columns each has stands above.

    Attributes:
        fills: Every fill, in order.
        equity: Cash and marked positions at every close, quote units, and how far below the peak so far, 0..1.
        held: Buying and holding from the same start, thinned with its extremes kept.
        prices: The bars of every instrument, thinned to at most `MOST_POINTS` wider ones, in ticks.
    """

    fills: pl.DataFrame
    equity: pl.DataFrame
    held: pl.DataFrame
    prices: pl.DataFrame


def series_of(result: Result, held: Floats) -> Series:
    """Return the tables of `result`; `held` (S,) is buying and holding, quote units."""
    return Series(fills=_fills(result), equity=_equity(result), held=_held(result, held), prices=_prices(result))


def drawdowns(equity: Floats) -> Floats:
    """Return how far each value lies below the highest so far, 0..1; 0 where nothing has been owned yet.

    >>> drawdowns(np.array([100.0, 125.0, 75.0, 150.0])).tolist()
    [0.0, 0.0, 0.4, 0.0]
    """
    peaks = np.maximum.accumulate(equity)
    return np.divide(peaks - equity, peaks, out=np.zeros_like(equity), where=peaks > 0.0)


def chosen(values: Floats, falls: Floats) -> Ints:
    """Return the indices at which a curve and its drawdowns are drawn, the extremes of both among them."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values), dtype=np.int64)
    return np.union1d(extremes(values, MOST_POINTS // 2), extremes(falls, MOST_POINTS // 2))


def _equity(result: Result) -> pl.DataFrame:
    equity = result.equity_atoms / ATOMS
    return pl.DataFrame(
        {"time_ns": result.close_ns, "equity": equity, "cash_atoms": result.cash_atoms, "drawdown": drawdowns(equity)},
        schema=EQUITY,
    )


def _held(result: Result, held: Floats) -> pl.DataFrame:
    falls = drawdowns(held)
    at = chosen(held, falls)
    return pl.DataFrame(
        {"time_ns": result.close_ns[at], "equity": held[at], "drawdown": falls[at]},
        schema=HELD,
    )


def _fills(result: Result) -> pl.DataFrame:
    fills = result.fills
    instruments = {each.instrument.symbol: each.instrument for each in result.traded}
    names, symbols = [name for name, _ in result.sleeves], [symbol for _, symbol in result.sleeves]
    assets = [[instruments[symbol].quote, instruments[symbol].base] for symbol in symbols]
    return pl.DataFrame(
        {
            "time_ns": result.close_ns[fills.slice],
            "instrument": _named(symbols, fills.sleeve),
            "strategy": _named(names, fills.sleeve),
            "side": _named(["sell", "buy"], (fills.side > 0).astype(np.int64)),
            "lots": fills.lots,
            "price_ticks": fills.price_ticks,
            "fee_atoms": fills.fee_atoms,
            "fee_asset": _named([asset for pair in assets for asset in pair], 2 * fills.sleeve + fills.fee_in_base),
            "reason": _named([reason.name.lower() for reason in Reason], fills.reason),
            "client_order_id": fills.client_order_ids,
            "reference_ticks": fills.reference_ticks,
            "spread_ticks": fills.spread_ticks,
            "maker": fills.maker.astype(np.bool_),
        },
        schema=FILLS,
    )


def _named(names: Sequence[str], at: Ints) -> pl.Series:
    """Return the name at each index."""
    return pl.Series(names, dtype=pl.String).gather(at)


def _prices(result: Result) -> pl.DataFrame:
    tables = [_thinned(each, result.close_ns) for each in result.traded if len(each.bars)]
    return pl.concat(tables) if tables else pl.DataFrame(schema=PRICES)


def _thinned(traded: Traded, close_ns: Ints) -> pl.DataFrame:
    stops = np.zeros(len(close_ns), dtype=np.int64) if traded.stop_ticks is None else traded.stop_ticks
    columns = candles(traded.bars, stops, close_ns)
    named = {"time_ns": columns["time_ns"], "instrument": [traded.instrument.symbol] * len(columns["time_ns"])}
    return pl.DataFrame({**named, **columns}, schema=PRICES)
