"""One decision at two speeds: mark a function as decision arithmetic, compile it on demand.

`@kernel` changes nothing: live trading calls the marked functions as ordinary Python, and numba is
not loaded. `compiled(f)` compiles the very same functions for a back-test.

Source: numba documentation, "numba.extending.register_jitable".
"""

import hashlib
import inspect
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_MARKED: Final[list[Callable[..., Any]]] = []
_REGISTERED: Final[set[int]] = set()


def kernel(function: F) -> F:
    """Mark `function` as plain decision arithmetic and hand it back unchanged.

    Allowed inside: + - * / //, comparisons, `abs`, `min`, `max`, guarded `sqrt`, NamedTuples built
    by keyword, other marked functions. Not allowed: `_replace`, enums, containers, exceptions.
    """
    _MARKED.append(function)
    return function


def fingerprint() -> str:
    """Return a hash over the source of all marked functions, numba's version and the processor.

    numba's own cache does not notice an edit in another file; a folder of this name does.
    """
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {platform.processor()} {sys.version}".encode())
    for path in sorted({inspect.getsourcefile(f) or "" for f in _MARKED}):
        if path:
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def compiled(function: F) -> F:
    """Return `function` compiled to machine code, with every marked function inlined or called.

    The result agrees with the plain function to the bit: no fast-math, Python's rules for division.

    Raises:
        ImportError: numba is not installed (extra `backtest`).
    """
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"trading-system-kernels-{os.getuid()}"))
    import numba
    from numba.extending import register_jitable

    for marked in _MARKED:
        if id(marked) not in _REGISTERED:
            register_jitable(error_model="python")(marked)
            _REGISTERED.add(id(marked))
    return cast(F, numba.njit(error_model="python", fastmath=False)(function))
