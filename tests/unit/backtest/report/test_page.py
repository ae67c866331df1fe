"""The page: one file that asks nobody for anything, says what must be said, and takes no name for markup."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.unit.backtest.report.results import (
    CONFIG,
    STATISTICS,
    make_findings,
    make_result,
    make_sharpes,
    make_statistic,
)

from trading_system.backtest.report.content import report_of
from trading_system.backtest.report.marks import MOST_MARKS
from trading_system.backtest.report.page import page, plotly_program
from trading_system.backtest.report.series import series_of
from trading_system.backtest.report.thinning import MOST_POINTS
from trading_system.backtest.result import Result

HOSTILE = """</script><img src=x onerror="alert('1')"><a href='https://evil.example'>&"""


def page_of(result: Result, **found: Any) -> str:
    """Return the page of a run."""
    findings = make_findings(result, **found)
    series = series_of(result, findings.held)
    return page(report_of(result, findings, series.fills, {"fills.parquet": "f" * 64}), series)


@pytest.fixture(scope="module")
def usual() -> str:
    """The page of a small honest run on two instruments."""
    return page_of(make_result(symbols=("BTCUSDT", "ETHUSDT")))


def words(page: str) -> str:
    """Return what a reader sees, tags and scripts taken out."""
    return re.sub(
        r"[ \n\u00a0]+", " ", re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    )


def figures_in(page: str) -> dict[str, Any]:
    """Return the charts as the page's program reads them."""
    raw = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert raw is not None
    figures: dict[str, Any] = json.loads(raw[1])
    return figures


def line(page: str, place: str, name: str) -> dict[str, Any]:
    """Return one line of a chart."""
    found: dict[str, Any] = next(each for each in figures_in(page)[place]["data"] if each.get("name") == name)
    return found


