"""A script of the user's as a probe for leaks: what it says of many windows at once must not know the later ones."""

import math
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trading_system.core_ai.inference.strategies.script import AT_ONCE, TIMES, Script, Scripted, Windows, load
from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.house import each_bar
from trading_system.data_pipeline.leaks.own import blamed_on
from trading_system.data_pipeline.leaks.worlds import World
from trading_system.errors import ConfigurationError
from trading_system.market.columns import BarColumns, Floats, Ints


def script_probe(path: Path) -> Probe:
    """Return a probe of the strategy in the script at `path`, with the defaults of its parameters.

    A script is shown no later bar within a window, but other windows beside it: asked about all at once, and with
    nothing of what a back-test asks again, it must say of each what it says alone, as it does live. The file is loaded
    anew for each question, so that nothing it keeps can answer for what it was not shown.

    Raises:
        ConfigurationError: The file cannot be used, see `script.load`; the probe raises it where the script fails.
        DataError: The probe raises it where a live answer is no probability.
    """
    load(path)

    def ask(world: World) -> list[Answer]:
        return [_answer(world, _at_once(path, load(path), world.bars))]

    def hear(world: World) -> list[Answer]:
        script = load(path)
        step = Scripted(script=script, values=_defaults(script)).stream()
        return [_answer(world, np.array([step(bar) for bar in each_bar(world.bars)], dtype=np.float64))]

    return Probe(ask=ask, stream=hear)


def _answer(world: World, odds: Floats) -> Answer:
    return Answer(("view",), world.bars.close_ns, world.bars.close_ns, odds.reshape(-1, 1))


def _defaults(script: Script) -> dict[str, str | int | float | bool]:
    return {each.name: each.default for each in script.parameters if each.default is not None}


def _at_once(path: Path, script: Script, bars: BarColumns) -> Floats:
    """Return what the script says of all windows in as few calls as a back-test makes."""
    width, count = script.window, len(bars) - script.window + 1
    odds, step = np.full(len(bars), math.nan), max(1, AT_ONCE // width)
    for start in range(0, count, step):
        rows = min(count - start, step)
        shown = Windows(bars.symbol, partial(_column, bars, start, rows, width))
        with blamed_on(path, "view() failed"), np.errstate(all="ignore"):
            answer = np.asarray(script.view(shown, **_defaults(script)), dtype=np.float64)
        if answer.shape not in ((), (rows,)):
            raise ConfigurationError(f"{path}: view() answered with shape {answer.shape} to {rows} windows")
        odds[start + width - 1 : start + width - 1 + rows] = answer
    return odds


def _column(bars: BarColumns, start: int, rows: int, width: int, name: str) -> Floats | Ints:
    part = slice(start, start + rows + width - 1)
    if name in TIMES:
        times: Ints = bars.close_ns[part] - (bars.interval_ns if name == "open_ns" else 0)
        return sliding_window_view(times, width)
    values: Ints = getattr(bars, name)[part]
    return sliding_window_view(values.astype(np.float64), width)
