"""Min-max bounds of each feature, fitted on training rows only and frozen with the model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trading_system.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """How raw features become -1..1, as plain numbers, one for each feature.

    A plain minimum and maximum would let one wild bar squeeze all others into a corner, so the ends of
    the scale are quantiles, and what lies beyond is clipped to them. What lies beyond anything that
    training saw, by more than half of all it saw, is not the model's to judge: see `inside`.

    Attributes:
        low: Value that becomes -1.
        high: Value that becomes 1, >= `low`; where both are equal the feature becomes 0.
        floor: Smallest value that the model may be asked about.
        ceiling: Largest value that the model may be asked about.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    floor: tuple[float, ...]
    ceiling: tuple[float, ...]

    def inside(self, values: tuple[float, ...]) -> bool:
        """Return whether every value may be put to the model; a NaN may not."""
        return all(
            floor <= value <= ceiling for value, floor, ceiling in zip(values, self.floor, self.ceiling, strict=True)
        )


def fit(rows: npt.NDArray[np.float64], *, tail: float = 0.005, slack: float = 0.5) -> Scaler:
    """Return the scaler of `rows`, the training rows and no others.

    Args:
        rows: (N, F), all defined.
        tail: Share of rows clipped at each end, 0 <= tail < 0.5; 0 is the plain minimum and maximum.
        slack: How far beyond the training range a value may lie, a fraction of that range, >= 0.

    Raises:
        DataError: There are no rows, or one is not finite.
    """
    if not len(rows) or not np.isfinite(rows).all():
        raise DataError(f"cannot fit a scaler on {len(rows)} rows: at least one, and all finite, are needed")
    low, high = np.quantile(rows, (tail, 1.0 - tail), axis=0)
    minimum, maximum = rows.min(axis=0), rows.max(axis=0)
    room = slack * (maximum - minimum)
    return Scaler(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        floor=tuple((minimum - room).tolist()),
        ceiling=tuple((maximum + room).tolist()),
    )
