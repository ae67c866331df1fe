"""The bench: its rules by hand, its market, and that it tells when engines did not do the same."""

import hashlib
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.bench.__main__ import BEGIN, END, rewritten
from scripts.bench.goals import goals
from scripts.bench.market import CASH, Market, after, crosses, market, save, trades_hash
from scripts.bench.ours import beliefs_of, read, setup_of, tape_of
from scripts.bench.processes import spend
from scripts.bench.reference import prepare
from scripts.bench.table import loops
from scripts.bench.turns import Engine, EngineFailed, Measured, in_turns
from scripts.bench.worker import NotYet, Traded

from trading_system.backtest.run import run
from trading_system.blotter.state import STOP_ABSENT, STOP_TRAILING

ROOT = Path(__file__).resolve().parents[3]


def told(bars: list[tuple[int, int, int, int]], enter: int, leave: int, stop: list[int]) -> Market:
    """Return a market of (open, high, low, close) in ticks, with one cross up known at bar `enter`, one back later."""
    columns = np.array(bars, dtype=np.int64).T
    count = np.arange(len(bars))
    return Market(
        close_ns=count, open=columns[0], high=columns[1], low=columns[2], close=columns[3], volume_atoms=count,
        enter=count == enter, leave=(count < enter) | (count >= leave), atr=count, stop=np.array(stop),
    )  # fmt: skip


def played(rules: Market, case: str) -> Traded:
    """Return what the bare loop makes of a market."""
    chosen = prepare(rules)[case]
    return chosen.read(chosen.run())


CALM = (10_000, 10_100, 9_900, 10_000)


def test_an_order_decided_at_a_close_fills_at_the_next_open():
    """Bought at 101 and sold at 103, a fee of a thousandth of each: 103 - 0.103 - (101 + 0.101)."""
    bars = [CALM, (10_100, 10_200, 10_000, 10_200), CALM, (10_300, 10_400, 10_200, 10_300), CALM]
    traded = played(told(bars, enter=0, leave=2, stop=[0] * 5), "cross")
    assert (traded.entry_bars.tolist(), traded.exit_bars.tolist()) == ([1], [3])
    assert traded.equity - CASH == pytest.approx(103 - 0.103 - 101 - 0.101, abs=1e-6)


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((10_000, 10_100, 9_700, 10_000), 97.00),  # touched
        ((9_600, 9_650, 9_500, 9_600), 96.00),  # the gap fills at the open
    ],
)
def test_a_stop_fills_where_it_is_touched_or_at_an_open_below_it(bar, price):
    """Set to 95 at the entry's decision, it rises to 97 at the next close and not back to 90 at the one after."""
    bars = [CALM, CALM, CALM, bar, CALM]
    traded = played(told(bars, enter=0, leave=4, stop=[9_500, 9_700, 9_000, 9_000, 9_000]), "stop")
    assert (traded.entry_bars.tolist(), traded.exit_bars.tolist()) == ([1], [3])
    assert traded.equity - CASH == pytest.approx(price * 0.999 - 100.1, abs=1e-6)


def test_a_stop_stands_in_the_very_bar_of_the_entry():
    """The level is known when the entry is decided, so it protects from the open on."""
    bars = [CALM, (10_000, 10_100, 9_400, 9_900), CALM]
    traded = played(told(bars, enter=0, leave=2, stop=[9_500, 0, 0]), "stop")
    assert (traded.entry_bars.tolist(), traded.exit_bars.tolist()) == ([1], [1])


@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(64, 600))
def test_equity_is_cash_and_what_the_trades_made(seed, bars):
    """Without a stop all fills are opens, so the sum can be worked out from the trades' bars alone."""
    rules = market(bars, seed)
    traded = played(rules, "cross")
    made = (rules.open[traded.exit_bars] * 0.999 - rules.open[traded.entry_bars] * 1.001).sum() / 100
    assert len(traded.entry_bars) == len(traded.exit_bars) == rules.enter.sum()
    assert traded.equity == pytest.approx(CASH + made, abs=1e-4)


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(64, 299))
def test_signals_know_only_the_past(seed, cut):
    """All but the last three bars, which make a market end flat, are the same whatever comes after."""
    close = market(300, seed).close
    for whole, part in zip(crosses(close), crosses(close[:cut]), strict=True):
        assert whole[: cut - 3].tolist() == part[: cut - 3].tolist()


@given(seed=st.integers(0, 2**32 - 1))
def test_a_bar_of_the_market_can_be_one(seed):
    """The high is the highest and the low the lowest of its four prices, and the low is above zero."""
    bars = market(200, seed)
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (np.minimum(bars.open, bars.close) >= bars.low).all()
    assert (bars.low > 0).all()


def test_averages_are_compared_as_means():
    """Ten closes against fifty: after a step up both means rise, the short one first; equal means are no cross."""
    close = np.array([100] * 60 + [110] * 20)
    enter, leave = crosses(close)
    assert np.flatnonzero(enter).tolist() == [60]
    assert leave[:60].all()
    assert not leave[60:77].any()
    assert after(enter)[61]


