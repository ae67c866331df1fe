"""Where Binance spot answers: the one table of its hosts.

Source: binance-spot-api-docs, "General API Information" of rest-api.md, web-socket-streams.md and
web-socket-api.md; testnet/general-info.md.
"""

from dataclasses import dataclass
from typing import Final

from trading_system.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Addresses of one environment, without a trailing slash."""

    rest: str
    stream: str
    ws_api: str


HOSTS: Final[dict[str, Hosts]] = {
    "live": Hosts(
        rest="https://api.binance.com",
        stream="wss://stream.binance.com:9443",
        ws_api="wss://ws-api.binance.com:443/ws-api/v3",
    ),
    "testnet": Hosts(
        rest="https://testnet.binance.vision",
        stream="wss://stream.testnet.binance.vision",
        ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    ),
}


def hosts_of(environment: str, rest: str | None, stream: str | None, ws_api: str | None) -> Hosts:
    """Return the addresses of `environment`, each replaced by the one that is given.

    Raises:
        ConfigurationError: The local exchange was chosen and nobody said where it listens.
    """
    known = HOSTS.get(environment)
    if known is None and rest is None:
        raise ConfigurationError(
            f"venue.environment is {environment!r} and venue.rest_url is not set: start `trading-system testnet serve` "
            "and pass the address that it prints with --set venue.rest_url=..."
        )
    rest = rest or (known.rest if known else "")
    there = rest.replace("http", "ws", 1)
    return Hosts(
        rest=rest.rstrip("/"),
        stream=(stream or (known.stream if known else there)).rstrip("/"),
        ws_api=(ws_api or (known.ws_api if known else f"{there.rstrip('/')}/ws-api/v3")).rstrip("/"),
    )
