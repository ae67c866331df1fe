"""Metrics from a provider over HTTP to what was known at a moment, through the command line, against a local server."""

import asyncio
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from aiohttp import web

from trading_system import __main__ as front
from trading_system.data_pipeline.metric_store import MetricStore, Series, newest
from trading_system.data_pipeline.moments import DAY_NS, moment_ns
from trading_system.market.timestamps import iso

pytestmark = pytest.mark.usefixtures("bare_environment")

FIRST = moment_ns("2024-01-01")
TXCNT = Series("coin_metrics", "btc", "TxCnt")


class CoinMetricsHere:
    """Answers as Coin Metrics' API, version 4, documents it: pages of two days, tokens, limits, errors.

    Attributes:
        values: The value of each day, by its number from the first.
        weather: Statuses to answer with before the next good answer.
        questions: The parameters of every request.
        second: Set once it is asked for a second page.
    """

    def __init__(self, days):
        self.values = {number: str(1_000 + number) for number in range(days)}
        self.weather = []
        self.questions = []
        self.second = threading.Event()

    async def answer(self, request):
        self.questions.append(dict(request.query))
        if "next_page_token" in request.query:
            self.second.set()
        if self.weather:
            status = self.weather.pop(0)
            return web.json_response(
                {"error": {"type": "x", "message": "y"}}, status=status, headers={"Retry-After": "0"}
            )
        if unknown := {"Typo"} & set(request.query["metrics"].split(",")):
            return web.json_response({"error": {"type": "bad_parameter", "message": f"{unknown}"}}, status=400)
        start, end = (moment_ns(request.query[name]) for name in ("start_time", "end_time"))
        after = int(request.query.get("next_page_token", "-1"))
        found = [n for n in sorted(self.values) if n > after and start <= FIRST + n * DAY_NS <= end]
        told = {"data": [self._row(number) for number in found[:2]]}
        if len(found) > 2:
            told |= {"next_page_token": str(found[1]), "next_page_url": "http://elsewhere.invalid/"}
        return web.json_response(told)

    def _row(self, number):
        start_ns = FIRST + number * DAY_NS
        completed = (start_ns + DAY_NS) // 10**9 + 5 * 3_600
        return {
            "asset": "btc",
            "time": iso(start_ns).replace("000Z", "000000000Z"),
            "TxCnt": self.values[number],
            "AssetEODCompletionTime": str(completed),
            "new_field": {"unknown": [1]},
        }


@contextmanager
def served(here):
    """Serve `here` on a free port of this machine, on a loop of its own, and yield the address."""
    address = queue.Queue()

    async def serve():
        app, stop = web.Application(), asyncio.Event()
        app.router.add_get("/{path:.*}", here.answer)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.put((runner.addresses[0][1], asyncio.get_running_loop(), stop))
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, stop = address.get(timeout=30)
    try:
        yield f"http://127.0.0.1:{port}/v4"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def here():
    return CoinMetricsHere(7)


@pytest.fixture
def fetch(here, capsys):
    """Run `data metrics fetch` against the local server; (code, stdout, stderr)."""
    with served(here) as url:

        def run(*arguments):
            code = front.main([*FETCH, "--url", url, "--json", *arguments])
            return code, *capsys.readouterr()

        yield run


FETCH = (
    *("data", "metrics", "fetch", "--provider", "coin_metrics", "--asset", "btc", "--name", "TxCnt"),
    *("--set", "metrics.providers=coin_metrics"),
)
SPAN = ("--since", "2024-01-01", "--until", "2024-01-08")


def stored(tmp_path, at=None):
    """The newest value of each day that was public at a moment."""
    known = MetricStore(tmp_path / "data/metrics").read(TXCNT, at_ns=None if at is None else moment_ns(at))
    return [metric.value for metric in newest(known)]


