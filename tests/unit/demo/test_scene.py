"""A demonstration's market: made up from a seed, or read from a file."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from trading_system.core_ai.inference import manifest
from trading_system.demo.scene import HISTORY, interval_of, scene_of
from trading_system.errors import ConfigurationError

START_MS = 1_704_067_200_000


def written(path: Path, times: Sequence[int]) -> Path:
    """A CSV of bars that open at `times`, ms, all alike."""
    rows = "".join(f"{time},100.00,101.00,99.00,100.50,1.5\n" for time in times)
    path.write_text(f"timestamp,open,high,low,close,volume\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("step_ms", "name"), [(60_000, "1m"), (900_000, "15m"), (3_600_000, "1h"), (86_400_000, "1d"), (5_000, "5s")]
)
def test_the_length_of_a_bar_is_seen_from_the_file(tmp_path: Path, step_ms: int, name: str) -> None:
    """The most common distance counts: a gap between two bars is not a longer bar."""
    times = [START_MS + step_ms * index for index in (0, 1, 2, 3, 7, 8)]
    assert interval_of(written(tmp_path / "bars.csv", times)) == name


@pytest.mark.parametrize("times", [[], [START_MS], [START_MS, START_MS + 1], [START_MS, START_MS]])
def test_a_file_without_a_rhythm_is_refused(tmp_path: Path, times: list[int]) -> None:
    """Fewer than two bars, or bars that are not whole seconds apart, have no interval."""
    with pytest.raises(ConfigurationError, match=r"bars\.csv"):
        interval_of(written(tmp_path / "bars.csv", times))


def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "bars.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(ConfigurationError, match=r"bars\.parquet"):
        interval_of(path)


def test_the_last_bars_of_a_file_happen_live(tmp_path: Path) -> None:
    """History first, then as many days as asked for, both from the file's end."""
    times = [START_MS + 3_600_000 * index for index in range(HISTORY + 200)]
    scene = scene_of(written(tmp_path / "bars.csv", times), seed=7, days=5, model=None)
    assert scene.real_bars
    assert (len(scene.listing.live), scene.listing.history) == (120, HISTORY)
    assert scene.listing.bars[-1].open_ns == times[-1] * 1_000_000


def test_too_few_bars_are_refused(tmp_path: Path) -> None:
    """Without history no feature is warm, and without live bars nothing happens."""
    times = [START_MS + 3_600_000 * index for index in range(HISTORY + 99)]
    with pytest.raises(ConfigurationError, match="499 bars are too few; 500"):
        scene_of(written(tmp_path / "bars.csv", times), seed=7, days=None, model=None)


def test_a_seed_makes_a_market_and_another_seed_another() -> None:
    """Everything made up grows from the seed, and is known by its hash."""
    first, again, other = (scene_of(None, seed=seed, days=1, model=None).data_hash for seed in (7, 7, 8))
    assert first == again != other
    assert scene_of(None, seed=7, days=1, model=None).words.startswith("A synthetic market with a planted pattern")


def test_a_network_trades_only_bars_of_the_length_it_was_trained_on(tmp_path: Path) -> None:
    """The shipped network knows 15m bars; on hourly ones the plain rule trades, and the words say so."""
    times = [START_MS + 3_600_000 * index for index in range(HISTORY + 200)]
    hourly = scene_of(written(tmp_path / "bars.csv", times), seed=7, days=None, model=None)
    assert (hourly.strategy, hourly.model) == ("momentum", None)
    assert "plain momentum rule" in hourly.words
    assert scene_of(None, seed=7, days=1, model=None).strategy == "lstm"


def test_a_network_is_told_by_its_own_name_wherever_it_lies(tmp_path: Path) -> None:
    """Two folders of one network make one scene, so that the page's hash does not depend on where it is."""
    scenes = [scene_of(None, seed=7, days=1, model=copied(tmp_path / name)) for name in ("here", "there")]
    assert scenes[0].words == scenes[1].words
    assert manifest.load(manifest.DEMO_MODEL)[0].name in scenes[0].words


def copied(folder: Path) -> Path:
    """The shipped network in another folder."""
    return Path(shutil.copytree(manifest.DEMO_MODEL, folder))
