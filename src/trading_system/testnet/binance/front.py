"""The front office: takes a request from either protocol through the weather, the door and the engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trading_system.testnet.binance.connections import Switchboard
from trading_system.testnet.binance.endpoints import NEW_ORDER, Endpoint
from trading_system.testnet.binance.parameters import CLIENT_ID, Params
from trading_system.testnet.binance.signing import Doorman
from trading_system.testnet.faults import Fault, On
from trading_system.testnet.floor import ACCOUNT, Floor
from trading_system.testnet.refusals import Refusal

COUNTED: Final = {
    ("POST", "/api/v3/order"): On.ORDER,
    ("DELETE", "/api/v3/order"): On.CANCEL,
    ("DELETE", "/api/v3/openOrders"): On.CANCEL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a request.

    Attributes:
        result: The answer, or None where it was refused.
        refusal: The venue's no.
        fault: What the weather did to it; the caller keeps to `fault.answers`.
    """

    result: object = None
    refusal: Refusal | None = None
    fault: Fault | None = None


class Front:
    """Serves requests one by one; between a request and what it publishes nothing else happens.

    Attributes:
        changed: Called after each request that may have sent something to somebody.
    """

    def __init__(self, floor: Floor, switchboard: Switchboard, doorman: Doorman) -> None:
        self.floor: Final = floor
        self.switchboard: Final = switchboard
        self.doorman: Final = doorman
        self.changed: Callable[[], None] = lambda: None
        self._minute = 0
        self._weight = 0

    def weigh(self, weight: int) -> int:
        """Count `weight` and return what was used in this minute of the venue's clock."""
        minute = self.floor.clock.now_ms // 60_000
        if minute != self._minute:
            self._minute, self._weight = minute, 0
        self._weight += weight
        return self._weight

    def serve(self, endpoint: Endpoint, params: Params, admit: Callable[[], None]) -> Outcome:
        """Answer one request, and publish what follows from it.

        Args:
            admit: Raises `Refusal` unless the asker may ask this.
        """
        counted = COUNTED.get(endpoint.rest)
        fault = None if counted is None else self.floor.weather.meet(counted)
        lost = fault is not None and not fault.reaches
        if endpoint is NEW_ORDER:
            name = params.values.get("newClientOrderId", "")
            seen = self.floor.requests.setdefault(name if re.fullmatch(CLIENT_ID, name) else "", [0, 0])
            seen[0] += 1
            seen[1] += lost
        if lost:
            return Outcome(fault=fault)
        try:
            admit()
            outcome = Outcome(result=endpoint.answer(self.floor, params), fault=fault)
        except Refusal as refusal:
            outcome = Outcome(refusal=refusal, fault=fault)
        if fault is not None and fault.cuts:
            self.switchboard.hang_up_users(ACCOUNT)
        self.switchboard.publish(tell_users=fault is None or fault.tells)
        self.changed()
        return outcome
