"""The process log: one JSON object a line, and no secret in it."""

import io
import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from trading_system.utils.logger.configure import configure
from trading_system.utils.redaction import MASK, redacted

SECRET = "s3cr3t-value"

texts = st.one_of(st.text(max_size=8), st.just(SECRET), st.just(f"before {SECRET} after"), st.just(SecretStr(SECRET)))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(max_size=5), st.just(SECRET)), inner, max_size=3),
    ),
    max_leaves=10,
)


@pytest.fixture
def stream():
    """What the log writes to; structlog's set-up is put back afterwards."""
    written = io.StringIO()
    configure(written, secrets=[SECRET, ""])
    yield written
    structlog.reset_defaults()


def test_a_message_is_one_json_object_a_line_with_time_and_level(stream):
    structlog.get_logger().info("stream connected", symbol="BTCUSDT", attempt=2)
    told = json.loads(stream.getvalue())
    assert {key: told[key] for key in ("event", "level", "symbol", "attempt")} == {
        "event": "stream connected",
        "level": "info",
        "symbol": "BTCUSDT",
        "attempt": 2,
    }
    assert told["ts"].endswith("Z")
    assert stream.getvalue().count("\n") == 1


def test_what_is_bound_at_the_edge_stands_on_every_line(stream):
    with structlog.contextvars.bound_contextvars(client_order_id="ts-1"):
        structlog.get_logger().info("sent")
    assert json.loads(stream.getvalue())["client_order_id"] == "ts-1"


def test_an_error_is_written_without_the_secret_it_quotes(stream):
    try:
        raise ValueError(f"GET /account?signature=abc failed for {SECRET}")
    except ValueError:
        structlog.get_logger().exception("request failed", headers={"X-MBX-APIKEY": "k"})
    line = stream.getvalue()
    assert "ValueError" in line
    assert SECRET not in line
    assert "abc" not in line
    assert json.loads(line)["headers"] == {"X-MBX-APIKEY": MASK}


@given(value=values)
def test_a_known_secret_never_gets_through(value):
    """Wherever it stands: in a text, a key, a list, a wrapped value."""
    assert SECRET not in json.dumps(redacted(value, [SECRET]), default=str)


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)))
def test_numbers_stay_numbers(value):
    assert redacted(value, [SECRET]) == value


def test_of_two_secrets_the_longer_is_hidden_whole():
    """Hiding the shorter first would leave the rest of the longer one standing."""
    written = io.StringIO()
    configure(written, secrets=["abc", "abcdef"])
    structlog.get_logger().info("x", text="abcdef")
    structlog.reset_defaults()
    assert json.loads(written.getvalue())["text"] == MASK
