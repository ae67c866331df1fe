"""What trading cost, worked out by hand."""

from typing import Any

import polars as pl
import pytest

from trading_system.backtest.report.costs import costs_of, paid
from trading_system.backtest.report.schema import Cost, Market
from trading_system.backtest.report.series import FILLS


def make_market(symbol: str, *, tick: str, lot: str) -> Market:
    """Return an instrument in USDT; its bars do not matter here."""
    names = {"venue": "binance", "symbol": symbol, "base": symbol.removesuffix("USDT"), "quote": "USDT"}
    return Market(**names, tick=tick, lot=lot, bars=1, first="", last="", sha256="f")


MARKETS = [make_market("BTCUSDT", tick="0.5", lot="0.001"), make_market("ETHUSDT", tick="0.01", lot="0.01")]


def make_fills(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return a table of fills; what a row does not name is as in the first case by hand."""
    usual = {
        "time_ns": 0,
        "instrument": "BTCUSDT",
        "strategy": "s",
        "side": "buy",
        "lots": 2_000,
        "price_ticks": 80_003,
        "fee_atoms": 200_000,
        "fee_asset": "BTC",
        "reason": "entry",
        "client_order_id": "x",
        "reference_ticks": 80_000,
        "spread_ticks": 1,
        "maker": False,
    }
    return pl.DataFrame([{**usual, **row} for row in rows], schema=FILLS)


@pytest.mark.parametrize(
    ("row", "turnover", "spread", "slippage", "fees"),
    [
        # 2 BTC at 40,001.5: bought 1.5 above the bar's price, 0.5 of it spread; fee 0.002 BTC at the fill's price.
        ({}, 80_003.0, 1.0, 2.0, 80.003),
        # Sold 1.5 below the bar's price, fee 80 USDT.
        (
            {"side": "sell", "price_ticks": 79_997, "fee_atoms": 8_000_000_000, "fee_asset": "USDT"},
            79_997.0,
            1.0,
            2.0,
            80.0,
        ),
        # A limit that gapped in our favor: bought 1 below its price, no spread; the slippage is a gain.
        ({"price_ticks": 79_998, "spread_ticks": 0, "maker": True}, 79_998.0, 0.0, -2.0, 79.998),
        # 5 ETH at 2,000.10, 0.10 above, all of it slippage; no fee.
        (
            {"instrument": "ETHUSDT", "lots": 500, "price_ticks": 200_010, "reference_ticks": 200_000}
            | {"spread_ticks": 0, "fee_atoms": 0, "fee_asset": "USDT"},
            10_000.5,
            0.0,
            0.5,
            0.0,
        ),
    ],
)
def test_each_fill_is_taken_apart(
    row: dict[str, Any], turnover: float, spread: float, slippage: float, fees: float
) -> None:
    """Half the spread, the rest of the way to the bar's price, and the fee in quote currency."""
    each = paid(make_fills(row), MARKETS)
    assert each.turnover.tolist() == pytest.approx([turnover])
    assert each.spread.tolist() == pytest.approx([spread])
    assert each.slippage.tolist() == pytest.approx([slippage])
    assert each.fees.tolist() == pytest.approx([fees])


def test_costs_are_summed_up_by_instrument() -> None:
    """In the order of the markets; one without a fill cost nothing; funding is nothing as yet."""
    fills = make_fills({}, {"side": "sell", "price_ticks": 79_997, "fee_atoms": 8_000_000_000, "fee_asset": "USDT"})
    bitcoin, ether = costs_of(fills, MARKETS)
    assert bitcoin.fills == 2
    assert bitcoin.turnover == pytest.approx(160_000.0)
    assert (bitcoin.spread, bitcoin.slippage) == pytest.approx((2.0, 4.0))
    assert bitcoin.fees == pytest.approx(160.003)
    assert ether == Cost(symbol="ETHUSDT", fills=0, turnover=0.0, spread=0.0, slippage=0.0, fees=0.0, funding=0.0)
