"""What every test may ask for, and the rule that in CI a skipped test is a failed one."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

TESTS: Final = Path(__file__).resolve().parent
ROOT: Final = TESTS.parent
SHARED_DATA: Final = ROOT.parent / "shared" / "data"
"""Real recordings, which stand beside the checkout on some machines and are no part of it."""

# Time limits belong to pytest: a busy machine must not look like a bug. In CI the same examples every time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.register_profile("fast", settings.get_profile("house"), max_examples=20)
settings.load_profile("house")

SLOW: Final = (
    "unit/backtest",
    "unit/core_ai",
    "unit/desk/test_two_speeds.py",
    "unit/journal/test_crash.py",
    "unit/test_kernel.py",
    "unit/testnet/test_rest.py",
    "unit/testnet/test_server.py",
    "unit/testnet/test_ws.py",
)
"""What compiles, trains, or starts servers and processes; `make check-fast` leaves it out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it stands."""
    for item in items:
        if item.path.is_relative_to(TESTS) and item.path.relative_to(TESTS).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"data: {SHARED_DATA.name} does not stand beside the checkout")
    return SHARED_DATA


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current folder and no variable of ours, so that only what the test says is set."""
    for name in [name for name in os.environ if name.startswith("TRADING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unexcused(reason: str, *, ci: bool, data_here: bool) -> bool:
    """Return whether a skip for `reason` fails: in CI, unless it wants data that this machine does not have."""
    return ci and not (reason.startswith("data:") and not data_here)


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = (
        report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
    )
    if unexcused(reason, ci=bool(os.environ.get("CI")), data_here=SHARED_DATA.is_dir()):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where a skipped check proves nothing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip in CI into a failure."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a whole file skipped in CI into a failure."""
    report = yield
    _judge(report)
    return report
