"""The charts of a page, as the plain dictionaries that plotly.js draws; colors are names of the page's own style.

Each chart is `{"data": [...], "layout": {...}}`. Time is milliseconds since 1970, UTC. The page's program puts its
frame around them and its colors, light or dark, in the place of `var(--name)`. No plotly of Python's is imported:
it would take longer than the run. Source: plotly.js, "Figure Reference".
"""

from collections.abc import Mapping
from html import escape
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from trading_system.backtest.report import marks
from trading_system.backtest.report.costs import paid
from trading_system.backtest.report.schema import Histogram, Market, Report
from trading_system.backtest.report.series import Series, chosen
from trading_system.backtest.report.thinning import evenly
from trading_system.market.columns import Floats, Ints
from trading_system.market.timestamps import NS_PER_MS

Json = Mapping[str, object]

MINUTE: Final = "%Y-%m-%d %H:%M"
FALL: Final = "%{y:.2%}"


def charts_of(report: Report, series: Series) -> dict[str, Json]:
    """Return every chart of the page by the id of its place."""
    charts = {"equity": _equity(report, series)}
    for at, market in enumerate(report.markets):
        prices = series.prices.filter(pl.col("instrument") == market.symbol)
        if len(prices):
            fills = series.fills.filter(pl.col("instrument") == market.symbol)
            charts[f"price-{at}"] = _price(market, prices, fills, _span(series))
    if report.trades is not None:
        charts["trades"] = _histogram(report.trades, "return of a round trip", ",.2%", "round trips")
    if len(series.fills):
        charts["costs"] = _costs(report, series)
    if report.trials.sharpes is not None:
        charts["trials"] = _histogram(report.trials.sharpes, "Sharpe ratio per bar", ",.4f", "trials")
    return charts


def _equity(report: Report, series: Series) -> Json:
    equity, falls = _floats(series.equity["equity"]), _floats(series.equity["drawdown"])
    at = chosen(equity, falls)
    ours, theirs = _ms(series.equity["time_ns"])[at], _ms(series.held["time_ns"])
    held = {"line": {"color": "var(--held)", "width": 1.4}, "hovertemplate": "%{y:,.2f}"}
    digits = _digits(equity)
    return {
        "data": [
            _line("buy and hold", theirs, _floats(series.held["equity"]), digits, **held),
            _line(
                "this run",
                ours,
                equity[at],
                digits,
                line={"color": "var(--ours)", "width": 2},
                hovertemplate="%{y:,.2f}",
            ),
            _line(
                "drawdown, buy and hold",
                theirs,
                -_floats(series.held["drawdown"]),
                6,
                yaxis="y2",
                showlegend=False,
                **{**held, "hovertemplate": FALL},
            ),
            _line(
                "drawdown",
                ours,
                -falls[at],
                6,
                yaxis="y2",
                showlegend=False,
                line={"color": "var(--loss)", "width": 1.4},
                fill="tozeroy",
                fillcolor="var(--loss-tint)",
                hovertemplate=FALL,
            ),
        ],
        "layout": {
            "xaxis": {"anchor": "y2", "range": _span(series)},
            "yaxis": {"title": {"text": escape(report.quote)}, "domain": [0.36, 1.0], "tickformat": "~s"},
            "yaxis2": {
                "title": {"text": "drawdown"},
                "domain": [0.0, 0.28],
                "tickformat": ".0%",
                "rangemode": "tozero",
            },
        },
    }


