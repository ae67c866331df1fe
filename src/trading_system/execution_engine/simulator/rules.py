"""How the market takes our orders: what engines differ in, each a named choice."""

from typing import NamedTuple


class Rules(NamedTuple):
    """The choices of a run."""

    at_close: int = 0
    """1: a market order decided at a close fills at that close, which no real venue offers; 0: at the next open."""
    touch: int = 0
    """1: a resting limit order fills when the price touches it; 2: and at the open where that is better; 0: when the
    price trades through it."""
    latency_bars: int = 0
    """How many bars later than the next one whatever is asked reaches the venue, and is answered, >= 0."""
    volume_share: int = 0
    """Most of a bar's volume that our orders get together, a fraction in 1e-8; 0 for no limit."""
