"""What we promised about speed, beside what this run reached."""

from collections.abc import Sequence
from typing import Final

from scripts.bench.table import by_round
from scripts.bench.turns import Measured

BARS_A_SECOND: Final = 50e6
TIMES: Final = {"vectorbt": 15.0, "backtesting.py": 300.0}
"""How many times as fast as a peer's fastest way to the same trades."""


def goals(measured: Sequence[Measured], ours: Measured | None, bars: int) -> list[str]:
    """Return a line for each promise, reached or not; none while our engine is not measured."""
    if ours is None:
        return []
    speed = bars / ours.best
    lines = [f"{verdict(speed, BARS_A_SECOND)}: {speed / 1e6:,.1f} M bars/s, {BARS_A_SECOND / 1e6:,.0f} M promised."]
    for peer, promised in TIMES.items():
        theirs = [one for one in measured if one.engine.startswith(peer)]
        if theirs:
            best = min(theirs, key=lambda one: one.best)
            ratio, (low, high) = best.best / ours.best, by_round(best, ours)
            lines.append(
                f"{verdict(ratio, promised)}: {ratio:,.1f} times (by round {low:,.1f}–{high:,.1f}) as fast as "
                f"{best.engine}, {promised:,.0f} promised."
            )
    return lines


def verdict(reached: float, promised: float) -> str:
    """Return a word for it."""
    return "Reached" if reached >= promised else "MISSED"
