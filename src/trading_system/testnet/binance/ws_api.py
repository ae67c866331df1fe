"""The WebSocket API: the REST table over a socket, sessions, and the user data stream.

Source: Binance Spot WebSocket API, "Request format", "Response format", "Session Authentication",
"User Data Stream subscription".
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web

from trading_system.testnet.binance import messages
from trading_system.testnet.binance.connections import Connection
from trading_system.testnet.binance.endpoints import WS, Security
from trading_system.testnet.binance.front import Front
from trading_system.testnet.binance.parameters import Params
from trading_system.testnet.binance.signing import ws_payload
from trading_system.testnet.binance.sockets import converse, is_id
from trading_system.testnet.faults import HoldAnswer
from trading_system.testnet.floor import ACCOUNT
from trading_system.testnet.refusals import Reason, Refusal


class Lexeme(str):
    """A number as the client wrote it: signatures are over its digits, not its value."""

    __slots__ = ()


class WsApi:
    """Serves the connections of `/ws-api/v3`."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._held: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Open a connection and serve it until it closes."""
        return await converse(request, self._front.switchboard, wrapped=False, streams=[], heard=self.hear)

    def hear(self, connection: Connection, text: str) -> None:
        """Answer one request of a client."""
        asked = _parsed(text)
        if asked is None:
            self._answer(connection, None, Refusal(Reason.BAD_JSON), show_limits=True)
            return
        number, method, params = asked
        show_limits = params.values.get("returnRateLimits") != "false"
        if method in WS:
            self._ask_table(connection, method, params, number, show_limits=show_limits)
            return
        try:
            self._front.weigh(2)
            result = SESSION[method](self._front, connection, params) if method in SESSION else _unknown()
            self._answer(connection, number, result, show_limits=show_limits)
        except Refusal as refusal:
            self._answer(connection, number, refusal, show_limits=show_limits)

    def _ask_table(
        self, connection: Connection, method: str, params: Params, number: int | str | None, *, show_limits: bool
    ) -> None:
        """Answer what REST answers too."""
        endpoint = WS[method]
        self._front.weigh(endpoint.weight)

        def admit() -> None:
            if endpoint.security is Security.SIGNED:
                _admit(self._front, connection, params)

        outcome = self._front.serve(endpoint, params, admit)
        fault = outcome.fault
        if isinstance(fault, HoldAnswer) and fault.hook is not None:
            task = asyncio.ensure_future(_hold(fault.hook, connection))
            self._held.add(task)
            task.add_done_callback(self._held.discard)
        elif fault is not None and not fault.answers:
            connection.close()
        else:
            self._answer(connection, number, outcome.refusal or outcome.result, show_limits=show_limits)

    def _answer(self, connection: Connection, number: int | str | None, result: object, *, show_limits: bool) -> None:
        answer: messages.Json = {"id": number}
        if isinstance(result, Refusal):
            answer |= {"status": result.status, "error": {"code": result.code, "msg": result.text}}
        else:
            answer |= {"status": 200, "result": result}
        if show_limits:
            answer["rateLimits"] = [{**messages.RATE_LIMITS[0], "count": self._front.weigh(0)}]
        connection.send(msgspec.json.encode(answer))
        self._front.changed()


async def _hold(hook: Callable[[], object], connection: Connection) -> None:
    waiting = hook()
    if asyncio.iscoroutine(waiting):
        await waiting
    connection.close()


def _no_constant(word: str) -> str:
    raise ValueError(f"{word} is not JSON")


def _parsed(text: str) -> tuple[int | str | None, str, Params] | None:
    """Return id, method and parameters of a request; None for what is none."""
    try:
        request = json.loads(text, parse_int=Lexeme, parse_float=Lexeme, parse_constant=_no_constant)
        if not isinstance(request, dict):
            return None
        raw_id, raw_params = request.get("id"), request.get("params") or {}
        number = int(raw_id) if isinstance(raw_id, Lexeme) else raw_id  # a fraction is a ValueError
        if not isinstance(raw_params, dict) or not is_id(number):
            return None
        params = Params({name: _text(value) for name, value in raw_params.items() if value is not None})
    except (ValueError, RecursionError):
        return None
    return number, str(request.get("method")).removeprefix("v3/"), params


def _text(value: object) -> str:
    """Return a JSON value as the text that a client signs."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _unknown() -> object:
    raise Refusal(Reason.UNSUPPORTED)


def _admit(front: Front, connection: Connection, params: Params) -> None:
    """Let a signed request pass: by its signature, or in a session that has logged on without one."""
    now_ms = front.floor.clock.now_ms
    if connection.logged_on and "signature" not in params.values:
        front.doorman.check_time(params, params.required_integer("timestamp"), now_ms)
        return
    front.doorman.check(params, ws_payload(params.values), api_key=params.text("apiKey"), now_ms=now_ms)


def _log_on(front: Front, connection: Connection, params: Params) -> object:
    front.doorman.check(
        params, ws_payload(params.values), api_key=params.text("apiKey"), now_ms=front.floor.clock.now_ms
    )
    connection.logged_on = True
    return _status(front, connection, params)


def _log_out(front: Front, connection: Connection, params: Params) -> object:
    connection.logged_on = False
    return _status(front, connection, params)


def _status(front: Front, connection: Connection, params: Params) -> object:
    return {
        "apiKey": front.doorman.api_key if connection.logged_on else None,
        "authorizedSince": front.floor.clock.now_ms if connection.logged_on else None,
        "connectedSince": front.floor.clock.now_ms,
        "returnRateLimits": True,
        "serverTime": front.floor.clock.now_ms,
        "userDataStream": bool(connection.subscriptions),
    }


def _subscribe(front: Front, connection: Connection, params: Params) -> object:
    if not connection.logged_on:
        raise Refusal(Reason.BAD_KEY)
    return _subscribed(connection)


def _subscribe_signed(front: Front, connection: Connection, params: Params) -> object:
    front.doorman.check(
        params, ws_payload(params.values), api_key=params.text("apiKey"), now_ms=front.floor.clock.now_ms
    )
    return _subscribed(connection)


def _subscribed(connection: Connection) -> object:
    if ACCOUNT in connection.subscriptions.values():
        raise Refusal(Reason.ALREADY_SUBSCRIBED)
    number = connection.subscribed
    connection.subscribed += 1
    connection.subscriptions[number] = ACCOUNT
    return {"subscriptionId": number}


def _unsubscribe(front: Front, connection: Connection, params: Params) -> object:
    number = params.integer("subscriptionId")
    if number is None:
        connection.subscriptions.clear()
    elif connection.subscriptions.pop(number, None) is None:
        raise Refusal(Reason.NOT_SUBSCRIBED)
    return {}


def _subscriptions(front: Front, connection: Connection, params: Params) -> object:
    return [{"subscriptionId": number} for number in connection.subscriptions]


SESSION: Final[Mapping[str, Callable[[Front, Connection, Params], object]]] = {
    "session.logon": _log_on,
    "session.logout": _log_out,
    "session.status": _status,
    "session.subscriptions": _subscriptions,
    "userDataStream.subscribe": _subscribe,
    "userDataStream.subscribe.signature": _subscribe_signed,
    "userDataStream.unsubscribe": _unsubscribe,
}
