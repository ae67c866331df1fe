"""`replay` from the shell's point of view: the live desk comes to what the compiled loop comes to."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.market_files import Run, bar_file, rows

pytestmark = pytest.mark.slow

STEADY = Path(__file__).resolve().parents[3] / "examples/policies/steady.py"
CHOICES = ("--strategy", "sma_cross", "--strategy", "donchian", "--set", "slow=20", "--set", "donchian.take_profit=4")


def test_a_replay_leaves_the_files_that_a_back_test_leaves(run: Run, bars: Path) -> None:
    """All but the command's own name are the same: two instruments, two strategies, fills by volume, latency."""
    bar_file(Path("ETHUSDT.csv"), rows(400, seed=2, first=100, price=2_000.0))
    asked = ("--bars", bars, "--bars", "ETHUSDT.csv", *CHOICES, "--set", "volume_limit=0.1", "--set", "latency_bars=1")
    assert run("backtest", *asked, "--set", "finish=last_close", "--out", "fast").code == 0
    told = run("replay", *asked, "--set", "finish=last_close", "--check", "--out", "slow", "--json")
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["agree"] is True
    for name in ("fills.parquet", "equity.parquet", "buy_and_hold.parquet", "prices.parquet"):
        assert (Path("fast") / name).read_bytes() == (Path("slow") / name).read_bytes()
    fast, slow = ((Path(folder) / "config.yaml").read_text() for folder in ("fast", "slow"))
    assert fast.replace("command: backtest", "command: replay") == slow


def test_agreement_is_told_to_people_too(run: Run, bars: Path) -> None:
    told = run("replay", "--bars", bars, "--strategy", "rsi_reversion", "--check")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[-1] == "Replay and back-test agree in every decision, order, fill and balance."


def test_a_script_is_asked_bar_by_bar(run: Run, bars: Path) -> None:
    """A strategy that counts its calls answers another way when it is live, and `--check` finds out."""
    honest = "WINDOW = 3\n\n\ndef view(bars):\n    return 0.5 + 0.1 * (bars.close[:, -1] > bars.close[:, 0])\n"
    Path("honest.py").write_text(honest)
    asked = ("--bars", bars, "--strategy", "script", "--set", "reach=3")
    told = run("replay", *asked, "--set", "file=honest.py", "--check", "--json")
    assert (told.code, json.loads(told.out)["agree"]) == (0, True)
    Path("sly.py").write_text(
        "WINDOW = 3\nasked = 0\n\n\ndef view(bars):\n    global asked\n    asked += 1\n"
        "    return 0.5 + 0.1 * ((bars.close[:, -1] > bars.close[:, 0]) & (asked < 300))\n"
    )
    told = run("replay", *asked, "--set", "file=sly.py", "--check", "--out", "one", "--json")
    assert told.code == 1
    found = json.loads(told.out)
    assert found["agree"] is False
    assert told.err == f"Replay and back-test differ: {found['differences'][0]}\n"
    assert "slice" in told.err
    assert not Path("one").exists()


def test_a_policy_of_ones_own_decides_in_the_live_desk_too(run: Run, bars: Path) -> None:
    """The same file, plain there and compiled here."""
    told = run("replay", "--bars", bars, "--strategy", "ema_cross", "--policy", STEADY, "--check", "--json")
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["fills"] > 10


def test_a_trained_network_believes_the_same_at_once_and_bar_by_bar(run: Run, bars: Path) -> None:
    """Its gains and losses differ, so a stake by Kelly tells whether both speeds know which is which."""
    assert run("data", "synthetic", "--planted", "--seed", "12", "--count", "900", "--store", "store").code == 0
    asked = ("--bars", "store", "--strategy", "model", "--set", "venue=synthetic", "--set", "size=kelly")
    told = run("replay", *asked, "--set", "kelly_share=0.5", "--check", "--json")
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["fills"] > 0


def test_a_network_and_a_rule_cannot_share_an_instrument(run: Run, bars: Path) -> None:
    """A network's average true range is a plain mean, a rule's is Wilder's, and stops hang on one."""
    run("data", "synthetic", "--count", "900", "--store", "store")
    asked = ("--bars", "store", "--set", "venue=synthetic", "--strategy", "model", "--strategy", "sma_cross")
    told = run("backtest", *asked)
    assert told.code == 2
    assert "two kinds: model a network's own, sma_cross Wilder's" in told.err
