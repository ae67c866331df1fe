"""Features bar by bar: the plain call of each step."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from trading_system.data_pipeline.normalizers.features.feature import Anchor, Feature, FeatureSet
from trading_system.data_pipeline.normalizers.features.rolling import room_of_sum
from trading_system.data_pipeline.normalizers.features.row import NS_PER_MINUTE, Row, row_after
from trading_system.data_pipeline.normalizers.features.sets import HOUSE_SET
from trading_system.data_pipeline.normalizers.features.steps import mean_range
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar

NAN: Final = math.nan
NOTHING: Final[Mapping[str, float]] = MappingProxyType({})
FORMAT: Final = 1
_NUMBERS: Final = ("open_ns", "close_ns", "open", "high", "low", "close", "volume_atoms")

ATR: Final = Feature(
    name="atr",
    formula="mean of 14 true ranges, ticks",
    warm_up=15,
    anchor=Anchor.WINDOW,
    inputs=("true_range", "number"),
    step=mean_range,
    room=room_of_sum(14),
    parameters=(14,),
)
"""What a stop is measured in: it stands beside every set."""


class FeatureRow(NamedTuple):
    """The features of one bar, in the order of their set, and its average true range in ticks."""

    values: tuple[float, ...]
    atr: float


class FeatureStream:
    """Turns bars of one instrument into rows, one at a time.

    A bar that does not begin where the one before ended (a gap, another symbol, another length) starts everything
    afresh: no value ever reaches over a hole.

    State is kept as plain lists: `checkpoint` and `restored` carry it over the end of a process.

    Attributes:
        features: What a row is made of.
        atr: Average true range at the last bar, ticks; 0.0 while it is not known (15 bars).
        broken: Whether the bars seen so far begin behind a gap, and not at the start of the stream.
        seen: Bars since the start or the last gap.
    """

    def __init__(self, features: FeatureSet = HOUSE_SET) -> None:
        self.features = features
        self._warm_up, self._asked = features.warm_up, frozenset(features.aux)
        self.broken = False
        self.atr = 0.0
        self._bar: Bar | None = None
        self._restart()

    def _restart(self) -> None:
        self.seen = 0
        self._log_close = 0.0
        self._atr_state = [0.0] * ATR.room
        self._states = [[0.0] * feature.room for feature in self.features.features]
        plan = [
            (feature.aux, (feature.step, state, feature.parameters))
            for feature, state in zip(self.features.features, self._states, strict=True)
        ]
        self._runs = [(aux, [each for _, each in run]) for aux, run in groupby(plan, key=itemgetter(0))]

    def push(self, bar: Bar, aux: Mapping[str, float] = NOTHING) -> FeatureRow | None:
        """Return the row of `bar`, or nothing while any of its features is undefined.

        Args:
            bar: The next closed one.
            aux: What the set asks for beside the bars, by name, as it was public at the close; NaN where unknown.

        Raises:
            DataError: A name of `features.aux` is missing; the bar was not taken in.
        """
        if not self._asked <= aux.keys():
            raise DataError(f"features of {', '.join(self.features.aux)} need it beside the bars, not {[*aux]}")
        before, self._bar = self._bar, bar
        length = bar.close_ns - bar.open_ns
        if before is not None and (
            bar.open_ns != before.close_ns or bar.symbol != before.symbol or before.close_ns - before.open_ns != length
        ):
            self.broken = True
            self._restart()
        self.seen += 1
        row = row_after(
            float(before.close) if before is not None else 0.0,
            self._log_close,
            float(self.seen),
            float(bar.open),
            float(bar.high),
            float(bar.low),
            float(bar.close),
            float(bar.volume_atoms),
            bar.close_ns // NS_PER_MINUTE,
            bar.close_ns // length,
            NAN,
        )
        self._log_close = row.log_close
        atr = ATR.step(self._atr_state, row, *ATR.parameters)
        self.atr = atr if self.seen >= ATR.warm_up else 0.0
        values: list[float] = []
        bare: tuple[float, ...] = row[:-1]
        for name, run in self._runs:
            last = (float(aux[name]),) if name else row[-1:]
            shown = tuple.__new__(Row, bare + last)
            values += [step(state, shown, *parameters) for step, state, parameters in run]
        if self.seen < self._warm_up or (math.isnan(sum(values)) and any(map(math.isnan, values))):
            return None
        return FeatureRow(tuple(values), self.atr)

    def checkpoint(self) -> dict[str, Any]:
        """Return all that the stream remembers, as what JSON can say exactly; see `restored`."""
        bar = self._bar
        return {
            "format": FORMAT,
            "features": self.features.name,
            "bar": None if bar is None else [bar.symbol, *(getattr(bar, name) for name in _NUMBERS)],
            "seen": self.seen,
            "atr": self.atr,
            "broken": self.broken,
            "ranges": _told(self._atr_state),
            "states": [_told(state) for state in self._states],
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any], features: FeatureSet = HOUSE_SET) -> Self:
        """Return a stream that goes on from `checkpoint` with the bits of the one that never stopped.

        Raises:
            ConfigurationError: It is of another set, or of these features before their code was edited.
            DataError: It is no checkpoint.
        """
        if checkpoint.get("features") != features.name:
            raise ConfigurationError(
                f"the checkpoint is of features {str(checkpoint.get('features'))[:12]}, and these are "
                f"{features.name[:12]}: another choice, or their code has changed since; start again from the bars"
            )
        stream = cls(features)
        try:
            if checkpoint["format"] != FORMAT:
                raise ValueError(f"format {checkpoint['format']}")
            if checkpoint["bar"] is not None:
                symbol, *numbers = checkpoint["bar"]
                stream._bar = Bar(symbol=symbol, **dict(zip(_NUMBERS, map(int, numbers), strict=True)))
                stream._log_close = math.log(float(stream._bar.close))
            stream.seen, stream.broken = int(checkpoint["seen"]), bool(checkpoint["broken"])
            stream.atr = float(checkpoint["atr"])
            states = [checkpoint["ranges"], *checkpoint["states"]]
            for state, numbers in zip([stream._atr_state, *stream._states], states, strict=True):
                if len(numbers) != len(state):
                    raise ValueError(f"{len(numbers)} numbers for {len(state)}")
                state[:] = map(float, numbers)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"is no checkpoint of a feature stream: {error}") from error
        return stream


def _told(state: Sequence[float]) -> list[float | str]:
    """Return the numbers of `state`; what JSON has no number for, as text that `float` reads."""
    return [value if math.isfinite(value) else repr(value) for value in state]
