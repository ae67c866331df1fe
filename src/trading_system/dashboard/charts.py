"""The charts of a run page, as the plain dictionaries that plotly.js draws.

Each chart is `{"data": [...], "layout": {...}}`. Time is milliseconds since 1970, UTC, which its date axes take as
it is. Source: plotly.js, "Figure Reference".
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from trading_system.blotter.tickets import Intent
from trading_system.dashboard.notes import RunNotes
from trading_system.dashboard.numbers import buy_and_hold, drawdowns
from trading_system.dashboard.run_facts import Execution, Run, SleeveRun
from trading_system.market.timestamps import to_ms

Json = Mapping[str, object]
Moment = tuple[int, str, str]
"""When, UTC ns; in words; color."""

INK: Final = "#22303c"
MUTED: Final = "#6b7680"
GRID: Final = "#e7e3da"
BLUE: Final = "#1f5f8b"
GREEN: Final = "#1b7f4d"
RED: Final = "#b8372b"
AMBER: Final = "#b07410"
VIOLET: Final = "#6a4c93"

CLOSE_BY: Final = 96
"""Bars before and after a kill that its close-up shows."""

LATE: Final = 0.85
"""From this part of a chart on, words stand to the left of their line."""

MARKS: Final[Mapping[Intent, tuple[str, str, str]]] = {
    Intent.ENTER: ("entry", "triangle-up", GREEN),
    Intent.EXIT: ("exit", "triangle-down", VIOLET),
    Intent.PROTECT: ("stopped out", "x", RED),
}
"""How an execution looks, by why it was asked for: name, symbol, color. The symbol alone tells, without the color."""


def charts_of(run: Run, notes: RunNotes) -> dict[str, Json]:
    """Return every chart of the page by the id of its place.

    All share one span of time but those named closeup-…, which show the bars around a kill.
    """
    quote = run.sleeves[0].instrument.quote
    figures = {
        "equity": _equity(run, quote),
        "drawdown": _drawdown(run),
        **{f"price-{at}": _price(sleeve) for at, sleeve in enumerate(run.sleeves)},
        "costs": _costs(run, quote),
    }
    span = (run.marks[0].ns, run.marks[-1].ns)
    moments = _moments(run, notes)
    charts = {
        place: _framed(figure, span, moments, named=place == "equity")  # once is enough; the lines stand in all
        for place, figure in figures.items()
    }
    for at, kill in enumerate(notes.kills):
        charts[f"closeup-{at}"] = _framed(
            _closeup(run.sleeves[0], kill.killed_ns), _around(kill.killed_ns, run), moments, named=True
        )
    return charts


def _equity(run: Run, quote: str) -> Json:
    held = buy_and_hold(run)
    return {
        "data": [
            _line("buy and hold", [ns for ns, _ in held], [worth for _, worth in held], color=MUTED, dash="dot"),
            _line("equity", [mark.ns for mark in run.marks], [mark.equity for mark in run.marks], color=BLUE, width=2),
        ],
        "layout": {"yaxis": {"title": {"text": quote}, "tickformat": ",.0f"}, "height": 340},
    }


def _drawdown(run: Run) -> Json:
    held = buy_and_hold(run)
    ours = [-fall for fall in drawdowns([mark.equity for mark in run.marks])]
    theirs = [-fall for fall in drawdowns([worth for _, worth in held])]
    percents = {"hovertemplate": "%{y:.2%}"}
    return {
        "data": [
            {**_line("buy and hold", [ns for ns, _ in held], theirs, color=MUTED, dash="dot", digits=6), **percents},
            {
                **_line("drawdown", [mark.ns for mark in run.marks], ours, color=RED, digits=6),
                **percents,
                "fill": "tozeroy",
                "fillcolor": "rgba(184,55,43,0.12)",
            },
        ],
        "layout": {
            "yaxis": {"title": {"text": "below the peak"}, "tickformat": ".0%", "rangemode": "tozero"},
            "height": 240,
        },
    }


def _price(sleeve: SleeveRun) -> Json:
    times = [point.ns for point in sleeve.prices]
    highs = _line("high", times, [point.high for point in sleeve.prices], color="rgba(0,0,0,0)", width=0)
    lows = _line("low", times, [point.low for point in sleeve.prices], color="rgba(0,0,0,0)", width=0)
    unseen = {"showlegend": False, "hoverinfo": "skip"}
    stops = [_pair(rest.from_ns, rest.to_ns, rest.price) for rest in sleeve.stops]
    return {
        "data": [
            {**highs, **unseen},
            {**lows, **unseen, "fill": "tonexty", "fillcolor": "rgba(34,48,60,0.13)"},
            _line("close", times, [point.close for point in sleeve.prices], color=INK, width=1),
            {
                "type": "scatter",
                "mode": "lines",
                "name": "stop resting at the venue",
                "x": [x for xs, _ in stops for x in xs],
                "y": [y for _, ys in stops for y in ys],
                "line": {"color": AMBER, "width": 1.8},
                "hovertemplate": "%{y:,.2f}",
            },
            *(_executions(sleeve.executions, intent) for intent in MARKS),
        ],
        "layout": {
            "yaxis": {"title": {"text": sleeve.instrument.quote}, "tickformat": ",.0f"},
            "height": 460,
            "hovermode": "closest",
        },
    }


def _closeup(sleeve: SleeveRun, ns: int) -> Json:
    """Return the price chart of the bars around `ns`, where each bar can be seen."""
    first, last = _bars_around(sleeve, ns)
    points = sleeve.prices[first:last]
    since, until = points[0].ns, points[-1].ns
    near = replace(
        sleeve,
        executions=tuple(x for x in sleeve.executions if since <= x.ns <= until),
        stops=tuple(
            replace(rest, from_ns=max(rest.from_ns, since), to_ns=min(rest.to_ns, until))
            for rest in sleeve.stops
            if rest.from_ns < until and rest.to_ns > since
        ),
    )
    bars = {
        "type": "candlestick",
        "name": "bar",
        "x": [to_ms(point.ns) for point in points],
        **{part: [round(getattr(point, part), 8) for point in points] for part in ("open", "high", "low", "close")},
        "increasing": {"line": {"color": "#7d8a94", "width": 1}, "fillcolor": "#ffffff"},
        "decreasing": {"line": {"color": "#7d8a94", "width": 1}, "fillcolor": "#7d8a94"},
    }
    price = _price(near)
    marks = price["data"]
    assert isinstance(marks, list)
    layout = price["layout"]
    assert isinstance(layout, dict)
    return {"data": [bars, *marks[3:]], "layout": {**layout, "height": 420}}


def _bars_around(sleeve: SleeveRun, ns: int) -> tuple[int, int]:
    """Return the slice of the sleeve's bars around `ns`."""
    at = bisect_left([point.ns for point in sleeve.prices], ns)
    return max(0, at - CLOSE_BY), min(len(sleeve.prices), at + CLOSE_BY)


