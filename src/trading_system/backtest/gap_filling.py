"""Missing bars as some engines fill them: all four prices at the close before, and no volume."""

from dataclasses import replace

import numpy as np

from trading_system.data_pipeline.reading import Reading
from trading_system.market.columns import BarColumns


def filled(reading: Reading) -> Reading:
    """Return `reading` with a bar for every interval between its first and its last.

    What was missing stays told, and so does the hash of what was read.
    """
    bars = reading.bars
    if reading.missing == 0:
        return reading
    steps = np.append(np.diff(bars.close_ns) // bars.interval_ns, 1)
    row = np.repeat(np.arange(len(bars)), steps)
    real = np.append(True, np.diff(row) != 0)
    close = bars.close[row]
    whole = BarColumns(
        symbol=bars.symbol,
        interval_ns=bars.interval_ns,
        close_ns=bars.close_ns[0] + bars.interval_ns * np.arange(len(row)),
        open=np.where(real, bars.open[row], close),
        high=np.where(real, bars.high[row], close),
        low=np.where(real, bars.low[row], close),
        close=close,
        volume_atoms=np.where(real, bars.volume_atoms[row], 0),
    )
    note = f"{bars.symbol}: {reading.missing} missing bars were filled with the close before them and no volume."
    return replace(reading, bars=whole, notes=(*reading.notes, note))
