"""vectorbt's `Portfolio.from_signals`, given the signals; run in the peers' environment.

    python -m scripts.bench.peers.vectorbt_signals MARKET.npz {rust,numba}

It gets what makes it fastest here: plain arrays, no stops where there are none, room for just the orders that come.
A market order at the next open is said by signals one bar later and `price=open`.

Of the stop: `sl_stop` is a fraction of the entry price or, with `sl_trail`, of the highest price since; it cannot be an
ATR that changes while the position is held. `adjust_sl_func_nb` can, called for each bar; the Rust engine takes no
callbacks, so that is numba. Two rules differ: vectorbt takes one order a bar, so the stop of a position cannot trigger
in the bar of its entry; and a stop comes before a signal's exit at the open, which the callback undoes.
"""

import math
import sys
from typing import Any

import numba
import numpy as np
import pandas as pd
import vectorbt
from scripts.bench.market import CASH, FAST, FEE, SLOW, Market, after, quote
from scripts.bench.worker import Case, Traded, serve

BY_VALUE = 1.0 + 1e-13
"""Lifts a stop by less than any tick: kept as a fraction, it would else fall short of itself by a rounding."""


@numba.njit
def trail(context: Any, stop: Any, leaving: Any, level: Any) -> tuple[float, bool]:
    """Return the stop for this bar as a fraction of the highest price so far; NaN where there is none."""
    i = context.i
    if context.position_now <= 0.0 or leaving[i]:
        level[0] = stop[i - 1]  # at the entry's open: the stop of the close before
        return math.nan, False
    level[0] = max(level[0], stop[i - 1])
    return max(0.0, 1.0 - level[0] * BY_VALUE / context.curr_price), True


def prepare(told: Market) -> dict[str, Case]:
    """Return from_signals alone, and with the equity at each close, which our loop and the bare one always work out."""
    engine = vectorbt.settings["engine"] = sys.argv[2]
    close, entries, exits = quote(told.close), after(told.enter), after(told.leave)
    prices = {"open": quote(told.open), "high": quote(told.high), "low": quote(told.low)}
    orders = 4 * int(entries.sum()) + 4
    common: dict[str, Any] = {
        "size": 1.0, "price": prices["open"], "fees": FEE, "init_cash": CASH, "direction": "longonly",
        "max_orders": orders, "engine": engine,
    }  # fmt: skip

    def cross() -> Any:
        return vectorbt.Portfolio.from_signals(close, entries, exits, use_stops=False, **common)

    level = np.zeros(1)
    trailing = {
        **prices, "use_stops": True, "sl_stop": math.nan, "stop_entry_price": "close",
        "adjust_sl_func_nb": trail, "adjust_sl_args": (quote(told.stop), exits, level),
    }  # fmt: skip

    def stop() -> Any:
        return vectorbt.Portfolio.from_signals(close, entries, exits, **trailing, **common)

    def marked(run: Any) -> Any:
        def both() -> Any:
            portfolio = run()
            portfolio.value()
            return portfolio

        return both

    ticks = pd.Series(told.close.astype(np.float64))  # in whole ticks all means are exact: no tie is lost to rounding

    def from_bars() -> Any:
        fast, slow = (vectorbt.MA.run(ticks, bars).ma.to_numpy() for bars in (FAST, SLOW))
        above = after(fast > slow)
        above[-2:] = False  # as the market's own signals: it ends flat
        portfolio = vectorbt.Portfolio.from_signals(close, above & ~after(above), ~above, use_stops=False, **common)
        portfolio.value()
        return portfolio

    runs = {"cross": cross, "cross, marked": marked(cross), "cross, from bars": from_bars}
    if engine == "numba":
        runs |= {"stop": stop, "stop, marked": marked(stop)}
    return {name: Case(run, read) for name, run in runs.items()}


def read(portfolio: Any) -> Traded:
    """Return its trades in our words."""
    trades = portfolio.trades.values
    return Traded(trades["entry_idx"], trades["exit_idx"], float(portfolio.value().iloc[-1]))


if __name__ == "__main__":
    serve(f"vectorbt {vectorbt.__version__}, {sys.argv[2]}", prepare)
