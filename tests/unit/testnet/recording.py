"""A seeded desk that trades over sockets and prints one hash over every byte it was answered or told.

Run as a module; `test_testnet_determinism` runs it in processes of their own.
"""

import asyncio
import hashlib
import sys
from random import Random

import msgspec
from tests.factories import make_instrument
from tests.unit.testnet.desk import Desk, fails

from trading_system.market.bars import interval_ns
from trading_system.testnet.config import Listing, TestnetConfig
from trading_system.testnet.faults import DropConnection, LoseAnswer, LoseRequest, weather
from trading_system.testnet.flow import synthetic_bars
from trading_system.testnet.server import Testnet

SYMBOLS = (("BTCUSDT", "BTC"), ("ETHUSDT", "ETH"))


def make_config(seed: int) -> TestnetConfig:
    """Return two synthetic markets with bad weather."""
    listings = []
    for number, (symbol, base) in enumerate(SYMBOLS):
        instrument = make_instrument(symbol=symbol, base=base)
        bars = synthetic_bars(seed=seed + number, count=140, interval_ns=interval_ns("15m"), instrument=instrument)
        listings.append(Listing(instrument=instrument, interval="15m", bars=tuple(bars), history=100))
    faults = weather(seed=seed, orders=200, kinds=(LoseRequest, LoseAnswer, DropConnection), rate=0.1)
    return TestnetConfig(listings=tuple(listings), seed=seed, faults=faults)


async def trade(desk: Desk, chance: Random, number: int) -> object:
    """Do one seeded thing and return the answer; a lost one is None."""
    symbol = chance.choice(SYMBOLS)[0]
    _, ticker = await desk.ask("GET", "/api/v3/ticker/price", f"symbol={symbol}")
    side, away = chance.choice(("BUY", "SELL")), chance.randint(-300, 300)
    price = f"{float(ticker['price']) + away:.2f}"
    order: dict[str, object] = {"symbol": symbol, "side": side, "quantity": "0.02", "newClientOrderId": f"o{number}"}
    kind = chance.choice(("MARKET", "LIMIT", "STOP_LOSS_LIMIT", "CANCEL"))
    if kind == "CANCEL":
        return await desk.signed("DELETE", "/api/v3/openOrders", symbol=symbol)
    more = {"LIMIT": {"timeInForce": "GTC", "price": price}, "MARKET": {}}.get(
        kind, {"timeInForce": "GTC", "price": price, "stopPrice": price}
    )
    answers: list[object] = []

    async def ask() -> tuple[int, object]:
        answers.append(await desk.order(type=kind, **order, **more))
        return 0, None

    return None if await fails(ask()) else answers[0]


async def record(seed: int) -> tuple[str, str]:
    """Return a hash over all that was heard, and the venue's own."""
    digest, chance = hashlib.sha256(), Random(seed)
    async with Testnet(make_config(seed)) as testnet, Desk.at(testnet) as desk:
        await desk.listen(
            "m1", *(f"{symbol.lower()}@{kind}" for symbol, _ in SYMBOLS for kind in ("kline_15m", "trade"))
        )
        number, done = 0, False
        while not done:
            if "u1" not in desk.told or desk.sockets["u1"].closed:
                await desk.log_in("u1")
            number += 1
            digest.update(msgspec.json.encode(await trade(desk, chance, number)))
            answer = await desk.step()
            if "u1" not in answer["connections"]:
                assert await desk.ended("u1")  # the weather took it
            for told in desk.told.values():
                digest.update(msgspec.json.encode(told[-40:]))
            done = answer["done"]
        _, books = await desk.ask("GET", "/testnet/ledger")
        digest.update(msgspec.json.encode(books))
        return digest.hexdigest(), books["hash"]


if __name__ == "__main__":
    print(*asyncio.run(record(int(sys.argv[1]))))  # noqa: T201 - it is what the test reads
