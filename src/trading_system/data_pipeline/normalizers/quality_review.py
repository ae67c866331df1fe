"""The review of a series: what is wrong with it, what to keep, and what to remember about each bar kept.

What one row tells of itself, how rows stand to each other, and what only their surroundings show: `defects` has a file
for each. docs/data/quality.md defines every kind and says what was measured.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.normalizers.defects.examine import examine
from trading_system.data_pipeline.normalizers.defects.kinds import Defect
from trading_system.data_pipeline.normalizers.defects.rows import Mask, Rows
from trading_system.market.columns import Ints


class Review(NamedTuple):
    """What a review found.

    Attributes:
        defects: Every defect, by kind, of each kind in order of time.
        keep: (S,) whether the row belongs to the series. What is left out is told by a defect, and goes to quarantine
            unless it only repeats another row.
        flags: (S,) uint16, bits of `market.bar_flags`; of rows kept and not kept.
        open_ns: (S,) when each bar opens: as told, or put right where the stamp proves that it was the bar's end.
    """

    defects: tuple[Defect, ...]
    keep: Mask
    flags: NDArray[np.uint16]
    open_ns: Ints


def review(columns: Columns, interval_ns: int) -> Review:
    """Return what is wrong with rows that were read as whole numbers.

    They may stand in any order; `open_ns[keep]` sorted is a series without repetition. A gap is never filled: the bar
    behind it bears `AFTER_GAP`. Spikes and stale bars are kept and flagged.

    A spike is told from two bars before it and two behind it, and is measured by bars before it. What is usual for
    runs of like bars is told from the whole of `columns`; so flags are for choosing what to train and report on, and
    no feature may be worked out from them.

    Args:
        columns: Rows as columns, opens in UTC ns, prices in ticks, volume in atoms.
        interval_ns: Length of a bar, ns.
    """
    nothing = np.zeros(len(columns.open_ns), dtype=np.bool_)
    rows = Rows(
        time_ns=columns.open_ns,
        open=columns.open.astype(np.float64),
        high=columns.high.astype(np.float64),
        low=columns.low.astype(np.float64),
        close=columns.close.astype(np.float64),
        volume=columns.volume.astype(np.float64),
        timeless=nothing,
        unreadable=nothing,
    )
    found = examine(rows, interval_ns)
    return Review(found.defects, found.keep, found.flags, found.open_ns)
