"""One run: check what goes in, lay out what comes out, play it compiled or plain."""

from dataclasses import dataclass

import numpy as np

from trading_system.backtest.loop import play
from trading_system.backtest.rows import BOOK_COLUMNS
from trading_system.backtest.tape import (
    CASH,
    FILL_COLUMNS,
    FILLS,
    REJECTED,
    TALLY_COLUMNS,
    Beliefs,
    Floats,
    Ints,
    Record,
    Setup,
    Tape,
)
from trading_system.blotter.state import Policy, Terms
from trading_system.errors import ConfigurationError, DataError
from trading_system.execution_engine.simulator.costs import UNIT, Costs
from trading_system.kernel import compiled
from trading_system.risk_management.exposure import MAX_ATOMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to. Shapes as in `backtest.tape`.

    Attributes:
        close_ns: (S,) close of each slice, UTC ns.
        equity_atoms: (S,) cash and marked positions at the close, quote atoms.
        holdings_atoms: (S,) the positions alone.
        decided: (S, K, 3) target in lots, stop in ticks, objections (-1: no bar, no decision).
        fills: (N, 7) columns `tape.FILL_...`, in order.
        position_atoms: (K,) base currency owned by each sleeve at the end, atoms.
        cash_atoms: Quote currency at the end, atoms.
        rejected: Entries that the venue would have rejected because the open had jumped beyond the cash.
    """

    close_ns: Ints
    equity_atoms: Ints
    holdings_atoms: Ints
    decided: Ints
    fills: Ints
    position_atoms: Ints
    cash_atoms: int
    rejected: int


def make_setup(
    *, cash_atoms: int, terms: list[Terms], costs: list[Costs], instrument: list[int], policies: list[Policy]
) -> Setup:
    """Return the setup of a run: terms and costs by instrument; the instrument traded and the policy by sleeve."""
    return Setup(
        cash_atoms=cash_atoms,
        instrument=np.array(instrument, dtype=np.int64),
        terms=np.array(terms, dtype=np.int64),
        costs=np.array(costs, dtype=np.int64),
        policies=np.array(policies, dtype=np.float64),
    )


def run(tape: Tape, beliefs: Beliefs, setup: Setup, *, plain: bool = False) -> Outcome:
    """Play `tape` and return what came of it; the same to the bit whether compiled or `plain`.

    Raises:
        DataError: An array has another shape than `backtest.tape` says, or a bar contradicts itself.
        ConfigurationError: Cash, terms or costs are out of range.
        ImportError: numba is not installed (extra `backtest`) and `plain` is false.
    """
    tape = Tape(_ints(tape.close_ns), _ints(tape.bars), _floats(tape.atr), _ints(tape.gates))
    beliefs = Beliefs(_floats(beliefs.odds), _ints(beliefs.expires_ns))
    setup = Setup(
        int(setup.cash_atoms), _ints(setup.instrument), _ints(setup.terms), _ints(setup.costs), _floats(setup.policies)
    )
    _check_shapes(tape, beliefs, setup)
    _check_setup(setup)
    _check_bars(tape)
    slices, sleeves = len(tape.close_ns), len(setup.instrument)
    record = Record(
        cash=np.empty(slices, dtype=np.int64),
        holdings=np.empty(slices, dtype=np.int64),
        decided=np.empty((slices, sleeves, 3), dtype=np.int64),
        fills=np.empty(
            (2 * slices * sleeves, FILL_COLUMNS), dtype=np.int64
        ),  # open and stop; pages unused cost nothing
        marks=np.zeros(len(setup.terms), dtype=np.int64),
        book=np.zeros((sleeves, BOOK_COLUMNS), dtype=np.int64),
        tally=np.zeros(TALLY_COLUMNS, dtype=np.int64),
    )
    (play if plain else compiled(play))(tape, beliefs, setup, record)
    return Outcome(
        close_ns=tape.close_ns,
        equity_atoms=record.cash + record.holdings,
        holdings_atoms=record.holdings,
        decided=record.decided,
        fills=record.fills[: record.tally[FILLS]].copy(),
        position_atoms=record.book[:, 0].copy(),
        cash_atoms=int(record.tally[CASH]),
        rejected=int(record.tally[REJECTED]),
    )


def _ints(values: Ints) -> Ints:
    return np.require(values, np.int64, ["C", "A", "W"])  # one memory layout: numba compiles once for all callers


def _floats(values: Floats) -> Floats:
    return np.require(values, np.float64, ["C", "A", "W"])


def _check_shapes(tape: Tape, beliefs: Beliefs, setup: Setup) -> None:
    slices, instruments, sleeves = len(tape.close_ns), len(setup.terms), len(setup.instrument)
    expected = {
        "close_ns": (tape.close_ns, (slices,)),
        "bars": (tape.bars, (slices, instruments, 5)),
        "atr": (tape.atr, (slices, instruments)),
        "gates": (tape.gates, (slices,)),
        "odds": (beliefs.odds, (slices, sleeves, 3)),
        "expires_ns": (beliefs.expires_ns, (slices, sleeves)),
        "instrument": (setup.instrument, (sleeves,)),
        "terms": (setup.terms, (instruments, len(Terms._fields))),
        "costs": (setup.costs, (instruments, len(Costs._fields))),
        "policies": (setup.policies, (sleeves, len(Policy._fields))),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise DataError(f"back-test input {name} has shape {array.shape}; expected {shape}")


def _check_setup(setup: Setup) -> None:
    if not 0 <= setup.cash_atoms <= MAX_ATOMS:
        raise ConfigurationError(f"cash of {setup.cash_atoms} atoms is out of range; expected 0..{MAX_ATOMS}")
    if setup.instrument.size and not 0 <= setup.instrument.min() <= setup.instrument.max() < len(setup.terms):
        raise ConfigurationError(f"sleeves trade instruments {setup.instrument}; there are {len(setup.terms)}")
    if (setup.terms < [1, 1, 1, 0]).any() or (setup.terms[:, 0] > 30 * UNIT).any():
        raise ConfigurationError(f"terms {setup.terms} are out of range; a lot is at most 30 units")
    if (setup.costs < 0).any() or (setup.costs > UNIT).any():
        raise ConfigurationError(f"costs {setup.costs} are out of range; expected fractions 0..{UNIT} (1e-8)")


def _check_bars(tape: Tape) -> None:
    if (np.diff(tape.close_ns) <= 0).any():
        raise DataError("the slices' closes do not rise: sort them, and put bars with one close into one slice")
    open_, high, low, close = (tape.bars[:, :, column] for column in range(4))
    whole = (low > 0) & (low <= np.minimum(open_, close)) & (np.maximum(open_, close) <= high)
    broken = ~(whole | ~tape.bars.any(axis=2))
    if broken.any():
        s, i = np.argwhere(broken)[0]
        raise DataError(f"slice {s}, instrument {i}: {tape.bars[s, i].tolist()} cannot be one bar")
