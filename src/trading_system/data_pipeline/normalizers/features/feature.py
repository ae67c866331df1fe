"""What a feature is: declared once, for both speeds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from trading_system.data_pipeline.normalizers.features.row import row_after
from trading_system.data_pipeline.normalizers.features.source import source_of
from trading_system.errors import ConfigurationError

Parameter = int | float
Step = Callable[..., float]
"""`step(state, row, *parameters) -> float`, marked with `kernel.kernel`; `state` begins as zeros, and again behind each
gap."""


class Anchor(StrEnum):
    """What a value depends on."""

    WINDOW = "window"
    """The last `warm_up` bars, this one included, and nothing older."""
    GAP = "gap"
    """Every bar since the first, or since the last gap: the same bits again need a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of what a model sees.

    Attributes:
        name: Its name in manifests and explanations, which tells its parameters; no comma, no blank.
        formula: What it is, in words and symbols.
        warm_up: Bars without a gap, this one included, until it is defined, >= 1.
        anchor: What its values depend on.
        inputs: Fields of `Row` that its step reads.
        step: What one more bar does; the batch form is the compiled loop of it.
        room: How many numbers the step keeps, >= 0.
        parameters: What its step is given behind the row.
        aux: The name of the values that are handed in beside the bars for it (`Row.aux`); "" for none.
    """

    name: str
    formula: str
    warm_up: int
    anchor: Anchor
    inputs: tuple[str, ...]
    step: Step
    room: int = 0
    parameters: tuple[Parameter, ...] = ()
    aux: str = ""

    @property
    def definition(self) -> str:
        """All that its values follow from, as text."""
        parameters = " ".join(map(repr, self.parameters))
        return (
            f"{self.name} = {self.formula}; {self.warm_up} bars, {self.anchor}; "
            f"of {' '.join(self.inputs)} {self.aux}; ({parameters}) {self.room}\n{source_of(self.step)}"
        )


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """An ordered choice of features.

    Attributes:
        features: Each name once.

    Raises:
        ConfigurationError: Two features have one name.
    """

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        for name in self.names:
            if self.names.count(name) > 1:
                raise ConfigurationError(f"feature {name} stands twice in one set")

    def __add__(self, other: "FeatureSet") -> "FeatureSet":
        return FeatureSet(features=self.features + other.features)

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def warm_up(self) -> int:
        """Bars without a gap, >= 1, until every feature is defined."""
        return max((feature.warm_up for feature in self.features), default=1)

    @cached_property
    def memory(self) -> int | None:
        """Bars that a row depends on: `warm_up`; None where a feature is anchored at the last gap and never forgets."""
        return None if any(feature.anchor is Anchor.GAP for feature in self.features) else self.warm_up

    @cached_property
    def aux(self) -> tuple[str, ...]:
        """The names of the values that must be handed in beside the bars, sorted."""
        return tuple(sorted({feature.aux for feature in self.features} - {""}))

    @cached_property
    def name(self) -> str:
        """The set's name: a SHA-256, hex, over all definitions in order, the source of steps and rows included."""
        text = "\n".join([source_of(row_after), *(feature.definition for feature in self.features)])
        return hashlib.sha256(text.encode()).hexdigest()
