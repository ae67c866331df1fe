"""Asking a provider: at its pace, again where that may help, and never past a refusal."""

import json
import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.providers.asking import LONGEST_WAIT_S, Asker, decoded, wait_s
from trading_system.errors import ConfigurationError, DataError, RateLimited, VenueUnavailable


class Scripted:
    """A way out that gives one answer after the other, and remembers when and for what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, address):
        self.asked.append((time.monotonic(), address))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_good_answer_comes_back_and_its_address_is_built_safely():
    """Parameters are escaped, the provider's own slash is not doubled."""
    send = Scripted((200, {}, b"[]"))
    assert await Asker(send, url="http://here/v4/", pause_s=0.0)("/series", {"assets": "btc&x=1"}) == b"[]"
    assert send.asked[0][1] == "http://here/v4/series?assets=btc%26x%3D1"


async def test_what_may_pass_is_asked_again():
    """No connection, a 503, a 429 that names no more than a moment: then the answer."""
    send = Scripted(VenueUnavailable("no"), (503, {}, b""), (429, {"retry-after": "0"}, b""), (200, {}, b"ok"))
    told = []
    assert await Asker(send, url="http://here", pause_s=0.0, notice=told.append)("", {}) == b"ok"
    assert len(send.asked) == 4
    assert len(told) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
async def test_a_refusal_is_final_and_says_what_the_provider_said(status):
    """Asking again would not help: one request, and its words."""
    send = Scripted((status, {}, b'{"error": {"message": "Bad parameter metrics"}}'))
    with pytest.raises(ConfigurationError, match="Bad parameter metrics"):
        await Asker(send, url="http://here", pause_s=0.0)("", {})
    assert len(send.asked) == 1


@pytest.mark.parametrize(("status", "error"), [(500, VenueUnavailable), (429, RateLimited), (408, VenueUnavailable)])
async def test_who_never_answers_is_given_up(status, error):
    """After as many tries as were allowed, with the error that says what it was."""
    send = Scripted(*[(status, {"retry-after": "0"}, b"")] * 2)
    with pytest.raises(error):
        await Asker(send, url="http://here", pause_s=0.0, tries=2)("", {})
    assert not send.answers


async def test_questions_keep_the_pace():
    """Three questions, a tenth of a second apart, take two tenths at least."""
    send = Scripted(*[(200, {}, b"")] * 3)
    ask = Asker(send, url="http://here", pause_s=0.1)
    for _ in range(3):
        await ask("", {})
    moments = [moment for moment, _ in send.asked]
    assert min(b - a for a, b in pairwise(moments)) >= 0.1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "99999"}, LONGEST_WAIT_S),
        ({"x-ratelimit-reset": "3"}, 3.0),
        ({"retry-after": "Wed, 01 Jan 2025 00:00:10 GMT", "date": "Wed, 01 Jan 2025 00:00:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 01 Jan 2025 00:00:00 GMT", "date": "Wed, 01 Jan 2025 00:00:10 GMT"}, 0.0),
        ({"retry-after": "soon"}, 30.0),
        ({"retry-after": "²"}, 30.0),
        ({}, 30.0),
    ],
)
def test_the_wait_is_what_the_provider_wants(headers, seconds):
    """Seconds, or a date held against the answer's own; a usual wait where it cannot be read; never for ever."""
    assert wait_s(headers) == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(json_values)
def test_json_is_read_with_every_digit(value):
    """Numbers with a point or an exponent come as the text that was sent; all else as it is."""

    def expected(each):
        if isinstance(each, float):
            return repr(each)
        if isinstance(each, list):
            return [expected(item) for item in each]
        return {key: expected(item) for key, item in each.items()} if isinstance(each, dict) else each

    assert decoded(json.dumps(value).encode()) == expected(value)


@given(st.binary(max_size=60) | st.integers(1, 5_000).map(lambda count: b"[" * count) | st.just(b"9" * 5_000))
def test_any_bytes_are_json_or_refused(body):
    """A proxy's page, half an answer, brackets without end, a number without end: a DataError, never a crash."""
    with suppress(DataError):
        decoded(body)


def test_digits_survive_that_a_float_would_lose():
    """What a provider says to the twenty-first digit is kept."""
    assert decoded(b'{"v": 0.123456789012345678901, "n": 12345678901234567890123, "s": 1.50}') == {
        "v": "0.123456789012345678901",
        "n": 12345678901234567890123,
        "s": "1.50",
    }
