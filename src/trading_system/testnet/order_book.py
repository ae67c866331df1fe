"""One symbol's resting orders: best price first, then first come, first served."""

from bisect import insort
from enum import StrEnum
from typing import NamedTuple

from trading_system.errors import InvariantBroken


class Side(StrEnum):
    """Who gives what, as the venue writes it."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def other(self) -> "Side":
        """The side that this one trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Match(NamedTuple):
    """What a taker got from one resting order: `lots` at the maker's `price` in ticks."""

    maker_id: int
    price: int
    lots: int


class _Half:
    """The orders of one side. `sign` makes the best price the smallest key: -1 for bids, 1 for asks."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, dict[int, int]] = {}  # key -> order id -> lots, in order of arrival

    def rest(self, order_id: int, price: int, lots: int) -> None:
        key = price * self.sign
        if key not in self.levels:
            insort(self.keys, key)
            self.levels[key] = {}
        self.levels[key][order_id] = lots

    def remove(self, order_id: int, price: int) -> int:
        key = price * self.sign
        level = self.levels[key]
        lots = level.pop(order_id)
        if not level:
            del self.levels[key]
            self.keys.remove(key)
        return lots

    def within(self, limit: int | None) -> list[int]:
        """Return the keys, best first, that a taker with `limit` ticks (None: any price) would accept."""
        if limit is None:
            return list(self.keys)
        return [key for key in self.keys if key <= limit * self.sign]


class OrderBook:
    """Resting orders of one symbol, in ticks and lots, matched by price, then time.

    The book knows order ids and nothing of accounts or money; ids are unique in it.
    """

    def __init__(self) -> None:
        self._halves = {Side.BUY: _Half(-1), Side.SELL: _Half(1)}
        self._places: dict[int, tuple[Side, int]] = {}
        self.update_id = 0  # grows with every change, as the venue's lastUpdateId

    def rest(self, order_id: int, side: Side, *, price: int, lots: int) -> None:
        """Put `lots` > 0 at `price` at the end of the queue.

        Raises:
            InvariantBroken: The order rests already, or would have traded first.
        """
        best = self.best(side.other)
        crosses = best is not None and (best <= price if side is Side.BUY else best >= price)
        if order_id in self._places or lots < 1 or crosses:
            raise InvariantBroken(f"order {order_id}, {side} {lots} lots at {price} ticks, cannot rest; best {best}")
        self._halves[side].rest(order_id, price, lots)
        self._places[order_id] = (side, price)
        self.update_id += 1

    def remove(self, order_id: int) -> int:
        """Take an order out and return the lots it still had; 0 if it does not rest here."""
        place = self._places.pop(order_id, None)
        if place is None:
            return 0
        self.update_id += 1
        side, price = place
        return self._halves[side].remove(order_id, price)

    def take(self, side: Side, *, lots: int | None, limit: int | None) -> list[Match]:
        """Match a taker of `side` against the book and return what it got, in order.

        Args:
            lots: Most lots to take; None takes all there is.
            limit: Worst price accepted, ticks; None accepts any.
        """
        half = self._halves[side.other]
        wanted = lots
        matches: list[Match] = []
        for key in half.within(limit):
            level = half.levels[key]
            for maker_id in list(level):
                if wanted == 0:
                    return matches
                got = level[maker_id] if wanted is None else min(level[maker_id], wanted)
                matches.append(Match(maker_id, key * half.sign, got))
                level[maker_id] -= got
                self.update_id += 1
                if level[maker_id] == 0:
                    half.remove(maker_id, key * half.sign)
                    del self._places[maker_id]
                if wanted is not None:
                    wanted -= got
        return matches

    def best(self, side: Side) -> int | None:
        """Return the best resting price of `side`, ticks; None if nobody rests there."""
        half = self._halves[side]
        return half.keys[0] * half.sign if half.keys else None

    def levels(self, side: Side, *, limit: int | None = None) -> list[tuple[int, int]]:
        """Return (price, lots) by level of `side`, best first, down to `limit` ticks."""
        half = self._halves[side]
        return [(key * half.sign, sum(half.levels[key].values())) for key in half.within(limit)]
