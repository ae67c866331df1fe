"""The testnet as a whole: its books, its doors and its command."""

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from decimal import Decimal

import pytest
from click.testing import CliRunner
from tests.factories import START_NS, make_bar, make_instrument
from tests.unit.testnet.desk import Desk
from tests.unit.testnet.worlds import make_config

from trading_system.cli.testnet import command
from trading_system.errors import ConfigurationError
from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.config import Listing, instrument_of
from trading_system.testnet.house import House
from trading_system.testnet.server import Testnet


async def test_the_books_tell_all_and_hash_what_they_tell(desk: Desk) -> None:
    """Orders, fills and balances as decimal strings; the hash is over their canonical JSON."""
    await desk.order(newClientOrderId="one")
    await desk.limit("39000", newClientOrderId="two")
    _, books = await desk.ask("GET", "/testnet/ledger")
    told = {name: books[name] for name in ("orders", "fills", "balances")}
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    assert books["hash"] == hashlib.sha256(canonical).hexdigest()
    assert books == json.loads(json.dumps(desk.testnet.ledger()))
    assert [(o["client_order_id"], o["status"], o["executed"]) for o in books["orders"]] == [
        ("one", "FILLED", "0.01000000"),
        ("two", "NEW", "0.00000000"),
    ]
    assert [(f["client_order_id"], f["price"], f["commission"]) for f in books["fills"]] == [
        ("one", "40100.00000000", "0.00001000")
    ]
    assert books["balances"]["desk"] == {
        "BTC": {"free": "0.00999000", "locked": "0.00000000"},
        "USDT": {"free": "99209.00000000", "locked": "390.00000000"},
    }
    for currency in ("BTC", "USDT"):
        held = [account.get(currency, {}) for account in books["balances"].values()]
        assert sum(Decimal(each.get(kind, 0)) for each in held for kind in ("free", "locked")) == 0


async def test_a_day_is_summed_up(desk: Desk) -> None:
    """Two flat bars of one unit each at 40,000.00."""
    _, day = await desk.ask("GET", "/api/v3/ticker/24hr", "symbol=BTCUSDT")
    wanted = {"volume": "2.00000000", "weightedAvgPrice": "40000.00000000", "highPrice": "40000.00000000", "count": 14}
    assert {name: day[name] for name in wanted} == wanted


async def test_several_instruments_trade_side_by_side() -> None:
    """Each has its own book and tape; a step stops at the close of both."""
    eth = make_instrument(symbol="ETHUSDT", base="ETH")
    bars = tuple(make_bar(index=index, symbol="ETHUSDT", open=200_000) for index in range(4))
    both = (*make_config().listings, Listing(instrument=eth, interval="15m", bars=bars, history=2))
    async with Testnet(make_config(listings=both)) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", "btcusdt@kline_15m", "ethusdt@kline_15m")
        answer = await desk.step()
        assert (answer["bars_left"], answer["connections"]) == (4, {"m1": 16})
        closes = [message["data"]["s"] for message in desk.told["m1"] if message["data"]["k"]["x"]]
        assert closes == ["BTCUSDT", "ETHUSDT"]
        _, order = await desk.order(symbol="ETHUSDT", quantity="1")
        assert order["fills"][0]["price"] == "2005.00000000"


async def test_a_port_that_is_taken_is_named() -> None:
    """Two testnets cannot share a port."""
    async with Testnet(make_config()) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=str(port)):
            await Testnet(make_config(port=port)).start()


async def test_stopping_hangs_up() -> None:
    """Open connections are closed, so that a client knows."""
    async with Testnet(make_config()) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", "btcusdt@trade")
        await asyncio.gather(testnet.stop(), desk.ended("m1"))


def test_a_running_clock_is_as_fast_as_it_is_told() -> None:
    """60 times: a real second is a minute, and what was moved to is never undone."""
    real = [0]
    clock = VirtualClock(START_NS, speed=60, monotonic_ns=lambda: real[0])
    real[0] = 10**9
    assert clock.now_ns == START_NS + 60 * 10**9
    assert clock.wait_s(START_NS + 120 * 10**9) == 1.0
    clock.move_to(START_NS + 90 * 10**9)
    assert clock.now_ns == START_NS + 90 * 10**9


BAR = make_bar()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"bars": ()}, "of 0 in all"),
        ({"history": 2}, "2 bars of history"),
        ({"interval": "1h"}, "does not fit"),
        ({"bars": (BAR, BAR)}, "does not fit"),
        ({"instrument": make_instrument(symbol="ETHUSDT", base="ETH")}, "does not fit"),
        ({"interval": "soon"}, "not understood"),
    ],
)
def test_bars_that_cannot_be_a_market_are_refused(change: dict[str, object], why: str) -> None:
    """A listing says what is wrong with it, at once."""
    usual = {"instrument": make_instrument(), "interval": "15m", "bars": (BAR,)}
    with pytest.raises(ConfigurationError, match=why):
        Listing(**(usual | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"speed": 0},
        {"speed": "fast"},
        {"desks": 0},
        {"port": 70_000},
        {"api_key": ""},
        {"maker_bps": Decimal(-1)},
        {"balances": {"USDT": Decimal("NaN")}},
        {"listings": ()},
    ],
)
def test_a_number_out_of_range_is_refused(change: dict[str, object]) -> None:
    """The config is checked when it is made."""
    with pytest.raises(ConfigurationError):
        make_config(**change)


def test_a_house_without_a_book_is_refused() -> None:
    """It quotes at least one level."""
    with pytest.raises(ConfigurationError):
        House(levels=0)


@pytest.mark.parametrize("symbol", ["", "USDT", "btcusdt", "BTC-USDT", "FOO"])
def test_a_symbol_without_a_known_quote_is_refused(symbol: str) -> None:
    """Base and quote are read from the symbol; where that is impossible, it is said."""
    with pytest.raises(ConfigurationError, match="not understood"):
        instrument_of(symbol)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--synthetic", "1", "--bars", "pyproject.toml"],
        ["--synthetic", "x"],
        ["--synthetic", "1", "--interval", "7q"],
        ["--synthetic", "1", "--symbol", "nothing"],
        ["--synthetic", "1", "--speed", "0"],
        ["--synthetic", "1", "--balance", "USDT"],
        ["--synthetic", "1", "--balance", "USDT=-5"],
        ["--synthetic", "1", "--history", "5", "--live", "0", "--port", "70000"],
        ["--bars", "absent.parquet"],
        ["--bars", "pyproject.toml"],
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments: list[str]) -> None:
    """Never a traceback."""
    result = CliRunner().invoke(command, ["serve", *arguments])
    assert result.exit_code == 2
    assert "Error: " in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_stops_when_told(stop: signal.Signals) -> None:
    """One line of JSON when clients may connect; a signal ends it with code 0 and without a word."""
    script = "from trading_system.cli.testnet import command; command()"
    arguments = ["serve", "--synthetic", "1", "--history", "10", "--live", "10", "--speed", "step", "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["url"].startswith("http://127.0.0.1:")
        assert ready["market"] == "a synthetic market, seed 1"
        process.send_signal(stop)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")
