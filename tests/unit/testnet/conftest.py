"""Running testnets."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.testnet.desk import Desk
from tests.unit.testnet.worlds import make_config

from trading_system.testnet.server import Testnet


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A client of a stepped testnet with two bars of history and four to come, all flat at 40,000.00."""
    async with Testnet(make_config()) as testnet, Desk.at(testnet) as desk:
        yield desk
