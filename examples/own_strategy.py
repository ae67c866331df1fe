"""A strategy of one's own, ten lines in a file: asked about a whole history at once, and bar by bar as it is live.

Run it: `.venv/bin/python examples/own_strategy.py`
"""

from pathlib import Path

import numpy as np

from trading_system.core_ai.inference.strategies.registry import make
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns

HOUR_NS = 3_600_000_000_000
OURS = Path(__file__).parent / "strategies" / "coming_back.py"

# A tide of 40 hours around 50000.00, in ticks of 0.01.
close = 5_000_000 + np.rint(20_000 * np.sin(np.arange(400) * 2 * np.pi / 40)).astype(np.int64)
opened = np.concatenate([close[:1], close[:-1]])
bars = BarColumns(
    symbol="BTCUSDT",
    interval_ns=HOUR_NS,
    close_ns=np.arange(1, 401) * HOUR_NS,
    open=opened,
    high=np.maximum(opened, close) + 500,
    low=np.minimum(opened, close) - 500,
    close=close,
    volume_atoms=np.full(400, 100_000_000),
)

if __name__ == "__main__":
    strategy = make("script", {"file": str(OURS), "stretch": "1.5", "horizon": "10"})
    print("Parameters:", ", ".join(f"{key}={value}" for key, value in strategy.parameters.items() if key != "file"))

    table = strategy.table(bars)
    rises, falls = (table.probability > 0.55).sum(), (table.probability < 0.45).sum()
    print(f"A view after {table.known.sum()} of {len(bars)} bars: {rises} of a rise, {falls} of a fall")

    forecaster = strategy.forecaster()
    columns = (bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
    live = [
        forecaster.push(
            Bar(symbol="BTCUSDT", open_ns=end - HOUR_NS, close_ns=end, open=o, high=h, low=lo, close=c, volume_atoms=v)
        ).probability
        for end, o, h, lo, c, v in zip(*(column.tolist() for column in columns), strict=True)
    ]
    print("Bar by bar the same, to the bit:", live == table.probability.tolist())
