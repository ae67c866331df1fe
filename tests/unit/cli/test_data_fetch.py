"""`data fetch`, as far as it needs no venue: what it refuses, and how moments are written."""

from pathlib import Path

import pytest
from tests.unit.cli.market_files import Run

from trading_system.cli.data.fetch import moment_ns
from trading_system.errors import ConfigurationError

SINCE = ("--since", "2024-01-01")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "yesterday"), "--since 'yesterday' is no moment"),
        (("--since", "2024-01-01T00:00+02:00"), "is not in UTC"),
        (("--since", "1969-12-31"), "is before 1970"),
        ((*SINCE, "--follow", "--until", "2024-01-02"), "--follow has no end"),
        ((*SINCE, "--offline"), "name them with --archive"),
        ((*SINCE, "--offline", "--archive", "here", "--follow"), "do not --follow"),
        ((*SINCE, "--offline", "--archive", "nowhere"), "--archive nowhere: no such folder"),
        (
            (*SINCE, "--venue", "ccxt:kraken", "--archive", "."),
            "--archive holds Binance's bars, not those of ccxt:kraken",
        ),
        ((*SINCE, "--interval", "1w", "--offline", "--archive", "."), "interval '1w' is not understood"),
        ((*SINCE, "--until", "2023-12-31", "--offline", "--archive", "."), "is not after --since"),
        (("--since", "2999-01-01", "--offline", "--archive", "."), "is in the future"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    run: Run, bare_environment: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Nothing is asked for, and nothing is written."""
    told = run("data", "fetch", *arguments)
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert len(told.err.splitlines()) == 1
    assert list(bare_environment.iterdir()) == []


def test_a_folder_without_archives_leaves_an_empty_series(run: Run, bare_environment: Path) -> None:
    """That is no error: the venue may be asked another time."""
    told = run("data", "fetch", *SINCE, "--until", "2024-01-02", "--offline", "--archive", ".")
    assert told.code == 0
    assert told.out.startswith("binance BTCUSDT 1m: 0 bars from 2024-01-01T00:00:00.000Z to before 2024-01-02T")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2024-01-31", 1_706_659_200_000),
        ("2024-01-31T12:30Z", 1_706_704_200_000),
        ("2024-01-31T12:30:00.5+00:00", 1_706_704_200_500),
        ("1970-01-01", 0),
    ],
)
def test_a_moment_is_in_utc(text: str, ms: int) -> None:
    """A date begins at midnight UTC, whatever this machine's zone."""
    assert moment_ns(text, "--since") == ms * 1_000_000


def test_what_is_no_moment_says_how_to_write_one() -> None:
    """With the option's name."""
    with pytest.raises(ConfigurationError, match="--until 'tomorrow' is no moment: write 2024-01-31"):
        moment_ns("tomorrow", "--until")
