"""The front office: takes a request from either protocol through the weather, the door and the engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trading_system.market.timestamps import from_ms
from trading_system.testnet.binance.connections import Switchboard
from trading_system.testnet.binance.endpoints import NEW_ORDER, Endpoint
from trading_system.testnet.binance.parameters import CLIENT_ID, Params
from trading_system.testnet.binance.scales import Scales
from trading_system.testnet.binance.signing import Doorman
from trading_system.testnet.faults import DelayRequest, Fault, On, PageFault
from trading_system.testnet.floor import ACCOUNT, Floor
from trading_system.testnet.refusals import Refusal

COUNTED: Final = {
    ("POST", "/api/v3/order"): On.ORDER,
    ("DELETE", "/api/v3/order"): On.CANCEL,
    ("DELETE", "/api/v3/openOrders"): On.CANCEL,
    ("GET", "/api/v3/order"): On.QUERY,
    ("GET", "/api/v3/openOrders"): On.QUERY,
    ("GET", "/api/v3/account"): On.QUERY,
    ("GET", "/api/v3/myTrades"): On.QUERY,
    ("GET", "/api/v3/klines"): On.DATA,
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
        on_request: Called with each request that the weather counts, as it arrives, and the client order id that
            it names, "" for none.
    """

    def __init__(self, floor: Floor, switchboard: Switchboard, doorman: Doorman) -> None:
        self.floor: Final = floor
        self.switchboard: Final = switchboard
        self.doorman: Final = doorman
        self.changed: Callable[[], None] = lambda: None
        self.on_request: Callable[[On, str], None] = lambda on, name: None
        self.scales: Final = Scales(floor.clock, floor.config.weight_limit)

    def weigh(self, weight: int) -> int:
        """Count `weight` and return what was used in this minute of the venue's clock."""
        return self.scales.weigh(weight)

    def serve(self, endpoint: Endpoint, params: Params, admit: Callable[[], None]) -> Outcome:
        """Answer one request, and publish what follows from it.

        Args:
            admit: Raises `Refusal` unless the asker may ask this.
        """
        fault = self._met(endpoint, params)
        if fault is not None and fault.says is not None:
            return Outcome(refusal=Refusal(fault.says, *fault.details), fault=fault)
        if fault is not None and not fault.reaches:
            return Outcome(fault=fault)
        if isinstance(fault, DelayRequest):
            self.floor.later(fault, from_ms(fault.delay_ms), lambda: self._answered(endpoint, params, admit, None))
            return Outcome(fault=fault)
        outcome = self._answered(endpoint, params, admit, fault)
        if fault is not None and fault.cuts:
            self.switchboard.hang_up_users(ACCOUNT)
        self.switchboard.publish(tell_users=fault is None or fault.tells)
        self.changed()
        return outcome

    def _met(self, endpoint: Endpoint, params: Params) -> Fault | None:
        """Count a request, say that it came, and return what befalls it."""
        on = COUNTED.get(endpoint.rest)
        if on is None:
            return None
        name = params.values.get("newClientOrderId" if on is On.ORDER else "origClientOrderId", "")
        name = name if re.fullmatch(CLIENT_ID, name) else ""
        self.on_request(on, name)
        fault = self.floor.meet(on)
        if endpoint is NEW_ORDER:
            self.floor.received_ns.setdefault(name, self.floor.clock.now_ns)
            if fault is None or fault.says is None:
                seen = self.floor.requests.setdefault(name, [0, 0])
                seen[0] += 1
                seen[1] += fault is not None and not fault.reaches
        return fault

    def _answered(self, endpoint: Endpoint, params: Params, admit: Callable[[], None], fault: Fault | None) -> Outcome:
        try:
            admit()
            result = endpoint.answer(self.floor, params)
            if isinstance(fault, PageFault) and isinstance(result, list):
                result = fault.told(result, self.floor.clock.now_ms)
            return Outcome(result=result, fault=fault)
        except Refusal as refusal:
            return Outcome(refusal=refusal, fault=fault)
