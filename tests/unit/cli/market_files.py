"""Files of bars for the command line, made by the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

START_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00Z."""
MINUTE_MS: Final = 60_000
HEADER: Final = "timestamp,open,high,low,close,volume"


class Told(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Told]


def rows(count: int, *, seed: int = 1, first: int = 0, price: float = 30_000.0) -> list[str]:
    """Return `count` minutes of a market that wanders, from the minute `first` of 2024 on."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0.0, 0.002, count))), 2)
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) + np.round(rng.uniform(0.0, 20.0, count), 2)
    low = np.minimum(open_, close) - np.round(rng.uniform(0.0, 20.0, count), 2)
    volume = rng.uniform(0.5, 5.0, count)
    return [
        f"{START_MS + (first + n) * MINUTE_MS},{open_[n]:.2f},{high[n]:.2f},{low[n]:.2f},{close[n]:.2f},{volume[n]:.5f}"
        for n in range(count)
    ]


def bar_file(path: Path, lines: list[str]) -> Path:
    """Write a CSV of bars and return where it is."""
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path
