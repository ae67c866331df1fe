"""Which model may trade: with real money only one that a trusted key signed, and nothing can be set to change that."""

from dataclasses import dataclass

from trading_system.core_ai.inference import signing
from trading_system.core_ai.inference.manifest import Artefact
from trading_system.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to believe.

    Attributes:
        keys: Public keys, 64 hexadecimal digits each.
        real_money: Whether orders reach a real market.
        allow_unsigned: Whether play money may follow a model that nobody signed.
    """

    keys: frozenset[str]
    real_money: bool
    allow_unsigned: bool = False


def standing(artefact: Artefact, keys: frozenset[str]) -> str:
    """Return in a few words who stands behind `artefact`: signed and trusted, the demo key, somebody, nobody."""
    if not artefact.signed_by:
        return "not signed"
    if artefact.signed_by == signing.DEMO_PUBLIC:
        return "signed by the demo key, which everybody knows"
    known = "" if artefact.signed_by in keys else "not "
    return f"signed by {artefact.signed_by[:16]}, {known}trusted"


def admit(artefact: Artefact, trust: Trust) -> None:
    """Return if `artefact` may trade under `trust`.

    Raises:
        ConfigurationError: It may not; the message says what to do.
    """
    by, where = artefact.signed_by, f"model {artefact.manifest.name} in {artefact.folder}"
    if by and by != signing.DEMO_PUBLIC and by in trust.keys:
        return
    if by == signing.DEMO_PUBLIC:
        if trust.real_money:
            raise ConfigurationError(
                f"{where} is signed by the demo key, which everybody knows: real money needs a signature by one of "
                "model.trusted_keys"
            )
        return
    if by:
        raise ConfigurationError(
            f"{where} is signed by {by}, which is not among model.trusted_keys: add it there, if you trust who holds it"
        )
    if trust.real_money:
        raise ConfigurationError(
            f"{where} is not signed: real money needs a signature by one of model.trusted_keys; "
            "see `trading-system models sign --help`"
        )
    if not trust.allow_unsigned:
        raise ConfigurationError(
            f"{where} is not signed: sign it by `trading-system models sign`, or say --set model.allow_unsigned=true, "
            "which play money may"
        )
