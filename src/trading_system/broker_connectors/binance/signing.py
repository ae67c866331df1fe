"""How Binance wants a request signed.

Source: binance-spot-api-docs, rest-api.md and web-socket-api.md, "SIGNED request security".
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode


def rest_payload(parameters: Mapping[str, str], secret: str) -> str:
    """Return `parameters` percent-encoded in their order, with the signature over exactly these bytes appended."""
    payload = urlencode(parameters)
    return f"{payload}&signature={hmac_sha256(payload, secret)}"


def ws_parameters(parameters: Mapping[str, str | int], secret: str) -> dict[str, str | int]:
    """Return `parameters` with the signature of the WebSocket API: sorted by name, not percent-encoded."""
    payload = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return {**parameters, "signature": hmac_sha256(payload, secret)}


def hmac_sha256(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of `payload` under `secret`, lowercase hex.

    >>> hmac_sha256("a=1", "key")[:16]
    'b17f9ae9ca05727a'
    """
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
