"""What a model is to learn: how far the price moved over a horizon, and from when on anybody can know it."""

from typing import NamedTuple

import numpy as np

from trading_system.errors import ConfigurationError
from trading_system.market.columns import BarColumns, Floats, Ints


class Labels(NamedTuple):
    """Labels of bars, oldest first; a bar without a whole horizon behind it, or with a gap in it, has none.

    Attributes:
        rows: (n,) bars, ascending: what each label is about.
        known_ns: (n,) when each becomes known, UTC ns: the close of the last bar of its horizon, and no moment before.
        moves: (n,) close at the horizon over the close now, less 1.
    """

    rows: Ints
    known_ns: Ints
    moves: Floats

    @property
    def rises(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(n,) whether the price stands higher at the horizon; standing still is no rise."""
        return self.moves > 0.0


def labels_of(bars: BarColumns, horizon: int) -> Labels:
    """Return the label of every bar whose `horizon` next bars follow it without a gap.

    A label is the one thing that may look ahead; it is paid for with `known_ns`: whoever splits, purges or trains at a
    time t uses those with `known_ns` <= t only.

    Raises:
        ConfigurationError: The horizon is not positive.
    """
    if horizon < 1:
        raise ConfigurationError(f"a label looks 1 bar ahead or more, not {horizon}")
    rows = np.arange(max(0, len(bars) - horizon), dtype=np.int64)
    whole = bars.close_ns[rows + horizon] - bars.close_ns[rows] == horizon * bars.interval_ns
    rows = rows[whole]
    moves = bars.close[rows + horizon] / bars.close[rows] - 1.0
    return Labels(rows=rows, known_ns=bars.close_ns[rows + horizon], moves=moves)
