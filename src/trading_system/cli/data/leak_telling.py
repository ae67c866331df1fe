"""What a leak test found, for people and for machines."""

import json
import math
from collections.abc import Sequence
from itertools import groupby

from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.search import AGAIN, STREAMED, Leak, Verdict
from trading_system.market.columns import BarColumns
from trading_system.market.timestamps import iso

_MS_NS = 1_000_000
_ROUNDING = 1e-9
"""Relative difference below which two values differ by how they were rounded, and by nothing else."""


def told(verdict: Verdict, bars: BarColumns, *, seed: int) -> str:
    """Return `verdict` as one JSON object; times are epoch ms of closes, and what is no number is null."""
    leaking = {leak.name for leak in verdict.leaks}
    columns = [
        {
            "name": name,
            "verdict": "leak" if name in leaking else "clean" if count else "untested",
            "compared": count,
        }
        for name, count in verdict.compared.items()
    ]
    leaks = [
        {
            "name": leak.name,
            "world": leak.world,
            "future": leak.future,
            "cut": leak.cut_ns // _MS_NS,
            "row": leak.row_ns // _MS_NS,
            "old": _number(leak.old),
            "new": _number(leak.new),
            "ahead": leak.ahead,
            "cuts": leak.cuts,
            "tried": leak.tried,
        }
        for leak in verdict.leaks
    ]
    return json.dumps(
        {
            "symbol": bars.symbol,
            "interval_ms": bars.interval_ns // _MS_NS,
            "bars": verdict.bars,
            "cuts": verdict.cuts,
            "possible_cuts": verdict.possible,
            "futures": list(FUTURES),
            "seed": seed,
            "columns": columns,
            "leaks": leaks,
        }
    )


def show(verdict: Verdict, bars: BarColumns, *, seed: int) -> None:
    """Print `verdict` for a person: what leaks, each with its plainest case, then what does not."""
    from rich.console import Console

    console = Console(highlight=False)

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    span = f"{iso(int(bars.close_ns[0]))} to {iso(int(bars.close_ns[-1]))}"
    say(
        f"{bars.symbol}, {verdict.bars:,} bars, {span}; {verdict.cuts:,} cuts, {len(FUTURES)} futures each; seed {seed}"
    )
    by_name = sorted(verdict.leaks, key=lambda leak: leak.name)
    for name, group in groupby(by_name, key=lambda leak: leak.name):
        say(f"LEAK  {name}: {in_words(list(group))}")
    leaking = {leak.name for leak in verdict.leaks}
    clean = [name for name, count in verdict.compared.items() if count and name not in leaking]
    say(f"clean at {verdict.cuts:,} of {verdict.possible:,} cuts: {', '.join(clean) or 'nothing'}")
    if clean and verdict.cuts < verdict.possible:
        say(f"      at the others a single row may still look ahead; all of them: --cuts {verdict.bars}")


def in_words(leaks: Sequence[Leak]) -> str:
    """Return what is wrong with one column in a sentence or two."""
    first = leaks[0]
    if first.future == AGAIN:
        return f"asked twice about the same bars it says {_told(first.old)}, then {_told(first.new)} (of {_row(first)})"
    ahead = [leak for leak in leaks if leak.future in FUTURES]
    if not ahead:
        assert first.future == STREAMED
        return f"bar by bar it says {_told(first.new)}, and {_told(first.old)} at once (of {_row(first)})"
    case = max(ahead, key=lambda leak: (leak.cuts, -leak.ahead))
    futures = ", ".join(dict.fromkeys(leak.future for leak in ahead))
    far = max(leak.ahead for leak in ahead)
    text = (
        f"what comes after {iso(case.cut_ns)} changes the value of {_row(case)} from {_told(case.old)} to "
        f"{_told(case.new)}; it looks {far} {'bar' if far == 1 else 'bars'} ahead or more; "
        f"at {max(leak.cuts for leak in ahead)} of {case.tried} cuts; moved by: {futures}"
    )
    return text + ("; only its rounding: it works out the past together with the future" if _rounded(ahead) else "")


def _rounded(leaks: Sequence[Leak]) -> bool:
    return all(
        leak.old is not None and leak.new is not None and math.isclose(leak.old, leak.new, rel_tol=_ROUNDING)
        for leak in leaks
    )


def _row(leak: Leak) -> str:
    return f"the bar that closed {iso(leak.row_ns)}"


def _told(value: float | None) -> str:
    return "no row" if value is None else "undefined" if math.isnan(value) else repr(value)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
