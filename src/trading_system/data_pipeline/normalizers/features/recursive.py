"""The steps of features that never forget: averages that start at the first bar, or behind the last gap.

Each value depends, ever less, on every bar since its anchor. A process that starts again gets the same bits only from
a checkpoint, not from the last few bars.

The averages are those of `indicators`, to the bit: the mean of the first values, then 1/span of the way to each.
"""

from trading_system.data_pipeline.normalizers.features.row import Row, State
from trading_system.kernel import kernel


@kernel
def smoothed(state: State, place: int, value: float, span: float, seed: int, count: float) -> float:
    """Return an average after its `count`-th value, kept at `place`; a mere sum before the `seed`-th."""
    if count > seed:
        average = state[place] + (value - state[place]) / span
    else:
        total = state[place] + value
        average = total / seed if count == seed else total
    state[place] = average
    return average


@kernel
def ema_distance(state: State, row: Row, bars: int) -> float:
    """Return the close over its exponential average, less 1."""
    return row.close / smoothed(state, 0, row.close, 0.5 * (bars + 1.0), bars, row.seen) - 1.0


@kernel
def atr_ratio(state: State, row: Row, bars: int) -> float:
    """Return Wilder's average true range as a fraction of the close.

    Source: Wilder (1978), "New Concepts in Technical Trading Systems", section III.
    """
    return smoothed(state, 0, row.true_range, float(bars), bars, row.seen) / row.close


@kernel
def rsi(state: State, row: Row, bars: int) -> float:
    """Return Wilder's relative strength index, 0..1; 0.5 where nothing moved.

    Source: Wilder (1978), section VI; 1 - 1 / (1 + up / down), written without the pole at down = 0.
    """
    if row.seen == 1.0:
        return 0.5
    span, count = float(bars), row.seen - 1.0
    up = smoothed(state, 0, row.move if row.move > 0.0 else 0.0, span, bars, count)
    down = smoothed(state, 1, -row.move if row.move < 0.0 else 0.0, span, bars, count)
    return up / (up + down) if up + down > 0.0 else 0.5


@kernel
def macd(state: State, row: Row, fast: int, slow: int) -> float:
    """Return the fast less the slow exponential average of the close, as a fraction of the close.

    Source: Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """
    quick = smoothed(state, 0, row.close, 0.5 * (fast + 1.0), fast, row.seen)
    steady = smoothed(state, 1, row.close, 0.5 * (slow + 1.0), slow, row.seen)
    return (quick - steady) / row.close


@kernel
def macd_histogram(state: State, row: Row, fast: int, slow: int, signal: int) -> float:
    """Return the MACD line less its own average over `signal` bars, as a fraction of the close."""
    quick = smoothed(state, 0, row.close, 0.5 * (fast + 1.0), fast, row.seen)
    steady = smoothed(state, 1, row.close, 0.5 * (slow + 1.0), slow, row.seen)
    if row.seen < slow:
        return 0.0
    line = quick - steady
    return (line - smoothed(state, 2, line, 0.5 * (signal + 1.0), signal, row.seen - slow + 1.0)) / row.close


@kernel
def adx(state: State, row: Row, bars: int) -> float:
    """Return Wilder's average directional index, 0..1; where prices do not move at all, nothing points anywhere: 0.

    Source: Wilder (1978), section IV.
    """
    up, down = row.high - state[0], state[1] - row.low
    state[0], state[1] = row.high, row.low
    if row.seen == 1.0:
        return 0.0
    span, count = float(bars), row.seen - 1.0
    plus = smoothed(state, 2, up if up > down and up > 0.0 else 0.0, span, bars, count)
    minus = smoothed(state, 3, down if down > up and down > 0.0 else 0.0, span, bars, count)
    if count < bars:
        return 0.0
    apart = abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0
    return smoothed(state, 4, apart, span, bars, count - bars + 1.0)
