"""The network that a desk plugs in: a folder, judged and loaded."""

from pathlib import Path
from typing import Self

from trading_system.core_ai.inference.lanes import STEP_FILE
from trading_system.core_ai.inference.manifest import Artefact, read
from trading_system.core_ai.inference.model_forecaster import ModelForecaster


class OnnxForecaster(ModelForecaster):
    """A forecaster from a model's folder, by steps where it has one. History is asked of `ModelForecaster` itself."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the forecaster whose model and manifest are in `folder`.

        Raises:
            ConfigurationError: A file is missing, was changed, or does not fit this program.
        """
        return cls.of(read(folder))

    @classmethod
    def of(cls, artefact: Artefact) -> Self:
        """Return the forecaster of a model that was read, and perhaps judged, already.

        Raises:
            ConfigurationError: It does not fit this program.
        """
        return cls(artefact.manifest, artefact.model, artefact.files.get(STEP_FILE))
