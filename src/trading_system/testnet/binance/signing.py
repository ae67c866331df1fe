"""Who asks, and whether they may: HMAC-SHA256 over the received bytes, and the time of the request.

Source: Binance Spot REST API, "SIGNED endpoint security", "Timing security"; WebSocket API, "SIGNED request security".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading_system.testnet.binance.parameters import Params
from trading_system.testnet.refusals import Reason, Refusal

_SIGNATURE: Final = re.compile(rb"(?:^|&)signature=[^&]*")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
AHEAD_MS: Final = 1_000
MAX_WINDOW_MS: Final = 60_000
WINDOW_MS: Final = 5_000


def rest_payload(query: bytes, body: bytes) -> bytes:
    """Return what a REST client signed: query and body as received, joined by nothing, less the signature."""
    return b"".join(_SIGNATURE.sub(b"", part).removeprefix(b"&") for part in (query, body))


def ws_payload(params: Mapping[str, str]) -> bytes:
    """Return what a WebSocket API client signed: all parameters but the signature, by name, not percent-encoded."""
    signed = sorted((name, value) for name, value in params.items() if name != "signature")
    return "&".join(f"{name}={value}" for name, value in signed).encode("utf-8", "surrogatepass")


def signature_of(payload: bytes, secret: str) -> str:
    """Return the HMAC-SHA256 of `payload`, lower-case hex."""
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorman:
    """Checks key, signature and time of signed requests.

    Attributes:
        timed: Whether `timestamp` is held against the clock; not where the clock runs as fast as it can.
    """

    api_key: str
    api_secret: str
    timed: bool = True

    def check_key(self, api_key: str | None) -> None:
        """Refuse a key that is absent, malformed or not ours."""
        if api_key is None or not _KEY.fullmatch(api_key):
            raise Refusal(Reason.BAD_KEY_FORMAT)
        if not hmac.compare_digest(api_key, self.api_key):
            raise Refusal(Reason.BAD_KEY)

    def check(self, params: Params, payload: bytes, *, api_key: str | None, now_ms: int) -> None:
        """Let a signed request pass, or refuse it: key, then presence, then signature, then time."""
        self.check_key(api_key)
        timestamp = params.required_integer("timestamp")
        signature = params.required("signature")
        if not hmac.compare_digest(
            signature.lower().encode("utf-8", "replace"), signature_of(payload, self.api_secret).encode()
        ):
            raise Refusal(Reason.BAD_SIGNATURE)
        self.check_time(params, timestamp, now_ms)

    def check_time(self, params: Params, timestamp: int, now_ms: int) -> None:
        """Refuse a request from outside its window. `timestamp` is in ms, or in us where it has 16 digits."""
        asked_ms = params.decimal("recvWindow", places=3)
        window_ms = Decimal(WINDOW_MS) if asked_ms is None else asked_ms
        if window_ms > MAX_WINDOW_MS:
            raise Refusal(Reason.BAD_WINDOW)
        sent_ms = Decimal(timestamp) / 1_000 if timestamp >= 10**15 else Decimal(timestamp)
        if self.timed and sent_ms >= now_ms + AHEAD_MS:
            raise Refusal(Reason.AHEAD_OF_TIME)
        if self.timed and now_ms - sent_ms > window_ms:
            raise Refusal(Reason.OUTSIDE_WINDOW)
