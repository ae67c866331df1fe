"""What serving a network costs, measured in the process that calls this; `serving` starts one for each measurement."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

WINDOW: Final = 60
HIDDEN: Final = 64
LAYERS: Final = 2
FEATURES: Final = (
    *("return_16", "volatility_32", "parkinson_32", "range_ratio_14", "cutler_rsi_14", "bollinger_20_2"),
    *("volume_z_96", "obv_slope_32", "vwap_distance_96", "body", "upper_wick", "lower_wick", "close_location"),
    *("hour_sine", "hour_cosine", "weekday_sine"),
)
INSTRUMENTS: Final = 1_000
CALLS: Final = 2_000
"""Calls of each kind in a round."""
FEW: Final = 20
"""Calls in a round of what takes long."""

Spent = dict[str, list[tuple[float, float, float]]]
"""For each kind of call and each round: the median, the 99th percentile, and that of the processor's time alone, s."""


@contextmanager
def reference() -> Iterator[tuple[Any, Any]]:
    """Yield the reference network, and the model's folder as it was read; kept views are those of this run alone."""
    import torch

    from trading_system.core_ai.inference.lanes import STEP_FILE
    from trading_system.core_ai.inference.manifest import DEMO_MODEL, read, save
    from trading_system.core_ai.training.export import onnx_of, step_of
    from trading_system.core_ai.training.network import DirectionNetwork
    from trading_system.data_pipeline.normalizers.features import set_of
    from trading_system.data_pipeline.normalizers.scaler import Scaler

    torch.set_num_threads(1)
    torch.manual_seed(7)
    ends = {"low": -3.0, "high": 3.0, "floor": -12.0, "ceiling": 12.0}
    scaler = {name: (end,) * len(FEATURES) for name, end in ends.items()}
    network = DirectionNetwork(Scaler(**scaler), hidden=HIDDEN, dropout=0.0, layers=LAYERS).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)  # a network just made answers nearly alike whatever it is shown
    named = {"window": WINDOW, "interval": "1m", "features": FEATURES, "feature_set": set_of(FEATURES).name}
    manifest = msgspec.structs.replace(read(DEMO_MODEL).manifest, **named, **scaler)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        model = Path(folder) / "model"
        save(model, onnx_of(network, window=WINDOW), manifest, others={STEP_FILE: step_of(network)})
        yield network, read(model)


def columns(count: int, seed: int) -> Any:
    """Return `count` made-up minute bars."""
    from scripts.bench.market import MINUTE_NS, market

    from trading_system.market.columns import BarColumns

    told = market(count, seed)
    names = ("close_ns", "open", "high", "low", "close", "volume_atoms")
    return BarColumns(symbol="BENCH", interval_ns=MINUTE_NS, **{name: getattr(told, name) for name in names})


def latency(rounds: int, seed: int) -> Spent:
    """Return what one bar of one instrument took, and one bar of many; all kinds in turns."""
    import torch

    from trading_system.core_ai.inference.lanes import STEP_FILE, Lanes, step_session
    from trading_system.core_ai.inference.model_forecaster import ModelForecaster
    from trading_system.core_ai.inference.sessions import one_thread
    from trading_system.core_ai.inference.whole import Whole
    from trading_system.data_pipeline.leaks.house import each_bar

    chance = np.random.default_rng(seed)
    with reference() as (network, artefact), torch.no_grad():
        width = len(FEATURES)
        rows = chance.standard_normal((CALLS, width)).tolist()
        tensor = torch.from_numpy(chance.standard_normal((1, WINDOW, width)).astype(np.float32))
        step = artefact.files[STEP_FILE]
        lanes = Lanes(step_session(step, width=width), window=WINDOW)
        many = Lanes(step_session(step, width=width), window=WINDOW, instruments=INSTRUMENTS)
        whole = Whole(one_thread(artefact.model, "model"), window=WINDOW, width=width)
        forecaster = ModelForecaster(artefact.manifest, artefact.model, step)
        bars = list(each_bar(columns(rounds * CALLS + 1_000, seed)))
        for bar in bars[:1_000]:
            forecaster.push(bar)
        row, bar = iter(rows * (4 * rounds + 8)), iter(bars[1_000:])
        table = chance.standard_normal((INSTRUMENTS, width)).astype(np.float32)
        kinds: dict[str, tuple[int, Callable[[], Any], Callable[[], None]]] = {
            "torch": (CALLS, lambda: network(tensor), _nothing),
            "whole": (CALLS, lambda: whole.emit(next(row)), _nothing),
            "emit": (CALLS, lambda: float(lanes.emit(next(row))[0]), lanes.rest),
            "rest": (CALLS, lanes.rest, lambda: lanes.take(next(row))),
            "push": (CALLS, lambda: forecaster.push(next(bar)), forecaster.rest),
            "many": (FEW, lambda: many.emit(table), _nothing),
        }
        many.rest = _nothing  # type: ignore[method-assign]  # half a second, which a bar of a minute has
        for _, call, between in kinds.values():
            for _ in range(5):
                call()
                between()
        spent: Spent = {name: [] for name in kinds}
        bar = iter(bars[1_000:])
        for _ in range(rounds):
            for name, (calls, call, between) in kinds.items():
                spent[name].append(_timed(calls, call, between))
    return spent


