"""Where two tellings of one run differ: the compiled loop's and the live desk's."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

import numpy as np

from trading_system.backtest import tape as t
from trading_system.backtest.run import Outcome
from trading_system.blotter.portfolio import SleeveKey
from trading_system.market.timestamps import iso

INTENTS: Final = {t.ENTER: "entry", t.EXIT: "exit", t.PROTECT: "protective order", t.CROSS: "crossing"}
DECIDED: Final = ("target in lots", "stop in ticks", "objections")
ORDER: Final = ("side", "lots", "limit in ticks", "stop in ticks", "take in ticks", "reason")
FILL: Final = (
    "lots",
    "price in ticks",
    "price before costs in ticks",
    "spread in ticks",
    "fee in atoms",
    "fee in base",
    "maker",
)
BALANCES: Final = ("cash_atoms", "holdings_atoms", "short_atoms")
COUNTS: Final = ("denials", "rejected", "ambiguous", "decisions")


class _Line(NamedTuple):
    """One thing that happened."""

    slice: int
    what: str
    values: tuple[int, ...]


class _Found(NamedTuple):
    slice: int
    words: str


def differences(fast: Outcome, slow: Outcome, sleeves: Sequence[SleeveKey]) -> list[str]:
    """Return where the two differ, in words: the first difference of each kind, the earliest first; [] for nowhere.

    Orders are matched by decision, sleeve, intent and attempt, whatever the order in which they were asked for; fills
    by the order in which they happened.

    Args:
        fast: What the compiled loop computed; it must have kept its decisions.
        slow: What the replay of the same bars came to.
        sleeves: Strategy and symbol of each sleeve.
    """
    names = [f"{strategy} on {symbol}" for strategy, symbol in sleeves]
    if not np.array_equal(fast.close_ns, slow.close_ns) or fast.decided.shape != slow.decided.shape:
        return [f"not the same run: {fast.decided.shape} decisions by backtest, {slow.decided.shape} by replay"]
    found = _balances(fast, slow) + _decisions(fast, slow, names)
    found += _first(ORDER, _orders(fast, names), _orders(slow, names))
    found += _first(FILL, _fills(fast, names), _fills(slow, names))
    told = [f"slice {s} ({iso(int(fast.close_ns[s]))}), {words}" for s, words in sorted(found)]
    ends = zip(names, fast.position_atoms.tolist(), slow.position_atoms.tolist(), strict=True)
    told += [_apart(f"at the end, {name}: position in atoms", a, b) for name, a, b in ends if a != b]
    counts = [(name, getattr(fast, name), getattr(slow, name)) for name in COUNTS]
    return told + [_apart(f"over the whole run, {name}:", a, b) for name, a, b in counts if a != b]


def _balances(fast: Outcome, slow: Outcome) -> list[_Found]:
    pairs = [(name, getattr(fast, name), getattr(slow, name)) for name in BALANCES]
    firsts = [(name, a, b, int(np.argmax(a != b))) for name, a, b in pairs if (a != b).any()]
    return [_Found(s, _apart(name, a[s], b[s])) for name, a, b, s in firsts]


def _decisions(fast: Outcome, slow: Outcome, names: list[str]) -> list[_Found]:
    apart = np.argwhere(fast.decided != slow.decided)[:1].tolist()
    return [
        _Found(s, _apart(f"decision of {names[k]}: {DECIDED[n]}", fast.decided[s, k, n], slow.decided[s, k, n]))
        for s, k, n in apart
    ]


def _orders(outcome: Outcome, names: list[str]) -> list[_Line]:
    rows = sorted(outcome.orders.tolist())
    return [_Line(row[t.ORDER_DECIDED], _order(row, names), tuple(row[t.ORDER_SIDE :])) for row in rows]


def _fills(outcome: Outcome, names: list[str]) -> list[_Line]:
    orders = outcome.orders.tolist()
    return [
        _Line(
            slice=row[t.FILL_SLICE],
            what=f"fill of {_order(order, names)} of slice {order[t.ORDER_DECIDED]}",
            values=tuple(row[t.FILL_LOTS :]),
        )
        for row in outcome.fills.tolist()
        for order in [orders[row[t.FILL_ORDER]]]
    ]


def _order(row: Sequence[int], names: list[str]) -> str:
    return f"{INTENTS[row[t.ORDER_INTENT]]} {row[t.ORDER_ATTEMPT]} of {names[row[t.ORDER_SLEEVE]]}"


def _first(columns: Sequence[str], fast: list[_Line], slow: list[_Line]) -> list[_Found]:
    for one, other in zip_longest(fast, slow):
        if one == other:
            continue
        if one is not None and other is not None and one[:2] == other[:2]:
            column, a, b = next(c for c in zip(columns, one.values, other.values, strict=True) if c[1] != c[2])
            return [_Found(one.slice, _apart(f"{one.what}: {column}", a, b))]
        told = [f"{line.what} in slice {line.slice}" if line else "nothing more" for line in (one, other)]
        return [_Found(min(line.slice for line in (one, other) if line), _apart("next comes", *told))]
    return []


def _apart(what: str, one: object, other: object) -> str:
    return f"{what} {one} by backtest, {other} by replay"
