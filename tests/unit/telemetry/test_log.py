"""The log is the facts, one JSON object a line."""

import io
import json

from tests.unit.blotter.scenes import an_entry_and_its_stop

from trading_system.blotter import events as e
from trading_system.telemetry.log import FactLog

FACTS, ENTRY, STOP = an_entry_and_its_stop()


def logged(*facts: e.Fact, secrets: tuple[str, ...] = ()) -> list[str]:
    """Return the lines that `facts` leave."""
    stream = io.StringIO()
    log = FactLog(stream, secrets=secrets)
    for fact in facts:
        log.notice(fact)
    return stream.getvalue().splitlines()


def test_a_fact_is_one_line_with_its_kind_and_time() -> None:
    """Named values inside, too: a decision can be read without our code."""
    lines = logged(*FACTS)
    told = [json.loads(line) for line in lines]
    assert [line["event"] for line in told] == [type(fact).__name__ for fact in FACTS]
    assert told[0] == {
        "event": "EngineStarted",
        "ts": "2023-11-15T00:00:00.000Z",
        "ts_ns": 1_700_006_400_000_000_000,
        "account": "main",
        "version": "0",
        "settings": "hash",
    }
    assert told[4]["step"]["asks"]["entry_lots"] == 125_000
    assert told[1]["instrument"]["tick"] == "0.01"


def test_a_line_begins_with_time_kind_and_order() -> None:
    """What one looks for stands where one looks first."""
    line = logged(*FACTS)[-1]
    start = (
        f'{{"ts": "2023-11-15T00:15:00.004Z", "event": "InquiryRequested", "client_order_id": "{STOP.client_order_id}"'
    )
    assert line.startswith(start)


def test_every_line_about_an_order_carries_its_id() -> None:
    """One search finds its whole life, the ticket included."""
    told = [json.loads(line) for line in logged(*FACTS)]
    mine = [line["event"] for line in told if line.get("client_order_id") == STOP.client_order_id]
    assert mine == ["OrderQueued", "OrderSubmitted", "OrderInDoubt", "InquiryRequested"]


def test_secrets_in_the_words_of_an_error_are_masked() -> None:
    """An exception may quote the request that failed; a key or signature must not reach the log."""
    reason = "GET /order?symbol=A&signature=0123abcd failed for key-of-ours"
    (line,) = logged(e.OrderInDoubt(ts_ns=1, client_order_id="ts-a", reason=reason), secrets=("key-of-ours", ""))
    assert "0123abcd" not in line
    assert "key-of-ours" not in line
    assert "GET /order?symbol=A" in line
    (line,) = logged(e.Reconciled(ts_ns=1, balances={}, differences=("key-of-ours differs",)), secrets=("key-of-ours",))
    assert "key-of-ours" not in line


def test_a_line_break_in_a_reason_stays_in_its_line() -> None:
    """One fact, one line, whatever the venue writes."""
    (line,) = logged(e.FeedInterrupted(ts_ns=1, feed="user", reason="a\nb\u2028c"))
    assert json.loads(line)["reason"] == "a\nb\u2028c"
