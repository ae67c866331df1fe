"""The name of an order: the same decision makes the same name, any other another."""

import re
import subprocess
import sys
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from trading_system.blotter.tickets import PREFIX, Intent, client_order_id

WORDS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=20)
DECISIONS: Final = st.tuples(
    WORDS, WORDS, WORDS, st.integers(0, 2**63 - 1), st.sampled_from(Intent), st.integers(1, 1_000_000)
)


@given(decision=DECISIONS)
def test_a_name_is_what_binance_accepts_and_we_recognize(decision: tuple[str, str, str, int, Intent, int]) -> None:
    """At most 36 of A-Za-z0-9-_ (Binance, "New order", newClientOrderId), beginning with our prefix."""
    name = client_order_id(*decision)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", name)
    assert name.startswith(PREFIX)


@given(one=DECISIONS, other=DECISIONS)
def test_different_decisions_have_different_names(
    one: tuple[str, str, str, int, Intent, int], other: tuple[str, str, str, int, Intent, int]
) -> None:
    """Account, strategy, symbol, bar, intent and attempt all count."""
    assert (client_order_id(*one) == client_order_id(*other)) == (one == other)


def test_each_part_of_a_decision_counts() -> None:
    """Change one, and the name is another; a part cannot lend a letter to its neighbour."""
    names = {
        client_order_id("main", "lstm", "BTCUSDT", 1, Intent.ENTER, 1),
        client_order_id("mainl", "stm", "BTCUSDT", 1, Intent.ENTER, 1),
        client_order_id("main", "lstmB", "TCUSDT", 1, Intent.ENTER, 1),
        client_order_id("main", "lstm", "ETHUSDT", 1, Intent.ENTER, 1),
        client_order_id("main", "lstm", "BTCUSDT", 2, Intent.ENTER, 1),
        client_order_id("main", "lstm", "BTCUSDT", 1, Intent.EXIT, 1),
        client_order_id("main", "lstm", "BTCUSDT", 1, Intent.ENTER, 2),
    }
    assert len(names) == 7


def test_another_process_gives_the_same_name() -> None:
    """After a crash the same decision must find its order: nothing of this process may enter the name."""
    script = (
        "from trading_system.blotter.tickets import Intent, client_order_id;"
        "print(client_order_id('main', 'lstm', 'BTCUSDT', 7, Intent.PROTECT, 3))"
    )
    for seed in ("0", "1"):
        told = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert told.stdout.strip() == client_order_id("main", "lstm", "BTCUSDT", 7, Intent.PROTECT, 3)
