"""How raw features become -1..1, fitted on training rows only, frozen with the model and kept as plain numbers.

One shape, three ways to choose its ends: by quantiles (min-max), by mean and deviation, by median and quartiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from trading_system.errors import DataError

Floats = npt.NDArray[np.float64]
Beyond = Literal["clip", "pass", "refuse"]
Kind = Literal["minmax", "standard", "robust"]

BEYOND: Final[tuple[Beyond, ...]] = get_args(Beyond)


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
        beyond: What becomes of a value below `low` or above `high`: it is set to that end (clip), goes on along the
            same line (pass), or is an error (refuse). A network has its own clip inside and takes no notice of this.

    Raises:
        DataError: Not all have the same width, > 0; a number or a span is not finite; an end lies above its other.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    floor: tuple[float, ...]
    ceiling: tuple[float, ...]
    beyond: Beyond = "clip"

    def __post_init__(self) -> None:
        ends = (self.low, self.high, self.floor, self.ceiling)
        if {len(end) for end in ends} != {len(self.low)} or not self.low:
            raise DataError(f"a scaler's ends are of {', '.join(str(len(end)) for end in ends)} features: not alike")
        if self.beyond not in BEYOND:
            raise DataError(f"a scaler cannot {self.beyond!r} what lies beyond it; it can {', '.join(BEYOND)}")
        for name, lower, upper in (("scale", self.low, self.high), ("range", self.floor, self.ceiling)):
            for column, (least, most) in enumerate(zip(lower, upper, strict=True)):
                if not 0.0 <= most - least < float("inf"):  # a NaN is no number from 0 on
                    raise DataError(f"a scaler's {name} of feature {column} goes from {least} to {most}: not possible")

    def inside(self, values: tuple[float, ...]) -> bool:
        """Return whether every value may be put to the model; a NaN may not."""
        return all(
            floor <= value <= ceiling for value, floor, ceiling in zip(values, self.floor, self.ceiling, strict=True)
        )

    def scaled(self, values: Floats) -> Floats:
        """Return `values`, (…, F) raw, on the scale; `low` and `high` become -1.0 and 1.0 to the bit, NaN stays NaN.

        Raises:
            DataError: The width differs; or `beyond` is refuse, and a value lies beyond its ends or is NaN.
        """
        low, span = self._line(values)
        if self.beyond == "refuse":
            self._refuse(values)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            share = np.where(span > 0.0, (values - low) / span, 0.5)
        share = np.where(np.isnan(values), np.nan, share)
        if self.beyond == "clip":
            share = np.clip(share, 0.0, 1.0)
        return 2.0 * share - 1.0

    def raw(self, scaled: Floats) -> Floats:
        """Return what `scaled`, (…, F), was before: -1.0 and 1.0 become `low` and `high` to the bit.

        Within the ends a value comes back but for rounding: by at most 8 units of the last binary place of the
        greater end (a scale holds no more numbers than that; no formula can do better than a few). What was clipped
        comes back as the end; a feature that never moved, as the one value that it had.

        Raises:
            DataError: The width differs.
        """
        low, span = self._line(scaled)
        high = np.array(self.high)
        # From the nearer end, so that both are met exactly: low + 1.0 * (high - low) need not be high.
        value: Floats = np.where(scaled < 0.0, low + (0.5 * scaled + 0.5) * span, high - (0.5 - 0.5 * scaled) * span)
        return value

    def _line(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the low end and the span, once `values` have the right width."""
        if values.shape[-1:] != (len(self.low),):
            raise DataError(f"values of shape {values.shape} do not fit a scaler of {len(self.low)} features")
        low = np.array(self.low)
        return low, np.array(self.high) - low

    def _refuse(self, values: Floats) -> None:
        beyond = ~((values >= np.array(self.low)) & (values <= np.array(self.high)))
        if beyond.any():
            *row, column = (int(at) for at in np.argwhere(beyond)[0])
            value = float(values[(*row, column)])
            raise DataError(
                f"feature {column} is {value}, beyond what the scaler was fitted on "
                f"({self.low[column]}..{self.high[column]}); {int(beyond.sum())} of {values.size} values are"
            )


def fit(
    rows: Floats,
    *,
    kind: Kind = "minmax",
    tail: float = 0.005,
    reach: float = 3.0,
    slack: float = 0.5,
    beyond: Beyond = "clip",
) -> Scaler:
    """Return the scaler of `rows`, the training rows and no others.

    Args:
        rows: (N, F), all defined.
        kind: How the ends of the scale are chosen. minmax: the quantiles `tail` and 1 - `tail`. standard: the mean
            less and plus `reach` deviations. robust: the median less and plus `reach` interquartile ranges. So the
            last two are the usual scores, divided by `reach`.
        tail: Share of rows clipped at each end, 0 <= tail < 0.5; 0 is the plain minimum and maximum.
        reach: Deviations or interquartile ranges from the middle to an end, > 0.
        slack: How far beyond the training range a value may lie, a fraction of that range, >= 0.
        beyond: See `Scaler`.

    Raises:
        DataError: There are no rows, or one is not finite.
    """
    if not len(rows) or not np.isfinite(rows).all():
        raise DataError(f"cannot fit a scaler on {len(rows)} rows: at least one, and all finite, are needed")
    minimum, maximum = rows.min(axis=0), rows.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # a span that no float holds is refused below
        low, high = _ENDS[kind](rows, tail, reach)
        room = slack * (maximum - minimum)
    still = minimum == maximum  # the mean of equal numbers need not be that number
    low, high = np.where(still, minimum, low), np.where(still, maximum, high)
    return Scaler(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        floor=tuple((minimum - room).tolist()),
        ceiling=tuple((maximum + room).tolist()),
        beyond=beyond,
    )


def _quantiles(rows: Floats, tail: float, reach: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(rows, (tail, 1.0 - tail), axis=0)
    return low, high


def _deviations(rows: Floats, tail: float, reach: float) -> tuple[Floats, Floats]:
    mean, away = rows.mean(axis=0), reach * rows.std(axis=0)
    return mean - away, mean + away


def _quartiles(rows: Floats, tail: float, reach: float) -> tuple[Floats, Floats]:
    lower, median, upper = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
    away = reach * (upper - lower)
    return median - away, median + away


_ENDS: Final[Mapping[Kind, Callable[[Floats, float, float], tuple[Floats, Floats]]]] = {
    "minmax": _quantiles,
    "standard": _deviations,
    "robust": _quartiles,
}
KINDS: Final = tuple(_ENDS)
