"""What the settings choose, in the words of those who need it: a policy, a network, and a name for all of it."""

import hashlib
import json
from pathlib import Path

from trading_system.blotter.state import STOP_FIXED, STOP_TRAILING, Policy
from trading_system.settings import Settings


def policy_of(settings: Settings) -> Policy:
    """Return what the settings want done about a belief, in a decision's numbers."""
    numbers = settings.policy.model_dump() | settings.risk.model_dump()
    return Policy(**numbers | {"stop_mode": STOP_FIXED if settings.policy.stop_mode == "fixed" else STOP_TRAILING})


def digest(settings: Settings) -> str:
    """Return a hash of the settings that a decision depends on; addresses, paths and secrets are not among them.

    A network stands in it under its own name, which is a hash, so that it may lie in any folder.

    Raises:
        ConfigurationError: The network cannot be read.
    """
    told = {name: getattr(settings, name).model_dump(mode="json") for name in ("account", "strategy", "policy", "risk")}
    told["strategy"]["model"] = model_name(settings)
    told |= {"symbols": list(settings.venue.symbols), "interval": settings.data.interval}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def model_name(settings: Settings) -> str:
    """Return the name of the network that the settings use; "" where they use none."""
    if settings.strategy.name != "lstm":
        return ""
    from trading_system.core_ai.inference import manifest

    found, _ = manifest.load(model_folder(settings))
    return found.name


def model_folder(settings: Settings) -> Path:
    """Return the folder of the network that the settings name."""
    from trading_system.core_ai.inference import manifest

    model = settings.strategy.model
    return manifest.DEMO_MODEL if model == "demo" else Path(model)
