"""The run page: one file that asks nobody for anything, with the run's numbers in it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from plotly.offline import get_plotlyjs
from tests.unit.dashboard import told

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.dashboard.notes import Mishap
from trading_system.dashboard.run_page import run_page
from trading_system.dashboard.story import kill_story


@pytest.fixture(scope="module")
def page() -> str:
    return run_page(told.entries(told.facts()), told.ledger(), told.notes())


def words(page: str) -> str:
    """Return what a reader sees, tags and scripts taken out."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))


def figures_in(page: str) -> dict[str, Any]:
    """Return the charts as the page's program reads them."""
    raw = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert raw is not None
    figures: dict[str, Any] = json.loads(raw[1])
    return figures


class Loads(HTMLParser):
    """Collects every attribute that makes a browser fetch something, and every tag that could."""

    FETCHING = ("src", "href", "srcset", "data", "poster", "action", "background", "formaction", "ping", "manifest")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value) for name, value in attrs if name in self.FETCHING]
        self.found += [(tag, "tag", None)] if tag in ("link", "iframe", "img", "object", "embed", "base") else []


def test_the_page_loads_nothing(page: str) -> None:
    """No tag fetches, no style imports, and the page's own policy forbids the browser to try."""
    loads = Loads()
    loads.feed(page)
    assert loads.found == []
    own = page.replace(get_plotlyjs(), "")
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.[a-z]", own)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith(
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    )


def test_the_program_that_draws_is_inside_once(page: str) -> None:
    """Four charts, one plotly.js."""
    assert page.count(get_plotlyjs()) == 1


def test_the_same_run_gives_the_same_bytes(page: str) -> None:
    """No date, no random name of a place, no order of a set."""
    assert run_page(told.entries(told.facts()), told.ledger(), told.notes()) == page


def test_the_head_says_what_kind_of_market_it_was(page: str) -> None:
    """Nobody may take a made-up market for a promise."""
    assert "A synthetic market with a planted pattern." in words(page)
    assert "it is no evidence of profit" in words(page)
    assert "BTCUSDT (synthetic): price, entries, exits and stops" in words(page)
    assert "data (synthetic)" in words(page)


def test_numbers_worked_out_by_hand_stand_on_the_page(page: str) -> None:
    """What the tests of the numbers know, the reader sees."""
    for text in ("+1.40 %", "+20.00 %", "2.92 %", "10.24 USDT", "10\u202f000.00 → 10\u202f139.61 USDT", "10.0 bps"):
        assert text in words(page)


def test_the_charts_hold_the_series_worked_out_by_hand(page: str) -> None:
    """Equity, falls, fills and summed costs as drawn; time is milliseconds of UTC."""
    figures = figures_in(page)
    lines = {(place, line["name"]): line for place, figure in figures.items() for line in figure["data"]}
    assert lines["equity", "equity"]["y"] == [10_000, 10_444.5, 10_194.75, 10_139.61, 10_139.61]
    assert lines["equity", "buy and hold"]["y"] == [10_000, 11_000, 10_500, 12_000]
    assert lines["costs", "together"]["y"] == [0, 33.03, 55.05, 110.19, 110.19]
    assert lines["price-0", "entry"]["y"] == [101, 101]
    assert lines["price-0", "exit"]["x"] == [(told.closed(2) + 1_000_000_000) // 1_000_000]
    assert lines["price-0", "stop resting at the venue"]["y"] == [90, 90, None]
    assert [shape["x0"] for shape in figures["equity"]["layout"]["shapes"]] == [
        told.closed(0) // 1_000_000,
        told.closed(2) // 1_000_000,
    ]


def test_a_brake_is_marked_on_the_charts() -> None:
    """A reader who wonders why trading stopped sees when and why."""
    facts = [*told.facts(), e.BreakerTripped(ts_ns=told.closed(3), objections=objections.DRAWDOWN)]
    page = run_page(told.entries(facts), told.ledger(), told.notes())
    assert '"text":"brake: equity has fallen too far from its peak"' in page


def test_the_close_up_shows_the_bars_around_the_kill(page: str) -> None:
    """Where single bars can be seen, so can what happened to the order between two of them."""
    figure = figures_in(page)["closeup-0"]
    bars, stops, entries, *_ = figure["data"]
    assert (bars["type"], bars["close"], bars["high"]) == ("candlestick", [100, 110, 105, 120], [102, 112, 107, 122])
    assert stops["y"] == [90, 90, None]
    assert entries["y"] == [101, 101]


def test_the_kill_is_told_step_by_step(page: str) -> None:
    """From the decision to the agreement of the books, in the order of the journal."""
    steps = re.findall(r'<span class="what">([^<]+)</span>', page)
    assert steps == [
        "decided",
        "durable",
        "claimed and sent",
        "matched",
        "killed",
        "restarted",
        "folded",
        "in doubt",
        "asked",
        "fill recovered",
        "fill recovered",
        "protected",
        "reconciled",
    ]
    assert "the decision was to buy 50 BTC at market" in words(page)
    assert "Trade 7: 30 BTC at 101, fee 0.03 BTC." in words(page)


def test_equal_books_are_said_to_be_equal(page: str) -> None:
    """The verdict stands in the head and beside each kind of row."""
    assert "EQUAL – every order" in words(page)
    assert page.count('<td class="equal">equal</td>') == 3


def test_books_that_differ_are_said_to_differ() -> None:
    """A page must never hide that something is wrong."""
    ledger = told.ledger()
    ledger["fills"][0]["price"] = "102.00000000"
    page = run_page(told.entries(told.facts()), ledger, told.notes())
    assert "DIFFERENT" in words(page)
    assert "fill BTCUSDT/7" in words(page)
    assert page.count('<td class="different">different</td>') == 1


def test_what_came_of_other_weather_is_said(page: str) -> None:
    """Each mishap with its order and its outcome."""
    assert "the answer was lost" in words(page)
    assert "sent once, confirmed, filled 49.95 BTC in 1 execution" in words(page)


def test_words_from_outside_cannot_become_markup() -> None:
    """A venue's reason is text, whatever it contains."""
    facts = [
        e.OrderInDoubt(ts_ns=fact.ts_ns, client_order_id=fact.client_order_id, reason="<script>alert(1)</script>")
        if isinstance(fact, e.OrderInDoubt)
        else fact
        for fact in told.facts()
    ]
    page = run_page(told.entries(facts), told.ledger(), told.notes())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_words_inside_a_chart_cannot_end_its_script() -> None:
    """The charts stand in a script: what looks like its end must not be one."""
    notes = replace(told.notes(), mishaps=(Mishap(kind="</script><b>", ns=told.closed(2)),))
    page = run_page(told.entries(told.facts()), told.ledger(), notes)
    assert "</script><b>" not in page
    assert figures_in(page)["equity"]["layout"]["annotations"][1]["text"] == "</script><b>"


def test_the_story_goes_on_until_the_position_is_protected() -> None:
    """Books may agree before the stop is sent; the story of an entry is over with both."""
    facts = told.facts()
    agreed = next(fact for fact in facts if isinstance(fact, e.Reconciled) and fact.ts_ns == told.closed(0))
    facts.remove(agreed)
    before = next(at for at, fact in enumerate(facts) if isinstance(fact, e.OrderQueued) and at > 10)
    facts.insert(before, agreed)
    story = kill_story(told.entries(facts), told.notes().kills[0])
    assert [moment.what for moment in story][-2:] == ["reconciled", "protected"]
