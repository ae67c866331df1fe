"""RC-7: stop losses and trailing stops a fraction of the price away, both sides, each with its bar and its price.

Source: vectorbt, `tests/test_portfolio.py`, `test_sl_stop` and `test_ts_stop`; the gap rule of
`vectorbt/portfolio/nb.py`, `get_stop_price_nb`: what opens beyond the stop fills at the open, else at the stop.
"""

import math

import pytest
from tests.reference.always_in import away
from tests.reference.running import (
    ALWAYS_IN,
    FREE,
    Ran,
    Row,
    backtest,
    signals,
    write_bars,
)

pytestmark = pytest.mark.slow

LONG, SHORT = 1.0, 0.0
ALL_IN = FREE | {"share": 1, "lot": 1, "tick": "0.001", "min_notional": 0, "cash": 100, "fill": "close"}
DOWN, PEAK = (5, 4, 3, 2, 1), (4, 5, 4, 3, 2)


def offset(close: float) -> Row:
    """Return a bar that opens a quarter above its close and reaches half a unit to both sides of it."""
    return close + 0.25, close + 0.5, close - 0.5, close


def entered(folder, closes, side: float, **sets: object) -> Ran:
    """All cash goes in at the first close; no other signal comes."""
    told = ALL_IN | signals(folder, {0: side}) | {"short": "allowed"} | sets
    bars = write_bars(folder, [offset(close) for close in closes])
    return backtest(folder / "run", bars, "script", told, "--policy", str(ALWAYS_IN))


def fills(ran: Ran) -> list[tuple[int, int, float]]:
    """Return bar, lots and price of each fill."""
    prices = (ran.fills["price_ticks"].to_numpy() / 1000).tolist()
    return list(zip(ran.slices.tolist(), ran.lots.tolist(), prices, strict=True))


@pytest.mark.parametrize(
    ("stop", "left"),
    [("0.1", [(1, -20, 4.25)]), ("0.15", [(1, -20, 4.25)]), ("0.2", [(1, -20, 4.0)]), ("0", []), ("1", [])],
)
def test_a_stop_loss_of_a_long_position(tmp_path, stop, left):
    """Closes 5 to 1: 20 at 5; ten per cent is passed by the gap to 4.25, twenty per cent is met at 4."""
    assert fills(entered(tmp_path, DOWN, LONG, stop_loss=stop)) == [(0, 20, 5.0), *left]


@pytest.mark.parametrize(
    ("trail", "left"),
    [("0.15", [(2, -25, 4.25)]), ("0.2", [(2, -25, 4.25)]), ("0.25", [(2, -25, 4.125)]), ("0", []), ("1", [])],
)
def test_a_trailing_stop_of_a_long_position(tmp_path, trail, left):
    """25 at 4; the high of 5.5 carries the stop to 4.675, 4.4 and 4.125, and the next bar opens at 4.25."""
    assert fills(entered(tmp_path, PEAK, LONG, trailing_stop=trail)) == [(0, 25, 4.0), *left]


@pytest.mark.parametrize(
    ("trail", "left"),
    [("0.15", [(1, 25, 5.25)]), ("0.2", [(1, 25, 5.25)]), ("0.25", [(1, 25, 5.25)]), ("0", []), ("1", [])],
)
def test_a_trailing_stop_of_a_short_position(tmp_path, trail, left):
    """25 sold at 4; the next bar opens at 5.25, above them all."""
    assert fills(entered(tmp_path, PEAK, SHORT, trailing_stop=trail)) == [(0, -25, 4.0), *left]


@pytest.mark.parametrize("fraction", [math.inf, math.nan])
@pytest.mark.parametrize("side", [1, -1])
def test_infinity_and_what_is_no_number_are_no_stop(fraction, side):
    """On a command line they are refused; in an array of another engine they mean none."""
    assert away(side, 5_000, fraction) == 0
    assert away(side, 5_000, 0.25) == 5_000 - side * 1_250


@pytest.mark.parametrize(
    ("stop", "left"),
    [("0.1", [(1, -20, 4.25)]), ("0.15", [(1, -20, 4.25)]), ("0.2", [(1, -20, 4.0)])],
)
def test_our_own_policy_places_the_same_stops(tmp_path, stop, left):
    """Without a policy file: a fixed stop, its distance a fraction of the close (`atr` 0)."""
    choices = {"enter_above": 0.9, "leave_below": 0.1, "size": "at_fill", "size_fraction": 1, "cash_buffer": 0}
    stops = {"stop": "fixed", "atr_stop": stop, "stop_slack": 0.25}
    free = {name: value for name, value in ALL_IN.items() if name != "share"} | {"round_trip_cost": 0}
    bars = write_bars(tmp_path, [offset(close) for close in DOWN])
    ran = backtest(tmp_path / "run", bars, "script", free | signals(tmp_path, {0: LONG}) | choices | stops)
    assert fills(ran) == [(0, 20, 5.0), *left]
