"""Sections of settings: frozen, strict, and lists that may be written as words."""

from typing import Annotated

import pytest
from pydantic import ValidationError

from trading_system.errors import ConfigurationError
from trading_system.settings import load
from trading_system.utils.sections import LISTED, Count, Section

pytestmark = pytest.mark.usefixtures("bare_environment")


class Example(Section):
    """A section."""

    words: Annotated[tuple[str, ...], LISTED] = ()
    count: Count = 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [("a, b", ("a", "b")), ("a", ("a",)), ("", ()), (" ", ()), ("a,,b", ("a", "", "b")), (["a", "b"], ("a", "b"))],
)
def test_a_list_may_be_written_as_words_with_commas(written, meant):
    """Nothing at all is an empty list; a forgotten word is an empty word, for its section to refuse."""
    assert Example(words=written).words == meant


@pytest.mark.parametrize("wrong", [{"count": True}, {"cuont": 1}, {"words": 5}])
def test_a_section_refuses_what_it_does_not_know(wrong):
    """Yes is no number, a misspelt key is no key."""
    with pytest.raises(ValidationError):
        Example(**wrong)


def test_nobody_is_asked_for_metrics_unless_named(monkeypatch):
    """No provider by default; in a variable they are words with commas; one that does not exist is refused."""
    assert load().metrics.providers == ()
    monkeypatch.setenv("TRADING_METRICS__PROVIDERS", "coin_metrics, mempool_space")
    assert load().metrics.providers == ("coin_metrics", "mempool_space")
    monkeypatch.setenv("TRADING_METRICS__PROVIDERS", "")
    assert load().metrics.providers == ()
    with pytest.raises(ConfigurationError, match="coin_metrics"):
        load(["metrics.providers=[glassnode]"])
