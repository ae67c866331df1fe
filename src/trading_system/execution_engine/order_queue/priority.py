"""Who goes first: one table."""

from typing import Final

from trading_system.blotter.events import CancelRequested, Errand, InquiryRequested, OrderQueued, ReconcileRequested
from trading_system.blotter.tickets import Intent

URGENCY: Final[dict[Intent | type[Errand], int]] = {
    Intent.PROTECT: 0,
    Intent.EXIT: 1,
    CancelRequested: 2,
    InquiryRequested: 3,
    ReconcileRequested: 4,
    Intent.ENTER: 5,
}
"""0 is carried first. What reduces risk never waits behind what adds it."""


def urgency(errand: Errand) -> int:
    """Return the place of `errand` in the table; smaller goes first."""
    return URGENCY[errand.ticket.intent if isinstance(errand, OrderQueued) else type(errand)]


__all__ = ["URGENCY", "urgency"]
