"""docs/synthetic-market.md and its pictures: recorded bars against synthetic ones, fact by fact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from scripts.calibration.facts import (
    FACTS,
    LAGS,
    Floats,
    History,
    hour_of,
    memory,
    profile,
    recorded,
)
from scripts.calibration.fit import INSTRUMENT, simulated
from scripts.calibration.pictures import Axis, Curve, picture

from trading_system.market.timestamps import NS_PER_S
from trading_system.testnet.climate import STEP_S, Climate, Factor
from trading_system.testnet.synthetic import PLANTED, TREND_BARS, synthetic_columns

FITTED_ON: Final = ("2023-04-01", "2024-04-01")
"""First day, and the day after the last. Before, the venue took no fee on BTCUSDT, which multiplied its volume."""
CHECKED_ON: Final = ("2024-04-01", "2025-01-01")
SEEDS: Final = (1, 2, 3, 4, 5, 6, 7, 8)
"""Of the page's synthetic markets; the fit saw others."""
REAL, LATER, MADE = "#1d4f91", "#6f9fd8", "#c4501b"
PAGE: Final = "synthetic-market.md"
FOLDER: Final = "synthetic-market"


def write_page(climates: Mapping[str, Climate], *, data: Path, docs: Path, date: str) -> None:
    """Write the page and its pictures into `docs`."""
    tables = {symbol: _table(climate, data, symbol) for symbol, climate in climates.items()}
    climate = climates["BTCUSDT"]
    _draw(climate, data, docs / FOLDER)
    words = Path(__file__).with_suffix(".md").read_text(encoding="utf-8").format(
        date=date, fitted=_span(FITTED_ON), checked=_span(CHECKED_ON), seeds=len(SEEDS),
        bitcoin=tables["BTCUSDT"], ether=tables["ETHUSDT"], lengths=_lengths(climate, data),
        numbers="\n".join(_numbers(climates)), planted=PLANTED, trend=TREND_BARS,
    )  # fmt: skip
    (docs / PAGE).write_text(words, encoding="utf-8")


def _span(days: tuple[str, str]) -> str:
    last = np.datetime64(days[1], "D") - np.timedelta64(1, "D")
    return f"{days[0]} to {last}"


def _grown(climate: Climate, like: History) -> list[History]:
    return simulated(climate, len(like.returns), SEEDS, step_s=like.step_s, start_s=int(like.open_s[0]))