def _around(ns: int, run: Run) -> tuple[int, int]:
    """Return when the first and the last bar around `ns` closed, ns."""
    first, last = _bars_around(run.sleeves[0], ns)
    return run.sleeves[0].prices[first].ns, run.sleeves[0].prices[last - 1].ns


def _executions(executions: Iterable[Execution], intent: Intent) -> Json:
    name, symbol, color = MARKS[intent]
    chosen = [execution for execution in executions if execution.intent is intent]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [to_ms(execution.ns) for execution in chosen],
        "y": [round(execution.price, 8) for execution in chosen],
        "text": [
            f"{execution.side.value} {execution.quantity:.8g} at {execution.price:,.2f}<br>"
            f"expected {execution.expected:,.2f}, fee {execution.fee:,.2f}<br>{execution.client_order_id}"
            for execution in chosen
        ],
        "marker": {"symbol": symbol, "size": 10, "color": color, "line": {"color": "white", "width": 1}},
        "hovertemplate": f"<b>{name}</b><br>%{{x|%Y-%m-%d %H:%M}}<br>%{{text}}<extra></extra>",
    }


def _costs(run: Run, quote: str) -> Json:
    executions = sorted(
        (execution for sleeve in run.sleeves for execution in sleeve.executions), key=lambda execution: execution.ns
    )
    times = [run.marks[0].ns, *(execution.ns for execution in executions), run.marks[-1].ns]
    fees = _running([execution.fee for execution in executions])
    slipped = _running([execution.slippage for execution in executions])
    both = [fee + slip for fee, slip in zip(fees, slipped, strict=True)]
    return {
        "data": [
            _line("fees", times, fees, color=BLUE, shape="hv"),
            _line("slippage", times, slipped, color=AMBER, shape="hv"),
            _line("together", times, both, color=INK, shape="hv", width=2),
        ],
        "layout": {"yaxis": {"title": {"text": quote}, "tickformat": ",.0f"}, "height": 260},
    }


