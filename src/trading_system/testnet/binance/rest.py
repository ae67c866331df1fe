"""Requests over HTTP.

Source: Binance Spot REST API, "General API Information", "HTTP Return Codes".
"""

from typing import Final

import msgspec
from aiohttp import web

from trading_system.testnet.binance.endpoints import REST, Endpoint, Security
from trading_system.testnet.binance.front import Front, Outcome
from trading_system.testnet.binance.parameters import Params
from trading_system.testnet.binance.signing import rest_payload
from trading_system.testnet.faults import HoldAnswer, Refuse
from trading_system.testnet.refusals import Reason, Refusal

KEY_HEADER: Final = "X-MBX-APIKEY"
WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
WAIT_HEADER: Final = "Retry-After"


def answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON response."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def refused(refusal: Refusal, *, headers: dict[str, str] | None = None) -> web.Response:
    """Return the venue's no."""
    return answer({"code": refusal.code, "msg": refusal.text}, status=refusal.status, headers=headers)


async def serve(front: Front, request: web.Request) -> web.Response:
    """Answer one request; one that the table does not know is refused, like everything else, in JSON."""
    path, _, query_text = request.raw_path.partition("?")
    query, body = query_text.encode("utf-8", "surrogateescape"), await request.read()
    endpoint = REST.get((request.method, path))
    if endpoint is None:
        listen_key = path.endswith(("/userDataStream", "/userListenToken"))
        return refused(Refusal(Reason.UNSUPPORTED if listen_key else Reason.NO_SUCH_PATH))
    headers = {WEIGHT_HEADER: str(front.weigh(endpoint.weight))}
    too_much = front.scales.too_much()
    if too_much is not None:
        return refused(too_much.refusal, headers={**headers, WAIT_HEADER: str(too_much.wait_s)})
    try:
        params = Params.of_request(query, body)
    except Refusal as refusal:
        return refused(refusal, headers=headers)
    api_key = request.headers.get(KEY_HEADER)

    def admit() -> None:
        _admit(front, endpoint, params, rest_payload(query, body), api_key)

    outcome = front.serve(endpoint, params, admit)
    if isinstance(outcome.fault, HoldAnswer) and outcome.fault.hook is not None:
        await outcome.fault.hook()
    if outcome.fault is not None and not outcome.fault.answers and request.transport is not None:
        request.transport.abort()  # whatever is answered below goes nowhere
    if isinstance(outcome.fault, Refuse):
        headers[WAIT_HEADER] = str(outcome.fault.retry_after_s)
    return _response(outcome, headers)


def _admit(front: Front, endpoint: Endpoint, params: Params, payload: bytes, api_key: str | None) -> None:
    if endpoint.security is Security.KEY:
        front.doorman.check_key(api_key)
    if endpoint.security is Security.SIGNED:
        front.doorman.check(params, payload, api_key=api_key, now_ms=front.floor.clock.now_ms)


def _response(outcome: Outcome, headers: dict[str, str]) -> web.Response:
    if outcome.refusal is not None:
        return refused(outcome.refusal, headers=headers)
    return answer(outcome.result, headers=headers)
