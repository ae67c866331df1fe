"""What Binance's refusals mean for the one who asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.broker_connectors.binance.failures import LONGEST_WAIT_S, Told, failure, told, wait_s
from trading_system.errors import (
    AuthenticationFailed,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}', OrderRejected),
        (400, b'{"code":-2010,"msg":"Duplicate order sent."}', OutcomeUnknown),
        (400, b'{"code":-1013,"msg":"Filter failure: LOT_SIZE"}', OrderRejected),
        (400, b'{"code":-1120,"msg":"Invalid interval."}', OrderRejected),
        (400, b'{"code":-2013,"msg":"Order does not exist."}', OrderRejected),
        (400, b'{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', VenueUnavailable),
        (401, b'{"code":-1002,"msg":"You are not authorized to execute this request."}', AuthenticationFailed),
        (400, b'{"code":-1022,"msg":"Signature for this request is not valid."}', AuthenticationFailed),
        (401, b'{"code":-2008,"msg":"Invalid Api-Key ID."}', AuthenticationFailed),
        (401, b'{"code":-2014,"msg":"API-key format invalid."}', AuthenticationFailed),
        (401, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', AuthenticationFailed),
        (403, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', AuthenticationFailed),
        (403, b"<html>Request blocked.</html>", RateLimited),
        (403, b'{"code":-9999,"msg":"A code of tomorrow."}', OutcomeUnknown),
        (429, b'{"code":-1003,"msg":"Too many requests."}', RateLimited),
        (418, b"banned", RateLimited),
        (400, b'{"code":-1015,"msg":"Too many new orders."}', RateLimited),
        (409, b'{"code":-2021,"msg":"Order cancel-replace partially failed."}', OutcomeUnknown),
        (404, b"<html>Not found</html>", OutcomeUnknown),
        (451, b'{"code":0,"msg":"Service unavailable from a restricted location"}', OutcomeUnknown),
        (500, b"", OutcomeUnknown),
        (503, b'{"code":-1008,"msg":"Server is currently overloaded."}', OutcomeUnknown),
        (503, b'{"code":-2010,"msg":"A refusal, and yet a 5XX."}', OutcomeUnknown),
        (504, b"gateway", OutcomeUnknown),
        (400, b'{"code":-1006,"msg":"Execution status unknown."}', OutcomeUnknown),
        (400, b'{"code":-1007,"msg":"Timeout waiting for response."}', OutcomeUnknown),
        (400, b'{"code":-9999,"msg":"A code of tomorrow."}', OutcomeUnknown),
        (400, b"no json", OutcomeUnknown),
        (400, b"[1]", OutcomeUnknown),
        (307, b"", OutcomeUnknown),
    ],
)
def test_a_failure_is_named_by_whether_something_may_have_happened(status: int, body: bytes, error: type) -> None:
    """Only a code that is known for certain to have done nothing is a rejection; the rest is asked about."""
    assert type(failure(status, {"retry-after": "7"}, told(body))) is error


@given(
    status=st.integers(100, 999), body=st.binary(max_size=60), code=st.integers(-10_000, 10_000), plain=st.booleans()
)
def test_whatever_comes_back_has_a_name(status: int, body: bytes, code: int, plain: bool) -> None:
    """No body is too odd; and a 5XX is never taken for certain, whatever code it carries."""
    error = failure(status, {}, told(body) if plain else Told(code=code))
    assert isinstance(error, VenueError)
    assert type(error) is OutcomeUnknown or 400 <= status < 500


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "7"}, 7.0),
        (429, {"retry-after": "0"}, 0.0),
        (429, {}, 1.0),
        (429, {"retry-after": "soon"}, 1.0),
        (429, {"retry-after": "-5"}, 1.0),
        (429, {"retry-after": "nan"}, 1.0),
        (429, {"retry-after": "٣"}, 1.0),
        (418, {}, 120.0),
        (418, {"retry-after": "1800"}, 1_800.0),
        (403, {}, 300.0),
        (418, {"retry-after": "9" * 400}, 259_200.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:28:30 GMT"}, 0.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1.0),
    ],
)
def test_the_wait_that_the_venue_asks_for_is_kept(status: int, headers: dict[str, str], seconds: float) -> None:
    """Retry-After is seconds or a date (RFC 9110, 10.2.3); without one that can be read, the usual wait."""
    assert wait_s(status, headers) == seconds
    error = failure(status, headers, Told())
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds


@given(retry=st.text(max_size=40) | st.dates().map(lambda day: f"{day:%a, %d %b %Y} 00:00:00 GMT"), date=st.text())
def test_no_header_makes_the_wait_negative_or_endless(retry: str, date: str) -> None:
    """Whatever the header says, the wait is between nothing and the longest ban."""
    assert 0.0 <= wait_s(429, {"retry-after": retry, "date": date}) <= LONGEST_WAIT_S
