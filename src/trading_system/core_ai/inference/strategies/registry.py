"""The strategies that ship, by name, with their parameters: one table for the command line, the docs and `make`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from trading_system.core_ai.inference.strategies.parameters import Parameter, Values, instead, read_all
from trading_system.core_ai.inference.strategies.rules import Breakout, Convinced, Cross, Hold, Reversion, Rule
from trading_system.core_ai.inference.strategies.script import scripted
from trading_system.core_ai.inference.strategies.strategy import Belief, BeliefViews, Strategy, Views
from trading_system.errors import ConfigurationError

LONGEST: Final = 100_000
"""Bars; the longest period of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a kind makes of its values.

    Attributes:
        belief: The rule itself.
        model: What forecasts are signed with; "" for the name of the kind.
        values: Of the keys that only its file knows.
    """

    belief: Belief
    model: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """What forms views in its own way, and what a run must know of them; see `Strategy`."""

    views: Views
    model: str
    atr: int
    horizon: int
    restart_on_gap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyKind:
    """One row of the registry.

    Attributes:
        name: As on the command line.
        summary: What it does, one line.
        parameters: What can be set, in the order in which it is shown.
        open: Whether it takes keys beyond these: those that its file declares.
        build: Makes the belief, or the views, of the values of `parameters`, and of what was given beyond.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    open: bool = False
    build: Callable[[Values, Values], Built | Formed]


def make(name: str, parameters: Values) -> Strategy:
    """Return strategy `name` with `parameters`, given as text or as they are, and the defaults for the rest.

    Raises:
        ConfigurationError: There is no strategy or no parameter of that name; a value is not of its kind, or out of its
            range; two of them contradict each other; a script's file cannot be used (see `script.load`).
    """
    kind = STRATEGIES.get(name)
    if kind is None:
        raise ConfigurationError(f"there is no strategy {name!r}{instead(name, STRATEGIES)}")
    own = {parameter.name for parameter in kind.parameters}
    beyond = {key: value for key, value in parameters.items() if key not in own} if kind.open else {}
    try:
        values = read_all(kind.parameters, {key: value for key, value in parameters.items() if key not in beyond})
        built = kind.build(values, beyond)
    except ConfigurationError as error:
        raise ConfigurationError(f"strategy {name}: {error}") from error
    if isinstance(built, Formed):
        return Strategy(
            name=name,
            model=built.model,
            parameters=values,
            views=built.views,
            atr=built.atr,
            horizon=built.horizon,
            restart_on_gap=built.restart_on_gap,
        )
    model, atr, horizon = built.model or name, int(values["atr"]), int(values["horizon"])
    restarts = bool(values["restart_on_gap"])
    views = BeliefViews(
        model=model,
        belief=built.belief,
        atr=atr,
        reach=float(values["reach"]),
        horizon=horizon,
        restart_on_gap=restarts,
    )
    return Strategy(
        name=name,
        model=model,
        parameters={**values, **built.values},
        views=views,
        atr=atr,
        horizon=horizon,
        restart_on_gap=restarts,
    )


def _convinced(rule: Rule, values: Values) -> Built:
    return Built(belief=Convinced(rule=rule, conviction=float(values["conviction"])))


def _cross(values: Values, beyond: Values, *, exponential: bool) -> Built:
    fast, slow = int(values["fast"]), int(values["slow"])
    if fast >= slow:
        raise ConfigurationError(f"fast ({fast}) must be less than slow ({slow})")
    waits = bool(values["wait_for_cross"])
    return _convinced(Cross(exponential=exponential, fast=fast, slow=slow, wait_for_cross=waits), values)


def _sma_cross(values: Values, beyond: Values) -> Built:
    return _cross(values, beyond, exponential=False)


def _ema_cross(values: Values, beyond: Values) -> Built:
    return _cross(values, beyond, exponential=True)


def _donchian(values: Values, beyond: Values) -> Built:
    entry, exit_ = int(values["entry"]), int(values["exit"])
    if exit_ > entry:
        raise ConfigurationError(f"exit ({exit_}) must not be greater than entry ({entry})")
    return _convinced(Breakout(entry=entry, exit=exit_), values)


def _rsi_reversion(values: Values, beyond: Values) -> Built:
    oversold, overbought = float(values["oversold"]), float(values["overbought"])
    return _convinced(Reversion(period=int(values["period"]), oversold=oversold, overbought=overbought), values)


