"""The front door, for every test of a verb."""

from pathlib import Path

import pytest
from tests.unit.cli.market_files import Run, Told, bar_file, rows

from trading_system import __main__ as front


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program's front door on some arguments."""

    def told(*arguments: str | Path) -> Told:
        code = front.main([str(argument) for argument in arguments])
        return Told(code, *capsys.readouterr())

    return told


@pytest.fixture
def bars(bare_environment: Path) -> Path:
    """600 minutes of BTCUSDT in the current folder."""
    bar_file(bare_environment / "BTCUSDT.csv", rows(600))
    return Path("BTCUSDT.csv")
