"""RC-3: an exponential cross on 10,000 minutes of BTC, entered in child orders, from an account that owns both coins.

Source: nautilus_trader, acceptance tests, `TestBacktestAcceptanceTestsBTCUSDTEmaCrossTWAP`.
"""

import csv
from itertools import islice
from pathlib import Path

import pytest
from tests.reference.running import ALWAYS_IN, FREE, Ran, backtest, published

pytestmark = pytest.mark.slow

INVENTORY_ATOMS = 10 * 100_000_000
"""Ten BTC stand beside the cash; what is sold short is sold from them."""
LOT_ATOMS = 10_000


@pytest.fixture(scope="module")
def minutes(shared_data) -> tuple[str, str]:
    """The file, and when the row behind the first 10,000 begins."""
    file = published(shared_data, "btc-perp-20211231-20220201_1m.csv")
    with file.open(encoding="utf-8") as lines:
        row = next(islice(csv.DictReader(lines), 10_000, None))
    return f"BTCUSDT={file}", row["timestamp"]


def crossed(out: Path, minutes: tuple[str, str], *, lots: int, parts: int) -> Ran:
    """EMAs of 10 and 20 closes, filled at the close that decided; a bar of a single price is passed over."""
    bars, end = minutes
    return backtest(
        out,
        bars,
        "ema_cross",
        FREE
        | {"fast": 10, "slow": 20, "atr": 1, "lots": lots, "parts": parts, "skip_still_bars": 1}
        | {"cash": 10_000_000, "tick": "0.001", "lot": "0.0001", "short": "allowed"}
        | {"taker_fee_bps": 10, "fee_rounding": "half_even", "fill": "close", "finish": "last_close"},
        *("--policy", str(ALWAYS_IN), "--to", end),
    )


@pytest.mark.parametrize(
    ("lots", "parts", "orders", "usdt_atoms"),
    [(100, 4, 2_255, 999_954_943_133_000), (10, 1, 902, 999_995_494_313_300)],
)
def test_orders_and_both_balances_are_the_published_ones(tmp_path, minutes, lots, parts, orders, usdt_atoms):
    """0.01 BTC in four orders; and the variant of 0.001 in one: BTC 10.00000000 and every atom of the USDT."""
    ran = crossed(tmp_path / "run", minutes, lots=lots, parts=parts)
    assert ran.told["counts"]["orders"] == len(ran.fills) == orders
    assert int(ran.equity["cash_atoms"][-1]) == usdt_atoms
    assert INVENTORY_ATOMS + ran.base_atoms(LOT_ATOMS) == 10 * 100_000_000
    assert len(ran.equity) == 10_000
