"""Fills and results with sensible defaults; a test names only what it is about."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from tests.factories import make_instrument

from trading_system.backtest.result import Fills, Result, Traded
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.instruments import Instrument

DAY_NS: Final = 86_400_000_000_000
START_NS: Final = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z."""

PLAIN: Final = make_instrument(symbol="AAAUSD", base="AAA", quote="USD", tick="1", lot="1", min_notional="0")
"""One lot is one unit, one tick is one quote: numbers of a textbook."""
UNIT: Final = 100_000_000


def ints(values: Sequence[int]) -> Ints:
    """Return a column of whole numbers."""
    return np.array(values, dtype=np.int64)


def make_fills(
    fills: Sequence[tuple[int, int]],
    *,
    slices: Sequence[int] | None = None,
    sleeve: int = 0,
    reasons: Sequence[int] | None = None,
    references: Sequence[int] | None = None,
    spreads: Sequence[int] | None = None,
    fees: Sequence[int] | None = None,
    in_base: Sequence[int] | None = None,
) -> Fills:
    """Return fills told as (price in ticks, signed lots), one a slice, without costs."""
    count = len(fills)
    zeros = [0] * count
    prices = [price for price, _ in fills]
    return Fills(
        slice=ints(range(count) if slices is None else slices),
        sleeve=ints([sleeve] * count),
        reason=ints(zeros if reasons is None else reasons),
        side=ints([1 if lots > 0 else -1 for _, lots in fills]),
        lots=ints([abs(lots) for _, lots in fills]),
        price_ticks=ints(prices),
        reference_ticks=ints(prices if references is None else references),
        spread_ticks=ints(zeros if spreads is None else spreads),
        fee_atoms=ints(zeros if fees is None else fees),
        fee_in_base=ints(zeros if in_base is None else in_base),
        maker=ints(zeros),
        client_order_ids=[f"order-{i}" for i in range(count)],
    )


def make_result(
    equity: Sequence[int] | Ints,
    *,
    closes: Sequence[int] | Ints | None = None,
    close_ns: Sequence[int] | Ints | None = None,
    interval_ns: int = DAY_NS,
    gross: Sequence[int] | Ints | None = None,
    fills: Fills | None = None,
    instrument: Instrument = PLAIN,
    trials: int = 1,
    trial_sharpes: Floats | None = None,
    pbo: float | None = None,
    seed: int = 7,
) -> Result:
    """Return a run of one sleeve whose marked equity, in atoms, was `equity`; one bar a day unless told otherwise."""
    count = len(equity)
    times = START_NS + interval_ns * np.arange(1, count + 1) if close_ns is None else np.asarray(close_ns)
    prices = np.full(count, 100) if closes is None else np.asarray(closes)
    bars = BarColumns(
        symbol=instrument.symbol,
        interval_ns=interval_ns,
        close_ns=times,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume_atoms=np.full(count, UNIT),
    )
    return Result(
        command="backtest",
        config={},
        interval_ns=interval_ns,
        quote=instrument.quote,
        close_ns=times,
        equity_atoms=np.asarray(equity, dtype=np.int64),
        cash_atoms=np.asarray(equity, dtype=np.int64),
        gross_atoms=np.zeros(count, dtype=np.int64) if gross is None else np.asarray(gross, dtype=np.int64),
        fills=make_fills([]) if fills is None else fills,
        sleeves=(("test", instrument.symbol),),
        traded=(Traded(instrument=instrument, bars=bars, stop_ticks=None, sha256="0" * 64),),
        counts={},
        denials={},
        optimistic=(),
        trials=trials,
        trial_sharpes=np.array([]) if trial_sharpes is None else trial_sharpes,
        pbo=pbo,
        code_version="test",
        seed=seed,
    )