def test_every_day_is_fetched_once_page_by_page(here, fetch, tmp_path):
    """Seven days in four pages; a second run asks again, and changes nothing."""
    code, out, err = fetch(*SPAN)
    assert code == 0
    assert json.loads(out) == {"new": 7, "restated": 0, "known": 0, "refused": 0, "silent": []}
    assert "CC BY-NC 4.0" in err
    assert [each.get("next_page_token") for each in here.questions] == [None, "1", "3", "5"]
    assert stored(tmp_path) == [str(1_000 + number) for number in range(7)]
    files = {path: path.read_bytes() for path in (tmp_path / "data/metrics").rglob("*.parquet")}
    code, out, _ = fetch(*SPAN)
    assert json.loads(out)["known"] == 7
    assert {path: path.read_bytes() for path in (tmp_path / "data/metrics").rglob("*.parquet")} == files


def test_what_was_known_at_a_moment_is_shown(here, fetch, capsys, tmp_path):
    """Before 05:00 the day before is not public yet."""
    fetch(*SPAN)
    for moment, days in (("2024-01-03T04:59:59Z", 1), ("2024-01-03T05:00:00Z", 2)):
        assert stored(tmp_path, moment) == [str(1_000 + number) for number in range(days)]
        words = ["data", "metrics", "show", "--provider", "coin_metrics", "--asset", "btc", "--name", "TxCnt"]
        assert front.main([*words, "--at", moment, "--json"]) == 0
        shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["value"] for row in shown] == [str(1_000 + number) for number in range(days)]
        assert shown[0]["available"] == "2024-01-02T05:00:00.000Z"
        assert shown[0]["license"].startswith("CC BY-NC")


def test_a_restatement_becomes_a_revision_and_the_past_stays(here, fetch, tmp_path):
    """The provider changes a day: what was known at the time is what it was, and the newest is the new."""
    fetch(*SPAN)
    here.values[2] = "999"
    _, out, _ = fetch(*SPAN)
    assert json.loads(out) == {"new": 0, "restated": 1, "known": 6, "refused": 0, "silent": []}
    assert stored(tmp_path)[2] == "999"
    assert stored(tmp_path, "2024-02-01")[2] == "1002"


def test_a_collection_goes_on_from_what_is_stored(here, fetch, tmp_path):
    """Without --since: from a week before the newest day on, so that its restatements are heard of."""
    fetch("--since", "2024-01-01", "--until", "2024-01-04")
    assert stored(tmp_path) == ["1000", "1001", "1002"]
    here.questions.clear()
    _, out, _ = fetch("--until", "2024-01-08")
    assert json.loads(out) == {"new": 4, "restated": 0, "known": 3, "refused": 0, "silent": []}
    assert here.questions[0]["start_time"] == "2023-12-28"  # the day after a week before the newest day's end


def test_a_value_that_was_missing_when_asked_is_public_from_when_it_is_heard(here, fetch, tmp_path):
    """Day 5 is not there at first; later it is, with a stamp that claims it always was."""
    value = here.values.pop(5)
    fetch(*SPAN)
    here.values[5] = value
    fetch(*SPAN)
    assert value in stored(tmp_path)
    assert value not in stored(tmp_path, "2024-06-01")


def test_bad_weather_is_waited_out(here, fetch, tmp_path):
    """A 429 and a 503 in the middle: asked again, nothing lost, nothing doubled."""
    here.weather = [429, 503]
    code, out, _ = fetch(*SPAN)
    assert (code, json.loads(out)["new"]) == (0, 7)


