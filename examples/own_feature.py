"""A feature of one's own, thirty lines in a file: over a whole history at once, and bar by bar as it is live.

Run it: `.venv/bin/python examples/own_feature.py`
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from trading_system.data_pipeline.normalizers.features import FeatureStream, chosen, feature_table
from trading_system.market.bars import Bar

HOUR_NS = 3_600_000_000_000
OURS = Path(__file__).parent / "features" / "run_strength.py"

# A tide of 40 hours around 50000.00, in ticks of 0.01; one hour is missing.
closes = (5_000_000 + np.rint(20_000 * np.sin(np.arange(400) * 2 * np.pi / 40))).astype(np.int64).tolist()
bars = [
    Bar(
        symbol="BTCUSDT",
        open_ns=hour * HOUR_NS,
        close_ns=(hour + 1) * HOUR_NS,
        open=opened,
        high=max(opened, close) + 500,
        low=min(opened, close) - 500,
        close=close,
        volume_atoms=100_000_000,
    )
    for hour, (opened, close) in enumerate(pairwise(closes))
    if hour != 200
]

if __name__ == "__main__":
    features = chosen(f"{OURS},rsi_14,bollinger_20_2")
    print("Features:", ", ".join(features.names))

    table = feature_table(bars, features)
    known = ~np.isnan(table.values).any(axis=1)
    print(f"All of them known after {known.sum()} of {len(bars)} bars, {features.warm_up} to get warm, twice")

    stream = FeatureStream(features)
    live = [stream.push(bar) for bar in bars[:300]]
    kept = json.dumps(stream.checkpoint())  # the process ends here, and another goes on
    stream = FeatureStream.restored(json.loads(kept), features)
    live += [stream.push(bar) for bar in bars[300:]]
    rows = np.array([row.values for row in live if row is not None])
    print("Bar by bar, over a restart, the same to the bit:", rows.tobytes() == table.values[known].tobytes())
