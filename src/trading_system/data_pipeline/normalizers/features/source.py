"""The source of a step, so that an edit of its arithmetic gives every set that it is in another name."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, Final

import numpy as np

_PLACES: Final = 9
"""Decimals of a constant table that count: libraries of other machines may differ in the last ones."""


def source_of(step: Callable[..., Any]) -> str:
    """Return what `step` does, as text: its own code and that of the functions it calls, and the constants it reads.

    Comments, docstrings, annotations and the layout do not count.
    """
    return "\n".join(_parts(step, set()))


def _parts(value: object, seen: set[object]) -> Iterator[str]:
    if isinstance(value, FunctionType):
        if value in seen:
            return
        seen.add(value)
        yield _code(value)
        for name in sorted(_names(value.__code__) & value.__globals__.keys()):
            yield from (f"{name}: {part}" for part in _parts(value.__globals__[name], seen))
    elif isinstance(value, np.ndarray):
        yield f"{value.shape} {(np.round(value, _PLACES) + 0.0).tolist()}"
    elif isinstance(value, bool | int | float | str | tuple):
        yield repr(value)


def _code(function: FunctionType) -> str:
    """Return the source of `function` without what does not change what it returns."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list.clear()
    tree.returns = None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    return ast.unparse(tree)


def _names(code: CodeType) -> set[str]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
