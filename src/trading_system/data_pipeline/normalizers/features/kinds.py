"""The features of the house by name: `rsi_14` is the kind `rsi` over 14 bars, `level@hash_rate` one of `hash_rate`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from trading_system.data_pipeline.normalizers.features import recursive, steps
from trading_system.data_pipeline.normalizers.features.feature import Anchor, Feature, Step
from trading_system.data_pipeline.normalizers.features.rolling import room_of_moments, room_of_sum
from trading_system.errors import ConfigurationError

LONGEST: Final = 100_000
"""Bars that a feature may look back."""
_NAME: Final = re.compile(
    r"(?P<kind>[a-z][a-z_]*[a-z])(?P<numbers>(?:_\d+)*)(?:@(?P<aux>[A-Za-z0-9][A-Za-z0-9._/-]*))?"
)


def _none(*bars: int) -> int:
    return 0


def _one(*bars: int) -> int:
    return 1


def _itself(*bars: int) -> int:
    return bars[0]


def _one_more(*bars: int) -> int:
    return bars[0] + 1


def _sum(*bars: int) -> int:
    return room_of_sum(bars[0])


def _two_sums(*bars: int) -> int:
    return 2 * room_of_sum(bars[0])


def _moments(*bars: int) -> int:
    return room_of_moments(bars[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A family of features that differ in their parameters.

    Attributes:
        formula: In words and symbols; `{0}`, `{1}` stand for the parameters.
        step: What one more bar does.
        inputs: Fields of `Row` that the step reads.
        example: Parameters that are common, whole numbers; their number is what the kind takes.
        warm_up, room: Of the parameters.
        anchor: What a value depends on.
        beside: Whether it is of a value that is handed in beside the bars.
        rising: Whether the first parameter must be less than the second.
    """

    formula: str
    step: Step
    inputs: tuple[str, ...]
    example: tuple[int, ...] = ()
    warm_up: Callable[..., int] = _one
    room: Callable[..., int] = _none
    anchor: Anchor = Anchor.WINDOW
    beside: bool = False
    rising: bool = False


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "return": Kind(
            formula="ln(close / close[{0}])",
            step=steps.log_return,
            inputs=("log_close", "number"),
            example=(16,),
            warm_up=_one_more,
            room=_itself,
        ),
        "volatility": Kind(
            formula="rms of {0} one-bar log returns",
            step=steps.realized_volatility,
            inputs=("log_return", "number"),
            example=(32,),
            warm_up=_one_more,
            room=_sum,
        ),
        "parkinson": Kind(
            formula="sqrt(mean of {0} ln(high / low)^2 / (4 ln 2))",
            step=steps.parkinson_volatility,
            inputs=("high", "low", "number"),
            example=(32,),
            warm_up=_itself,
            room=_sum,
        ),
        "atr_ratio": Kind(
            formula="Wilder's average true range over {0} / close",
            step=recursive.atr_ratio,
            inputs=("true_range", "close", "seen"),
            example=(14,),
            warm_up=_itself,
            room=_one,
            anchor=Anchor.GAP,
        ),
        "range_ratio": Kind(
            formula="mean of {0} true ranges / close",
            step=steps.range_ratio,
            inputs=("true_range", "close", "number"),
            example=(14,),
            warm_up=_one_more,
            room=_sum,
        ),
        "rsi": Kind(
            formula="up / (up + down), Wilder's averages of moves over {0}",
            step=recursive.rsi,
            inputs=("move", "seen"),
            example=(14,),
            warm_up=_one_more,
            room=lambda bars: 2,
            anchor=Anchor.GAP,
        ),
        "cutler_rsi": Kind(
            formula="up / (up + down), sums of {0} moves",
            step=steps.cutler_rsi,
            inputs=("move", "number"),
            example=(14,),
            warm_up=_one_more,
            room=_two_sums,
        ),
        "macd": Kind(
            formula="(ema({0}) - ema({1})) / close",
            step=recursive.macd,
            inputs=("close", "seen"),
            example=(12, 26),
            warm_up=lambda fast, slow: slow,
            room=lambda fast, slow: 2,
            anchor=Anchor.GAP,
            rising=True,
        ),
        "macd_histogram": Kind(
            formula="(line - ema(line, {2})) / close, line = ema({0}) - ema({1})",
            step=recursive.macd_histogram,
            inputs=("close", "seen"),
            example=(12, 26, 9),
            warm_up=lambda fast, slow, signal: slow + signal - 1,
            room=lambda fast, slow, signal: 3,
            anchor=Anchor.GAP,
            rising=True,
        ),
        "ema_distance": Kind(
            formula="close / ema({0}) - 1",
            step=recursive.ema_distance,
            inputs=("close", "seen"),
            example=(50,),
            warm_up=_itself,
            room=_one,
            anchor=Anchor.GAP,
        ),
        "bollinger": Kind(
            formula="(close - mean) / ({1} deviations) over {0}",
            step=steps.bollinger_position,
            inputs=("close", "number", "seen"),
            example=(20, 2),
            warm_up=_one_more,
            room=_moments,
        ),
        "adx": Kind(
            formula="Wilder's average directional index over {0} / 100",
            step=recursive.adx,
            inputs=("high", "low", "seen"),
            example=(14,),
            warm_up=lambda bars: 2 * bars,
            room=lambda bars: 5,
            anchor=Anchor.GAP,
        ),
        "volume_z": Kind(
            formula="(volume - mean) / deviation over {0}",
            step=steps.volume_z,
            inputs=("volume", "number", "seen"),
            example=(96,),
            warm_up=_one_more,
            room=_moments,
        ),
        "obv_slope": Kind(
            formula="(obv - obv[{0}]) / sum of {0} volumes",
            step=steps.obv_slope,
            inputs=("volume", "move", "number"),
            example=(32,),
            warm_up=_one_more,
            room=_two_sums,
        ),
        "vwap_distance": Kind(
            formula="close / vwap({0}) - 1, of (high + low + close) / 3",
            step=steps.vwap_distance,
            inputs=("high", "low", "close", "volume", "number"),
            example=(96,),
            warm_up=_itself,
            room=_two_sums,
        ),
        "body": Kind(formula="(close - open) / (high - low)", step=steps.body, inputs=("open", "high", "low", "close")),
        "upper_wick": Kind(
            formula="(high - max(open, close)) / (high - low)",
            step=steps.upper_wick,
            inputs=("open", "high", "low", "close"),
        ),
        "lower_wick": Kind(
            formula="(min(open, close) - low) / (high - low)",
            step=steps.lower_wick,
            inputs=("open", "high", "low", "close"),
        ),
        "close_location": Kind(
            formula="(2 close - high - low) / (high - low)", step=steps.close_location, inputs=("high", "low", "close")
        ),
        "hour_sine": Kind(formula="sin(2 pi minute of day / 1440)", step=steps.hour_sine, inputs=("minute",)),
        "hour_cosine": Kind(formula="cos(2 pi minute of day / 1440)", step=steps.hour_cosine, inputs=("minute",)),
        "weekday_sine": Kind(
            formula="sin(2 pi week fraction since Monday)", step=steps.weekday_sine, inputs=("minute",)
        ),
        "weekday_cosine": Kind(
            formula="cos(2 pi week fraction since Monday)", step=steps.weekday_cosine, inputs=("minute",)
        ),
        "level": Kind(formula="aux, as it is", step=steps.level, inputs=("aux",), beside=True),
        "change": Kind(
            formula="ln(aux / aux[{0}])",
            step=steps.change,
            inputs=("aux", "number"),
            example=(16,),
            warm_up=_one_more,
            room=_itself,
            beside=True,
        ),
    }
)
"""Every kind of the house, in the order in which it is listed."""


