"""The habits of a synthetic market, as `scripts/calibrate.py` found them in recorded bars."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

FILE: Final = "climates.json"
USUAL: Final = "BTCUSDT"
"""Whose habits a symbol gets that was not calibrated."""
STEP_S: Final = 300
"""Length of the bars that the numbers were fitted to, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A mean-reverting part of a logarithm.

    Attributes:
        memory_s: Time in which a surprise falls to 1/e of itself, s.
        variance: In the long run, > 0.
    """

    memory_s: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """What a synthetic market is like.

    Attributes:
        price: First price, quote per base; not calibrated.
        daily_volatility: Root of the mean squared return of a day, a fraction.
        clusters: Factors of the log of the variance: how volatility clusters.
        tail: Degrees of freedom, even, >= 4, of a step's return given its clusters: the fewer, the fatter its tails.
        wick: Variance within a step beside that of its return; 1 for Brownian motion, lower where less is seen.
        hourly_variance: Factor of the variance for each hour of the day, UTC, of mean 1.
        daily_variance: The same for each weekday from Monday on.
        usual_volume: Base units traded in an hour of usual heat, activity and habits.
        volume_heat: How much of the log of the variance, without habits, the log of the volume follows.
        volume_move: How much of the size of its own return, in standard deviations, the log of a step's volume follows.
        activity: Factors of the log of the volume that the variance does not know of.
        volume_noise: Standard deviation of the log of the volume that is forgotten at once.
        hourly_volume, daily_volume: As for the variance.
    """

    price: float
    daily_volatility: float
    clusters: tuple[Factor, ...]
    tail: int
    wick: float
    hourly_variance: tuple[float, ...]
    daily_variance: tuple[float, ...]
    usual_volume: float
    volume_heat: float
    volume_move: float
    activity: tuple[Factor, ...]
    volume_noise: float
    hourly_volume: tuple[float, ...]
    daily_volume: tuple[float, ...]


@cache
def climates() -> Mapping[str, Climate]:
    """Return what ships with the package: symbol -> climate."""
    told = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return {symbol: climate_from(each["climate"]) for symbol, each in told.items()}


def climate_of(symbol: str) -> Climate:
    """Return the climate that was calibrated for `symbol`, or else for BTCUSDT."""
    return climates().get(symbol) or climates()[USUAL]


def climate_from(told: Mapping[str, Any]) -> Climate:
    """Return the climate that `told` writes down: a JSON object with the fields of `Climate`.

    Raises:
        msgspec.ValidationError: A field is missing, or not of its type.
    """
    return msgspec.convert(told, Climate)
