"""Every provider by its name. A new one is a file of its own, and a line here."""

from collections.abc import Mapping
from typing import Final

from trading_system.data_pipeline.collectors.providers.binance_funding import BINANCE_FUNDING
from trading_system.data_pipeline.collectors.providers.coin_metrics import COIN_METRICS
from trading_system.data_pipeline.collectors.providers.mempool_space import MEMPOOL_SPACE
from trading_system.data_pipeline.collectors.providers.provider import Provider
from trading_system.errors import ConfigurationError

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (COIN_METRICS, MEMPOOL_SPACE, BINANCE_FUNDING)
}


def provider_named(name: str) -> Provider:
    """Return a provider.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if name not in PROVIDERS:
        raise ConfigurationError(f"there is no provider {name!r}; there are {', '.join(PROVIDERS)}")
    return PROVIDERS[name]
