"""The form of `report.json`: no key without a word about it."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from trading_system.backtest.report import schema, series
from trading_system.backtest.report.folder import TABLES

DOCS: Final = Path(__file__).resolve().parents[4] / "docs" / "report.md"


def keys(part: type[msgspec.Struct]) -> Iterator[str]:
    """Yield every key of a part and of the parts inside it."""
    for field in msgspec.structs.fields(part):
        yield field.name
        for inner in (field.type, *typing.get_args(field.type)):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from keys(inner)


def test_every_key_and_every_column_is_documented() -> None:
    """Whoever reads the files without us finds each name in docs/report.md."""
    named = set(re.findall(r"`([^`\n]+)`", DOCS.read_text()))
    found = set(keys(schema.Report))
    assert {"format", "held_end", "edges", "pbo", "why"} <= found
    columns = {column for table in TABLES.values() for column in table}
    assert (found | columns | set(TABLES)) - named == set()


def test_every_key_has_a_line_in_its_own_part() -> None:
    """The forms' docstrings name each of their fields, but for those that say it all in one line."""
    for part in vars(schema).values():
        if isinstance(part, type) and issubclass(part, msgspec.Struct) and "Attributes:" in (part.__doc__ or ""):
            told = set(re.findall(r"\w+", (part.__doc__ or "").split("Attributes:")[1]))
            assert set(part.__struct_fields__) <= told, part.__name__


def test_tables_are_named_where_they_are_made() -> None:
    """Four tables, and a `Series` has one place for each."""
    assert len(TABLES) == len(series.Series.__slots__)