def _price(market: Market, prices: pl.DataFrame, fills: pl.DataFrame, span: list[int]) -> Json:
    tick = float(market.tick)
    digits = len(market.tick.partition(".")[2].rstrip("0"))
    times, stops = _ms(prices["time_ns"]), _floats(prices["stop_ticks"])
    columns = {name: _floats(prices[name]) * tick for name in ("open", "high", "low", "close")}
    unseen = {"line": {"width": 0, "color": "rgba(0,0,0,0)"}, "showlegend": False, "hoverinfo": "skip"}
    stop: dict[str, object] = {
        **_line("protective stop", times, stops * tick, digits),
        "y": [None if level == 0 else round(level * tick, digits) for level in stops.tolist()],
        "line": {"color": "var(--stop)", "width": 1.6, "shape": "hv"},
        "connectgaps": False,
        "hovertemplate": f"stop %{{y:,.{digits}f}}<extra></extra>",
    }
    return {
        "data": [
            _line("high", times, columns["high"], digits, **unseen),
            _line("low", times, columns["low"], digits, **unseen, fill="tonexty", fillcolor="var(--range)"),
            *([stop] if stops.any() else []),
            _line(
                "close",
                times,
                columns["close"],
                digits,
                line={"color": "var(--price)", "width": 1.1},
                hovertemplate=f"%{{x|{MINUTE}}}<br>close %{{y:,.{digits}f}}<extra></extra>",
            ),
            *marks.traces(market, fills, digits),
        ],
        "layout": {
            "hovermode": "closest",
            "xaxis": {"range": span},
            "yaxis": {"title": {"text": escape(market.quote)}, "tickformat": f",.{min(digits, 2)}~f"},
        },
    }


def _costs(report: Report, series: Series) -> Json:
    """Return the sums of each cost so far, from nothing at the first close to the end of the run."""
    each = paid(series.fills, report.markets)
    times, ends = _ms(series.fills["time_ns"]), _ms(series.equity["time_ns"])[[0, -1]]
    at = evenly(len(times))
    sums = {"spread": each.spread, "slippage": each.slippage, "fees": each.fees}
    digits = _digits(np.cumsum(each.fees))
    return {
        "data": [
            _line(
                name,
                np.concatenate([ends[:1], times[at], ends[1:]]),
                np.concatenate([[0.0], np.cumsum(costs)[at], [float(np.cumsum(costs)[-1])]]),
                digits,
                line={"color": f"var(--{name})", "width": 2, "shape": "hv"},
                hovertemplate="%{y:,.2f}",
            )
            for name, costs in sums.items()
        ],
        "layout": {
            "xaxis": {"range": _span(series)},
            "yaxis": {"title": {"text": f"{escape(report.quote)}, summed up"}, "tickformat": "~s"},
        },
    }


def _histogram(spread: Histogram, what: str, format_: str, counted: str) -> Json:
    edges = np.array(spread.edges)
    middles = (edges[:-1] + edges[1:]) / 2.0
    return {
        "data": [
            {
                "type": "bar",
                "x": [_significant(middle) for middle in middles.tolist()],
                "y": spread.counts,
                "width": [_significant(width) for width in np.diff(edges).tolist()],
                "customdata": [[_significant(low), _significant(high)] for low, high in pairwise(spread.edges)],
                "marker": {
                    "color": ["var(--loss)" if middle < 0 else "var(--gain)" for middle in middles.tolist()],
                    "line": {"color": "var(--card)", "width": 1},
                },
                "hovertemplate": f"%{{customdata[0]:{format_}}} to %{{customdata[1]:{format_}}}<br>"
                f"%{{y:,}} {counted}<extra></extra>",
                "showlegend": False,
            }
        ],
        "layout": {
            "hovermode": "closest",
            "xaxis": {
                "type": "linear",
                "title": {"text": what},
                "tickformat": format_.replace(".2%", ".2~%"),
                "hoverformat": format_,
            },
            "yaxis": {"title": {"text": counted}, "tickformat": ",d", "rangemode": "tozero"},
            "bargap": 0,
        },
    }


def _span(series: Series) -> list[int]:
    """Return the first and the last close, ms: what every chart of time shows at first."""
    ends: list[int] = _ms(series.equity["time_ns"])[[0, -1]].tolist()
    return ends


def _line(name: str, times_ms: Ints, values: Floats, digits: int, **more: object) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times_ms.tolist(),
        "y": np.round(values, digits).tolist(),
        **more,
    }


def _digits(values: Floats) -> int:
    """Return how many digits after the point show the largest of `values` to about one in ten million."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return int(np.clip(7 - np.ceil(np.log10(largest)), 2, 8)) if largest > 0.0 else 2


def _significant(value: float) -> float:
    return float(f"{value:.6g}")


def _ms(column: pl.Series) -> Ints:
    times: Ints = column.to_numpy() // NS_PER_MS
    return times


def _floats(column: pl.Series) -> Floats:
    values: Floats = column.cast(pl.Float64).to_numpy()
    return values