def test_trades_are_named_by_their_bars():
    """The name is the beginning of the SHA-256 of entry, exit, entry, exit ... as little-endian 64-bit integers."""
    expected = hashlib.sha256(struct.pack("<4q", 1, 5, 7, 9)).hexdigest()[:12]
    assert trades_hash(np.array([1, 7]), np.array([5, 9])) == expected


@pytest.mark.parametrize(("case", "mode"), [("cross", STOP_ABSENT), ("stop", STOP_TRAILING)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_our_engine_comes_to_the_bare_loops_trades(case, mode, seed):
    """Two programs that share no line: the same bars, and equity to less than the fees' roundings (1e-8 a fill)."""
    rules = market(3_000, seed)
    outcome = run(tape_of(rules), beliefs_of(rules.enter, rules.leave), setup_of(rules.close, mode), plain=True)
    ours, bare = read(outcome), played(rules, case)
    assert len(bare.entry_bars) > 20
    assert ours.entry_bars.tolist() == bare.entry_bars.tolist()
    assert ours.exit_bars.tolist() == bare.exit_bars.tolist()
    assert ours.equity == pytest.approx(bare.equity, abs=1e-5)


def test_a_market_in_which_one_unit_cannot_be_held_is_not_measured():
    """No fraction of equity is one whole unit at a price and less than two at a third of it."""
    with pytest.raises(NotYet, match="doubles"):
        setup_of(np.array([1_000_000, 3_000_000]), STOP_ABSENT)


def measured(**values: Any) -> Measured:
    """Return a measurement."""
    fields: dict[str, Any] = {
        "engine": "vectorbt", "case": "cross", "rounds": (0.2, 0.1), "first_s": 1.0, "trades": 3, "hash": "abc",
        "equity": 10.0, "peak_mb": 100.0, **values,
    }  # fmt: skip
    return Measured(**fields)


@pytest.mark.parametrize(
    ("differs", "failed"),
    [
        ({}, False),
        ({"equity": 10.005}, False),
        ({"equity": 10.02}, True),
        ({"hash": "abd"}, True),
        ({"trades": 4}, True),
    ],
)
def test_an_engine_that_made_other_trades_fails_the_table(differs, failed):
    """Bars and count must be the same; equity to the cent, since floats are added in another order."""
    table = loops("", [measured(), measured(**differs)], 10, measured(), None, [])
    assert table.failed == failed
    assert ("OTHER" in table.markdown()) == failed


def test_goals_compare_with_a_peers_fastest_way():
    """Ours 10 ms: 100 M bars/s of the 50 promised; vectorbt's best 100 ms is 10 times of the 15 promised."""
    ours = measured(engine="trading-system", rounds=(0.01, 0.02))
    lines = goals([ours, measured(), measured(rounds=(0.4, 0.5))], ours, 1_000_000)
    assert lines[0].startswith("Reached: 100.0 M bars/s")
    assert lines[1].startswith("MISSED: 10.0 times (by round 5.0–20.0)")
    assert len(lines) == 2
    assert goals([measured()], None, 1_000_000) == []


def test_only_what_stands_between_the_marks_is_rewritten():
    """What people wrote on the page stays; a page without marks is not touched."""
    assert rewritten(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n{END}\nb"
    with pytest.raises(ValueError, match="unpack"):
        rewritten("a page", "new")
    assert BEGIN in (ROOT / "docs/speed.md").read_text(encoding="utf-8")


def test_the_peers_lock_names_no_server_and_hashes_every_package():
    """As our own locks."""
    text = (ROOT / "requirements/peers.txt").read_text(encoding="utf-8")
    pinned = [line for line in text.splitlines() if "==" in line]
    assert "://" not in text
    assert {"backtesting==0.6.6 \\", "vectorbt==1.2.0 \\", "vectorbt-rust==1.2.0 \\"} <= set(pinned)
    assert all(line.endswith("\\") for line in pinned), "a package without a hash"


def test_a_process_that_fails_is_no_measurement():
    """What it said is passed on."""
    assert spend([sys.executable, "-c", "print('trades: 1,234')"]).trades == "1,234"
    with pytest.raises(EngineFailed, match=r"(?s)ended with 3:.*out of luck"):
        spend([sys.executable, "-c", "print('out of luck'); raise SystemExit(3)"])


@pytest.mark.slow
def test_engines_take_turns_and_come_to_the_same(tmp_path):
    """The bare loop in two processes, two rounds each: as many times as rounds, the trades of a run in this process."""
    path = save(tmp_path, rules := market(2_000, seed=1))
    said: list[str] = []
    engine = Engine(module="scripts.bench.reference")
    found, left_out = in_turns([engine, engine], path, 2, said.append)
    expected = played(rules, "stop")
    stops = [one for one in found if one.case == "stop"]
    assert [len(one.rounds) for one in stops] == [2, 2]
    assert {one.hash for one in stops} == {trades_hash(expected.entry_bars, expected.exit_bars)}
    assert left_out == []
    rounds = [words.partition(":")[0] for words in said if words.startswith("round")]
    assert rounds == sorted(rounds)


@pytest.mark.slow
def test_an_engine_that_cannot_start_says_why(tmp_path):
    """The last of what it printed is in the error."""
    with pytest.raises(EngineFailed, match="No such file"):
        in_turns([Engine(module="scripts.bench.reference")], tmp_path / "none.npz", 1, lambda _: None)
