"""The same bits on every machine, and right to the last digits that matter."""

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.testnet.exact import Chance, exp, log


@given(x=st.floats(1e-300, 1e300))
def test_the_logarithm_is_that_of_the_library_to_14_digits(x: float) -> None:
    """It need not be the nearest number, only the same one everywhere."""
    assert math.isclose(float(log(np.array([x]))[0]), math.log(x), rel_tol=1e-13, abs_tol=1e-14)


@given(x=st.floats(-690.0, 690.0))
def test_the_exponential_is_that_of_the_library_to_13_digits(x: float) -> None:
    """Far out the argument's own last digit is worth more than that: |x| times the distance between two floats."""
    assert math.isclose(float(exp(np.array([x]))[0]), math.exp(x), rel_tol=1e-14 + 3e-16 * abs(x))


def test_draws_are_what_they_are_called() -> None:
    """Means, variances and fourth moments of 200,000 draws, within five standard errors; none is 0 or 1."""
    uniforms, normals, waits = (
        draw(200_000) for draw in (Chance(1, 0).uniforms, Chance(1, 1).normals, Chance(1, 2).exponentials)
    )
    assert 0.0 < uniforms.min() < uniforms.max() < 1.0
    assert abs(uniforms.mean() - 0.5) < 5 * 0.2887 / 447
    assert abs(normals.mean()) < 5 / 447
    assert abs((normals**2).mean() - 1.0) < 5 * 1.414 / 447
    assert abs((normals**4).mean() - 3.0) < 5 * 9.798 / 447
    assert abs(waits.mean() - 1.0) < 5 / 447


def test_a_stream_goes_on_where_it_stopped_and_knows_nothing_of_the_others() -> None:
    """More draws begin with the fewer; another stream or seed gives others, uncorrelated with the first."""
    longer = Chance(7, 3).normals(10_000)
    assert longer[:100].tolist() == Chance(7, 3).normals(100).tolist()
    for other in (Chance(7, 4), Chance(8, 3), Chance(-7, 3)):
        assert abs(float(np.corrcoef(longer, other.normals(10_000))[0, 1])) < 0.05


def test_the_bits_never_change() -> None:
    """Golden: one hash over draws and functions of all kinds. It is the same on x86 and ARM, under every numpy."""
    chance = Chance(2024, 1)
    told = np.concatenate(
        (chance.uniforms(500), chance.normals(500), chance.exponentials(500), exp(chance.normals(500)))
    )
    assert hashlib.sha256(told.astype("<f8").tobytes()).hexdigest()[:16] == "309fd775b1fab6ae"


PRINTED = """
import hashlib
from tests.factories import make_instrument
from trading_system.testnet.synthetic import synthetic_columns
bars = synthetic_columns(seed=1, count=5_000, interval_ns=900 * 10**9, instrument=make_instrument(), planted=0.15)
columns = (bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
print(hashlib.sha256(b"".join(each.astype("<i8").tobytes() for each in columns)).hexdigest()[:16])
"""


@pytest.mark.parametrize("lacking", ["", "X86_V4", "X86_V3 X86_V4"])
def test_another_processor_makes_the_same_market(lacking: str) -> None:
    """numpy told to do without AVX-512, or AVX2 and FMA too; its own exp, log and sin then give other last bits."""
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": lacking}
    run = subprocess.run([sys.executable, "-c", PRINTED], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["2d4a38384fe3935b"]
