"""The chain: each entry's hash covers the entry and the hash before it, so that no past can be edited unseen."""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from trading_system.blotter.events import Fact
from trading_system.errors import JournalBroken
from trading_system.journal import codec
from trading_system.ports import Entry

GENESIS: Final = bytes(32)
"""The hash before the first entry."""


class Head(NamedTuple):
    """The end of a chain."""

    seq: int
    """Number of the last entry; 0 for an empty journal."""
    hash: bytes


START: Final = Head(seq=0, hash=GENESIS)


class Row(NamedTuple):
    """An entry as it is stored, in the order of the table's columns."""

    seq: int
    ts_ns: int
    recorded_ns: int
    kind: str
    client_order_id: str
    body: bytes
    hash: bytes


def link(previous: bytes, seq: int, ts_ns: int, recorded_ns: int, kind: str, order: str, body: bytes) -> bytes:
    r"""Return sha256(previous ‖ [seq,ts_ns,recorded_ns,kind,order] ‖ \n ‖ body).

    The bracket is a JSON array without spaces; it holds no line break, so that nothing can move
    between it and the body unseen.

    >>> link(GENESIS, 1, 2, 3, "TimerFired", "", b"{}").hex()[:16]
    '2e157d8d23cbe70e'
    """
    columns = msgspec.json.encode((seq, ts_ns, recorded_ns, kind, order))
    return hashlib.sha256(b"%b%b\n%b" % (previous, columns, body)).digest()


def extended(head: Head, facts: Iterable[Fact], recorded_ns: int) -> tuple[Head, list[Row]]:
    """Return the new end, and the rows that carry `facts` on from `head`.

    Raises:
        JournalBroken: A fact would not survive being written down.
    """
    rows = []
    for fact in facts:
        kind, order, body = codec.kind_of(fact), codec.order_of(fact), codec.encode(fact)
        seq = head.seq + 1
        digest = link(head.hash, seq, fact.ts_ns, recorded_ns, kind, order, body)
        rows.append(Row(seq, fact.ts_ns, recorded_ns, kind, order, body, digest))
        head = Head(seq, digest)
    return head, rows


def entry(head: Head, row: Row) -> Entry:
    """Return what `row` holds, having checked that it is what followed `head`.

    Raises:
        JournalBroken: An entry is missing, out of place, or was changed; the message names its seq.
    """
    if row.seq != head.seq + 1:
        raise JournalBroken(f"the journal breaks at seq {head.seq + 1}: the next entry found is seq {row.seq}")
    if link(head.hash, *row[:-1]) != row.hash:
        raise JournalBroken(f"the journal breaks at seq {row.seq}: its {row.kind} was changed, or what precedes it")
    try:
        fact = codec.decode(row.kind, row.body)
    except JournalBroken as error:
        raise JournalBroken(f"the journal breaks at seq {row.seq}: {error}") from error
    return Entry(seq=row.seq, recorded_ns=row.recorded_ns, fact=fact, hash=row.hash)
