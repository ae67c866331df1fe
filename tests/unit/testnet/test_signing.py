"""Signatures, against the examples that the venue publishes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.testnet.binance.parameters import Params
from trading_system.testnet.binance.signing import Doorman, rest_payload, signature_of, ws_payload
from trading_system.testnet.refusals import Refusal

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
"""The venue's own example, "provided only for illustrative purposes": REST API, "SIGNED Endpoint Examples"."""

ORDER = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
WIDE = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"

REST_EXAMPLES = [
    pytest.param(
        f"symbol=LTCBTC&{ORDER}", "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71", id="query"
    ),
    pytest.param(
        f"symbol={WIDE}&{ORDER}", "", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3", id="non-ASCII"
    ),
    pytest.param(
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
        "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        id="query and body",
    ),
]


@pytest.mark.parametrize(("query", "body", "signature"), REST_EXAMPLES)
def test_the_published_rest_examples_verify(query: str, body: str, signature: str) -> None:
    """The payload is query and body as sent, joined by nothing, less the signature, wherever that stands."""
    for signed_query, signed_body in (
        (f"{query}&signature={signature}", body),
        (query, f"{body}&signature={signature}" if body else f"signature={signature}"),
        (f"signature={signature}&{query}", body),
    ):
        assert signature_of(rest_payload(signed_query.encode(), signed_body.encode()), SECRET) == signature


WS_EXAMPLES = [
    pytest.param(
        "price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC"
        "&timestamp=1645423376532&type=LIMIT",
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        id="order.place",
    ),
    pytest.param(
        "price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC"
        "&timestamp=1645423376532&type=LIMIT",
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        id="non-ASCII, not encoded",
    ),
    pytest.param(
        "timestamp=1649729878532",
        "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed",
        id="session.logon",
    ),
    pytest.param(
        "orderId=12569099453&symbol=BTCUSDT&timestamp=1660801720951",
        "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35",
        id="order.status",
    ),
]


@pytest.mark.parametrize(("text", "signature"), WS_EXAMPLES)
def test_the_published_websocket_examples_verify(text: str, signature: str) -> None:
    """The payload is every parameter but the signature, sorted by name, in plain UTF-8, in whatever order it came."""
    pairs = [pair.split("=") for pair in text.split("&")]
    params = dict(reversed(pairs)) | {"signature": signature, "apiKey": KEY}
    assert signature_of(ws_payload(params), SECRET) == signature


def check(query: bytes, *, key: str | None = KEY, now_ms: int = 1_499_827_319_559) -> str:
    """Knock with a query and return "in", or the venue's code."""
    doorman = Doorman(api_key=KEY, api_secret=SECRET)
    try:
        doorman.check(Params.of_request(query, b""), rest_payload(query, b""), api_key=key, now_ms=now_ms)
    except Refusal as refusal:
        return str(refusal.code)
    return "in"


GOOD = f"symbol=LTCBTC&{ORDER}&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71".encode()


def test_a_good_signature_opens() -> None:
    """Hex digits count in either case."""
    head, _, signature = GOOD.rpartition(b"=")
    assert check(GOOD) == "in"
    assert check(head + b"=" + signature.upper()) == "in"


@given(place=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_one_wrong_bit_closes(place: int, bit: int) -> None:
    """Whichever bit of the request is flipped, it is not let in; within the values signed the answer is -1022."""
    flipped = GOOD[:place] + bytes([GOOD[place] ^ (1 << bit)]) + GOOD[place + 1 :]
    code = check(flipped)
    same = flipped.lower() == GOOD.lower() and flipped.rpartition(b"=")[0] == GOOD.rpartition(b"=")[0]
    assert (code == "in") == same
    signature = GOOD.rindex(b"=") + 1
    if place >= signature and flipped[place : place + 1] not in b"&=" and not same:
        assert code == "-1022"
    assert code in ("in", "-1022", "-1102", "-1100", "-1101")


@pytest.mark.parametrize(
    ("off_ms", "code"), [(0, "in"), (5_000, "in"), (5_001, "-1021"), (-999, "in"), (-1_000, "-1021"), (-1_001, "-1021")]
)
def test_a_request_is_good_for_its_window(off_ms: int, code: str) -> None:
    """At most recvWindow old, and less than a second ahead of the venue."""
    assert check(GOOD, now_ms=1_499_827_319_559 + off_ms) == code


@pytest.mark.parametrize(
    ("key", "code"), [(None, "-2014"), ("", "-2014"), ("ключ", "-2014"), ("a" * 200, "-2014"), ("another", "-2015")]
)
def test_a_wrong_key_is_told_from_a_malformed_one(key: str | None, code: str) -> None:
    """-2014 for what cannot be a key, -2015 for one that is not ours."""
    assert check(GOOD, key=key) == code


def test_a_window_beyond_a_minute_is_refused() -> None:
    """The venue allows 60,000 ms at most."""
    query = "timestamp=1499827319559&recvWindow=60001"
    assert check(f"{query}&signature={signature_of(query.encode(), SECRET)}".encode()) == "-1131"
