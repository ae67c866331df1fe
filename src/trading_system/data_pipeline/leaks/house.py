"""Probes of what the house itself makes of bars: features, windows of them, scalers, labels, joined metrics."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, AsOf, ages, joined
from trading_system.data_pipeline.labels import labels_of
from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.worlds import COLUMNS, World
from trading_system.data_pipeline.normalizers.features import Feature, FeatureSet, FeatureStream, feature_table
from trading_system.data_pipeline.normalizers.scaler import KINDS, fit
from trading_system.data_pipeline.normalizers.windows import Windows, behind_gaps, strided, window_ends
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats
from trading_system.market.onchain import Metric

Values = Callable[[World], Floats]
"""A world to (N, F) float64, NaN where undefined."""


def feature_probe(features: FeatureSet, *, window: int, train_ns: int) -> Probe:
    """Return a probe of features, of windows of them, and of the scalers fitted on those of the training fold.

    What features need beside the bars they are given as it is live: the world's metric, joined as of each close.

    Args:
        features: Of the house, or such as are declared like them.
        window: Rows in a window.
        train_ns: Last close of the training fold, UTC ns: a time and no share of the bars, which would move with them.
    """

    def batch(world: World) -> Floats:
        beside = joined(world.bars.close_ns, world.metrics, NO_LIMIT_NS)
        return feature_table(world.bars, features, dict.fromkeys(features.aux, beside)).values

    def stream(world: World) -> Floats:
        bars, beside = list(each_bar(world.bars)), [value for value, _ in _as_of(world, NO_LIMIT_NS)]
        columns = [_streamed(feature, bars, beside) for feature in features.features]
        return np.array(columns, dtype=np.float64).reshape(len(columns), len(bars)).T

    return probe_of(features.names, batch, stream, window=window, train_ns=train_ns)


def _streamed(feature: Feature, bars: Sequence[Bar], beside: Sequence[float]) -> list[float]:
    """Return one feature bar by bar: in a stream of its own, since a row waits for the last of its features."""
    stream = FeatureStream(FeatureSet(features=(feature,)))
    rows = [
        stream.push(bar, dict.fromkeys(stream.features.aux, value)) for bar, value in zip(bars, beside, strict=True)
    ]
    return [math.nan if row is None else row.values[0] for row in rows]


def each_bar(bars: BarColumns) -> Iterator[Bar]:
    """Yield `bars` one by one."""
    for close_ns, first, high, low, close, volume in zip(
        *(getattr(bars, name).tolist() for name in COLUMNS), strict=True
    ):
        yield Bar(
            symbol=bars.symbol,
            open_ns=close_ns - bars.interval_ns,
            close_ns=close_ns,
            open=first,
            high=high,
            low=low,
            close=close,
            volume_atoms=volume,
        )


def probe_of(names: tuple[str, ...], batch: Values, stream: Values, *, window: int, train_ns: int) -> Probe:
    """Return the probe of columns called `names`, at once and bar by bar; see `feature_probe`."""

    def ask(world: World) -> list[Answer]:
        values, bars = batch(world), world.bars
        ends = window_ends(values, window, begins=behind_gaps(bars.close_ns, bars.interval_ns))
        shown = strided(values, window)[ends - window + 1] if len(ends) else np.empty((0, window, len(names)), "f4")
        windows = Answer(
            ("windows",) * (window * len(names)),
            bars.close_ns[ends],
            bars.close_ns[ends],
            shown.reshape(len(ends), window * len(names)),
        )
        return [_by_bar(names, world, values), windows, _scalers(names, bars, values, train_ns)]

    def hear(world: World) -> list[Answer]:
        values, bars = stream(world), world.bars
        ring, begins = Windows(length=window, width=len(names)), behind_gaps(bars.close_ns, bars.interval_ns)
        ends, shown = [], []
        for row, line in enumerate(values.tolist()):
            block = ring.push(line, follows=not begins[row])
            if block is not None:
                ends.append(row)
                shown.append(block.ravel().copy())
        blocks = np.array(shown, dtype=np.float32).reshape(len(ends), window * len(names))
        closes = bars.close_ns[ends] if ends else bars.close_ns[:0]
        windows = Answer(("windows",) * (window * len(names)), closes, closes, blocks)
        return [_by_bar(names, world, values), windows, _scalers(names, bars, values, train_ns)]

    return Probe(ask=ask, stream=hear)


def _by_bar(names: tuple[str, ...], world: World, values: Floats) -> Answer:
    return Answer(names, world.bars.close_ns, world.bars.close_ns, values)


def _scalers(names: tuple[str, ...], bars: BarColumns, values: Floats, train_ns: int) -> Answer:
    """Return the ends of every kind of scaler, known once the training fold is over."""
    fold = values[: int(np.searchsorted(bars.close_ns, train_ns, side="right"))]
    rows = fold[np.isfinite(fold).all(axis=1)]
    columns = ("scalers",) * (4 * len(KINDS) * len(names))
    if not len(rows):
        return Answer(columns, bars.close_ns[:0], bars.close_ns[:0], np.empty((0, len(columns))))
    fitted = [fit(rows, kind=kind) for kind in KINDS]
    ends = [end for scaler in fitted for end in (scaler.low, scaler.high, scaler.floor, scaler.ceiling)]
    known = np.array([train_ns], dtype=np.int64)
    return Answer(columns, known, known, np.array(ends).reshape(1, len(columns)))


def label_probe(horizon: int) -> Probe:
    """Return a probe of labels: they look ahead, and must not be known before what they look at."""

    def ask(world: World) -> list[Answer]:
        labels = labels_of(world.bars, horizon)
        moves = labels.moves.reshape(-1, 1)
        return [Answer((f"label_{horizon}",), world.bars.close_ns[labels.rows], labels.known_ns, moves)]

    return Probe(ask=ask)


def metric_probe(max_age_ns: int = NO_LIMIT_NS) -> Probe:
    """Return a probe of the as-of join: a metric's value and age at each close."""
    names = ("joined metric", "age of joined metric")

    def ask(world: World) -> list[Answer]:
        closes = world.bars.close_ns
        columns = joined(closes, world.metrics, max_age_ns), ages(closes, world.metrics, max_age_ns)
        return [_by_bar(names, world, np.column_stack(columns))]

    def hear(world: World) -> list[Answer]:
        rows = np.array(list(_as_of(world, max_age_ns)), dtype=np.float64)
        return [_by_bar(names, world, rows.reshape(-1, 2))]

    return Probe(ask=ask, stream=hear)


def _as_of(world: World, max_age_ns: int) -> Iterator[tuple[float, float]]:
    """Yield the metric's value and age at each close, to one who hears of each record when it is published."""
    known, waiting = AsOf(max_age_ns), _published(world)
    record = next(waiting, None)
    for close_ns in world.bars.close_ns.tolist():
        while record is not None and record.available_ns <= close_ns:
            known.push(record)
            record = next(waiting, None)
        yield known.at(close_ns), known.age(close_ns)


def _published(world: World) -> Iterator[Metric]:
    """Yield the world's records in the order in which they became public."""
    metrics = world.metrics
    for row in np.lexsort((metrics.revision, metrics.event_ns, metrics.available_ns)).tolist():
        yield Metric(
            source="made-up",
            asset="none",
            name="metric",
            value=repr(float(metrics.value[row])),
            start_ns=int(metrics.event_ns[row]),
            end_ns=int(metrics.event_ns[row]),
            available_ns=int(metrics.available_ns[row]),
            revision=int(metrics.revision[row]),
            license="none",
        )
