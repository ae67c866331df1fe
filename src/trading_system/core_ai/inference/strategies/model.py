"""A trained network as a strategy: over a whole history in batches, and bar by bar as a desk asks it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from trading_system.core_ai.inference.history import history_of
from trading_system.core_ai.inference.lanes import STEP_FILE
from trading_system.core_ai.inference.manifest import DEMO_MODEL, Artefact, read
from trading_system.core_ai.inference.model_forecaster import ModelForecaster, features_of
from trading_system.core_ai.inference.strategies.opinions import Opinions
from trading_system.market.columns import BarColumns
from trading_system.ports import Forecaster

DEMO: Final = "demo"
"""What stands for the model that ships."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelViews:
    """What a network believes; the two ways agree as `history_of` says.

    Attributes:
        artefact: The model.
    """

    artefact: Artefact = field(repr=False)

    def table(self, bars: BarColumns) -> Opinions:
        """Return the view after each of `bars`; see `history_of` for its errors."""
        manifest = self.artefact.manifest
        probability, atr = history_of(self.artefact, bars)
        known = ~np.isnan(probability)
        return Opinions(
            probability=np.where(known, probability, 0.5),
            gain=np.where(known, manifest.gain, 0.0),
            loss=np.where(known, manifest.loss, 0.0),
            atr=atr,
            known=known,
            horizon=manifest.horizon,
        )

    def forecaster(self) -> Forecaster:
        """Return a fresh forecaster for one instrument."""
        return ModelForecaster(self.artefact.manifest, self.artefact.model, self.artefact.files.get(STEP_FILE))


def views_of(folder: str) -> ModelViews:
    """Return the views of the model in `folder`; `demo` is the one that ships.

    Raises:
        ConfigurationError: The model cannot be used; see `manifest.read`.
    """
    artefact = read(DEMO_MODEL if folder == DEMO else Path(folder))
    features_of(artefact.manifest)
    return ModelViews(artefact=artefact)
