"""The market streams: klines, trades and best quotes.

Source: Binance Spot, "WebSocket Streams", "Live Subscribing/Unsubscribing to streams", "Error Messages".
"""

import json
from typing import Final

import msgspec
from aiohttp import web

from trading_system.testnet.binance.connections import Connection, Switchboard
from trading_system.testnet.binance.sockets import converse, is_id

METHODS: Final = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


async def serve(switchboard: Switchboard, request: web.Request) -> web.WebSocketResponse:
    """Open `/ws`, `/ws/<stream>/...` or `/stream?streams=<stream>/...` and serve it until it closes."""
    wrapped = request.path.startswith("/stream")
    asked = request.query.get("streams", "") if wrapped else request.path.removeprefix("/ws")
    streams = [name for name in asked.split("/") if name]
    return await converse(request, switchboard, wrapped=wrapped, streams=streams, heard=hear)


def hear(connection: Connection, text: str) -> None:
    """Answer one request of a client."""
    connection.send(msgspec.json.encode(_answer(connection, text)))


def _answer(connection: Connection, text: str) -> dict[str, object]:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return _error(3, "Invalid JSON: expected value at line 1 column 1", None)
    if not isinstance(request, dict):
        return _error(2, "Invalid request: request must be an object", None)
    number = request.get("id")
    if not is_id(number):
        return _error(2, "Invalid request: request ID must be an unsigned integer", None)
    params = request.get("params", [])
    match request.get("method"):
        case "SUBSCRIBE" | "UNSUBSCRIBE" as method:
            if not isinstance(params, list) or not all(_is_name(name) for name in params):
                return _error(2, "Invalid request: params must be a list of stream names", number)
            for name in params:
                if method == "SUBSCRIBE":
                    connection.streams[name] = None
                else:
                    connection.streams.pop(name, None)
            return {"result": None, "id": number}
        case "LIST_SUBSCRIPTIONS":
            return {"result": list(connection.streams), "id": number}
        case "SET_PROPERTY" if isinstance(params, list) and len(params) == 2 and params[0] == "combined":
            if not isinstance(params[1], bool):
                return _error(1, "Invalid value type: expected Boolean", number)
            connection.wrapped = params[1]
            return {"result": None, "id": number}
        case "GET_PROPERTY" if params == ["combined"]:
            return {"result": connection.wrapped, "id": number}
        case "SET_PROPERTY" | "GET_PROPERTY":
            return _error(0, "Unknown property", number)
        case method:
            return _error(2, f"Invalid request: unknown variant {_shown(method)}, expected one of {METHODS}", number)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _shown(value: object) -> str:
    return json.dumps(value)[:40]


def _error(code: int, text: str, number: int | str | None) -> dict[str, object]:
    return {"error": {"code": code, "msg": text}, "id": number}