def test_a_row_that_is_none_is_set_aside_and_the_others_stay(here, fetch, tmp_path):
    """It stands in the quarantine with its reason, and the count is told."""
    here.values[3] = "a lot"
    code, out, _ = fetch(*SPAN)
    assert code == 0
    assert json.loads(out) == {"new": 6, "restated": 0, "known": 0, "refused": 1, "silent": []}
    [line] = (tmp_path / "data/quarantine.jsonl").read_text().splitlines()
    assert "no finite number" in json.loads(line)["reason"]
    assert "a lot" in json.loads(line)["raw"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "say --since"),
        (["--since", "yesterday"], "no moment"),
        (["--since", "2024-01-01", "--until", "2024-01-08", "--every", "1h"], "no --until"),
        (["--since", "2024-01-01", "--every", "often"], "not understood"),
        (["--since", "2024-01-01", "--name", "Typo"], "bad_parameter"),
        (["--since", "2024-01-01", "--set", "metrics.providers=[]"], "is off"),
        (["--since", "2024-01-01", "--provider", "glassnode"], "no provider 'glassnode'"),
        (["--since", "2024-01-01", "--asset", "../btc"], "cannot name"),
        (["--since", "2024-01-01", "--set", "metrics.lag_h=0"], "metrics.lag_h"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(fetch, arguments, why):
    """One clear message, and no traceback."""
    code, out, err = fetch(*arguments)
    assert (code, out) == (2, "")
    assert why in err
    assert "Traceback" not in err


def test_a_provider_that_is_off_says_its_license(fetch):
    """Whoever turns it on has read the terms."""
    _, _, err = fetch("--since", "2024-01-01", "--set", "metrics.providers=mempool_space")
    assert "CC BY-NC 4.0" in err
    assert "no commercial use" in err


def test_killed_at_any_page_it_goes_on_and_ends_with_the_same_store(here, tmp_path):
    """kill -9 while the next page is asked for: what was stored stays, a second run completes it."""
    arguments = [*FETCH, *SPAN, "--store", str(tmp_path / "data/metrics")]
    with served(here) as url:
        victim = subprocess.Popen(
            [sys.executable, "-m", "trading_system", *arguments, "--url", url], stderr=subprocess.DEVNULL
        )
        assert here.second.wait(60)
        victim.send_signal(signal.SIGKILL)
        victim.wait(30)
        kept = stored(tmp_path)
        assert kept == [str(1_000 + number) for number in range(len(kept))]
        assert len(kept) >= 2
        assert front.main([*arguments, "--url", url, "--json"]) == 0
    assert stored(tmp_path) == [str(1_000 + number) for number in range(7)]


class Recorded:
    """Answers each path with one body, of the documented form."""

    def __init__(self, bodies):
        self.bodies = bodies

    async def answer(self, request):
        body = self.bodies.get(request.path.removeprefix("/v4"))
        return web.json_response(body, status=404 if body is None else 200)


def test_funding_rates_are_fetched_over_http(tmp_path, capsys):
    """The venue's own form, digits kept; public at their settlement."""
    rates = [
        {"symbol": "BTCUSDT", "fundingRate": "-0.03750000", "fundingTime": 1704067200006, "markPrice": "42313.9"},
        {"symbol": "BTCUSDT", "fundingRate": "0.00010000", "fundingTime": 1704096000000, "markPrice": "42400.1"},
    ]
    with served(Recorded({"/fapi/v1/fundingRate": rates})) as url:
        words = [
            "data",
            "metrics",
            "fetch",
            "--provider",
            "binance_funding",
            "--asset",
            "BTCUSDT",
            "--since",
            "2024-01-01",
        ]
        assert front.main([*words, "--url", url, "--set", "metrics.providers=binance_funding"]) == 0
    assert "2 new" in capsys.readouterr().out
    known = MetricStore(tmp_path / "data/metrics").read(Series("binance_funding", "BTCUSDT", "funding_rate"))
    assert [(each.value, each.available_ns) for each in known] == [
        ("-0.03750000", 1704067200006 * 10**6),
        ("0.00010000", 1704096000000 * 10**6),
    ]


def test_the_mempool_and_the_days_of_the_network_are_fetched_over_http(tmp_path, capsys):
    """Every path in its documented form; the days, and the moment at which it was asked."""
    day_s = FIRST // 10**9
    bodies = {
        "/v1/mining/hashrate/all": {
            "hashrates": [{"timestamp": day_s, "avgHashrate": 5.1e20}],
            "difficulty": [{"time": day_s - 100, "height": 823592, "difficulty": 7.2e13, "adjustment": 1.01}],
            "currentHashrate": 5.2e20,
        },
        "/v1/mining/blocks/fees/all": [
            {"avgHeight": 823800, "timestamp": day_s + 43_000, "avgFees": 41234567, "USD": 1}
        ],
        "/v1/mining/blocks/fee-rates/all": [{"avgHeight": 823800, "timestamp": day_s + 43_000, "avgFee_50": 93}],
        "/v1/mining/blocks/sizes-weights/all": {
            "sizes": [{"avgHeight": 823800, "timestamp": day_s + 43_000, "avgSize": 1650000}],
            "weights": [{"avgHeight": 823800, "timestamp": day_s + 43_000, "avgWeight": 3990000}],
        },
        "/mempool": {"count": 5000, "vsize": 2500000, "total_fee": 50000000, "fee_histogram": [[53.0, 102131]]},
        "/v1/fees/recommended": {"fastestFee": 20, "halfHourFee": 15, "hourFee": 10, "economyFee": 5, "minimumFee": 1},
    }
    with served(Recorded(bodies)) as url:
        words = ["data", "metrics", "fetch", "--provider", "mempool_space", "--asset", "btc", "--since", "2020-01-01"]
        assert front.main([*words, "--url", url, "--set", "metrics.providers=mempool_space", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"new": 11, "restated": 0, "known": 0, "refused": 0, "silent": []}
    store = MetricStore(tmp_path / "data/metrics")
    [fees] = store.read(Series("mempool_space", "btc", "block_fees"))
    assert (fees.value, fees.start_ns, fees.end_ns) == ("41234567", FIRST, FIRST + DAY_NS)
    [rate] = store.read(Series("mempool_space", "btc", "hash_rate"))
    assert (rate.start_ns, rate.end_ns) == (FIRST - DAY_NS, FIRST)


def test_a_store_lists_its_series_and_their_licenses(here, fetch, capsys):
    """How many values, of when, and under which terms; an empty one says that it is."""
    assert front.main(["data", "metrics", "ls"]) == 0
    assert capsys.readouterr().out == "no metrics in data/metrics\n"
    fetch(*SPAN)
    here.values[2] = "999"
    fetch(*SPAN)
    assert front.main(["data", "metrics", "ls", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["name"], row["values"], row["restatements"]) == ("TxCnt", 7, 1)
    assert (row["first"], row["last"]) == ("2024-01-01T00:00:00.000Z", "2024-01-08T00:00:00.000Z")
    assert front.main(["data", "metrics", "ls"]) == 0
    assert "coin_metrics: CC BY-NC 4.0" in capsys.readouterr().out


def test_every_provider_is_listed_with_its_license_and_whether_it_is_on(capsys):
    """Off until configured."""
    assert front.main(["data", "metrics", "providers", "--json", "--set", "metrics.providers=[mempool_space]"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["provider"]: row["on"] for row in rows} == {
        "coin_metrics": False,
        "mempool_space": True,
        "binance_funding": False,
    }
    assert all(row["license"] and row["terms"] for row in rows)


def test_polling_hears_of_a_new_day_and_ends_when_told(here, tmp_path):
    """Asked every second: a day that comes later is stored, and Ctrl-C ends it with 130."""
    del here.values[6]
    store = MetricStore(tmp_path / "data/metrics")
    arguments = [*FETCH, "--since", "2024-01-01", "--every", "1s", "--store", str(tmp_path / "data/metrics")]
    with served(here) as url:
        polling = subprocess.Popen(
            [sys.executable, "-m", "trading_system", *arguments, "--url", url], stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: TXCNT in set(store.series()) and store.last_end_ns(TXCNT) == FIRST + 6 * DAY_NS)
        here.weather = [500] * 6  # one question is not answered at all; the next is
        here.values[6] = "1006"
        wait_until(lambda: store.last_end_ns(TXCNT) == FIRST + 7 * DAY_NS)
        polling.send_signal(signal.SIGINT)
        _, err = polling.communicate(timeout=30)
    assert polling.returncode == 130
    assert "Traceback" not in err


def wait_until(done, limit_s=60.0):
    """Wait for another process, at most `limit_s`."""
    end = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