def _table(climate: Climate, data: Path, symbol: str) -> str:
    bars = recorded(data / f"binance_{symbol}_5m.parquet", STEP_S)
    before, later = bars.between(*FITTED_ON), bars.between(*CHECKED_ON)
    ours = _grown(climate, before)
    last = str(np.datetime64(int(later.open_s[-1]), "s").astype("datetime64[D]"))
    rows = [
        f"| | real, fitted on | real, checked on (to {last}) | *synthetic* | its {len(SEEDS)} seeds "
        "| error, fitted | error, checked |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, of in FACTS.items():
        told, check, each = of(before), of(later), [of(one) for one in ours]
        mean = float(np.mean(each))
        errors = (
            ("–", "–")
            if "of r, largest" in name
            else tuple(f"{round(100 * (mean / real - 1)):+d} %" for real in (told, check))
        )
        seeds = f"{_short(min(each))} .. {_short(max(each))}"
        cells = (name, _short(told), _short(check), _short(mean), seeds, *errors)
        rows.append(f"| {' | '.join(cells)} |".replace("-", "−").replace("−−", "--"))
    return "\n".join(rows)


LENGTHS: Final = (
    ("1m", 60, "2024-07-26", "2024-08-26"),
    ("1h", 3_600, *CHECKED_ON),
    ("1d", 86_400, "2021-01-01", "2025-01-01"),
)
"""Bars of other lengths than was fitted: interval, s, from, until."""
SCALED: Final[Mapping[str, Callable[[History], float]]] = {
    name: of for name, of in FACTS.items() if not any(word in name for word in ("hour", "weekend", "lag 96", "lag 200"))
}


def _lengths(climate: Climate, data: Path) -> str:
    heads, columns = ["| |"], []
    for interval, step_s, start, end in LENGTHS:
        bars = recorded(data / f"binance_BTCUSDT_{interval}.parquet", step_s).between(start, end)
        ours = _grown(climate, bars)
        columns.append({name: (of(bars), float(np.mean([of(one) for one in ours]))) for name, of in SCALED.items()})
        heads.append(f" {interval}, {_span((start, end))} | *synthetic* {interval} |")
    rows = ["".join(heads), "|---|" + "---:|" * 2 * len(LENGTHS)]
    for name in SCALED:
        cells = [_short(value) for column in columns for value in column[name]]
        rows.append(f"| {name} | {' | '.join(cells)} |".replace("-", "−"))
    return "\n".join(rows)


def _numbers(climates: Mapping[str, Climate]) -> Iterable[str]:
    yield f"| | {' | '.join(climates)} |"
    yield "|---|---:|---:|"
    rows: Sequence[tuple[str, Callable[[Climate], str]]] = (
        ("volatility of a day", lambda one: _short(one.daily_volatility)),
        ("clusters: variance of the log variance (memory)", lambda one: _factors(one.clusters)),
        ("tail: degrees of freedom of a step", lambda one: str(one.tail)),
        ("wick", lambda one: _short(one.wick)),
        ("volume: share in the log variance", lambda one: _short(one.volume_heat)),
        ("volume: share in the move", lambda one: _short(one.volume_move)),
        ("volume: factors of its own (memory)", lambda one: _factors(one.activity)),
        ("volume: noise", lambda one: _short(one.volume_noise)),
    )
    for name, of in rows:
        yield f"| {name} | {' | '.join(of(one) for one in climates.values())} |"


def _factors(factors: Sequence[Factor]) -> str:
    return ", ".join(f"{_short(each.variance)} ({_time(each.memory_s)})" for each in factors) or "none"


def _time(seconds: float) -> str:
    for length, unit in ((86_400, "d"), (3_600, "h")):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds / 60:g} min"


