"""Who else trades: each bar becomes a path of trades whose open, high, low, close and volume are the bar's.

A path visits the open, the extreme that lies nearer to it, the other extreme and the close, with some
trades between. Which way it goes and how the volume is spread depend on a seed and the bar, on nothing else.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from trading_system.market.bars import Bar
from trading_system.market.timestamps import NS_PER_MS
from trading_system.testnet.bar_file import bars_of_file as bars_of_file
from trading_system.testnet.house import mixed
from trading_system.testnet.synthetic import synthetic_bars as synthetic_bars

BETWEEN: Final = 1
"""Trades between two turning points of a path."""


class Print(NamedTuple):
    """A trade of the recorded market, as the tape prints it.

    Attributes:
        ns: When, UTC ns, a whole millisecond.
        price: Ticks.
        atoms: Quantity, base atoms; 0 moves the price and is not published.
        buyer_is_maker: The seller came to the buyer.
    """

    ns: int
    symbol: str
    price: int
    atoms: int
    buyer_is_maker: bool


class Close(NamedTuple):
    """The end of a bar."""

    ns: int
    bar: Bar


Moment = Print | Close


def path_of(bar: Bar, *, seed: int, lot_atoms: int) -> tuple[Print, ...]:
    """Return the trades of `bar`, in order of time.

    Their first, highest, lowest and last price and the sum of their quantities are exactly the bar's.
    Quantities are whole lots, but for what the bar's volume has beyond them, which goes to the last.
    """
    prices = _prices(bar, seed)
    quantities = _quantities(bar, len(prices), seed, lot_atoms)
    span_ns = bar.close_ns - bar.open_ns
    prints: list[Print] = []
    before, falls = prices[0], bool(mixed(seed, bar.open_ns, 3) & 1)
    for number, (price, atoms) in enumerate(zip(prices, quantities, strict=True)):
        falls = price < before if price != before else falls
        ns = bar.open_ns + (2 * number + 1) * span_ns // (2 * len(prices))
        prints.append(Print(ns - ns % NS_PER_MS, bar.symbol, price, atoms, falls))
        before = price
    return tuple(prints)


def moments(bars: Iterable[Bar], *, seed: int, lot_atoms: int) -> Iterator[tuple[int, int, Moment]]:
    """Yield (ns, 0 for a close or 1 for a print, moment) of one symbol, in order."""
    for bar in bars:
        for trade in path_of(bar, seed=seed, lot_atoms=lot_atoms):
            yield trade.ns, 1, trade
        yield bar.close_ns, 0, Close(bar.close_ns, bar)


def merged(*streams: Iterator[tuple[int, int, Moment]]) -> Iterator[Moment]:
    """Yield the moments of several symbols in one order of time; at one time closes come first."""
    return (moment for _, _, moment in heapq.merge(*streams, key=lambda timed: timed[:2]))


def _prices(bar: Bar, seed: int) -> list[int]:
    up, down = bar.high - bar.open, bar.open - bar.low
    high_first = up < down or (up == down and bool(mixed(seed, bar.open_ns, 1) & 1))
    turns = [bar.open, *((bar.high, bar.low) if high_first else (bar.low, bar.high)), bar.close]
    prices = [turns[0]]
    for leg, (start, end) in enumerate(pairwise(turns)):
        for step in range(1, BETWEEN + 1):
            share = (
                mixed(seed, bar.open_ns, 2, leg, step) % 61 + 20
            ) * step  # the first of one: 20 % to 80 % of the way
            prices.append(start + (end - start) * share // (100 * BETWEEN))
        prices.append(end)
    return prices


def _quantities(bar: Bar, count: int, seed: int, lot_atoms: int) -> list[int]:
    lots, rest = divmod(bar.volume_atoms, lot_atoms)
    least = 1 if lots >= count else 0
    spread = lots - least * count
    weights = [mixed(seed, bar.open_ns, 4, number) % 100 + 1 for number in range(count)]
    total, run, given = sum(weights), 0, 0
    quantities: list[int] = []
    for weight in weights:
        run += weight
        upto = spread * run // total
        quantities.append((least + upto - given) * lot_atoms)
        given = upto
    quantities[-1] += rest
    return quantities
