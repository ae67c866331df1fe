"""Believe what a file says, bar by bar: to trade on signals that were worked out elsewhere, or by another engine.

The file is a CSV of `time,probability`: when a bar opens, as in the file of bars (ISO in UTC, or epoch milliseconds),
and the probability of a rise that is believed at its close. 1 buys, 0 sells; of other bars `otherwise` is believed. A
column `instrument` keeps the rows of several apart.
"""

import csv
from functools import lru_cache

import numpy as np

WINDOW = 1
PARAMETERS = {"signals": "signals.csv", "otherwise": 0.5}


def view(bars, signals, otherwise):
    times, odds = told(signals, bars.symbol)
    if not len(times):
        return otherwise
    opened = bars.open_ns[:, -1]
    at = np.minimum(np.searchsorted(times, opened), len(times) - 1)
    return np.where(times[at] == opened, odds[at], otherwise)


@lru_cache(maxsize=16)
def told(path, symbol):
    """Return the times of `path` at which something is told of `symbol`, UTC ns, rising, and what is believed then."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("instrument", symbol) == symbol]
    rows = sorted((nanoseconds(row["time"]), float(row["probability"])) for row in rows)
    return np.array([time for time, _ in rows], dtype=np.int64), np.array([odds for _, odds in rows])


def nanoseconds(text):
    if text.isdigit():
        return int(text) * 1_000_000
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))