def named(name: str) -> Feature:
    """Return the feature of the house that `name` means: a kind, its parameters, and behind an @ of what.

    Raises:
        ConfigurationError: There is no such kind, or it takes other parameters; the message says which.
    """
    found = _NAME.fullmatch(name)
    kind = KINDS.get(found["kind"]) if found else None
    if found is None or kind is None:
        raise ConfigurationError(f"no feature {name!r}; there are {', '.join(map(sample, KINDS))}")
    numbers = tuple(int(number) for number in found["numbers"].split("_")[1:])
    aux = found["aux"] or ""
    wrong = (
        len(numbers) != len(kind.example)
        or not all(1 <= number <= LONGEST for number in numbers)
        or (kind.rising and not numbers[0] < numbers[1])
        or bool(aux) != kind.beside
    )
    if wrong:
        order = ", the first less than the second" if kind.rising else ""
        raise ConfigurationError(
            f"feature {name!r} is written like {sample(found['kind'])}, numbers 1..{LONGEST:,}{order}"
        )
    return Feature(
        name=name,
        formula=kind.formula.format(*numbers),
        warm_up=kind.warm_up(*numbers),
        anchor=kind.anchor,
        inputs=kind.inputs,
        step=kind.step,
        room=kind.room(*numbers),
        parameters=numbers,
        aux=aux,
    )


def sample(kind: str) -> str:
    """Return how a feature of `kind` is written, with common numbers."""
    numbers = "".join(f"_{number}" for number in KINDS[kind].example)
    return f"{kind}{numbers}{'@NAME' if KINDS[kind].beside else ''}"
