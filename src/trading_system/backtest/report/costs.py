"""What trading cost, worked out from the fills: spread, slippage and fees in quote units."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from trading_system.backtest.report.schema import Cost, Market
from trading_system.backtest.result import Reason
from trading_system.market.columns import Floats

INSIDE: Final = Reason.CROSSED.name.lower()
"""The reason of a fill that no venue saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """By fill, quote units, (N,) each; > 0 cost us.

    Attributes:
        turnover: Price × quantity; 0 for lots that crossed inside the account.
        spread: Half the spread.
        slippage: Fill price against the bar's own, signed so that worse is more, less the spread.
        fees: The fee; where it was taken in base currency, at the price of the fill.
    """

    turnover: Floats
    spread: Floats
    slippage: Floats
    fees: Floats


def paid(fills: pl.DataFrame, markets: Sequence[Market]) -> Paid:
    """Return what each fill cost. Ratios for reading: the exact balances are in the equity's own table."""
    step = {each.symbol: float(Decimal(each.tick) * Decimal(each.lot)) for each in markets}
    tick = {each.symbol: float(each.tick) for each in markets}
    base = {each.symbol: each.base for each in markets}
    symbols = fills["instrument"]
    worth = _floats(symbols.replace_strict(step, return_dtype=pl.Float64)) * _floats(fills["lots"])
    price, reference = _floats(fills["price_ticks"]), _floats(fills["reference_ticks"])
    side = np.where((fills["side"] == "buy").to_numpy(), 1.0, -1.0)
    in_base = (fills["fee_asset"] == symbols.replace_strict(base, return_dtype=pl.String)).to_numpy()
    rate = np.where(in_base, _floats(symbols.replace_strict(tick, return_dtype=pl.Float64)) * price, 1.0)
    spread = worth * _floats(fills["spread_ticks"])
    return Paid(
        turnover=np.where((fills["reason"] == INSIDE).to_numpy(), 0.0, worth * price),
        spread=spread,
        slippage=side * (price - reference) * worth - spread,
        fees=_floats(fills["fee_atoms"]) / 1e8 * rate,
    )


def costs_of(fills: pl.DataFrame, markets: Sequence[Market]) -> list[Cost]:
    """Return what trading each instrument cost, in the order of `markets`."""
    each, symbols = paid(fills, markets), fills["instrument"]
    rows = {market.symbol: (symbols == market.symbol).to_numpy() for market in markets}
    return [
        Cost(
            symbol=symbol,
            fills=int((at & (fills["reason"] != INSIDE).to_numpy()).sum()),
            turnover=float(each.turnover[at].sum()),
            spread=float(each.spread[at].sum()),
            slippage=float(each.slippage[at].sum()),
            fees=float(each.fees[at].sum()),
            funding=0.0,
        )
        for symbol, at in rows.items()
    ]


def _floats(column: pl.Series) -> Floats:
    values: Floats = column.cast(pl.Float64).to_numpy()
    return values
