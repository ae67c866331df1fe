"""The page on leaks says what is so: its example is a feature, and clean; its table names every future."""

import re
from pathlib import Path

from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.own import probes_in
from trading_system.data_pipeline.leaks.search import search

PAGE = Path(__file__).resolve().parents[2] / "docs/data/leaks.md"


def test_the_example_is_a_feature_and_does_not_leak(tmp_path):
    """Whoever copies it begins with something that works."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "own.py"
    path.write_text(code)
    verdict = search(columns_of(bars_of(200)), probes_in(path), cuts=20, seed=1)
    assert set(verdict.compared) == {"momentum"}
    assert (verdict.leaks, verdict.untested) == ((), ())


def test_every_future_stands_in_the_table():
    """And none that does not exist."""
    table = PAGE.read_text(encoding="utf-8").partition("| the future has |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert [name for row in rows for name in row.split(", ")] == list(FUTURES)
