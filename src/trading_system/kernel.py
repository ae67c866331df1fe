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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = {"error_model": "python", "fastmath": False, "_nrt": False}
"""Python's rules for division and rounding. Kernels own no memory: counting references takes six times as long."""
_INLINED: Final = {**_OPTIONS, "forceinline": True}
"""What a marked function is compiled with: called instead, it takes three times as long."""
_MARKED: Final[dict[Callable[..., Any], bool]] = {}
"""Every marked function, and whether numba has been told of it."""
_COMPILED: Final[dict[Callable[..., Any], Callable[..., Any]]] = {}


def kernel(function: F) -> F:
    """Mark `function` as plain decision arithmetic and hand it back unchanged.

    Allowed inside: + - * / // % and comparisons, `abs`, `min`, `max`, `math.isfinite`, guarded `sqrt`, NamedTuples
    built by keyword, other marked functions, integers within 63 bits. Not allowed: `_replace`, enums, containers,
    exceptions, `/` between integers (Python rounds it once, a processor twice).
    """
    _MARKED[function] = False
    return function


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a hash over all that `function` compiles to: its source, what it calls, reads and builds, and by what.

    numba's own cache keeps processors apart, but sees an edit of the compiled function's file only. A folder of this
    name is new whenever any marked function on the way, a constant, or the shape of a NamedTuple has changed.
    """
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {_INLINED}".encode())
    for part in _parts(function, set()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def compiled(function: F) -> F:
    """Return `function` compiled to machine code, with every marked function inlined.

    The result agrees with the plain function to the bit: no fast-math, Python's rules for division. Machine code is
    kept in the user's cache folder (`XDG_CACHE_HOME`), by `fingerprint`; where there is none that only the user can
    write to, it is compiled anew in each process.

    Raises:
        ImportError: numba is not installed (extra `backtest`).
    """
    if function not in _COMPILED:
        import numba
        from numba.extending import register_jitable

        for marked in [marked for marked, known in _MARKED.items() if not known]:
            register_jitable(**_INLINED)(marked)
            _MARKED[marked] = True
        folder, config = _cache_folder(function), cast(Any, numba.config)
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder or "")
        try:  # numba reads the setting when the function is declared, not when it is compiled
            _COMPILED[function] = cast(Any, numba.njit)(**_OPTIONS, cache=folder is not None)(function)
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
        yield inspect.getsource(value)
        for name in sorted(_names(value.__code__)):
            if name in value.__globals__:
                yield name
                yield from _parts(value.__globals__[name], seen)
    elif isinstance(value, type) and hasattr(value, "_fields") and value not in seen:
        seen.add(value)
        for name, kind in inspect.get_annotations(value).items():
            yield f"{value.__qualname__}.{name}: {kind}"
            yield from _parts(kind, seen)


def _names(code: CodeType) -> set[str]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
