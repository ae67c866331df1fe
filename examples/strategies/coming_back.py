"""Expect a close far from its mean to come back: the further away, the likelier."""

import numpy as np

WINDOW = 20
PARAMETERS = {"stretch": 2.0}


def view(bars, stretch):
    away = bars.close[:, -1] - bars.close.mean(axis=-1)
    reach = stretch * bars.close.std(axis=-1) + 1.0  # a tick, where nothing moved
    return 0.5 - 0.1 * np.clip(away / reach, -1.0, 1.0)
