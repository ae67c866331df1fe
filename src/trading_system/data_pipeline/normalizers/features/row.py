"""What a feature's step is shown of one bar, worked out once for all of them."""

import math
from typing import Final, NamedTuple, Protocol

from trading_system.kernel import kernel

NS_PER_MINUTE: Final = 60_000_000_000


class State(Protocol):
    """A step's memory: a list of floats when streaming, an array in batch. It begins as zeros."""

    def __getitem__(self, at: int, /) -> float:
        """Return the number at place `at`."""
        ...

    def __setitem__(self, at: int, value: float, /) -> None:
        """Put `value` at place `at`."""
        ...


class Row(NamedTuple):
    """One bar, and what many features ask of it and the bar before. No field looks ahead; all but two are floats.

    At the first bar (`seen` 1) there is no bar before: `log_return` and `move` are 0, `true_range` is high - low.
    """

    open: float
    """Ticks, as `high`, `low` and `close`."""
    high: float
    low: float
    close: float
    volume: float
    """Quantity traded, base atoms."""
    log_close: float
    """Natural log of the close in ticks."""
    log_return: float
    """`log_close` less the one before."""
    move: float
    """Close less the close before, ticks."""
    true_range: float
    """How far the price went since the close before, ticks."""
    minute: int
    """When the bar closed, whole minutes since 1970, UTC."""
    number: int
    """Bars of this length since 1970, this one included: one more each bar, wherever the bars begin."""
    seen: float
    """Bars since the first, or since the last gap, this one included: 1 at the first."""
    aux: float
    """The value that was handed in beside the bar, of the name that the feature asks for; NaN where unknown."""


@kernel
def row_after(
    before: float,
    log_before: float,
    seen: float,
    opened: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    minute: int,
    number: int,
    aux: float,
) -> Row:
    """Return the row of a bar.

    Args:
        before, log_before: The close before it, ticks, and its log; anything where `seen` is 1.
        seen, opened, high, low, close, volume, minute, number, aux: As in `Row`.
    """
    log_close = math.log(close)
    first = seen == 1.0
    return Row(  # by place, in the order above: by name it takes twice as long
        opened,
        high,
        low,
        close,
        volume,
        log_close,
        0.0 if first else log_close - log_before,
        0.0 if first else close - before,
        high - low if first else (high if high > before else before) - (low if low < before else before),
        minute,
        number,
        seen,
        aux,
    )
