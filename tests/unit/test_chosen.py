"""What the composition root says about itself."""

import shutil
from pathlib import Path

import pytest

from trading_system.chosen import digest
from trading_system.core_ai.inference.manifest import DEMO_MODEL, MANIFEST_FILE
from trading_system.errors import ConfigurationError
from trading_system.settings import Settings, load


def settings(*changes: str) -> Settings:
    """The settings of a paper run with these changes."""
    return load(("mode=paper", *changes))


@pytest.fixture
def copies(bare_environment: Path) -> list[Path]:
    """The shipped network in two other folders."""
    return [Path(shutil.copytree(DEMO_MODEL, bare_environment / name)) for name in ("here", "there")]


def test_a_network_is_the_same_wherever_it_lies(copies: list[Path]) -> None:
    """The hash of the settings names it by its own hash, never by its folder: journals agree everywhere."""
    told = {digest(settings(f"strategy.model={folder}")) for folder in copies}
    assert told == {digest(settings())}


def test_another_network_or_number_is_another_hash(copies: list[Path]) -> None:
    """A rule uses no network, so that it does not matter which one is named beside it."""
    rule = digest(settings("strategy.name=momentum"))
    assert rule == digest(settings("strategy.name=momentum", f"strategy.model={copies[0]}"))
    assert len({rule, digest(settings()), digest(settings("policy.kelly_share=0.1"))}) == 3


def test_a_network_that_was_changed_is_refused(copies: list[Path]) -> None:
    """What cannot be trusted gets no name."""
    text = (copies[0] / MANIFEST_FILE).read_text(encoding="utf-8")
    (copies[0] / MANIFEST_FILE).write_text(text.replace('"horizon": 24', '"horizon": 23'), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        digest(settings(f"strategy.model={copies[0]}"))
