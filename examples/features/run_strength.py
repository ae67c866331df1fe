"""How far the price has gone one way, weighed by how long: `--set examples/features/run_strength.py,rsi_14`.

`state` is STATE floats, zeros at first and again behind each gap in the bars. `row` is one closed bar and what the
house makes of it and of the bar before. Nothing in it is later than the bar: there is nothing to look ahead at.
"""

from trading_system.kernel import kernel

FORMULA = "ln(close / close before the run) * sqrt(bars of the run, at most limit)"
WARM_UP = 2
STATE = 2
ANCHOR = "gap"  # a run may be older than any window
PARAMETERS = {"limit": 20}


@kernel
def goes_on(move, run):
    """Return whether a move goes the way of a run's return."""
    return move * run > 0.0


def step(state, row, limit):
    """Return the log return of the run that this bar is in, times the root of its length; 0 at a bar without a move."""
    if not goes_on(row.move, state[1]):
        state[0] = state[1] = 0.0
    if row.move != 0.0:
        state[0] += 1.0
        state[1] += row.log_return
    return state[1] * min(state[0], limit) ** 0.5
