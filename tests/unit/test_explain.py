"""What a person is told who asks the journal: `explain`, `status`, `journal`. Run as the command line runs them."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.unit.blotter.scenes import an_entry_and_its_stop, differently

from trading_system.__main__ import main
from trading_system.blotter import events as e
from trading_system.journal.sqlite import SqliteJournal
from trading_system.market.timestamps import NS_PER_MS

FACTS, ENTRY, STOP = an_entry_and_its_stop()


class Answer(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal of a test lies."""
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def ask(path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command on the journal at `path`."""

    def run(*arguments: str) -> Answer:
        code = main([*arguments, "--journal", str(path)])
        told = capsys.readouterr()
        return Answer(code, told.out, told.err)

    return run


@pytest.fixture
def journal(path: Path) -> Path:
    """A journal with an entry that filled and a stop in doubt."""
    return written(path, FACTS)


def written(path: Path, facts: Iterable[e.Fact]) -> Path:
    """Write `facts`, each 2.5 ms after it happened."""
    with closing(SqliteJournal.open(path)) as journal:
        for fact in facts:
            journal.append([fact], fact.ts_ns + 5 * NS_PER_MS // 2)
    return path


def sections(told: str) -> Iterator[dict[str, str]]:
    """Yield each part of a story as its lines by their first word."""
    for part in told.split("\n\n"):
        yield {line.split()[0]: line.strip() for line in part.splitlines()}


@pytest.mark.usefixtures("journal")
def test_an_order_is_explained_from_its_decision_to_its_cost(ask: Ask) -> None:
    """Every number by hand: 0.3 BTC at 40,001 and 0.6 at 40,004 cost 2.70 USDT more than at 40,000, 0.75 bps."""
    answer = ask("explain", ENTRY.client_order_id)
    head, why, life, end = sections(answer.out)
    assert answer.code == 0
    assert answer.err == ""
    assert head[f"{ENTRY.client_order_id}:"].endswith("buy 0.9 BTC at market")
    assert "close 40000.00 USDT" in why["bar"]
    assert why["features"] == "features  0.25 -1.5"
    assert why["model"] == "model     model-hash"
    assert "rises with probability 0.7000" in why["view"]
    assert why["equity"].startswith("equity    100000 USDT: cash 100000, of it promised 0")
    assert why["stop"] == "stop      39760.00"  # two ATR of 120 below the close
    assert why["against"] == "against   nothing"
    assert why["asked"] == "asked     buy 1.25 BTC at market"  # half of equity at the close
    assert "the same answer" in why["again"]
    assert [line.split("ms  ")[1] for number, line in life.items() if number.isdecimal()] == [
        "asked for: buy 0.9 BTC at market",
        "claimed by a worker, about to be sent",
        "the venue has it, as 17",
        "executed 0.3 BTC at 40001.00, fee 0.0003 BTC (trade 1)",
        "executed 0.6 BTC at 40004.00, fee 0.0006 BTC (trade 2)",
    ]
    assert life["7"].startswith("7  2023-11-15T00:15:00.001Z      +2.5 ms")
    assert end["How"] == "How it stands: filled (over)"
    assert end["executed"] == "executed  0.9 BTC of 0.9 BTC"
    assert end["average"] == "average   40003 USDT"
    assert end["fees"] == "fees      0.0009 BTC"
    assert end["cost"] == "cost      2.7 USDT (+0.75 bps) against the close decided on, 40000.00; fees aside"


def test_a_fill_heard_twice_is_told_twice_and_counted_once(path: Path, ask: Ask) -> None:
    """What was heard is history; what was executed is money."""
    written(path, [*FACTS, next(fact for fact in FACTS if isinstance(fact, e.OrderFilled))])
    told = ask("explain", ENTRY.client_order_id).out
    assert told.count("executed 0.3 BTC at 40001.00") == 2
    assert "average   40003 USDT" in told
    assert "fees      0.0009 BTC" in told


@pytest.mark.usefixtures("journal")
def test_an_order_in_doubt_is_told_as_such(ask: Ask) -> None:
    """Nobody must take silence for an answer."""
    answer = ask("explain", "--last")
    assert f"{STOP.client_order_id}: sell 0.8991 BTC" in answer.out
    assert "IN DOUBT: it may live or not: the answer was lost" in answer.out
    assert "How it stands: in doubt (LIVE, and only the venue knows how it stands)" in answer.out


@pytest.mark.usefixtures("journal")
def test_as_much_of_an_id_as_is_unique_names_an_order(ask: Ask) -> None:
    """And what names none, or more than one, is said in one line with exit code 2."""
    assert ask("explain", ENTRY.client_order_id[:8]).code == 0
    assert (
        ask("explain", "ts-nobody").err == "Error: the journal knows no order ts-nobody; --list shows those it knows\n"
    )
    several = ask("explain", "ts-")
    assert several.code == 2
    assert several.err.startswith("Error: 2 orders begin with ts-, among them ")


@pytest.mark.usefixtures("journal")
def test_all_orders_are_listed(ask: Ask) -> None:
    """The oldest first, with what was asked and what became of it."""
    first, second = ask("explain", "--list").out.splitlines()
    assert first.split() == [
        *(ENTRY.client_order_id, "2023-11-15T00:15:00.000Z", "enter", "filled"),
        *["buy", "0.9", "BTC", "at", "market;", "executed", "0.9", "BTC"],
    ]
    assert second.startswith(STOP.client_order_id)


def test_a_decision_that_would_come_out_differently_is_shown_and_fails(path: Path, ask: Ask) -> None:
    """The journal says one lot more than this code decides on the same inputs: 125,000 lots."""
    written(path, [differently(fact) if isinstance(fact, e.Decided) else fact for fact in FACTS])
    answer = ask("explain", ENTRY.client_order_id)
    assert answer.code == 1
    for told in (answer.out, answer.err):
        assert "step.sleeve.target_lots was 125001 and is 125000" in told


def test_an_order_without_its_decision_is_told_all_the_same(path: Path, ask: Ask) -> None:
    """A journal that lost its decisions still knows what was sent."""
    written(path, [fact for fact in FACTS if not isinstance(fact, e.Decided)])
    answer = ask("explain", ENTRY.client_order_id)
    assert answer.code == 0
    assert "Why: the journal holds no decision for it." in answer.out
    assert "average   40003 USDT" in answer.out


@pytest.mark.parametrize("arguments", [(), ("--last", "--list"), ("ts-a", "--last")])
def test_one_question_at_a_time(ask: Ask, arguments: tuple[str, ...]) -> None:
    """Neither nothing nor two things."""
    answer = ask("explain", *arguments)
    assert answer.code == 2
    assert "name one order, or give --last or --list" in answer.err


@pytest.mark.usefixtures("journal")
def test_status_counts_what_the_facts_add_up_to(ask: Ask) -> None:
    """By hand: 100,000 - 0.3 x 40,001 - 0.6 x 40,004 = 63,997.3 USDT; 0.9 BTC less 0.0009 in fees, at 40,000."""
    told = json.loads(ask("status", "--json").out)
    standing, chain = told["standing"], told["chain"]
    assert standing["balances"] == {"BTC": "0.8991", "USDT": "63997.3"}
    assert standing["equity"] == {"USDT": "99961.3"}
    assert (standing["account"], standing["starts"], standing["latched"]) == ("main", 1, [])
    assert standing["last_bar"] == "2023-11-15T00:15:00.000Z"
    assert [(o["client_order_id"], o["status"], o["in_doubt"]) for o in standing["orders"]] == [
        (STOP.client_order_id, "in doubt", True)
    ]
    assert standing["holdings"][0] == {
        "strategy": "lstm",
        "symbol": "BTCUSDT",
        "position": "0.8991 BTC",
        "wanted": "1.25 BTC",
        "mark": "40000.00",
        "worth": "35964 USDT",
        "stop": "39760.00",
        "decided": "2023-11-15T00:15:00.000Z",
        "objections": [],
    }
    assert chain["entries"] == len(FACTS)


@pytest.mark.usefixtures("journal")
def test_status_for_people_says_the_same(ask: Ask) -> None:
    """Books, doubts, positions and the chain are on the page."""
    told = ask("status").out
    for text in (
        "99961.3 USDT",
        "none latched",
        "agree with the venue's",
        f"in doubt  {STOP.client_order_id[:12]}",
        "0.8991 BTC",
        "IN DOUBT",
        f"{len(FACTS)} entries, every link holds",
    ):
        assert text in told


def test_status_says_why_the_books_are_not_trusted(path: Path, ask: Ask) -> None:
    """What the last comparison could not explain, in its words."""
    differing = e.Reconciled(ts_ns=FACTS[-1].ts_ns, balances={}, differences=("BTC: we count 1, the venue 2",))
    written(path, [*FACTS, differing])
    assert "BTC: we count 1, the venue 2; last agreed 2023-11-15T00:00:00.000Z" in ask("status").out


def test_a_latched_brake_is_told_in_words(path: Path, ask: Ask) -> None:
    """The drawdown latch of the last decision, and how far equity had fallen: 75,000 of 100,000 is 0.25."""
    decided = next(fact for fact in FACTS if isinstance(fact, e.Decided))
    carried = decided.step.account._replace(latched=1)
    account = decided.account._replace(cash_atoms=decided.account.cash_atoms * 3 // 4)
    latched = replace(decided, step=decided.step._replace(account=carried), account=account)
    written(path, [*FACTS, latched])
    told = ask("status").out
    assert "brakes    equity has fallen too far from its peak" in told
    assert "peak      100000.00, fallen from it by 0.2500" in told


@pytest.mark.usefixtures("journal")
def test_the_journal_is_verified_to_its_head(ask: Ask) -> None:
    """The hash that is printed is the one that `status` prints, to be noted elsewhere."""
    answer = ask("journal", "verify")
    head = json.loads(ask("status", "--json").out)["chain"]["head"]
    assert answer.out == (
        f"{len(FACTS)} entries, every link holds; the last was written at 2023-11-15T00:15:00.006Z\n"
        f"head {len(FACTS)}:{head}\n"
    )


def test_a_head_noted_before_proves_that_no_end_was_written_anew(path: Path, ask: Ask) -> None:
    """A journal that goes on still holds the head; one cut off and continued verifies, and yet does not."""
    written(path, FACTS)
    head = ask("journal", "verify").out.split()[-1]
    written(path, [e.TimerFired(ts_ns=FACTS[-1].ts_ns)])
    assert ask("journal", "verify", "--anchor", head).code == 0
    path.unlink()
    written(path, [*FACTS[:-1], e.TimerFired(ts_ns=FACTS[-1].ts_ns)])
    assert ask("journal", "verify").code == 0
    forged = ask("journal", "verify", "--anchor", head)
    assert forged.code == 2
    assert "is not the one whose head was noted" in forged.err
    path.unlink()
    written(path, FACTS[:-1])
    assert "entry 14 is not there" in ask("journal", "verify", "--anchor", head).err
    assert "give SEQ:HASH" in ask("journal", "verify", "--anchor", "14").err


def test_a_restart_in_the_life_of_an_order_is_told(path: Path, ask: Ask) -> None:
    """The stop was in doubt when the process ended; the entry was over and has nothing to do with it."""
    started = replace(FACTS[0], ts_ns=FACTS[-1].ts_ns + NS_PER_MS)
    proven = e.OrderNotFound(ts_ns=started.ts_ns + NS_PER_MS, client_order_id=STOP.client_order_id)
    written(path, [*FACTS, started, proven])
    told = ask("explain", STOP.client_order_id).out
    assert told.index("the answer was lost") < told.index("THE ENGINE WAS STARTED AGAIN") < told.index("proven absent")
    assert "How it stands: absent (over)" in told
    assert "STARTED AGAIN" not in ask("explain", ENTRY.client_order_id).out


@pytest.mark.usefixtures("journal")
def test_facts_are_shown_by_kind_order_and_tail(ask: Ask) -> None:
    """One line a fact, or one JSON object a line."""
    lines = ask("journal", "show", "--kind", "OrderFilled", "--order", ENTRY.client_order_id, "--tail", "1").out
    assert lines.split()[:3] == ["10", "2023-11-15T00:15:00.000Z", "OrderFilled"]
    assert "lots=60000 price_ticks=4000400" in lines
    told = json.loads(ask("journal", "show", "--json", "--kind", "Decided").out)
    assert (told["seq"], told["kind"]) == (5, "Decided")
    assert told["fact"]["step"]["asks"]["entry_lots"] == 125_000
    assert len(ask("journal", "show").out.splitlines()) == len(FACTS)


COMMANDS = [
    ("explain", "--last"),
    ("explain", "--list"),
    ("status",),
    ("status", "--json"),
    ("journal", "verify"),
    ("journal", "show"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_journal_is_one_message(ask: Ask, path: Path, command: tuple[str, ...]) -> None:
    """Exit code 2, the path, and no file made by looking."""
    assert ask(*command) == Answer(2, "", f"Error: there is no journal at {path}\n")
    assert not path.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_journal_is_one_message(ask: Ask, journal: Path, command: tuple[str, ...]) -> None:
    """Exit code 2, the entry where it breaks, and nothing told that would have to be believed."""
    content = journal.read_bytes()
    journal.write_bytes(content.replace(b'"price_ticks":4000400', b'"price_ticks":4000401'))
    answer = ask(*command)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Error: the journal breaks at seq 10:")
    assert answer.err.count("\n") == 1
