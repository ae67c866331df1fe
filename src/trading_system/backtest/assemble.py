"""From bars and choices to the arrays that a run takes; of a single instrument its columns are not copied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trading_system.backtest.figures import cash_of, costs_of, policy_of, rules_of, terms_of
from trading_system.backtest.run import OwnPolicy, make_setup
from trading_system.backtest.study import Sleeve, Study
from trading_system.backtest.tape import Beliefs, Setup, Tape
from trading_system.core_ai.inference.strategies.opinions import Opinions
from trading_system.data_pipeline.reading import Reading
from trading_system.errors import ConfigurationError
from trading_system.market.columns import Floats, Ints
from trading_system.market.instruments import Instrument

COLUMNS: Final = ("open", "high", "low", "close", "volume_atoms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that a run takes.

    Attributes:
        tape, beliefs, setup: As `run` takes them.
        own: The user's policy in the place of ours.
        readings: The bars of each instrument, in the order of `setup.terms`.
        sleeves: Who `setup.instrument` speaks of.
        interval_ns: Length of a bar, ns.
        first: The first slice at which any strategy has a view; 0 where none ever has.
    """

    tape: Tape
    beliefs: Beliefs
    setup: Setup
    own: OwnPolicy | None
    readings: tuple[Reading, ...]
    sleeves: tuple[Sleeve, ...]
    interval_ns: int
    first: int

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What is traded."""
        return tuple(reading.instrument for reading in self.readings)


def prepare(study: Study, readings: Sequence[Reading]) -> Prepared:
    """Return what a run of `study` on the bars of `readings` takes: bars aligned by their closes, views worked out.

    Raises:
        ConfigurationError: The instruments are not paid in one currency, their bars are not of one length, strategies
            on one instrument look at different ATRs; a script of the user's failed.
        DataError: A script of the user's answered with no probability.
        ImportError: numba is not installed.
    """
    interval_ns = _alike(readings)
    _one_atr(study)
    close_ns, rows = _slices(readings)
    tape, beliefs = _tables(study, readings, close_ns, rows)
    symbols = [reading.instrument.symbol for reading in readings]
    setup = make_setup(
        cash_atoms=cash_of(study),
        terms=[terms_of(reading.instrument) for reading in readings],
        costs=[costs_of(study, symbol) for symbol in symbols],
        instrument=[symbols.index(sleeve.symbol) for sleeve in study.sleeves],
        policies=[policy_of(study, sleeve) for sleeve in study.sleeves],
        rules=rules_of(study),
        life_ns=[study.strategies[sleeve.label].horizon * interval_ns for sleeve in study.sleeves],
    )
    return Prepared(
        tape=tape,
        beliefs=beliefs,
        setup=setup,
        own=study.own.policy if study.own is not None else None,
        readings=tuple(readings),
        sleeves=study.sleeves,
        interval_ns=interval_ns,
        first=_first(beliefs.probability),
    )


def _alike(readings: Sequence[Reading]) -> int:
    """Return the length of all bars, ns."""
    quotes = {reading.instrument.symbol: reading.instrument.quote for reading in readings}
    if len(set(quotes.values())) > 1:
        raise ConfigurationError(f"one account is in one currency, and these are paid in several: {_listed(quotes)}")
    lengths = {reading.bars.symbol: f"{reading.bars.interval_ns // 10**9} s" for reading in readings}
    if len(set(lengths.values())) > 1:
        raise ConfigurationError(f"the bars must be of one length: {_listed(lengths)}")
    return readings[0].bars.interval_ns


def _one_atr(study: Study) -> None:
    """Refuse strategies that look at different average true ranges: an instrument has one, and so do its stops."""
    ranges = {label: f"{strategy.atr} bars" for label, strategy in study.strategies.items()}
    if len(set(ranges.values())) > 1:
        raise ConfigurationError(
            f"the stops of an instrument hang on one average true range, and the strategies look at several: "
            f"{_listed(ranges)}; set them alike, as in --set atr=14"
        )
    kinds = {
        label: "a network's own" if strategy.name == "model" else "Wilder's"
        for label, strategy in study.strategies.items()
    }
    if len(set(kinds.values())) > 1:
        raise ConfigurationError(
            f"the stops of an instrument hang on one average true range, and there are two kinds: {_listed(kinds)}; "
            "run networks and rules apart"
        )
    if len({strategy.restart_on_gap for strategy in study.strategies.values()}) > 1:
        raise ConfigurationError(
            "restart_on_gap must be the same for all strategies: it changes the average true range"
        )


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _slices(readings: Sequence[Reading]) -> tuple[Ints, list[Ints | slice]]:
    """Return the closes of all slices, and where each instrument's bars stand among them."""
    closes = [reading.bars.close_ns for reading in readings]
    if all(np.array_equal(each, closes[0]) for each in closes[1:]):
        return closes[0], [slice(None)] * len(closes)
    union = np.unique(np.concatenate(closes))
    return union, [np.searchsorted(union, each) for each in closes]


def _tables(
    study: Study, readings: Sequence[Reading], close_ns: Ints, rows: Sequence[Ints | slice]
) -> tuple[Tape, Beliefs]:
    """Return bars and views. Of one instrument and one sleeve they are the very columns, seen as tables."""
    slices, sleeves = len(close_ns), study.sleeves
    if len(readings) == 1:
        bars = readings[0].bars
        tables = {name: getattr(bars, name).reshape(-1, 1) for name in COLUMNS}
    else:
        tables = {name: np.zeros((slices, len(readings)), dtype=np.int64) for name in COLUMNS}
        for i, reading in enumerate(readings):
            for name in COLUMNS:
                tables[name][rows[i], i] = getattr(reading.bars, name)
    atr = np.zeros((slices, len(readings)))
    probability = np.full((slices, len(sleeves)), np.nan)
    gain, loss = np.zeros_like(probability), np.zeros_like(probability)
    for i, reading in enumerate(readings):
        for k, sleeve in enumerate(sleeves):
            if sleeve.symbol != reading.instrument.symbol:
                continue
            opinions = study.strategies[sleeve.label].table(reading.bars)
            if len(sleeves) == 1:
                atr, probability, gain, loss = (column.reshape(-1, 1) for column in _told(opinions))
                continue
            atr[rows[i], i], probability[rows[i], k], gain[rows[i], k], loss[rows[i], k] = _told(opinions)
    tape = Tape(close_ns=close_ns, **tables, atr=atr, gates=np.empty(0, dtype=np.int64))
    return tape, Beliefs(probability=probability, gain=gain, loss=loss)


def _told(opinions: Opinions) -> tuple[Floats, Floats, Floats, Floats]:
    """Return average true range, probability and gain; no number where there is no view."""
    np.copyto(opinions.probability, np.nan, where=~opinions.known)
    return opinions.atr, opinions.probability, opinions.gain, opinions.loss


def _first(probability: Floats) -> int:
    """Return the first row with a view, 0 for none; looked for piece by piece, since it is near the start."""
    piece = 1 << 16
    for start in range(0, len(probability), piece):
        known = np.flatnonzero((probability[start : start + piece] == probability[start : start + piece]).any(axis=1))
        if len(known):
            return start + int(known[0])
    return 0
