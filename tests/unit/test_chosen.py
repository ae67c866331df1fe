"""What the composition root says about itself."""

import shutil
from pathlib import Path

import pytest

from trading_system.chosen import admitted_model, digest, model_to_follow
from trading_system.core_ai.inference import registry
from trading_system.core_ai.inference.manifest import DEMO_MODEL, MANIFEST_FILE, SIGNATURE_FILE
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


def test_the_champion_of_the_registry_may_be_chosen(copies: list[Path], bare_environment: Path) -> None:
    """`champion` is whoever was promoted last, under its own name: the hash is that of the same network elsewhere."""
    root = bare_environment / "models"
    name = registry.add(root, copies[0]).manifest.name
    registry.promote(root, name, at_ns=1, who="ann", reason="the first", admit=lambda artefact: None)
    chosen = settings("strategy.model=champion", f"model.registry={root}")
    assert model_to_follow(chosen).folder == root / name
    assert digest(chosen) != digest(settings("strategy.name=momentum"))
    assert admitted_model(chosen).manifest.name == name


@pytest.mark.parametrize("live", ["mode=live", "venue.environment=live"])
def test_real_money_is_never_led_by_a_model_that_nobody_stands_behind(copies: list[Path], live: str) -> None:
    """Wherever the settings say live, no setting lets an unsigned network or the demo's trade."""
    for folder in copies[:1]:
        (folder / SIGNATURE_FILE).unlink()
    for model in (copies[0], copies[1], "demo"):
        with pytest.raises(ConfigurationError, match="real money needs a signature"):
            model_to_follow(load((live, f"strategy.model={model}", "model.allow_unsigned=true")))


def test_an_unsigned_model_is_refused_unless_allowed_and_then_it_is_told(
    copies: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Play money asks for `model.allow_unsigned`; where that is said, each start says so, and who said it."""
    (copies[0] / SIGNATURE_FILE).unlink()
    unsigned = f"strategy.model={copies[0]}"
    with pytest.raises(ConfigurationError, match=r"is not signed.*allow_unsigned=true"):
        model_to_follow(settings(unsigned))
    assert caplog.text == ""
    assert model_to_follow(settings(unsigned, "model.allow_unsigned=true")).folder == copies[0]
    assert "is not signed; model.allow_unsigned lets play money follow it (command line)" in caplog.text
