"""Somebody else's client, unmodified, trades at the testnet: python-binance, as it comes from the index."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from trading_system.market.bars import interval_ns
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.flow import synthetic_bars
from trading_system.testnet.server import Testnet

binance = pytest.importorskip("binance", reason="python-binance is not installed (extra dev)")
reconnecting_websocket = pytest.importorskip("binance.ws.reconnecting_websocket")

PATIENCE_S = 20.0


@pytest.fixture
async def testnet() -> AsyncIterator[Testnet]:
    """A synthetic market of one-second bars in real time: the client signs with its own clock, so ours must run."""
    bars = synthetic_bars(seed=5, count=900, interval_ns=interval_ns("1s"), instrument=BTCUSDT)
    listing = Listing(instrument=BTCUSDT, interval="1s", bars=tuple(bars), history=300)
    async with Testnet(TestnetConfig(listings=(listing,), speed=1)) as testnet:
        yield testnet


@pytest.fixture
async def client(testnet: Testnet, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """python-binance's own asynchronous client; only its addresses are set, as its class attributes allow."""
    monkeypatch.setattr(binance.AsyncClient, "API_URL", f"{testnet.url}/api")
    monkeypatch.setattr(binance.AsyncClient, "MARGIN_API_URL", f"{testnet.url}/sapi")
    monkeypatch.setattr(binance.AsyncClient, "WS_API_URL", f"{testnet.ws_url}/ws-api/v3")
    monkeypatch.setattr(binance.BinanceSocketManager, "STREAM_URL", f"{testnet.ws_url}/")
    monkeypatch.setattr(
        reconnecting_websocket.ReconnectingWebsocket, "TIMEOUT", 0.5
    )  # it listens so long before it closes
    client = await binance.AsyncClient.create(API_KEY, API_SECRET)
    yield client
    await client.close_connection()


async def test_a_foreign_client_reads_the_market(client: Any) -> None:
    """Rules, klines, book and prices, parsed by somebody else's code."""
    info = await client.get_symbol_info("BTCUSDT")
    assert info["baseAsset"] == "BTC"
    klines = await client.get_klines(symbol="BTCUSDT", interval="1s", limit=10)
    assert len(klines) == 10
    assert all(later[0] == earlier[0] + 1_000 for earlier, later in pairwise(klines))
    history = await client.get_historical_klines("BTCUSDT", "1m", klines[0][0] - 120_000, klines[0][0])
    assert history
    book = await client.get_order_book(symbol="BTCUSDT")
    ticker = await client.get_orderbook_ticker(symbol="BTCUSDT")
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert float(ticker["bidPrice"]) < float(ticker["askPrice"])


async def test_a_foreign_client_trades(client: Any, testnet: Testnet) -> None:
    """It buys at market and sees the fill on its user socket and in its trades; it rests, finds and cancels a limit."""
    sockets = binance.BinanceSocketManager(client)
    async with sockets.user_socket() as user, asyncio.timeout(PATIENCE_S):
        bought = await client.order_market_buy(symbol="BTCUSDT", quantity="0.01", newClientOrderId="conform-1")
        assert bought["status"] == "FILLED"
        told = [await user.recv() for _ in range(3)]
        assert [event["e"] for event in told] == ["executionReport", "executionReport", "outboundAccountPosition"]
        assert (told[1]["c"], told[1]["x"], told[1]["z"]) == ("conform-1", "TRADE", "0.01000000")
        [trade] = await client.get_my_trades(symbol="BTCUSDT")
        assert (trade["orderId"], trade["id"], trade["isBuyer"]) == (bought["orderId"], told[1]["t"], True)

        placed = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="20000.00")
        found = await client.get_order(symbol="BTCUSDT", orderId=placed["orderId"])
        assert (found["status"], found["price"]) == ("NEW", "20000.00000000")
        assert [order["orderId"] for order in await client.get_open_orders(symbol="BTCUSDT")] == [placed["orderId"]]
        canceled = await client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
        assert canceled["status"] == "CANCELED"
        assert await client.get_open_orders(symbol="BTCUSDT") == []

    balance = await client.get_asset_balance(asset="BTC")
    assert balance == {"asset": "BTC", "free": "0.00999000", "locked": "0.00000000"}
    refused = None
    try:
        await client.get_order(symbol="BTCUSDT", orderId=99)
    except binance.exceptions.BinanceAPIException as error:
        refused = error.code
    assert refused == -2013
    assert [order["status"] for order in testnet.ledger()["orders"]] == ["FILLED", "CANCELED"]  # type: ignore[attr-defined]


async def test_a_foreign_client_follows_the_stream(client: Any) -> None:
    """Klines of the raw and of the combined stream, until one closes."""
    sockets = binance.BinanceSocketManager(client)
    async with sockets.kline_socket("BTCUSDT", interval="1s") as klines, asyncio.timeout(PATIENCE_S):
        while not (kline := (await klines.recv())["k"])["x"]:
            assert kline["i"] == "1s"
    async with sockets.multiplex_socket(["btcusdt@trade"]) as trades, asyncio.timeout(PATIENCE_S):
        message = await trades.recv()
        assert (message["stream"], message["data"]["s"]) == ("btcusdt@trade", "BTCUSDT")


async def test_a_foreign_client_orders_over_the_socket(client: Any) -> None:
    """order.place, order.status and order.cancel of the WebSocket API."""
    async with asyncio.timeout(PATIENCE_S):
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        placed = await client.ws_create_order(**order, quantity="0.01", price="20000.00")
        found = await client.ws_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
        assert found["status"] == "NEW"
        canceled = await client.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
        assert canceled["status"] == "CANCELED"


async def test_the_synchronous_client_trades_too(
    testnet: Testnet, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same over the blocking client, in a thread of its own."""
    monkeypatch.setattr(binance.Client, "API_URL", f"{testnet.url}/api")

    def trade() -> list[dict[str, Any]]:
        blocking = binance.Client(API_KEY, API_SECRET)
        blocking.timestamp_offset = client.timestamp_offset
        blocking.order_market_buy(symbol="BTCUSDT", quantity="0.01")
        trades: list[dict[str, Any]] = blocking.get_my_trades(symbol="BTCUSDT")
        blocking.close_connection()
        return trades

    assert [row["qty"] for row in await asyncio.to_thread(trade)] == ["0.01000000"]
