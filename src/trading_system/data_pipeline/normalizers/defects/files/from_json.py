"""Rows of bars written as JSON, in the shapes that venues and data frames write, as text with commas."""

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from trading_system.data_pipeline.normalizers.defects.files.columns import INDEX, named

_DEEPEST: Final = 4
"""How deep in an answer its rows may stand."""

Table = list[list[object]]


def text_of(text: str) -> str:
    """Return JSON, all at once or one row a line, as lines of cells; other text as it is.

    Rows may be lists or objects, or there may be a list, or an object by index, for each column; pandas writes all of
    these, and with `orient="split"` names, index and rows apart. Around them may stand whatever else was answered.
    """
    try:
        whole: object = json.loads(text)
    except (ValueError, RecursionError):
        try:
            whole = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return text
    table = _table(whole, _DEEPEST)
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in table) if table else text


def _table(whole: object, deep: int) -> Table:
    """Return the longest table in `whole`, its header first where it has one."""
    if isinstance(whole, list):
        return _of_rows(whole)
    if not isinstance(whole, dict) or not deep:
        return []
    names, rows = whole.get("columns"), whole.get("data")
    if isinstance(names, list) and isinstance(rows, list):
        index = whole.get("index")
        if not isinstance(index, list) or len(index) != len(rows):
            return [list(names), *_of_rows(rows)]
        return [[INDEX, *names], *([at, *row] for at, row in zip(index, rows, strict=True) if isinstance(row, list))]
    if _bars(whole) and all(isinstance(column, dict) for column in whole.values()):
        return _of_rows([{INDEX: at} | _row(whole, at) for at in next(iter(whole.values()))])
    if _bars(whole):
        columns = {name: column for name, column in whole.items() if isinstance(column, list)}
        return [list(columns), *(list(row) for row in zip_longest(*columns.values()))]
    by_index = [{INDEX: at} | row for at, row in whole.items() if isinstance(row, dict) and _bars(row)]
    if by_index:
        return _of_rows(by_index)
    return max((_table(part, deep - 1) for part in whole.values()), key=len, default=[])


def _bars(names: Mapping[str, object]) -> bool:
    """Return whether these are the columns of bars, and no numbers or words stand where columns should."""
    return named([INDEX, *names]) is not None


def _row(columns: Mapping[str, Mapping[str, object]], at: str) -> dict[str, object]:
    return {name: column.get(at) for name, column in columns.items()}


def _of_rows(rows: Sequence[object]) -> Table:
    if not rows or not isinstance(rows[0], dict):
        return [row for row in rows if isinstance(row, list)]
    header = list(rows[0])
    return [header, *([row.get(name) for name in header] if isinstance(row, dict) else [row] for row in rows)]
