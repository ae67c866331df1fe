"""What the settings choose, in the words of those who need it: a policy, a network, and a name for all of it."""

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trading_system.blotter.state import STOP_FIXED, STOP_TRAILING, Policy
from trading_system.settings import Settings

if TYPE_CHECKING:  # whoever trades by a rule needs no network
    from trading_system.core_ai.inference.manifest import Artefact
    from trading_system.core_ai.inference.trust import Trust

_LOG: Final = logging.getLogger(__name__)


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
    return admitted_model(settings).manifest.name


def model_to_follow(settings: Settings) -> "Artefact":
    """Return the network that the settings name, once it may trade as they say; warns where nobody signed it.

    Raises:
        ConfigurationError: As `admitted_model`.
    """
    artefact = admitted_model(settings)
    if not artefact.signed_by:
        _LOG.warning(
            "model %s is not signed; model.allow_unsigned lets play money follow it (%s)",
            artefact.manifest.name,
            settings.source("model.allow_unsigned"),
        )
    return artefact


def admitted_model(settings: Settings) -> "Artefact":
    """Return the network that the settings name, read once, checked, and allowed to trade.

    Raises:
        ConfigurationError: There is none; it does not hold; nobody stands behind it whom the settings trust, which with
            real money must be a trusted key.
    """
    from trading_system.core_ai.inference import manifest, registry, trust

    model = settings.strategy.model
    if model == registry.CHAMPION:
        artefact = registry.champion(settings.model.registry)
    else:
        artefact = manifest.read(manifest.DEMO_MODEL if model == "demo" else Path(model))
    trust.admit(artefact, trust_of(settings))
    return artefact


def trust_of(settings: Settings) -> "Trust":
    """Return whose models may trade under the settings.

    Raises:
        ConfigurationError: A key cannot be read, or is the demo key.
    """
    from trading_system.core_ai.inference import signing, trust

    return trust.Trust(
        keys=signing.trusted(settings.model.trusted_keys),
        real_money="live" in (settings.mode, settings.venue.environment),
        allow_unsigned=settings.model.allow_unsigned,
    )
