"""A tape and its beliefs as the bars and forecasts that a desk hears, one by one."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from trading_system.backtest.tape import Beliefs, Setup, Tape
from trading_system.blotter.portfolio import SleeveKey
from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar
from trading_system.ports import Forecaster


class _Table:
    """Views and ATR that were formed beforehand, handed out bar by bar."""

    def __init__(self, forecasts: Iterator[Forecast]) -> None:
        self._forecasts = forecasts

    def push(self, bar: Bar) -> Forecast:
        """Return the forecast of the next bar."""
        return next(self._forecasts)


def forecasters_of(
    tape: Tape, beliefs: Beliefs, setup: Setup, sleeves: Sequence[SleeveKey], interval_ns: int
) -> dict[SleeveKey, Forecaster]:
    """Return who hands out each sleeve's views and ATR as they were formed beforehand.

    Raises:
        ConfigurationError: A view does not live whole bars.
    """
    lives = setup.life_ns.tolist()
    if any(life < interval_ns or life % interval_ns for life in lives):
        raise ConfigurationError(f"views live {lives} ns; a desk counts in whole bars of {interval_ns} ns")
    return {
        key: _Table(_forecasts(tape, beliefs, int(setup.instrument[k]), k, key[0], lives[k] // interval_ns))
        for k, key in enumerate(sleeves)
    }


def _forecasts(tape: Tape, beliefs: Beliefs, i: int, k: int, model: str, horizon: int) -> Iterator[Forecast]:
    columns = (tape.close[:, i], tape.atr[:, i], beliefs.probability[:, k], beliefs.gain[:, k], beliefs.loss[:, k])
    for close, atr, probability, gain, loss in zip(*(column.tolist() for column in columns), strict=True):
        if close <= 0:
            continue
        if probability != probability:
            yield unknown(Unknown.COLD, model=model, horizon=horizon, atr=atr)
            continue
        yield Forecast(
            probability=probability,
            gain=gain,
            loss=loss,
            horizon=horizon,
            known=True,
            reason=Unknown.NONE,
            model=model,
            atr=atr,
        )


def slices_of(tape: Tape, symbols: Mapping[str, int], interval_ns: int) -> Iterator[tuple[int, int, dict[str, Bar]]]:
    """Yield close, gates and bars by symbol of each slice; `symbols` says which instrument each one is."""
    closes = tape.close_ns.tolist()
    gates = tape.gates.tolist() if len(tape.gates) else [0] * len(closes)
    bars = [_bars(tape, symbol, i, interval_ns) for symbol, i in symbols.items()]
    for close_ns, gate, *told in zip(closes, gates, *bars, strict=True):
        yield close_ns, gate, {bar.symbol: bar for bar in told if bar is not None}


def _bars(tape: Tape, symbol: str, i: int, interval_ns: int) -> Iterator[Bar | None]:
    """Yield one instrument's bar of each slice, as plain ints; None where it has none."""
    columns = (tape.open[:, i], tape.high[:, i], tape.low[:, i], tape.close[:, i], tape.volume_atoms[:, i])
    rows = zip(tape.close_ns.tolist(), *(column.tolist() for column in columns), strict=True)
    for close_ns, open_, high, low, close, volume in rows:
        yield (
            None
            if close <= 0
            else Bar(
                symbol=symbol,
                open_ns=close_ns - interval_ns,
                close_ns=close_ns,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume_atoms=volume,
            )
        )


def interval_of(tape: Tape) -> int:
    """Return the length of a bar: the shortest distance between two closes."""
    return int(np.diff(tape.close_ns).min()) if len(tape.close_ns) > 1 else 1


def first_open_of(tape: Tape, interval_ns: int) -> int:
    """Return when the first bar opens, UTC ns; 0 where there is none."""
    return int(tape.close_ns[0]) - interval_ns if len(tape.close_ns) else 0
