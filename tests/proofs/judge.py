"""What must not be: the journal held against the venue's books, and the venue's own account of the time between."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trading_system.blotter import events as e
from trading_system.blotter.portfolio import fold
from trading_system.bootstrap import read_journal
from trading_system.desk.audit import compare
from trading_system.errors import TradingError
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.market.timestamps import NS_PER_S, iso
from trading_system.ports import Entry

GRACE_NS: Final = 60 * NS_PER_S
"""How long after a fault of the weather the engine may be putting things in order, simulated ns."""

Ledger = Mapping[str, Any]
"""What the testnet answers to GET /testnet/ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuses:
    """When nobody could have done better.

    Attributes:
        dead: From each death of the process to the next start, UTC ns.
        faults: When the weather did something, UTC ns.
    """

    dead: Sequence[tuple[int, int]]
    faults: Sequence[int]

    def cover(self, ns: int) -> bool:
        """Return whether what was at `ns` is excused: the process was dead, or had met a fault within `GRACE_NS`.

        What was at the very moment of the death was before it. The clock stands while a process starts, so that
        the moment of the start is the last that is excused by it.
        """
        return self.met(ns) or any(died < ns <= back for died, back in self.dead)

    def met(self, ns: int) -> bool:
        """Return whether a fault was met within `GRACE_NS` before `ns`."""
        return any(0 <= ns - met <= GRACE_NS for met in self.faults)


def judged(journal: Path, ledger: Ledger, instrument: Instrument, dead: Sequence[tuple[int, int]]) -> list[str]:
    """Return all that must not be, from the journal and the venue's ledger; the chain is verified on the way."""
    excuses = Excuses(dead=dead, faults=[fault["ns"] for fault in ledger["faults"]])
    try:
        entries = list(read_journal(journal))
        return [
            *(str(difference) for difference in compare(entries, ledger)),
            *_unclaimed(entries, ledger),
            *_unprotected(ledger, instrument, excuses),
            *_mistaken(entries, ledger, instrument, excuses),
            *_left_open(entries),
        ]
    except TradingError as error:
        return [f"{type(error).__name__}: {error}"]


def claimed(journal: Path, client_order_id: str) -> bool:
    """Return whether the claim on an order stands in the file at this moment, for a reader of its own (I-06)."""
    query = "SELECT count(*) FROM facts WHERE kind = 'OrderSubmitted' AND client_order_id = ?"
    with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as file:
        found: int = file.execute(query, (client_order_id,)).fetchone()[0]
    return found > 0


def _unclaimed(entries: Sequence[Entry], ledger: Ledger) -> Iterator[str]:
    """Return orders of which the venue knew before the journal: every one it was ever asked for has a claim (I-06)."""
    claims = [(entry.fact, entry.recorded_ns) for entry in entries if isinstance(entry.fact, e.OrderSubmitted)]
    recorded_ns = {fact.client_order_id: ns for fact, ns in reversed(claims)}
    for name, received_ns in ledger["received_ns"].items():
        if name not in recorded_ns:
            yield f"{name} was sent to the venue and the journal has no claim on it"
        elif recorded_ns[name] > received_ns:
            yield f"{name} was at the venue before its claim was recorded"


def _unprotected(ledger: Ledger, instrument: Instrument, excuses: Excuses) -> Iterator[str]:
    """Return closes at which the venue held a position of ours, and no sell order for all of it (I-12).

    Judged from the venue's records alone, at every close and at the end: all whole lots of a position worth more
    than 4/3 of the smallest order (below it the venue takes no stop, whose limit lies under the price) must be in
    sell orders that rest. Excused is what `Excuses` says, and nothing else: neither what the engine believed nor
    what it was waiting for.
    """
    for row in [*ledger["at_close"], *ledger["holdings"]]:
        lots, resting = to_atoms(row["held"]) // instrument.lot_atoms, instrument.lots(row["resting"])
        worth = lots * instrument.ticks(row["price"]) * instrument.notional_atoms
        enough = 3 * worth > 4 * to_atoms(instrument.min_notional)
        if enough and resting < lots and not excuses.cover(row["ns"]):
            yield f"unprotected at {iso(row['ns'])}: {lots} lots held, sell orders for {resting} rest"


def _mistaken(entries: Sequence[Entry], ledger: Ledger, instrument: Instrument, excuses: Excuses) -> Iterator[str]:
    """Return decisions on another position than the venue's at that time, unless it was within `GRACE_NS` of a fault.

    Who decides lives: a death is no excuse. Of what was executed at the very moment of a decision some may have been
    asked for by it, so any of the positions of that moment will do.
    """
    for fact in (entry.fact for entry in entries):
        if isinstance(fact, e.Decided) and not excuses.met(fact.ts_ns):
            ours, theirs = fact.sleeve.position_atoms, _positions(ledger, instrument, fact.ts_ns)
            if ours not in theirs:
                yield f"mistaken at {iso(fact.ts_ns)}: decided on {ours} atoms, and the venue's books say {theirs[-1]}"


def _positions(ledger: Ledger, instrument: Instrument, ns: int) -> list[int]:
    """Return what the account held just before `ns` and after each execution at `ns`, base atoms."""
    positions = [0]
    for fill in ledger["fills"]:
        if fill["ns"] <= ns:
            quantity = to_atoms(fill["quantity"])
            fee = to_atoms(fill["commission"]) if fill["commission_asset"] == instrument.base else 0
            now = positions[-1] + (quantity if fill["side"] == "BUY" else -quantity) - fee
            positions = [*positions, now] if fill["ns"] == ns else [now]
    return positions


def _left_open(entries: Sequence[Entry]) -> list[str]:
    portfolio = fold(entry.fact for entry in entries)
    found = [f"{o.ticket.client_order_id} is still in doubt" for o in portfolio.live_orders() if o.doubtful]
    return found + [f"not reconciled: {words}" for words in portfolio.differences]