def _nothing() -> None:
    """Do nothing between two calls."""


def _timed(calls: int, call: Callable[[], Any], between: Callable[[], Any]) -> tuple[float, float, float]:
    wall, processor = [], []
    for _ in range(calls):
        used, start = time.thread_time_ns(), time.perf_counter_ns()
        call()
        wall.append(time.perf_counter_ns() - start)
        processor.append(time.thread_time_ns() - used)
        between()
    middle, most = np.percentile(wall, [50, 99]) / 1e9
    return float(middle), float(most), float(np.percentile(processor, 99) / 1e9)


def history(bars: int, seed: int) -> dict[str, Any]:
    """Return what the views of `bars` bars took a back-test: features and windows of them, and once they are kept."""
    from trading_system.core_ai.inference.history import history_of

    with reference() as (_, artefact):
        small, all_of_them = columns(2_000, seed), columns(bars, seed)
        history_of(artefact, small)  # compiles the features
        start, used = time.perf_counter(), time.process_time()
        first = history_of(artefact, all_of_them)
        middle, used = time.perf_counter(), time.process_time() - used
        again = history_of(artefact, all_of_them)
        end = time.perf_counter()
    return {
        "first_s": middle - start,
        "processor_s": used,
        "again_s": end - middle,
        "known": int((first.probability == first.probability).sum()),
        "same": bool(np.array_equal(first.probability, again.probability, equal_nan=True)),
        "threads": len(os.sched_getaffinity(0)),
    }


def parity(bars: int, seed: int) -> dict[str, Any]:
    """Return how far a forecaster by steps is from whole windows, over bars with gaps, wild values and restarts."""
    from dataclasses import replace

    from trading_system.core_ai.inference.history import history_of
    from trading_system.core_ai.inference.lanes import STEP_FILE
    from trading_system.core_ai.inference.manifest import read, save
    from trading_system.core_ai.inference.model_forecaster import ModelForecaster
    from trading_system.data_pipeline.leaks.house import each_bar

    chance = np.random.default_rng(seed)
    told = columns(bars, seed)
    kept = chance.random(bars) > 0.0005
    volume = np.where(chance.random(bars) < 0.0005, 10**15, told.volume_atoms)
    names = ("close_ns", "open", "high", "low", "close")
    told = replace(told, volume_atoms=volume[kept], **{name: getattr(told, name)[kept] for name in names})
    with reference() as (_, artefact):
        by_window = Path(os.environ["XDG_CACHE_HOME"]) / "by_window"
        save(by_window, artefact.model, artefact.manifest)
        whole, stepped = history_of(read(by_window), told).probability, history_of(artefact, told).probability
        parts = artefact.manifest, artefact.model, artefact.files[STEP_FILE]
        forecaster, restarts = ModelForecaster(*parts), 0
        said, past = np.full(len(told), np.nan), list(each_bar(told))
        dies = chance.random(len(told)) < 0.0002
        for index, bar in enumerate(past):
            forecast = forecaster.push(bar)
            if forecast.known:
                said[index] = forecast.probability
            if dies[index] and index > forecaster.warm_up:
                forecaster, restarts = ModelForecaster(*parts), restarts + 1
                for before in past[index - forecaster.warm_up : index + 1]:
                    forecaster.push(before)
    known = ~np.isnan(whole)
    return {
        "bars": len(told),
        "windows": int(known.sum()),
        "gaps": int((~kept).sum()),
        "restarts": restarts,
        "apart": float(np.abs(said - whole)[known].max()),
        "spread": float(whole[known].std()),
        "same_windows": bool(np.array_equal(known, ~np.isnan(said))),
        "same_bits": bool(np.array_equal(said, stepped, equal_nan=True)),
    }
