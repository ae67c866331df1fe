"""Entries and exits on a price chart: a mark for each fill, or one for many where a chart could not hold them all."""

from collections.abc import Mapping
from html import escape
from typing import Final, NamedTuple

import polars as pl

from trading_system.backtest.report.schema import Market
from trading_system.backtest.report.words import whole
from trading_system.backtest.result import Reason
from trading_system.market.timestamps import NS_PER_MS

MOST_MARKS: Final = 2_000
"""Marks that one price chart has at most, about; beyond that neighbors of one kind share a mark."""

SIZES: Final = ((200, 9), (800, 7), (MOST_MARKS * 2, 5))
"""Up to so many marks a chart draws them so large, pixels."""


class Look(NamedTuple):
    """How a kind of fill looks: its name, the symbols of a buy and of a sale, its color."""

    name: str
    bought: str
    sold: str
    color: str


ENTRY: Final = Look("entry", "triangle-up", "triangle-down", "var(--entry)")
EXIT: Final = Look("exit", "circle", "circle", "var(--exit)")
TARGET: Final = Look("take-profit", "star", "star", "var(--gain)")
CROSSED: Final = Look("crossed inside", "diamond", "diamond-open", "var(--soft)")
STOP: Final = Look("stopped out", "x", "x", "var(--loss)")

LOOKS: Final[Mapping[Reason, Look]] = {
    Reason.ENTRY: ENTRY,
    Reason.EXIT: EXIT,
    Reason.TIME_OUT: EXIT,
    Reason.FINISH: EXIT,
    Reason.TAKE_PROFIT: TARGET,
    Reason.STOP: STOP,
    Reason.UNPROTECTED: STOP,
    Reason.CROSSED: CROSSED,
}


def shared(fills: int) -> bool:
    """Return whether so many fills of an instrument share marks."""
    return fills > MOST_MARKS


def traces(market: Market, fills: pl.DataFrame, digits: int) -> list[Mapping[str, object]]:
    """Return the marks of one instrument's `fills`, a trace for each kind that there is; prices have `digits`."""
    marked = _together(fills) if shared(len(fills)) else fills.with_columns(count=pl.lit(1))
    size = next((size for most, size in SIZES if len(marked) <= most), SIZES[-1][1])
    found = []
    for look in dict.fromkeys(LOOKS.values()):
        reasons = [reason.name.lower() for reason, its in LOOKS.items() if its is look]
        rows = marked.filter(pl.col("reason").is_in(reasons))
        if len(rows):
            found.append(_trace(look, rows, market, digits, size))
    return found


def _together(fills: pl.DataFrame) -> pl.DataFrame:
    """Return one row for neighboring fills of one reason and side: the sum of lots, average price, last time."""
    first, last = fills["time_ns"].min(), fills["time_ns"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    kinds = fills.select(pl.struct("reason", "side").n_unique()).item()
    stretch = max((last - first) // max(MOST_MARKS // kinds, 1), 1) + 1
    return (
        fills.with_columns(stretch=(pl.col("time_ns") - first) // stretch, worth=pl.col("price_ticks") * pl.col("lots"))
        .group_by("stretch", "reason", "side", maintain_order=True)
        .agg(
            pl.col("time_ns").last(),
            pl.col("lots").sum(),
            (pl.col("worth").sum() / pl.col("lots").sum()).alias("price_ticks"),
            pl.len().alias("count"),
            pl.col("strategy").first(),
            pl.col("client_order_id").first(),
        )
    )


def _trace(look: Look, rows: pl.DataFrame, market: Market, digits: int, size: int) -> Mapping[str, object]:
    tick, lot = float(market.tick), float(market.lot)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": look.name,
        "x": (rows["time_ns"] // NS_PER_MS).to_list(),
        "y": (rows["price_ticks"].cast(pl.Float64) * tick).round(digits).to_list(),
        "text": [
            _words(row, lot, market.base)
            for row in rows.select("reason", "side", "lots", "count", "strategy", "client_order_id").iter_rows()
        ],
        "marker": {
            "symbol": [look.bought if side == "buy" else look.sold for side in rows["side"].to_list()],
            "size": size,
            "color": look.color,
            "opacity": 1.0 if size > SIZES[-1][1] else 0.75,
            "line": {"color": "var(--card)", "width": 1 if size > SIZES[-1][1] else 0},
        },
        "hovertemplate": f"%{{x|%Y-%m-%d %H:%M}}<br>%{{text}} at %{{y:,.{digits}f}}<extra></extra>",
    }


def _words(row: tuple[str, str, int, int, str, str], lot: float, base: str) -> str:
    """Return what a mark says of itself; names are escaped, since plotly.js reads tags in its texts."""
    reason, side, lots, count, strategy, name = row
    verb, why = "bought" if side == "buy" else "sold", reason.replace("_", " ")
    who = f"{whole(count)} fills together" if count > 1 else f"{escape(strategy)}, {escape(name)}"
    return f"{why}, {who}<br>{verb} {lots * lot:.8g} {escape(base)}"
