"""The head of a page: what was run, what to be careful about, and the first numbers; no verdict."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Final, NamedTuple

from trading_system.backtest.report.schema import Number, Report
from trading_system.backtest.report.words import NONE, amount, bps, counted, percent, ratio, span, whole

COMMANDS: Final = {"backtest": "back-test", "replay": "replay", "sweep": "sweep, its best policy"}


class Shown(NamedTuple):
    """One number of the head: its name, its text, a remark under it, and how it is worked out."""

    name: str
    text: str
    remark: str
    formula: str


def title(report: Report) -> str:
    """Return what was run on what."""
    strategies = list(dict.fromkeys(sleeve.strategy for sleeve in report.sleeves))
    symbols = list(dict.fromkeys(sleeve.symbol for sleeve in report.sleeves))
    return f"{_some(strategies, 'strategy', 'strategies')} on {_some(symbols, 'instrument', 'instruments')}"


def _some(names: list[str], one: str, many: str) -> str:
    return " and ".join(names) if 0 < len(names) <= 2 else counted(len(names), one, many)


def eyebrow(report: Report) -> str:
    """Return the line over the title."""
    kind = " · synthetic data" if report.synthetic else ""
    return f"trading-system · {COMMANDS.get(report.command, report.command)}{kind}"


def lede(report: Report) -> str:
    """Return when, on what, and that nothing of it happened."""
    venues = " and ".join(dict.fromkeys(market.venue for market in report.markets))
    bars = f"{whole(report.span.slices)} bars of {span(report.span.interval_s)}"
    happened = (
        "Neither the prices nor the orders happened."
        if report.synthetic
        else "The prices happened, the orders did not: they moved nobody's market."
    )
    return (
        f"{report.span.first[:10]} to {report.span.last[:10]}, {bars}, {venues}, in {report.quote}. {happened} "
        "All costs configured below are paid."
    )


def banners(report: Report) -> str:
    """Return what a reader must know before any number; empty for an honest run on real bars."""
    found = ""
    if report.optimistic:
        listed = "".join(f"<li>{escape(choice)}</li>" for choice in report.optimistic)
        found += (
            '<aside class="banner optimistic"><strong>Optimistic</strong> – this run was configured with choices '
            f"that favor it and that no real venue grants. Expect less.<ul>{listed}</ul></aside>"
        )
    if report.synthetic:
        found += (
            '<aside class="banner synthetic"><strong>Synthetic data</strong> – this market was made up. What is found '
            "in it was put there; it is no evidence of profit anywhere.</aside>"
        )
    return found


def numbers(report: Report) -> str:
    """Return the first numbers as a list of cards."""
    cards = "".join(
        f'<div class="number" tabindex="0" title="{escape(shown.formula)}"><dt>{escape(shown.name)}</dt>'
        f'<dd class="value">{escape(shown.text)}</dd><dd class="remark">{escape(shown.remark)}</dd>'
        f'<dd class="formula">{escape(shown.formula)}</dd></div>'
        for shown in _shown(report)
    )
    return f'<dl class="numbers">{cards}</dl>'


def _shown(report: Report) -> list[Shown]:
    quote, known = report.quote, {each.name: each for each in report.statistics}
    costs = sum(cost.spread + cost.slippage + cost.fees + cost.funding for cost in report.costs)
    turnover = sum(cost.turnover for cost in report.costs)
    fell = text(known["held_max_drawdown"], quote) if "held_max_drawdown" in known else NONE
    return [
        _of(known, "total_return", "Return", f"{amount(report.equity.start)} → {amount(report.equity.end)} {quote}"),
        _of(known, "held_return", "Buy and hold", f"→ {amount(report.equity.held_end)} {quote} from the same start"),
        _of(known, "max_drawdown", "Deepest drawdown", f"buy and hold {fell}"),
        _of(known, "sharpe", "Sharpe ratio", interval(known)),
        _of(known, "trades", "Round trips", counted(sum(report.fills.values()), "fill")),
        Shown(
            "Costs",
            f"{amount(costs)} {quote}",
            f"{bps(costs, turnover)} of {amount(turnover)} {quote} traded",
            "spread + slippage + fees + funding over all fills",
        ),
    ]


def _of(known: Mapping[str, Number], name: str, label: str, remark: str) -> Shown:
    number = known.get(name)
    if number is None:
        return Shown(label, NONE, "not worked out", "")
    return Shown(label, text(number, "", plus=name in GAINS), number.why or remark, explained(number))


GAINS: Final = frozenset({"total_return", "held_return"})
"""Numbers whose sign is shown even where they are above zero."""


def interval(known: Mapping[str, Number]) -> str:
    """Return the confidence interval of the Sharpe ratio in words; why there is none, where there is none."""
    low, high = known["sharpe_low"], known["sharpe_high"]
    if low.value is None or high.value is None:
        return f"no interval: {low.why or high.why}"
    return f"{ratio(low.value)} to {ratio(high.value)} with 95\u00a0% confidence"


def explained(number: Number) -> str:
    """Return a statistic's formula, and who defined it."""
    return f"{number.formula}. Source: {number.source}." if number.source else number.formula


def text(number: Number, quote: str, *, plus: bool = False) -> str:
    """Return a statistic's value with its unit; a dash where there is none."""
    if number.value is None:
        return NONE
    if number.unit == "fraction":
        return percent(number.value, plus=plus)
    if number.unit == "quote":
        return f"{amount(number.value)} {quote}".rstrip()
    write = UNITS.get(number.unit)
    return write(number.value) if write else f"{ratio(number.value)} {number.unit}".rstrip()


UNITS: Final[Mapping[str, Callable[[float], str]]] = {
    "ratio": ratio,
    "count": whole,
    "bars": lambda bars: f"{whole(bars)} bars" if bars >= 10 or bars % 1 == 0 else f"{ratio(bars)} bars",
    "s": span,
}
"""How a statistic is written, by its unit."""
