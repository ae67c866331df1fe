"""Chance and functions that give the same bits on every machine and under every version of numpy.

A library's `exp`, `log` and normal draws may differ in the last bit between processors and versions, and one bit at the
start of a market is another market at its end. So only what IEEE 754 rounds in one way is used: + - x /, square roots,
whole-number rounding, and scaling by powers of two. The raw bits are those of PCG64, whose stream numpy promises to
keep (NEP 19); what numpy makes of them may change, so we make it ourselves.
"""

from typing import Final

import numpy as np

from trading_system.market.columns import Floats

_LN2: Final = 0.6931471805599453
_SQRT_HALF: Final = 0.7071067811865476
_HALF_PI: Final = 1.5707963267948966
_WORD: Final = (1 << 64) - 1


class Chance:
    """A stream of draws; two streams of one seed know nothing of each other.

    Args:
        seed: Any whole number, taken modulo 2^64.
        stream: Which of the seed's streams, >= 0.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed & _WORD, stream]))

    def uniforms(self, count: int) -> Floats:
        """Return `count` draws from (0, 1), each a multiple of 2^-53, shifted by half of that."""
        return ((self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def exponentials(self, count: int) -> Floats:
        """Return `count` draws from the exponential distribution of mean 1."""
        return -log(self.uniforms(count))

    def normals(self, count: int) -> Floats:
        """Return `count` draws from the standard normal; two uniforms each.

        Source: Box and Muller (1958), "A Note on the Generation of Random Normal Deviates".
        """
        pairs = self.uniforms(2 * count)
        return np.sqrt(-2.0 * log(pairs[::2])) * _sine(4.0 * pairs[1::2] - 2.0)


def log(x: Floats) -> Floats:
    """Return the natural logarithm of `x` > 0, to 1e-14.

    Source: ln(m) = 2 artanh((m - 1) / (m + 1)), whose series is cut after the 21st power; |(m-1)/(m+1)| < 0.172.
    """
    part, power = np.frexp(x)
    small = part < _SQRT_HALF
    part = np.where(small, 2.0 * part, part)
    ratio = (part - 1.0) / (part + 1.0)
    square = ratio * ratio
    total = np.full_like(x, 1.0 / 21.0)
    for odd in range(19, 0, -2):
        total = total * square + 1.0 / odd
    return 2.0 * ratio * total + (power - small) * _LN2


def exp(x: Floats) -> Floats:
    """Return e to the power of `x`, |x| < 700, to 1e-14 of it.

    Source: Taylor's series to the 13th power of what is left, |r| < 0.35, beside a whole power of two.
    """
    power = np.rint(x * (1.0 / _LN2))
    rest = x - power * _LN2
    total = np.ones_like(x)
    for k in range(13, 0, -1):
        total = total * rest * (1.0 / k) + 1.0
    return np.ldexp(total, power.astype(np.int32))


def _sine(quarters: Floats) -> Floats:
    """Return the sine of an angle of -2..2 quarter turns, to 1e-15: Taylor's series to the 19th power."""
    angle = np.where(np.abs(quarters) > 1.0, np.sign(quarters) * 2.0 - quarters, quarters) * _HALF_PI
    square = angle * angle
    total = np.ones_like(angle)
    for k in range(18, 0, -2):
        total = 1.0 - total * square * (1.0 / (k * (k + 1)))
    return total * angle
