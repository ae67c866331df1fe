"""Nested values from several sources: build them, walk them, and say in one line what is wrong with one."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import ErrorDetails

from trading_system.errors import ConfigurationError
from trading_system.utils.redaction import MASK

Keys = tuple[str, ...]
"""The path to a value: ("risk", "max_drawdown")."""


def nested(pairs: Iterable[tuple[Keys, object]]) -> dict[str, Any]:
    """Return one tree of dicts that holds every value at its path; a later value replaces an earlier.

    Raises:
        ConfigurationError: A path leads through a value that is not a section.

    >>> nested([(("risk", "max_drawdown"), 0.2), (("mode",), "paper")])
    {'risk': {'max_drawdown': 0.2}, 'mode': 'paper'}
    """
    tree: dict[str, Any] = {}
    for keys, value in pairs:
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise ConfigurationError(f"{'.'.join(keys)}: {key} is a value and a section at once")
        node[keys[-1]] = value
    return tree


def leaves(tree: Mapping[str, Any], above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield each path and its value, in the order of the tree.

    >>> list(leaves({"risk": {"max_drawdown": 0.2}, "mode": "paper"}))
    [(('risk', 'max_drawdown'), 0.2), (('mode',), 'paper')]
    """
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def parsed_yaml(text: str, where: str) -> Any:
    """Return what `text` says in YAML; `where` names it in the error.

    Raises:
        ConfigurationError: `text` is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is not YAML: {' '.join(str(error).split())}") from None


def files_in(folder: Path) -> dict[str, str]:
    """Return the content of each file of `folder` by its name, without the line's end; hidden files are passed over.

    Raises:
        ConfigurationError: `folder` is not a folder.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: expected a folder with one file a secret")
    visible = (path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith("."))
    return {path.name: path.read_text(encoding="utf-8").rstrip("\r\n") for path in visible}


def in_words(problem: ErrorDetails, source: str, known: Iterable[str], *, secret: bool) -> str:
    """Return one line that names the path, the value, its source and what was expected.

    Args:
        problem: From pydantic.
        source: Where the value came from, in words.
        known: The keys that may stand where the problem is.
        secret: Whether the value must not be shown.
    """
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        return f"{path} ({source}): unknown key; {hint}"
    value = problem["input"]
    shown = MASK if secret else "" if isinstance(value, Mapping) else repr(value)
    stated = f"{path} = {shown}" if shown else path
    return f"{stated} ({source}): expected {_expected(problem)}"


def _expected(problem: ErrorDetails) -> str:
    if problem["type"] in {"model_type", "model_attributes_type"}:
        return "a section of keys"
    text = problem["msg"]
    for opening in ("Input should be ", "Value error, ", "Input should ", "String should "):
        text = text.removeprefix(opening)
    return text
