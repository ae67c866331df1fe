"""One decision at two speeds: mark a function as decision arithmetic, compile it on demand.

`@kernel` changes nothing: live trading calls the marked functions as ordinary Python, and numba is
not loaded. `compiled(f)` compiles the very same functions for a back-test.

Source: numba documentation, "numba.extending.register_jitable", "Notes on caching".
"""

import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = {"error_model": "python", "fastmath": False, "_nrt": False}
"""Python's rules for division and rounding. Kernels own no memory: counting references takes six times as long."""
_ENTERED: Final = {**_OPTIONS, "nogil": True}
"""What a function that Python calls is compiled with: others may run beside it."""
_INLINED: Final = {**_OPTIONS, "forceinline": True}
"""What a marked function is compiled with: called instead, it takes three times as long."""
_MARKED: Final[dict[Callable[..., Any], Mapping[str, object]]] = {}
"""Every marked function, and what it is compiled with."""
_TOLD: Final[set[Callable[..., Any]]] = set()
"""Those that numba has been told of."""
_COMPILED: Final[dict[Callable[..., Any], Callable[..., Any]]] = {}
_KNOWN_BY_VERSION: Final = frozenset({*sys.stdlib_module_names, "numpy"})
"""Modules that do not change while the versions of Python and numba stay."""
_SWAPPED: Final[dict[tuple[object, ...], Callable[..., Any]]] = {}

Swaps = Mapping[Callable[..., Any], Callable[..., Any]]
"""Marked functions, and by what to replace them."""


def kernel(function: F) -> F:
    """Mark `function` as plain decision arithmetic and hand it back unchanged.

    Allowed inside: + - * / // % and comparisons, `abs`, `min`, `max`, `math.isfinite`, guarded `sqrt`, NamedTuples
    built by keyword, other marked functions, integers within 63 bits. Not allowed: `_replace`, enums, containers,
    exceptions, `/` between integers (Python rounds it once, a processor twice).
    """
    _MARKED[function] = _INLINED
    return function


def routine(function: F) -> F:
    """Mark `function` as `kernel` does, to be compiled once and called: for what happens on few bars.

    A loop in which everything is written out wherever it is called takes minutes to compile.
    """
    _MARKED[function] = _OPTIONS
    return function


def swapped(function: F, swaps: Swaps) -> F:
    """Return `function` as it would be had every call of a key of `swaps`, however deep, been written with its value.

    The functions on the way are made anew with other globals; the originals stay as they are. So a user's own policy
    takes the place of ours in the very loop that is compiled.
    """
    named = (function, *(part for pair in swaps.items() for part in pair))
    if named not in _SWAPPED:
        _SWAPPED[named] = _swapped(function, swaps, {})
    return cast(F, _SWAPPED[named])


def _swapped(function: Callable[..., Any], swaps: Swaps, made: dict[object, Callable[..., Any]]) -> Callable[..., Any]:
    if function in swaps:
        return swaps[function]
    if function not in made:
        made[function] = function
        assert isinstance(function, FunctionType)
        space = function.__globals__
        callees = [
            (name, space[name])
            for name in _names(function.__code__)
            if isinstance(space.get(name), FunctionType) and space[name] in _MARKED
        ]
        told = {name: _swapped(callee, swaps, made) for name, callee in callees}
        if any(told[name] is not callee for name, callee in callees):
            twin = FunctionType(function.__code__, {**space, **told}, function.__name__, function.__defaults__)
            twin.__module__, twin.__qualname__ = function.__module__, function.__qualname__
            made[function] = twin
            _MARKED[twin] = _MARKED[function]
    return made[function]


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a hash over all that `function` compiles to: its source, what it calls, reads and builds, and by what.

    numba's own cache keeps processors apart, but sees an edit of the compiled function's file only. A folder of this
    name is new whenever any marked function on the way, a constant, or the shape of a NamedTuple has changed.
    """
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {_ENTERED} {_INLINED}".encode())
    for part in _parts(function, set()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def compiled(function: F) -> F:
    """Return `function` compiled to machine code, with every marked function inlined.

    The result agrees with the plain function to the bit: no fast-math, Python's rules for division. Machine code is
    kept in the user's cache folder (`XDG_CACHE_HOME`), by `fingerprint`; where there is none that only the user can
    write to, it is compiled anew in each process.

    Raises:
        ImportError: numba is not installed.
    """
    if function not in _COMPILED:
        import numba
        from numba.extending import register_jitable

        for marked in _MARKED.keys() - _TOLD:
            register_jitable(**_MARKED[marked])(marked)
            _TOLD.add(marked)
        folder, config = _cache_folder(function), cast(Any, numba.config)
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder or "")
        try:  # numba reads the setting when the function is declared, not when it is compiled
            _COMPILED[function] = cast(Any, numba.njit)(**_ENTERED, cache=folder is not None)(function)
        finally:
            config.CACHE_DIR = before
    return cast(F, _COMPILED[function])


def _cache_folder(function: Callable[..., Any]) -> Path | None:
    """Return a folder for `function`'s machine code that nobody else can write to, or None.

    A cache is unpickled: in a folder that others may write to, it would run their code.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "trading-system" / "kernels" / fingerprint(function)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # a read-only container; a user without a home
        return None
    ours = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    return folder if ours and Path(inspect.getfile(function)).is_file() else None


def _parts(value: object, seen: set[object]) -> Iterator[str]:
    """Yield what of `value`, a global of a marked function, ends up in machine code, callees included."""
    if isinstance(value, int | float | str | tuple):
        yield repr(value)
    elif isinstance(value, FunctionType) and value not in seen:
        seen.add(value)
        yield str(value.__module__)  # the cache names it: a user's file that has changed elsewhere is another module
        yield inspect.getsource(value)
        yield from _named_parts(_names(value.__code__), value.__globals__, seen)
    elif isinstance(value, type) and hasattr(value, "_fields") and value not in seen:
        seen.add(value)
        for name, kind in inspect.get_annotations(value).items():
            yield f"{value.__qualname__}.{name}: {kind}"
            yield from _parts(kind, seen)
    elif type(value).__module__ == "numpy" and hasattr(value, "tobytes"):  # an array, or a number
        array = cast(Any, value)
        yield f"{array.dtype} {array.shape} {array.tobytes().hex()}"


def _named_parts(names: set[str], space: Mapping[str, object], seen: set[object]) -> Iterator[str]:
    """Yield the parts of all that `names` mean in `space`; of a module, of what is taken from it."""
    for name in sorted(names & space.keys()):
        value = space[name]
        yield name
        if not isinstance(value, ModuleType):
            yield from _parts(value, seen)
        elif value.__name__.partition(".")[0] not in _KNOWN_BY_VERSION:
            yield from _named_parts(names - {name}, vars(value), seen)


def _names(code: CodeType) -> set[str]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
