"""Facts as bytes and back: JSON by msgspec, checked at the moment of writing.

A body is `{"v":1,"fact":{...}}`. Its version says how the bytes are laid out: whoever changes a fact so
that old bodies no longer decode raises `VERSION` and keeps a way to read the old ones. The fact's kind
(its class name) stands beside the body, not in it.

Source: msgspec documentation, "Supported Types" (dataclasses and enums as objects and values, NamedTuples
as arrays, Decimals as strings, NaN and infinity as null).
"""

from functools import cache
from typing import Final

import msgspec

from trading_system.blotter.events import KINDS, Fact, OrderEvent, OrderQueued
from trading_system.errors import JournalBroken, TradingError

VERSION: Final = 1
"""How bodies are laid out now."""


class _Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    fact: msgspec.Raw


def kind_of(fact: Fact) -> str:
    """Return the name of the fact's kind, a key of `events.KINDS`."""
    return type(fact).__name__


def order_of(fact: Fact) -> str:
    """Return the client order id that `fact` is about; "" where it is about no order."""
    return fact.client_order_id if isinstance(fact, OrderQueued | OrderEvent) else ""


def encode(fact: Fact) -> bytes:
    """Return the body of `fact`, after making sure that it reads back as the same fact.

    The same fact always gives the same bytes, whatever the order in which its dicts were filled.

    Raises:
        JournalBroken: The fact would not survive: a NaN or an infinity, a numpy scalar, a field of the
            wrong type, a class that is not in `KINDS`.
    """
    kind, plain = kind_of(fact), draft(fact)
    try:
        same = _decoder(kind).decode(plain) == fact
    except (msgspec.ValidationError, TypeError, ValueError, TradingError) as error:
        raise _unwritable(fact, error) from error
    if not same:
        raise JournalBroken(f"{kind} would read back as something else; the fact is {fact}")
    return b'{"v":%d,"fact":%b}' % (VERSION, plain)


def draft(fact: Fact) -> bytes:
    """Return `fact` as bytes that `fair` understands, without making sure: four times as fast as `encode`.

    Raises:
        JournalBroken: The fact has no such form at all, or its class is not in `KINDS`.
    """
    kind = kind_of(fact)
    if KINDS.get(kind) is not type(fact):
        raise JournalBroken(f"{kind} is not a kind of fact that a journal holds; add it to blotter.events.KINDS")
    try:
        return _encoder().encode(fact)
    except (TypeError, ValueError) as error:
        raise _unwritable(fact, error) from error


def fair(kind: str, draft: bytes) -> Fact:
    """Return the fact of `kind` that `draft` holds.

    Raises:
        JournalBroken: It did not survive being drafted.
    """
    try:
        return _decoder(kind).decode(draft)
    except (msgspec.MsgspecError, TradingError) as error:
        raise JournalBroken(f"a {kind} did not survive being written down: {_hint(error)}") from error


def decode(kind: str, body: bytes) -> Fact:
    """Return the fact of `kind` that `body` holds.

    Raises:
        JournalBroken: The kind or the version is not known, or the body does not fit its kind.
    """
    try:
        return _fact(kind, body)
    except (msgspec.MsgspecError, UnicodeDecodeError, TradingError) as error:
        raise JournalBroken(f"a {kind} cannot be read: {error}") from error


def _unwritable(fact: Fact, error: Exception) -> JournalBroken:
    return JournalBroken(f"{kind_of(fact)} cannot be written down: {_hint(error)}; the fact is {fact}")


def _fact(kind: str, body: bytes) -> Fact:
    if kind not in KINDS:
        raise JournalBroken("no such kind of fact; a newer version of this package may have written it")
    read = msgspec.json.decode(body, type=_Read)
    if read.v != VERSION:
        raise JournalBroken(f"its layout is version {read.v}, and this package reads version {VERSION}")
    return _decoder(kind).decode(read.fact)


def _hint(error: Exception) -> str:
    """A number that is not finite is written as null and then missed; say so, since the message does not."""
    return f"{error} (NaN and infinity do not survive JSON)" if "got `null`" in str(error) else str(error)


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder(order="deterministic")


@cache
def _decoder(kind: str) -> "msgspec.json.Decoder[Fact]":
    decoder: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(KINDS[kind])
    return decoder
