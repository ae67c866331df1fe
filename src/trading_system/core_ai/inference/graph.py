"""What an ONNX file says about itself, read without running it: what it takes, and whether all of it is inside.

A tensor of ONNX may stand in another file, named by a path that nobody hashed. A network that may trade has none:
so the file is walked before any runtime opens it. Only what leads to a tensor or to an input is read; all else is
stepped over.

Source: onnx/onnx.proto (ONNX IR version 10); Protocol Buffers, "Encoding".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_DEPTH: Final = 32

# Message -> field number -> the message that stands there. `tensor` ends the way.
_WAYS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_GRAPH: Final = 7
_INITIALIZER: Final = 5
_INPUT: Final = 11
_TENSOR_NAME: Final = 8
_EXTERNAL: Final = (13, 14)
"""TensorProto.external_data and data_location; the second is 1 where the first is meant."""


class NoGraph(ValueError):
    """The bytes are no ONNX model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What is known of a network before it is run.

    Attributes:
        inputs: Name and shape of each; a size that is free is 0.
        external: Names of the tensors that stand in other files.
    """

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    external: tuple[str, ...]


def graph_of(model: bytes) -> Graph:
    """Return what `model` says about itself.

    Raises:
        NoGraph: It is no ONNX model.
    """
    view = memoryview(model)
    graphs = [part for number, part in _fields(view) if number == _GRAPH and isinstance(part, memoryview)]
    if len(graphs) != 1:
        raise NoGraph(f"it holds {len(graphs)} graphs")
    own = list(_fields(graphs[0]))
    weights = {_text(part, _TENSOR_NAME) for number, part in own if number == _INITIALIZER}
    told = [(_text(part, 1), _shape(part)) for number, part in own if number == _INPUT]
    return Graph(
        inputs=tuple((name, shape) for name, shape in told if name not in weights),
        external=tuple(_external(view, "model", 0)),
    )


def _external(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _MOST_DEPTH:
        raise NoGraph(f"its graphs stand more than {_MOST_DEPTH} deep in each other")
    if kind == "tensor":
        if any(number in _EXTERNAL and part != 0 for number, part in _fields(message)):
            yield _text(message, _TENSOR_NAME) or "without a name"
        return
    ways = _WAYS[kind]
    for number, part in _fields(message):
        if number in ways and isinstance(part, memoryview):
            yield from _external(part, ways[number], depth + 1)


def _shape(value: "memoryview | int") -> tuple[int, ...]:
    """Return the sizes in a ValueInfoProto: type (2), tensor_type (1), shape (2), dim (1), dim_value (1)."""
    parts = [value]
    for number in (2, 1, 2, 1):
        parts = [part for message in parts for at, part in _fields(message) if at == number]
    return tuple(next((size for at, size in _fields(dim) if at == 1 and isinstance(size, int)), 0) for dim in parts)


def _text(message: "memoryview | int", number: int) -> str:
    found = [bytes(part) for at, part in _fields(message) if at == number and isinstance(part, memoryview)]
    return found[-1].decode("utf-8", "replace") if found else ""


def _fields(message: "memoryview | int") -> "Iterator[tuple[int, memoryview | int]]":
    """Yield number and value of each field of a message; a value is a number, or bytes.

    Raises:
        NoGraph: It ends too early, or is no message.
    """
    if isinstance(message, int):
        raise NoGraph("a number stands where a message belongs")
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise NoGraph(f"a field has the unknown kind {kind}")
        if not number or at + length > len(message):
            raise NoGraph("it ends in the middle of a field")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise NoGraph("it ends in the middle of a number")
