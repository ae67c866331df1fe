"""How long the inbox waits in the real world: until something arrives, or until it is time."""

import asyncio

from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import Clock


class LivePacer:
    """Waits in real time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrival = asyncio.Event()
        self._quit = False

    def arrived(self) -> None:
        """Take note that the inbox holds something."""
        self._arrival.set()

    def quit(self) -> None:
        """Wait no more: nothing will come."""
        self._quit = True
        self._arrival.set()

    async def settle(self) -> None:
        """Nothing to wait for: events are handed out as they come."""
        await asyncio.sleep(0)

    async def wait(self, wake_ns: int | None) -> bool:
        """Wait until something arrived or `wake_ns` has come; there is always more to come, until `quit`."""
        pause_s = None if wake_ns is None else max(0.0, (wake_ns - self._clock.now_ns()) / NS_PER_S)
        try:
            await asyncio.wait_for(self._arrival.wait(), pause_s)
        except TimeoutError:
            return not self._quit
        self._arrival.clear()
        return not self._quit
