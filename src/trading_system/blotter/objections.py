"""Why not: each objection is one bit, and one table turns bits into words."""

from typing import Final

NONE: Final = 0
DRAWDOWN: Final = 1 << 0
NO_VIEW: Final = 1 << 1
NO_PRICE: Final = 1 << 2
NO_STOP: Final = 1 << 3
NO_EDGE: Final = 1 << 4
EXPOSURE: Final = 1 << 5
CASH: Final = 1 << 6
MIN_NOTIONAL: Final = 1 << 7
UNRECONCILED: Final = 1 << 8
STALE_FEED: Final = 1 << 9
HALTED: Final = 1 << 10
DAILY_LOSS: Final = 1 << 11
GROSS: Final = 1 << 12

LATCHING: Final = DRAWDOWN | HALTED | DAILY_LOSS
"""Those that stay once raised: the daily loss until the next UTC day, the others until a person releases them."""

COMBINATIONS: Final = 1 << 13
"""How many sets of objections there are."""

WORDS: Final[dict[int, str]] = {
    DRAWDOWN: "equity has fallen too far from its peak",
    NO_VIEW: "the strategy has no view, or an expired one",
    NO_PRICE: "price or equity is missing or not a number",
    NO_STOP: "no protective stop can be worked out",
    NO_EDGE: "the view promises nothing after costs",
    EXPOSURE: "the position would exceed its share of equity",
    CASH: "the cash is not there",
    MIN_NOTIONAL: "the order would be smaller than the venue accepts",
    UNRECONCILED: "our books and the venue's differ",
    STALE_FEED: "the market data is old",
    HALTED: "a person has halted trading",
    DAILY_LOSS: "equity has fallen too far since the day began",
    GROSS: "all positions together would exceed their share of equity",
}


def words(flags: int) -> tuple[str, ...]:
    """Return the objections in `flags` in words, lowest bit first.

    >>> words(DRAWDOWN | CASH)
    ('equity has fallen too far from its peak', 'the cash is not there')
    """
    return tuple(text for bit, text in WORDS.items() if flags & bit)