def _buy_and_hold(values: Values, beyond: Values) -> Built:
    return _convinced(Hold(), values)


def _model(values: Values, beyond: Values) -> Built | Formed:
    from trading_system.core_ai.inference.strategies.model import views_of  # a list of strategies needs no runtime
    from trading_system.data_pipeline.normalizers.features.stream import ATR

    views = views_of(str(values["folder"]))
    manifest, (atr,) = views.artefact.manifest, ATR.parameters
    return Formed(views=views, model=manifest.name, atr=int(atr), horizon=manifest.horizon, restart_on_gap=True)


def _script(values: Values, beyond: Values) -> Built:
    belief, inner = scripted(Path(str(values["file"])), beyond)
    taken = [name for name in inner if name in values]
    if taken:
        raise ConfigurationError(
            f"{belief.script.path}: name its parameter {taken[0]!r} otherwise; every script has one"
        )
    return Built(belief=belief, model=belief.script.digest, values=inner)


def _bars(name: str, default: int, text: str) -> Parameter:
    return Parameter(name=name, default=default, low=1, high=LONGEST, help=text)


_COMMON: Final = (
    Parameter(name="reach", default=2.0, low=0.01, high=1_000.0, help="expected gain and loss, average true ranges"),
    Parameter(
        name="atr",
        default=14,
        low=0,
        high=LONGEST,
        help="period of the average true range (Wilder), bars; 0: distances are fractions of the close",
    ),
    _bars("horizon", 1, "how long a view holds, bars"),
    Parameter(name="restart_on_gap", default=False, help="start afresh behind a missing bar, instead of going on"),
)
_RULE: Final = (
    Parameter(name="conviction", default=0.55, low=0.5, high=1.0, help="probability that long, or short, is right"),
    *_COMMON,
)
_WAIT: Final = Parameter(
    name="wait_for_cross", default=False, help="take no side before the averages have once changed theirs"
)
_SHIPPED: Final = (
    StrategyKind(
        name="sma_cross",
        summary="long while a fast simple average of closes is above a slow one, short while it is below",
        parameters=(
            _bars("fast", 10, "period of the fast average, bars"),
            _bars("slow", 50, "period of the slow average, bars, more than fast"),
            _WAIT,
            *_RULE,
        ),
        build=_sma_cross,
    ),
    StrategyKind(
        name="ema_cross",
        summary="the same with exponential averages, which start from the first close",
        parameters=(
            _bars("fast", 12, "period of the fast average, bars"),
            _bars("slow", 26, "period of the slow average, bars, more than fast"),
            _WAIT,
            *_RULE,
        ),
        build=_ema_cross,
    ),
    StrategyKind(
        name="donchian",
        summary="long from a close above the highest high before it until one below the lowest low; short likewise",
        parameters=(
            _bars("entry", 20, "bars before, whose high or low is broken"),
            _bars("exit", 10, "bars before, whose low or high ends it, at most entry"),
            *_RULE,
        ),
        build=_donchian,
    ),
    StrategyKind(
        name="rsi_reversion",
        summary="long from an oversold relative strength (Wilder) until it is above 50; short from an overbought one",
        parameters=(
            _bars("period", 14, "period of the relative strength index, bars"),
            Parameter(name="oversold", default=30.0, low=0.0, high=50.0, help="long from below this"),
            Parameter(name="overbought", default=70.0, low=50.0, high=100.0, help="short from above this"),
            *_RULE,
        ),
        build=_rsi_reversion,
    ),
    StrategyKind(
        name="buy_and_hold",
        summary="always long: what every other one has to beat",
        parameters=_RULE,
        build=_buy_and_hold,
    ),
    StrategyKind(
        name="script",
        summary="a Python file of your own; whatever it declares in PARAMETERS is set in the same way",
        parameters=(Parameter(name="file", default=None, help="path of the Python file"), *_COMMON),
        open=True,
        build=_script,
    ),
    StrategyKind(
        name="model",
        summary="a trained network, whose manifest says what it looks at, how far it reaches and how much",
        parameters=(Parameter(name="folder", default="demo", help="folder of the model; demo: the one that ships"),),
        build=_model,
    ),
)
STRATEGIES: Final[Mapping[str, StrategyKind]] = MappingProxyType({kind.name: kind for kind in _SHIPPED})
"""Every strategy, by name."""