class Tags(HTMLParser):
    """Collects every tag with its attributes, and the places of the charts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing(usual: str) -> None:
    """No tag fetches, no style imports, no word outside plotly's own source names an address."""
    fetching = {"src", "href", "srcset", "data", "poster", "action", "background", "formaction", "ping", "manifest"}
    tags = Tags(usual).found
    assert not [tag for tag, attributes in tags if fetching & attributes.keys()]
    assert not {"link", "iframe", "img", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
    own = usual.replace(plotly_program(), "")
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.[a-z]|fetch\(|XMLHttp", own)


def test_the_browser_may_run_these_two_programs_and_ask_nobody(usual: str) -> None:
    """The page's policy names plotly's program and ours by hash and allows nothing else."""
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', usual)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    programs = re.findall(r"<script>(.*?)</script>", usual, re.DOTALL)
    assert len(programs) == 2
    hashes = [base64.b64encode(hashlib.sha256(program.encode()).digest()).decode() for program in programs]
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == " ".join(f"'sha256-{each}'" for each in hashes)
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src"}


def test_every_tag_is_closed_in_its_place(usual: str) -> None:
    """A browser that must guess guesses differently from the next one."""
    assert Tags(usual).open == []


def test_every_chart_has_its_place(usual: str) -> None:
    """The program looks for each by its id."""
    kinds = ("chart", "chart tall")
    places = {attributes["id"] for _, attributes in Tags(usual).found if attributes.get("class") in kinds}
    assert places == set(figures_in(usual)) == {"equity", "price-0", "price-1", "trades", "costs"}


def test_names_cannot_become_markup() -> None:
    """A strategy, an objection, a setting or a choice is text, whatever it contains; in the charts too."""
    page = page_of(
        make_result(
            strategies=(HOSTILE,),
            config={**CONFIG, HOSTILE: HOSTILE},
            denials={HOSTILE: 1},
            counts={HOSTILE: 1},
            optimistic=(HOSTILE,),
            code_version=HOSTILE,
        ),
        statistics=[
            *STATISTICS,
            make_statistic("h", HOSTILE, HOSTILE, HOSTILE, 1, source=HOSTILE, why=HOSTILE),
        ],
    )
    own = page.replace(plotly_program(), "")
    assert "<img" not in own
    assert "<a " not in own
    assert own.count("</script>") == 3
    assert "<" not in re.findall(r'id="figures">(.*?)</script>', own, re.DOTALL)[0]
    assert Tags(page).open == []
    for trace in figures_in(page)["price-0"]["data"]:
        assert not [text for text in trace.get("text", ()) if "<img" in text or "<a" in text]


def test_a_symbol_cannot_become_markup() -> None:
    """It names a section, a chart and the title."""
    result = make_result()
    instrument = replace(result.traded[0].instrument, symbol=HOSTILE, base=HOSTILE, quote=HOSTILE, venue=HOSTILE)
    page = page_of(
        replace(
            result,
            quote=HOSTILE,
            sleeves=(("s", HOSTILE),),
            traded=(replace(result.traded[0], instrument=instrument),),
        )
    )
    assert "<img" not in page.replace(plotly_program(), "")
    assert Tags(page).open == []
    axis = figures_in(page)["price-0"]["layout"]["yaxis"]["title"]["text"]
    assert "<" not in axis


def test_an_honest_run_on_real_bars_has_no_warning(usual: str) -> None:
    """A warning that is always there warns of nothing."""
    assert 'class="banner' not in usual
    assert "synthetic data" not in words(usual)


def test_choices_that_favor_the_run_stand_over_its_numbers() -> None:
    """Each by name, in the head, before the first number."""
    page = page_of(make_result(optimistic=("fills at the deciding bar's own close", "limits fill when touched")))
    assert page.index('class="banner optimistic"') < page.index('class="numbers"')
    assert "fills at the deciding bar&#x27;s own close" in page
    assert "limits fill when touched" in page


def test_a_market_that_was_made_up_is_labeled() -> None:
    """In the line over the title and in words."""
    page = page_of(make_result(config={**CONFIG, "bars": {"synthetic": True}}))
    assert page.index('class="banner synthetic"') < page.index('class="numbers"')
    assert "synthetic data" in words(page)
    assert "The prices happened" not in words(page)


def test_what_must_be_said_is_said(usual: str) -> None:
    """Interval, deflated ratio and trials; ambiguous bars; denials; the configuration; hash, version and seed."""
    for text in (
        "−0.30 to 2.20 with 95 % confidence",
        "Deflated Sharpe ratio 44.00 %",
        "Trials 1",
        "3 bars could not tell whether the stop or the target came first",
        "equity has fallen too far from its peak 9",
        "costs.taker_bps 10.0",
        "fills.at next_open",
        f"{2:064x}",
        "code version 0.1.0",
        "seed 7",
        "Funding",
        "perpetual contracts, which pay it, are not traded yet",
        "it never fell",
    ):
        assert text in re.sub(r"worked out by nobody(\. Source: [^.]*\.)? ", "", words(usual)), text


def test_numbers_are_set_for_reading(usual: str) -> None:
    """Signs, units and thousands; no more digits than a number means."""
    for text in ("+1.23 %", "4.56 %", "1\u202f234", "2 d 7 h", "1\u202f000\u202f000 →"):
        assert text in words(usual), text


def test_every_formula_can_be_pointed_at_and_focused(usual: str) -> None:
    """A mouse shows the title, a keyboard and a finger the text beside it."""
    terms = [attributes for _, attributes in Tags(usual).found if attributes.get("class") == "term"]
    assert len(terms) >= len(STATISTICS)
    assert all(attributes["tabindex"] == "0" and attributes["title"] for attributes in terms)
    assert "worked out by nobody. Source: Sharpe (1994)." in {attributes["title"] for attributes in terms}


def test_months_are_compounded_into_years(usual: str) -> None:
    """1.0456 × 1.25 − 1 = 30.70 %."""
    rows = re.findall(r'<tr><th scope="row">(20\d\d)</th>.*?class="total"[^>]*>([^<]*)<', usual)
    assert rows == [("2023", "−3.21"), ("2024", "+30.70")]


def test_the_charts_hold_the_series(usual: str) -> None:
    """Equity as it was, falls below zero, stops only where one stood, fills at their price and time."""
    result = make_result(symbols=("BTCUSDT", "ETHUSDT"))
    assert line(usual, "equity", "this run")["y"] == [round(atoms / 1e8, 2) for atoms in result.equity_atoms.tolist()]
    assert max(line(usual, "equity", "drawdown")["y"]) == 0.0
    entries, fills = line(usual, "price-0", "entry"), result.fills
    first = int(fills.slice[(fills.sleeve == 0) & (fills.side > 0)][0])
    assert entries["x"][0] == int(result.close_ns[first]) // 1_000_000
    assert len(entries["x"]) == 40
    stop = line(usual, "price-0", "protective stop")
    stops = result.traded[0].stop_ticks
    assert stops is not None
    assert stop["y"] == [None if level == 0 else round(level * 0.01, 2) for level in stops.tolist()]


def test_the_costs_of_the_chart_end_at_those_of_the_table() -> None:
    """2 × 40 fills; the last point of each line is the sum."""
    result = make_result()
    findings = make_findings(result)
    series = series_of(result, findings.held)
    report = report_of(result, findings, series.fills, {})
    drawn = page(report, series)
    for kind in ("spread", "slippage", "fees"):
        assert line(drawn, "costs", kind)["y"][-1] == pytest.approx(getattr(report.costs[0], kind), abs=0.01)


def test_a_long_run_is_thinned_and_says_so() -> None:
    """No chart has more points than a screen can show; the page says what was left out."""
    drawn = page_of(make_result(bars=20_000, trips=2_500))
    assert "Of 20\u202f000 closes at most 3\u202f000 are drawn" in words(drawn)
    assert "20\u202f000 bars, 7 of them drawn as one" in words(drawn)
    assert "5\u202f000 fills: neighbors of one kind share a mark" in words(drawn)
    figures = figures_in(drawn)
    assert all(len(trace["x"]) <= MOST_POINTS + 2 for figure in figures.values() for trace in figure["data"])
    marks = [trace for trace in figures["price-0"]["data"] if trace.get("mode") == "markers"]
    assert sum(len(trace["x"]) for trace in marks) <= MOST_MARKS + 20
    told = " ".join(text for trace in marks for text in trace["text"])
    bought = sum(float(lots) for lots in re.findall(r"bought ([\d.]+)", told))
    result = make_result(bars=20_000, trips=2_500)
    assert bought == pytest.approx(result.fills.lots[result.fills.side > 0].sum() * 1e-5, rel=1e-6)


def test_a_sweep_shows_all_its_trials() -> None:
    """How many, how their ratios are spread, and how likely the choice overfits."""
    drawn = page_of(make_result(command="sweep", trials=512, trial_sharpes=make_sharpes(512), pbo=0.43))
    assert "best of 512 trials" in words(drawn)
    assert sum(figures_in(drawn)["trials"]["data"][0]["y"]) == 512


def test_a_run_that_never_traded_has_a_page() -> None:
    """Nothing to draw but equity and price, and that is said."""
    result = make_result(bars=10, trips=0, counts={}, denials={})
    traded = tuple(replace(each, stop_ticks=None) for each in result.traded)
    drawn = page_of(replace(result, traded=traded), trade_returns=make_sharpes(0), months=[])
    assert set(figures_in(drawn)) == {"equity", "price-0"}
    assert "No round trip ended in this run." in words(drawn)
    assert "Nothing was denied." in words(drawn)
    assert Tags(drawn).open == []
