"""Calibrate the synthetic market to recorded bars, and show the fit: parameters, page and pictures.

    python scripts/calibrate.py [--data FOLDER]

Reads binance_{BTCUSDT,ETHUSDT}_{1m,5m,1h,1d}.parquet (columns timestamp in ms UTC, open, high, low, close, volume) in
FOLDER, ../shared/data/ohlcv unless told otherwise. Writes the parameters, which are statistics and hold no bar, beside
the generator, and docs/synthetic-market.md with its pictures. The same files give the same bytes but for the date.
"""

import argparse
import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.calibration.facts import recorded  # noqa: E402 - the path comes first
from scripts.calibration.fit import fitted  # noqa: E402
from scripts.calibration.page import CHECKED_ON, FITTED_ON, write_page  # noqa: E402

from trading_system.testnet.climate import FILE, STEP_S, Climate, climate_from  # noqa: E402

DATA: Final = ROOT.parent / "shared" / "data" / "ohlcv"
PARAMETERS: Final = ROOT / "src/trading_system/testnet" / FILE
PRICES: Final = {"BTCUSDT": 50_000.0, "ETHUSDT": 2_500.0}
"""What is calibrated, and the round price at which a synthetic market of it starts."""
DIGITS: Final = 4
"""Significant digits that are written down; more would pretend to more than a year of bars can tell."""


def calibrated(data: Path, symbol: str) -> Climate:
    """Return the climate of the recorded bars of `symbol` in `FITTED_ON`, rounded to `DIGITS`."""
    bars = recorded(data / f"binance_{symbol}_5m.parquet", STEP_S).between(*FITTED_ON)
    return climate_from(_rounded(asdict(fitted(bars, price=PRICES[symbol]))))


def run(data: Path) -> None:
    """Fit, and write parameters, page and pictures."""
    told: dict[str, Any] = {}
    for symbol in PRICES:
        print(f"{symbol}: fitting", flush=True)
        told[symbol] = {
            "source": f"statistics of Binance {symbol} 5m bars, by scripts/calibrate.py",
            "fitted_from_until": FITTED_ON,
            "checked_from_until": CHECKED_ON,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "climate": asdict(calibrated(data, symbol)),
        }
    PARAMETERS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(f"{PARAMETERS.relative_to(ROOT)} written; drawing", flush=True)
    write_page(
        {symbol: climate_from(each["climate"]) for symbol, each in told.items()},
        data=data,
        docs=ROOT / "docs",
        date=told["BTCUSDT"]["date"],
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the recorded bars")
    folder = parser.parse_args().data
    if not folder.is_dir():
        sys.exit(f"{folder}: no such folder; name that of the recorded bars by --data")
    run(folder)
