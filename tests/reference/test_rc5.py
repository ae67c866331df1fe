"""RC-5: bought at one hourly close and sold at the next, the fee of a buy taken from the coins it brings.

Source: LEAN, `BinanceCashAccountFeeRegressionAlgorithm` and its base `CryptoBaseCurrencyFeeRegressionAlgorithm`.
"""

import csv
import zipfile
from io import TextIOWrapper

import pytest
from tests.reference.running import ALWAYS_IN, Ran, backtest, published

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(shared_data, tmp_path_factory) -> Ran:
    """0.1 BTC bought where flat, else all of it sold, from the bar that starts 2018-05-02 03:00 on; 0.1 % each."""
    folder = tmp_path_factory.mktemp("rc5")
    bars = folder / "btcusdt.csv"
    with zipfile.ZipFile(published(shared_data, "lean-binance-hour-btcusdt_trade.zip")) as archive:
        rows = csv.reader(TextIOWrapper(archive.open("btcusdt.csv"), encoding="utf-8"))
        told = [f"{when[:4]}-{when[4:6]}-{when[6:8]}T{when[9:]}Z,{','.join(rest)}" for when, *rest in rows]
    bars.write_text("\n".join(["timestamp,open,high,low,close,volume", *told]), encoding="utf-8")
    return backtest(
        folder / "run",
        f"BTCUSDT={bars}",
        "buy_and_hold",
        {"alternate": 1, "long_only": 1, "lots": 10_000, "lot": "0.00001", "cash": 100_000, "atr": 1}
        | {"fill": "close", "fee_asset": "base", "taker_fee_bps": 10, "spread_bps": 0, "slippage_bps": 0},
        *("--policy", str(ALWAYS_IN), "--from", "2018-05-02T03:00", "--to", "2018-05-04T04:00"),
    )


def test_the_orders_are_49_and_the_last_one_buys(ran):
    """One an hour for two days and an hour; each sale sells 0.0999, what the fee has left of 0.1."""
    assert ran.told["counts"]["orders"] == ran.told["fills"] == 49
    assert ran.lots.tolist() == [10_000, -9_990] * 24 + [10_000]
    assert ran.fills["fee_asset"].to_list() == ["BTC", "USDT"] * 24 + ["BTC"]


def test_the_fees_are_the_published_ones(ran):
    """45.62 USDT, those in BTC valued at the price of their fill."""
    assert round(ran.told["statistics"]["fees"], 2) == 45.62


def test_equity_after_48_orders_is_the_published_one(ran):
    """Sampled before the 49th: all of it is cash then."""
    assert ran.slices.tolist() == list(range(49))
    assert round(float(ran.path[47]), 2) == round(int(ran.equity["cash_atoms"][47]) / 1e8, 2) == 99_986.57