def _short(value: float) -> str:
    """Return three significant digits or so.

    >>> _short(0.02397), _short(20.1085), _short(1685.4)
    ('0.024', '20.1', '1,685')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _draw(climate: Climate, data: Path, folder: Path) -> None:
    bars = recorded(data / "binance_BTCUSDT_5m.parquet", STEP_S)
    before, later = bars.between(*FITTED_ON), bars.between(*CHECKED_ON)
    ours = _grown(climate, before)
    folder.mkdir(exist_ok=True)
    hours = np.arange(24) + 0.5
    pictures = {
        "memory": picture(
            "Volatility clusters: 5m bars, BTCUSDT",
            Axis(words="lag, bars", marks=(1, 2, 5, 10, 20, 50, 100, 200), log=True),
            Axis(words="autocorrelation of |r|", marks=(0, 0.1, 0.2, 0.3, 0.4)),
            _curves(LAGS, before, later, ours, lambda one: memory(np.abs(one.returns))),
        ),
        "direction": picture(
            "No direction: 5m bars, BTCUSDT",
            Axis(words="lag, bars", marks=(1, 5, 10, 15, 20, 25, 30)),
            Axis(words="autocorrelation of r", marks=(-0.1, -0.05, 0, 0.05, 0.1)),
            _curves(range(1, 31), before, later, ours, lambda one: memory(one.returns, range(1, 31))),
        ),
        "tails": picture(
            "Fat tails: 5m bars, BTCUSDT",
            Axis(words="size of |r|, in medians of it", marks=(1, 2, 5, 10, 20, 50, 100), log=True),
            Axis(words="share of bars beyond", marks=(1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1), log=True),
            _curves(BEYOND, before, later, ours, _beyond),
        ),
        "volatility-hours": picture(
            "Busy hours: volatility of 5m bars, BTCUSDT",
            Axis(words="hour, UTC", marks=tuple(range(0, 25, 3))),
            Axis(words="mean |r| over the day's", marks=(0.5, 1, 1.5, 2)),
            _curves(hours, before, later, ours, lambda one: profile(np.abs(one.returns), hour_of(one), 24)),
        ),
        "volume-hours": picture(
            "Busy hours: volume of 5m bars, BTCUSDT",
            Axis(words="hour, UTC", marks=tuple(range(0, 25, 3))),
            Axis(words="mean volume over the day's", marks=(0.5, 1, 1.5, 2)),
            _curves(hours, before, later, ours, lambda one: profile(one.volume, hour_of(one), 24)),
        ),
        "volume-moves": picture(
            "Volume goes with moves: 5m bars, BTCUSDT",
            Axis(words="tenth of the bars, by |r|", marks=tuple(range(1, 11))),
            Axis(words="mean volume over all", marks=(0.2, 0.5, 1, 2, 5), log=True),
            _curves(range(1, 11), before, later, ours, _by_tenth),
        ),
        "reach": picture(
            "Bodies and wicks: 5m bars, BTCUSDT",
            Axis(words="|r| over the bar's range", marks=(0, 0.2, 0.4, 0.6, 0.8, 1)),
            Axis(words="density", marks=(0, 0.5, 1, 1.5, 2)),
            _curves((np.arange(20) + 0.5) / 20, before, later, ours, _bodies),
        ),
        "a-month": _month(climate),
    }  # fmt: skip
    for name, drawn in pictures.items():
        (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")


def _curves(
    across: Iterable[float], before: History, later: History, ours: Sequence[History], of: Callable[[History], Floats]
) -> list[Curve]:
    """Return real, later real and synthetic curves, and a band from the least to the most of the synthetic seeds."""
    at = [float(each) for each in across]
    grown = np.array([of(one) for one in ours])

    def points(values: Floats) -> list[tuple[float, float]]:
        return list(zip(at, values.tolist(), strict=True))

    return [
        Curve(name="", color=MADE, points=points(grown.min(axis=0)), upper=points(grown.max(axis=0))),
        Curve(name="real, fitted on", color=REAL, points=points(of(before))),
        Curve(name="real, checked on", color=LATER, points=points(of(later)), dashed=True),
        Curve(name=f"synthetic, {len(ours)} seeds and their mean", color=MADE, points=points(grown.mean(axis=0))),
    ]


BEYOND: Final = tuple(np.geomspace(1.0, 100.0, 60).tolist())


def _beyond(bars: History) -> Floats:
    size = np.sort(np.abs(bars.returns))
    within: Floats = np.searchsorted(size, np.array(BEYOND) * np.median(size)) / len(size)
    return 1.0 - within


def _by_tenth(bars: History) -> Floats:
    order = np.argsort(np.abs(bars.returns), kind="stable")
    means = [float(bars.volume[part].mean()) for part in np.array_split(order, 10)]
    return np.array(means) / float(bars.volume.mean())


def _bodies(bars: History) -> Floats:
    moved = bars.ranges > 0.0
    share = np.abs(bars.returns[moved]) / bars.ranges[moved]
    counts, _ = np.histogram(np.minimum(share, 1.0), bins=20, range=(0.0, 1.0))
    return counts * (20.0 / len(share))


def _month(climate: Climate) -> str:
    columns = synthetic_columns(
        seed=7, count=30 * 24, interval_ns=3_600 * NS_PER_S, instrument=INSTRUMENT, climate=climate
    )
    days = ((np.arange(len(columns)) + 1) / 24).tolist()
    price = (columns.close * float(INSTRUMENT.tick)).tolist()
    low, step = 1_000 * int(min(price) // 1_000), 1_000
    while low + 4 * step < max(price):
        step += 1_000
    return picture(
        "A month of synthetic 1h bars, seed 7", Axis(words="day", marks=tuple(range(0, 31, 5))),
        Axis(words="price", marks=tuple(range(low, low + 5 * step, step))),
        [Curve(name="synthetic close", color=MADE, points=list(zip(days, price, strict=True)))],
    )  # fmt: skip
