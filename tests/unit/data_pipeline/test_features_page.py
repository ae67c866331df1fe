"""docs/data/features.md: its tables are those of the code."""

from pathlib import Path

from trading_system.data_pipeline.normalizers.features import KINDS, SETS, named
from trading_system.data_pipeline.normalizers.features.kinds import sample
from trading_system.data_pipeline.normalizers.features.row import Row

PAGE = Path(__file__).resolve().parents[3] / "docs" / "data" / "features.md"


def features_table():
    """Return a line of Markdown for each kind."""
    for kind in KINDS:
        each = named(sample(kind))
        reads = " ".join(f"`{field}`" for field in each.inputs)
        yield f"| `{each.name}` | {each.warm_up} | {each.anchor} | {reads} | {each.formula} |"


def sets_table():
    """Return how each set's line begins, and what else it says there."""
    for name, each in SETS.items():
        yield f"| `{name}` | {len(each)} | {each.warm_up} |"


def test_every_feature_stands_in_the_table_as_it_is_declared():
    """Change a declaration and this prints the line that the page must hold."""
    page = PAGE.read_text(encoding="utf-8")
    missing = [line for line in features_table() if line not in page]
    assert not missing, "\n" + "\n".join(missing)
    assert page.count("| window | ") + page.count("| gap | ") == len(KINDS)


def test_every_set_stands_on_the_page_with_its_size():
    """Name, number of features, bars to get warm."""
    page = PAGE.read_text(encoding="utf-8")
    missing = [line for line in sets_table() if line not in page]
    assert not missing, "\n" + "\n".join(missing)


def test_the_page_names_all_that_a_step_is_shown():
    """A user writes steps from that list."""
    page = PAGE.read_text(encoding="utf-8")
    assert [field for field in Row._fields if f"`{field}`" not in page] == []
