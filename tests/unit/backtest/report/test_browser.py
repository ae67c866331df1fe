"""The page in real browsers: every one that this machine has draws it without a word of complaint."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.unit.backtest.report.results import make_findings, make_result, make_sharpes

from trading_system.backtest.report.folder import write

BROWSERS: Final = [
    path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))
]


def test_every_browser_of_this_machine_draws_all_charts(tmp_path: Path) -> None:
    """All charts become drawings, at once where they are near; the console stays silent; nothing is asked for.

    A machine without a browser, as a bare one in CI, has nothing to draw with; the page's text is tested elsewhere.
    """
    result = make_result(symbols=("BTCUSDT", "ETHUSDT"), trials=64, trial_sharpes=make_sharpes(64))
    write(result, tmp_path / "run", findings=make_findings(result))
    for browser in BROWSERS:
        seen = subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--window-size=1200,9000",
                "--virtual-time-budget=20000",
                "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                (tmp_path / "run" / "report.html").as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert "CONSOLE" not in seen.stderr, seen.stderr
        for place in ("equity", "price-0", "trades", "costs", "trials"):
            drawn = re.search(rf'id="{place}".*?<svg class="main-svg"', seen.stdout, re.DOTALL)
            assert drawn is not None, place
            assert drawn[0].count('class="chart') <= 1, place
