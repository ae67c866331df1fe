"""RC-8's ledger: fills that cross zero four times, and the equity after each.

Source: LEAN, `Tests/TestData/test_cash_fills.xml` and `test_cash_equity.xml`, as told in our list of reference cases.
"""

from decimal import Decimal

import numpy as np

from trading_system.backtest.result import Fills
from trading_system.backtest.trades import trades
from trading_system.market.instruments import Instrument

FILLS = [
    *[(1, 100), (2, -50), (3, -100), (4, -50), (5, 50), (6, 100), (7, 50)],
    *[(8, -50), (9, -100), (10, -50), (11, 50), (12, 100), (12, -50)],
]
"""Price and signed quantity."""
EQUITY = [
    *[100_000, 100_000, 100_100, 100_150, 100_100, 100_000, 99_950],
    *[100_000, 100_100, 100_150, 100_100, 100_000, 99_950, 99_950],
]
"""Before the first fill, and after each."""

UNIT = 100_000_000
SHARE = Instrument(
    venue="nowhere",
    symbol="SHARE",
    base="SHARE",
    quote="USD",
    tick=Decimal(1),
    lot=Decimal(1),
    min_lots=1,
    min_notional=Decimal(0),
)


def fills_until(count: int) -> Fills:
    """Return the first `count` fills, one a slice and without costs."""
    prices = np.array([price for price, _ in FILLS[:count]], dtype=np.int64)
    lots = np.array([lots for _, lots in FILLS[:count]], dtype=np.int64)
    zeros = np.zeros(count, dtype=np.int64)
    return Fills(
        slice=np.arange(count),
        sleeve=zeros,
        reason=zeros,
        side=np.sign(lots),
        lots=np.abs(lots),
        price_ticks=prices,
        reference_ticks=prices,
        spread_ticks=zeros,
        fee_atoms=zeros,
        fee_in_base=zeros,
        maker=zeros,
        client_order_ids=[""] * count,
    )


def test_the_equity_after_each_fill_is_that_of_the_published_ledger() -> None:
    """What the trades have brought so far, the open one marked at the price of the fill."""
    equity = [100_000]
    for count in range(1, len(FILLS) + 1):
        so_far = trades(fills_until(count), 0, SHARE, last_close_ticks=FILLS[count - 1][0], last_slice=count - 1)
        equity.append(100_000 + int(so_far.pnl_atoms.sum()) // UNIT)
    assert equity == EQUITY


def test_the_ledger_is_five_trades_since_it_crosses_zero_four_times() -> None:
    """Long, short, long, short, long; each begins with the fill that ended the one before."""
    whole = trades(fills_until(len(FILLS)), 0, SHARE, last_close_ticks=12, last_slice=len(FILLS) - 1)
    assert whole.side.tolist() == [1, -1, 1, -1, 1]
    assert whole.entry_slice.tolist() == [0, 2, 5, 8, 11]
    assert whole.exit_slice.tolist() == [2, 5, 8, 11, 12]
    assert (whole.pnl_atoms // UNIT).tolist() == [150, -200, 200, -200, 0]
    assert not whole.open.any()
