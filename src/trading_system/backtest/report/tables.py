"""The second half of a page, which is tables: statistics, what may be luck, denials, configuration and origin."""

from collections.abc import Collection, Iterator, Mapping
from html import escape
from typing import Any, Final

from trading_system.backtest.report import headline
from trading_system.backtest.report.markup import card, chart, code, rows, section, term
from trading_system.backtest.report.schema import Number, Report
from trading_system.backtest.report.words import counted, whole

CERTAINTY: Final = "certainty"
"""The group of statistics that has a section of its own."""


def statistics(report: Report) -> str:
    """Return all statistics by group, each with its formula."""
    groups: dict[str, list[Number]] = {}
    for number in report.statistics:
        if number.group != CERTAINTY:
            groups.setdefault(number.group, []).append(number)
    cards = "".join(
        card(rows(_number(number, report.quote) for number in numbers), title=group[:1].upper() + group[1:])
        for group, numbers in groups.items()
    )
    words = "Point at a name to see its formula; tap or focus it to keep the formula in sight. " + PERIODS
    return section("Statistics", words, f'<div class="groups">{cards}</div>')


PERIODS: Final = "r are returns of P periods, which are UTC days where bars are shorter; E is equity after all costs."


def certainty(report: Report, charts: Collection[str]) -> str:
    """Return what says how much of a Sharpe ratio may be luck; it is always shown."""
    shown = [number for number in report.statistics if number.name == "sharpe" or number.group == CERTAINTY]
    body = card(rows(_number(number, report.quote) for number in shown))
    if "trials" in charts:
        body += chart("trials", "Sharpe ratios of all trials")
    trials = report.trials.count
    words = (
        f"This is the best of {counted(trials, 'trial')}. The more are tried, the better the best comes out by chance "
        "alone; the deflated ratio takes that off."
        if trials > 1
        else "One policy was run. What was tried before to arrive at it counts as trials too, and is not known here."
    )
    return section("How much of it may be luck", words, f'<div class="beside">{body}</div>')


def _number(number: Number, quote: str) -> tuple[str, str]:
    value = escape(headline.text(number, quote))
    why = f'<span class="why">{escape(number.why)}</span>' if number.value is None else ""
    return term(number.label, headline.explained(number)), value + why


def denials(report: Report) -> str:
    """Return what was kept from becoming an order, the most frequent objection first, and what else happened."""
    ordered = sorted(report.denials.items(), key=lambda item: (-item[1], item[0]))
    table = [(escape(why), whole(count)) for why, count in ordered]
    counts = [(escape(COUNTS.get(name, name.replace("_", " "))), whole(count)) for name, count in report.counts.items()]
    denied = card(rows(table, ("Objection", "times")) if table else '<p class="note">Nothing was denied.</p>')
    happened = card(rows(counts, ("What happened", "times"))) if counts else ""
    words = "What the risk rules kept from becoming an order, by objection; and what else happened, and how often."
    return section("Denials", words, f'<div class="beside">{denied}{happened}</div>')


COUNTS: Final[Mapping[str, str]] = {
    "ambiguous": "bars that held both stop and target, the worse counted",
    "crossed": "times lots crossed inside the account, without an order",
    "denied": "wishes denied",
    "rejected": "orders that the venue would have rejected",
}
"""What is counted, in more words than its key."""


def configuration(report: Report) -> str:
    """Return every choice of the run."""
    settings = [(code(path), code(value)) for path, value in flat(report.config)]
    words = f"Every choice of this run, {counted(len(settings), 'setting')}. config.yaml holds the same."
    return section("Configuration", words, f'<div class="card settings">{rows(settings)}</div>')


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every leaf of nested values with its path.

    >>> list(flat({"costs": {"maker_bps": 1.0}, "on": [True, None]}))
    [('costs.maker_bps', '1.0'), ('on.0', 'yes'), ('on.1', 'none')]
    """
    if isinstance(value, Mapping | list) and value:
        for key, each in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from flat(each, f"{path}.{key}" if path else str(key))
    elif value is None or value in ({}, []):
        yield path, "none"
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    else:
        yield path, str(value)


def origin(report: Report) -> str:
    """Return what it takes to make the run again, and the hashes that tell whether it came out the same."""
    table = [("code version", code(report.code_version)), ("seed", code(str(report.seed)))]
    for market in report.markets:
        span = f"{market.first[:16]} to {market.last[:16]}".replace("T", " ")
        name = f"{escape(market.symbol)}, {whole(market.bars)} bars<br><small>{escape(span)}</small>"
        table.append((name, code(market.sha256)))
    table += [(escape(name), code(digest)) for name, digest in report.files.items()]
    words = "The same code, bars, configuration and seed give the same bytes. Hashes are SHA-256."
    return section("Where it came from", words, f'<div class="card origin">{rows(table)}</div>')


def footer(report: Report) -> str:
    """Return the last words of the page."""
    return (
        f"All times are UTC, all amounts {report.quote}. This file is complete: it needs no network and asks nobody "
        "for anything. One run over one stretch of the past is no promise of profit."
    )
