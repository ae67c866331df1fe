"""The sections of a page, each HTML made from the report alone."""

from collections.abc import Collection
from html import escape
from itertools import groupby
from math import prod
from typing import Final

from trading_system.backtest.report import marks, tables
from trading_system.backtest.report.markup import card, chart, rows, section, term
from trading_system.backtest.report.schema import Cost, Report
from trading_system.backtest.report.thinning import MOST_POINTS
from trading_system.backtest.report.words import NONE, amount, bps, counted, percent, whole

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_HEAT: Final = 0.1
"""Return of a month that gets the full color."""


def sections(report: Report, charts: Collection[str]) -> list[str]:
    """Return all sections in order; `charts` are the ids of those that there are."""
    made = (
        _equity(report),
        _prices(report, charts),
        _months(report),
        _trades(report, charts),
        _costs(report, charts),
        tables.statistics(report),
        tables.certainty(report, charts),
        tables.denials(report),
        tables.configuration(report),
        tables.origin(report),
    )
    return [each for each in made if each]


def _equity(report: Report) -> str:
    words = "Marked at every close, after all costs; buying and holding starts from the same equity."
    if report.span.slices > MOST_POINTS:
        words += (
            f" Of {whole(report.span.slices)} closes at most {whole(MOST_POINTS)} are drawn: "
            "the highest and the lowest of each stretch, so that no peak and no fall is lost."
        )
    tools = (
        '<div class="tools"><span class="hint">Drag over a chart to zoom all of them; double-click to go back.</span>'
        '<button type="button" id="log" aria-pressed="false">log scale</button></div>'
    )
    return section("Equity and drawdown", words, tools + chart("equity", "Equity and drawdown", tall=True))


def _prices(report: Report, charts: Collection[str]) -> str:
    body = ""
    for at, market in enumerate(report.markets):
        place = f"price-{at}"
        if place in charts:
            drawn = chart(place, f"Price of {market.symbol} with entries, exits and stops", tall=True)
            fills = next((cost.fills for cost in report.costs if cost.symbol == market.symbol), 0)
            note = _drawn(market.bars, fills)
            note = f'<p class="note">{escape(note)}</p>' if note else ""
            opened = " open" if at == 0 else ""
            body += f"<details{opened}><summary>{escape(market.symbol)}</summary>{drawn}{note}</details>"
    words = "The band is the range of the bars, the line their close; the step beside them is the protective stop."
    return section("Price, entries, exits and stops", words, body) if body else ""


def _drawn(bars: int, fills: int) -> str:
    """Return what is not drawn one by one, in words; empty where everything is."""
    parts = []
    if bars > MOST_POINTS:
        each = -(-bars // MOST_POINTS)
        parts.append(f"{whole(bars)} bars, {whole(each)} of them drawn as one with their highest high and lowest low.")
    if marks.shared(fills):
        parts.append(
            f"{whole(fills)} fills: neighbors of one kind share a mark at their average price; "
            "fills.parquet has each of them."
        )
    return " ".join(parts)


def _months(report: Report) -> str:
    if not report.months:
        return ""
    heads = "".join(f'<th scope="col">{month}</th>' for month in MONTHS)
    body = ""
    for year, months in groupby(report.months, key=lambda month: month.year):
        returns = {month.month: month.value for month in months}
        cells = "".join(_month(name, returns.get(at + 1)) for at, name in enumerate(MONTHS))
        whole_year = prod(1.0 + value for value in returns.values()) - 1.0
        total = f'<td class="total" data-name="Year">{_short(whole_year)}</td>'
        body += f'<tr><th scope="row">{year}</th>{cells}{total}</tr>'
    table = (
        f'<table class="months"><thead><tr><th scope="col">Year</th>{heads}<th scope="col">Year</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    words = "Calendar months in UTC, in per cent; the first and the last only as far as the run reached."
    return section("Monthly returns", words, card(table))


def _month(name: str, value: float | None) -> str:
    if value is None:
        return f'<td class="none" data-name="{name}"></td>'
    heat = min(abs(value) / FULL_HEAT, 1.0)
    side = "loss" if value < 0 else "gain"
    return f'<td class="{side}" data-name="{name}" style="--heat:{heat:.2f}">{_short(value)}</td>'


def _short(value: float) -> str:
    return percent(value, plus=True).removesuffix("\u00a0%")


def _trades(report: Report, charts: Collection[str]) -> str:
    if "trades" not in charts:
        return section("Round trips", "No round trip ended in this run.", "")
    ambiguous = report.counts.get("ambiguous")
    words = (
        "How the returns of round trips are spread, after all costs; each is counted against what its entry was worth."
    )
    if ambiguous is not None:
        words += (
            f" {counted(ambiguous, 'bar')} could not tell whether the stop or the target came first; "
            "the worse was counted each time."
        )
    fills = [(escape(name.replace("_", " ")), whole(count)) for name, count in report.fills.items()]
    body = chart("trades", "Distribution of the returns of round trips") + card(rows(fills, ("Fills by reason", "")))
    return section("Round trips", words, f'<div class="beside">{body}</div>')


def _costs(report: Report, charts: Collection[str]) -> str:
    turnover = sum(cost.turnover for cost in report.costs)
    kinds = {
        "spread": ("Spread", "half the spread on every fill that took"),
        "slippage": ("Slippage", "what else lay between the bar's price and ours; below zero it came our way"),
        "fees": ("Fees", "what the venue takes; a fee in base currency counts at the price of its fill"),
        "funding": ("Funding", "nothing: perpetual contracts, which pay it, are not traded yet"),
    }
    sums = {kind: sum(getattr(cost, kind) for cost in report.costs) for kind in kinds}
    total = sum(sums.values())
    table = [
        (term(label, how), amount(sums[kind]), bps(sums[kind], turnover), _share(sums[kind], report.equity.start))
        for kind, (label, how) in kinds.items()
    ]
    table.append(("<strong>Together</strong>", amount(total), bps(total, turnover), _share(total, report.equity.start)))
    body = card(rows(table, ("", report.quote, "of turnover", "of first equity")))
    if "costs" in charts:
        body += chart("costs", "Costs, summed up over time")
    body = f'<div class="beside">{body}</div>'
    if len(report.costs) > 1:
        by = [_instrument(cost) for cost in report.costs]
        body += card(rows(by, ("Instrument", "fills", "turnover", "spread", "slippage", "fees", "together")))
    words = f"On {amount(turnover)} {report.quote} traded. The results above have paid all of it."
    return section("What trading cost", words, body)


def _instrument(cost: Cost) -> tuple[str, ...]:
    paid = (cost.spread, cost.slippage, cost.fees)
    return (escape(cost.symbol), whole(cost.fills), *(amount(each) for each in (cost.turnover, *paid, sum(paid))))


def _share(part: float, of: float) -> str:
    return percent(part / of) if of else NONE
