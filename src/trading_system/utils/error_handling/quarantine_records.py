"""What the quarantine knows of a row: whence it came, what was wrong, its very bytes, and what became of it."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import msgspec

from trading_system.errors import DataError
from trading_system.market.timestamps import NS_PER_S


class State(StrEnum):
    """What became of a row."""

    HELD = "held"
    RELEASED = "released"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.HELD: frozenset({State.RELEASED, State.REPLAYED, State.DISCARDED}),
    State.DISCARDED: frozenset({State.RELEASED}),  # a person may think again
    State.RELEASED: frozenset(),
    State.REPLAYED: frozenset(),
}
"""What may become of a row in each state. What went into the store has ended."""

Form = Literal["csv", "json", ""]
"""How `Record.raw` is to be read again; "" for what nobody can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The bars that a row was to be one of.

    Attributes:
        venue: Where they were traded.
        symbol: The venue's own string.
        interval: As venues write it, "15m"; "" where it was never told.
        tick: Price step that the row was judged by, quote per base; "" where it was not known.
    """

    venue: str
    symbol: str
    interval: str = ""
    tick: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.venue, self.symbol, self.interval) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row that is not believed.

    Attributes:
        source: Where it came from: a file's path, an address, a stream's name.
        kind: What is wrong, in a word or two; counted by.
        reason: What is wrong, in a sentence.
        raw: Its bytes as they were received.
        line: Which of its source; None where that has no lines.
        series: What it was to be a bar of, where that is known.
        form: How `raw` is to be read again.
        columns: What its cells are: the house's names (timestamp, open, high, low, close, volume), any name for what
            is not needed. Cell i of a CSV row or a JSON list is `columns[i]`; of a JSON object it is the value of that
            name, or of the path behind an equals sign, as in `open=k.o`.
        shift_ns: What the reader added to the time that the row says (a file that stamps the ends of bars), ns.
        open_ns: When the bar opens, as it was read, shift included, UTC ns; None where it could not be read.
    """

    source: str
    kind: str
    reason: str
    raw: bytes
    line: int | None = None
    series: Series | None = None
    form: Form = ""
    columns: tuple[str, ...] = ()
    shift_ns: int = 0
    open_ns: int | None = None

    @property
    def id(self) -> str:
        """Return 16 hex digits over source, line and bytes: the same row from the same place is the same record."""
        place = f"{self.source}\0{'' if self.line is None else self.line}\0".encode("utf-8", "surrogatepass")
        return hashlib.sha256(place + self.raw).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What became of the row `id`: who said so, when (UTC ns) and why."""

    id: str
    state: State
    by: str
    why: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record of the quarantine, when it was first put there (UTC ns), and what became of it, oldest first."""

    id: str
    record: Record
    put_ns: int
    marks: tuple[Mark, ...] = ()

    @property
    def state(self) -> State:
        """Return what became of it."""
        return self.marks[-1].state if self.marks else State.HELD


_UNITS_S: Final = {"d": 86_400, "h": 3_600, "m": 60}


def interval_word(ns: int) -> str:
    """Return a length of bars as venues write it, in the largest unit that it is a multiple of.

    >>> [interval_word(seconds * 1_000_000_000) for seconds in (1, 900, 5_400, 3_600, 604_800)]
    ['1s', '15m', '90m', '1h', '7d']
    """
    unit, seconds = next(((unit, s) for unit, s in _UNITS_S.items() if ns % (s * NS_PER_S) == 0), ("s", 1))
    return f"{ns // (seconds * NS_PER_S)}{unit}"


def raw_of(received: object) -> bytes:
    """Return what was received as bytes: bytes and text as they are, all else as JSON (a `Decimal` as its text)."""
    if isinstance(received, bytes):
        return received
    if isinstance(received, str):
        return received.encode("utf-8", "surrogatepass")
    return json.dumps(received, default=str).encode()


class _Row(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="what", tag="row"):
    id: str
    put_ns: int
    source: str
    kind: str
    reason: str
    line: int | None = None
    series: Series | None = None
    form: Form = ""
    columns: tuple[str, ...] = ()
    shift_ns: int = 0
    open_ns: int | None = None
    raw: str = ""
    raw_base64: str = ""


class _Mark(msgspec.Struct, frozen=True, tag_field="what", tag="mark"):
    id: str
    state: State
    by: str
    why: str
    at_ns: int


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Row | _Mark)


def line_of(kept: Kept | Mark) -> bytes:
    """Return the line of the quarantine's file that says `kept`, newline included."""
    if isinstance(kept, Mark):
        mark = _Mark(id=kept.id, state=kept.state, by=_plain(kept.by), why=_plain(kept.why), at_ns=kept.at_ns)
        return _ENCODER.encode(mark) + b"\n"
    record = kept.record
    try:
        raw, raw_base64 = record.raw.decode(), ""
    except UnicodeDecodeError:
        raw, raw_base64 = "", base64.b64encode(record.raw).decode()
    row = _Row(
        id=kept.id,
        put_ns=kept.put_ns,
        source=_plain(record.source),
        kind=_plain(record.kind),
        reason=_plain(record.reason),
        line=record.line,
        series=record.series,
        form=record.form,
        columns=record.columns,
        shift_ns=record.shift_ns,
        open_ns=record.open_ns,
        raw=raw,
        raw_base64=raw_base64,
    )
    return _ENCODER.encode(row) + b"\n"


def told_by(line: bytes) -> Kept | Mark:
    """Return what a line of the quarantine's file says.

    Raises:
        DataError: It is torn, damaged, or no line of a quarantine.
    """
    try:
        told = _DECODER.decode(line)
        if isinstance(told, _Mark):
            return Mark(id=told.id, state=told.state, by=told.by, why=told.why, at_ns=told.at_ns)
        raw = base64.b64decode(told.raw_base64, validate=True) if told.raw_base64 else told.raw.encode()
    except (msgspec.MsgspecError, binascii.Error, UnicodeError) as error:
        raise DataError(f"no line of a quarantine: {error}") from error
    record = Record(
        source=told.source,
        kind=told.kind,
        reason=told.reason,
        raw=raw,
        line=told.line,
        series=told.series,
        form=told.form,
        columns=told.columns,
        shift_ns=told.shift_ns,
        open_ns=told.open_ns,
    )
    if record.id != told.id:
        raise DataError(f"the row {told.id} does not hold what was put there: its hash is {record.id}")
    return Kept(id=told.id, record=record, put_ns=told.put_ns)


def _plain(text: str) -> str:
    """Return `text` as JSON can carry it: what no encoding knows is written out."""
    return text.encode("utf-8", "backslashreplace").decode()
