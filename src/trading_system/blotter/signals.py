"""What a model believes at the close of a bar, or why it believes nothing."""

import math
from dataclasses import dataclass
from enum import StrEnum

from trading_system.errors import DataError


class Unknown(StrEnum):
    """Why a forecaster has nothing to say; `NONE` when it does."""

    NONE = ""
    COLD = "cold"
    """Fewer bars seen since the start than warm-up and window need."""
    GAP = "after a gap"
    """Fewer bars seen since the last gap than warm-up and window need."""
    NOT_FINITE = "not finite"
    """A feature or the model's answer is not a number."""
    OUT_OF_RANGE = "outside the training range"
    """A feature of this bar lies so far outside what training saw that the model was never asked about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One model's belief about the next `horizon` bars.

    Attributes:
        probability: Calibrated probability of a rise over the horizon, 0..1; 0.5 when not known.
        gain: Expected size of the move if it rises, a fraction of the price, >= 0.
        loss: Expected size of the move if it falls, a fraction of the price, >= 0.
        horizon: How far the belief reaches, bars, >= 1.
        known: Whether the model says anything; where it is false, open nothing on it.
        reason: Why it does not; `Unknown.NONE` exactly when `known`.
        model: Hash of the model's file, or the name of a rule.
        atr: Average true range at this bar, ticks; 0.0 while cold.
        features: This bar's features in the order of the manifest, for explanations; empty while cold.

    Raises:
        DataError: A number is not finite or out of its range, or `known` and `reason` contradict each other.
    """

    probability: float
    gain: float
    loss: float
    horizon: int
    known: bool
    reason: Unknown
    model: str
    atr: float
    features: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        sizes = 0.0 <= self.gain < math.inf and 0.0 <= self.loss < math.inf and 0.0 <= self.atr < math.inf
        if not (sizes and 0.0 <= self.probability <= 1.0):
            raise DataError(f"forecast of {self.model} cannot be used: {self}")
        if self.horizon < 1 or self.known is (self.reason is not Unknown.NONE):
            raise DataError(f"forecast of {self.model} contradicts itself: {self}")


def unknown(reason: Unknown, *, model: str, horizon: int, atr: float, features: tuple[float, ...] = ()) -> Forecast:
    """Return the forecast that believes nothing: even odds, no size, and the reason."""
    return Forecast(
        probability=0.5,
        gain=0.0,
        loss=0.0,
        horizon=horizon,
        known=False,
        reason=reason,
        model=model,
        atr=atr,
        features=features,
    )
