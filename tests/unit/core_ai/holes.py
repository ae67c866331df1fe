"""Bars as they come: some are missing, some are wild."""

from dataclasses import replace


def holed(bars, chance):
    """Return `bars` without some, with a wild one here and there."""
    kept = [bar for bar in bars if chance.random() > 0.004]
    return [replace(bar, volume_atoms=10**12) if chance.random() < 0.004 else bar for bar in kept]