def _running(values: Sequence[float]) -> list[float]:
    """Return the sums so far, from 0 at the start, the last one held until the end."""
    sums = list(accumulate(values, initial=0.0))
    return [*sums, sums[-1]]


def _pair(start_ns: int, end_ns: int, level: float) -> tuple[list[int | None], list[float | None]]:
    """Return a level over a span as a piece of line, with the gap after it that keeps it apart from the next."""
    return [to_ms(start_ns), to_ms(end_ns), None], [round(level, 8), round(level, 8), None]


def _line(
    name: str,
    times_ns: Sequence[int],
    values: Sequence[float],
    *,
    color: str,
    width: float = 1.5,
    dash: str = "solid",
    shape: str = "linear",
    digits: int = 2,
) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [to_ms(ns) for ns in times_ns],
        "y": [round(value, digits) for value in values],
        "line": {"color": color, "width": width, "dash": dash, "shape": shape},
        "hovertemplate": "%{y:,.2f}",
    }


def _moments(run: Run, notes: RunNotes) -> list[Moment]:
    """Return what is marked on every chart: kills, mishaps, brakes."""
    return [
        *((kill.killed_ns, "SIGKILL", RED) for kill in notes.kills),
        *((mishap.ns, mishap.kind, MUTED) for mishap in notes.mishaps),
        *((ns, f"brake: {why}", AMBER) for ns, why in run.brakes),
    ]


def _framed(figure: Json, span: tuple[int, int], moments: Iterable[Moment], *, named: bool) -> Json:
    """Return `figure` in the page's own look, with a line at each moment that something was done to the run."""
    layout = figure["layout"]
    assert isinstance(layout, dict)
    shown = [moment for moment in moments if span[0] <= moment[0] <= span[1]]
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "ticks": ""}
    return {
        "data": figure["data"],
        "layout": {
            "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 76, "r": 12, "t": 34, "b": 36},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": "white", "bordercolor": GRID, "font": {"size": 12}},
            "shapes": [
                {
                    "type": "line",
                    "x0": to_ms(ns),
                    "x1": to_ms(ns),
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": color, "width": 1, "dash": "dash"},
                }
                for ns, _, color in shown
            ],
            "annotations": [_label(at, moment, span) for at, moment in enumerate(shown) if named],
            **layout,
            "xaxis": {
                **axis,
                "type": "date",
                "range": [to_ms(ns) for ns in span],
                "rangeslider": {"visible": False},
                "showgrid": False,
                "hoverformat": "%Y-%m-%d %H:%M",
            },
            "yaxis": {**axis, **layout["yaxis"]},
        },
    }


def _label(at: int, moment: Moment, span: tuple[int, int]) -> Json:
    """Return the words of a moment's line; each a little lower than the one before, so that none covers another."""
    ns, words, color = moment
    late = ns - span[0] > (span[1] - span[0]) * LATE
    return {
        "x": to_ms(ns),
        "yref": "paper",
        "y": 1,
        "yanchor": "top",
        "yshift": -18 * at,
        "xanchor": "right" if late else "left",
        "bgcolor": "rgba(255,255,255,0.75)",
        "borderpad": 2,
        "showarrow": False,
        "text": words,
        "font": {"size": 11, "color": color},
    }
