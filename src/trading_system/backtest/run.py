"""One run: check what goes in, lay out what comes out, play it compiled or plain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trading_system.backtest.loop import ANY_VOLUME, play
from trading_system.backtest.own_asks import decide_within
from trading_system.backtest.quiet import Lane
from trading_system.backtest.rows import C, Columns, policy_at, reader
from trading_system.backtest.tape import (
    AMBIGUOUS,
    CASH,
    CROSS,
    DECISIONS,
    FILL_COLUMNS,
    FILLS,
    ORDER_COLUMNS,
    ORDER_INTENT,
    ORDERS,
    REJECTED,
    ROOM,
    TALLY_COLUMNS,
    Beliefs,
    Record,
    Rules,
    Setup,
    Tape,
)
from trading_system.backtest.together import ALONE
from trading_system.blotter.objections import COMBINATIONS
from trading_system.blotter.state import Policy, Terms
from trading_system.desk.decide import breakers, decide, idle, never_idle, never_steady, no_breakers, steady
from trading_system.errors import ConfigurationError, DataError
from trading_system.execution_engine.simulator.costs import UNIT, Costs
from trading_system.execution_engine.simulator.matching import THROUGH, TOUCH, TOUCH_OR_OPEN
from trading_system.kernel import Swaps, compiled, kernel, swapped
from trading_system.market.columns import Floats, Ints
from trading_system.risk_management.exposure import MAX_ATOMS

CHUNK: Final = 1 << 20
"""Slices that run between two words about progress."""
LONGEST_LATENCY: Final = 1_000
SHORTABLE: Final = Terms._fields.index("shortable")

Progress = Callable[[int, int], None]
"""Told how many slices are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to. Shapes as in `backtest.tape`.

    Attributes:
        close_ns: (S,) close of each slice, UTC ns.
        cash_atoms: (S,) quote currency owned at the close, atoms.
        holdings_atoms: (S,) the positions' worth at the close, short ones below zero, quote atoms.
        short_atoms: (S,) what the short ones among them are worth, >= 0.
        decided: (S, K, 3) target in lots, stop in ticks, objections (-1: no bar, no decision); (0, K, 3) if not kept.
        orders: (N, 10) columns `tape.ORDER_...`, in the order in which they were asked for; both sides of crossings
            among them.
        fills: (N, 9) columns `tape.FILL_...`, in the order in which they happened; likewise.
        position_atoms: (K,) base currency owned by each sleeve at the end, atoms.
        denials: How often each set of objections denied a wish to enter.
        rejected: Entries that the venue would have rejected.
        ambiguous: Bars in which stop and target both lay; the stop counted.
        decisions: How many were made.
    """

    close_ns: Ints
    cash_atoms: Ints
    holdings_atoms: Ints
    short_atoms: Ints
    decided: Ints
    orders: Ints
    fills: Ints
    position_atoms: Ints
    denials: dict[int, int]
    rejected: int
    ambiguous: int
    decisions: int

    @property
    def equity_atoms(self) -> Ints:
        """(S,) cash and marked positions at the close, quote atoms."""
        return self.cash_atoms + self.holdings_atoms

    @property
    def crossings(self) -> int:
        """How often lots went from one sleeve to another."""
        return int(np.count_nonzero(self.orders[:, ORDER_INTENT] == CROSS)) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPolicy:
    """A policy of the user's that takes the place of ours.

    Attributes:
        decide: A function of the shape of `desk.decide.decide`, marked with `@kernel`. Kept so that it asks for
            nothing that could not be taken, see `own_asks.within`.
        kind: The NamedTuple of ints and floats that it knows as its policy. It needs the fields `stop_slack` and
            `cash_buffer`, which the loop asks for as well.
    """

    decide: Callable[..., Any]
    kind: type[Any] = Policy

    def __post_init__(self) -> None:
        object.__setattr__(self, "decide", swapped(decide_within, {decide: self.decide}))

    def swaps(self) -> Swaps:
        """Return what to replace in the loop."""
        ours: Swaps = {decide: self.decide, idle: never_idle, steady: never_steady}
        if self.kind is Policy:
            return ours
        missing = {"stop_slack", "cash_buffer"} - set(getattr(self.kind, "_fields", ()))
        if missing:
            raise ConfigurationError(f"policy {self.kind.__name__} lacks the fields {', '.join(sorted(missing))}")
        return {**ours, breakers: no_breakers, policy_at: reader(self.kind)}  # its numbers need not be those of ours


def make_setup(
    *,
    cash_atoms: int,
    terms: list[Terms],
    costs: list[Costs],
    instrument: list[int],
    policies: list[Any],
    rules: Rules | None = None,
    life_ns: list[int] | None = None,
) -> Setup:
    """Return the setup of a run: terms and costs by instrument; the instrument traded and the policy by sleeve."""
    return Setup(
        cash_atoms=cash_atoms,
        rules=rules or Rules(),
        instrument=np.array(instrument, dtype=np.int64),
        terms=np.array(terms, dtype=np.int64),
        costs=np.array(costs, dtype=np.int64),
        policies=np.array(policies, dtype=np.float64),
        life_ns=np.array(life_ns or [1] * len(instrument), dtype=np.int64),
    )


def run(
    tape: Tape,
    beliefs: Beliefs,
    setup: Setup,
    *,
    plain: bool = False,
    own: OwnPolicy | None = None,
    decisions: bool = True,
    sound: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Play `tape` and return what came of it; the same to the bit whether compiled or `plain`.

    Args:
        tape: The market.
        beliefs: The views.
        setup: What stays the same.
        plain: Run as ordinary Python, thousands of times slower.
        own: A policy in the place of ours.
        decisions: Keep every decision's target, stop and objections.
        sound: The bars were checked when they were read, so they are not checked again.
        progress: Told now and then how far the run is.

    Raises:
        DataError: An array has another shape than `backtest.tape` says, or a bar contradicts itself.
        ConfigurationError: Cash, terms, costs or rules are out of range.
        ImportError: numba is not installed and `plain` is false.
    """
    tape, beliefs, setup = checked(tape, beliefs, setup, own, plain=plain, sound=sound)
    played = loop_of(setup, own)
    record = _play(played if plain else compiled(played), tape, beliefs, setup, decisions, progress)
    return Outcome(
        close_ns=tape.close_ns,
        cash_atoms=record.cash,
        holdings_atoms=record.holdings,
        short_atoms=record.short if len(record.short) else np.zeros(len(tape.close_ns), dtype=np.int64),
        decided=record.decided,
        orders=record.orders[: record.tally[ORDERS]],
        fills=record.fills[: record.tally[FILLS]],
        position_atoms=record.book[:, 0].copy(),
        denials={int(flags): int(record.denials[flags]) for flags in np.flatnonzero(record.denials)},
        rejected=int(record.tally[REJECTED]),
        ambiguous=int(record.tally[AMBIGUOUS]),
        decisions=int(record.tally[DECISIONS]),
    )


def loop_of(setup: Setup, own: OwnPolicy | None) -> Callable[..., int]:
    """Return `play` as a run of `setup` needs it: with the user's own policy; with netting where sleeves can net."""
    shared = len(np.unique(setup.instrument)) < len(setup.instrument)
    return swapped(play, {**({} if shared else ALONE), **({} if own is None else own.swaps())})


def checked(
    tape: Tape, beliefs: Beliefs, setup: Setup, own: OwnPolicy | None, *, plain: bool = False, sound: bool = False
) -> tuple[Tape, Beliefs, Setup]:
    """Return the inputs in the memory layout that is compiled for.

    Raises:
        DataError: An array has another shape than `backtest.tape` says, or a bar contradicts itself.
        ConfigurationError: Cash, terms, costs or rules are out of range.
    """
    tape = Tape(
        close_ns=_ints(tape.close_ns),
        open=_ints(tape.open),
        high=_ints(tape.high),
        low=_ints(tape.low),
        close=_ints(tape.close),
        volume_atoms=_ints(tape.volume_atoms),
        atr=_floats(tape.atr),
        gates=_ints(tape.gates),
    )
    beliefs, setup = Beliefs(*map(_floats, beliefs)), _tidied(setup)
    _check_shapes(tape, beliefs, setup, own)
    _check_setup(setup)
    if not sound:
        _check_bars(tape, plain)
    return tape, beliefs, setup


def _play(
    played: Callable[..., int],
    tape: Tape,
    beliefs: Beliefs,
    setup: Setup,
    decisions: bool,
    progress: Progress | None,
) -> Record:
    """Play all slices, with more rows for orders and fills wherever they run out."""
    slices, sleeves = len(tape.close_ns), len(setup.instrument)
    record, lane, done = blank(slices, setup, decisions), lane_of(tape, beliefs, setup), 0
    while done < slices:
        last = min(slices, done + CHUNK)
        reached = played(tape, beliefs, lane, setup, record, done, last)
        if reached < last:  # it ran out of rows
            more = 2 * len(record.orders) + 2 * ROOM * sleeves
            record = record._replace(orders=_longer(record.orders, more), fills=_longer(record.fills, more))
        done = reached
        if progress is not None:
            progress(done, slices)
    return record


def blank(slices: int, setup: Setup, decisions: bool) -> Record:
    """Return a record to be written to, with the cash at the start and rows for a run that trades now and then."""
    sleeves, instruments = len(setup.instrument), len(setup.terms)
    rows = max(4_096, slices // 4) + ROOM * sleeves  # pages that stay untouched cost nothing
    record = Record(
        cash=np.empty(slices, dtype=np.int64),
        holdings=np.empty(slices, dtype=np.int64),
        short=np.empty(slices if setup.terms[:, SHORTABLE].any() else 0, dtype=np.int64),
        decided=np.empty((slices if decisions else 0, sleeves, 3), dtype=np.int64),
        denials=np.zeros(COMBINATIONS, dtype=np.int64),
        orders=np.empty((rows, ORDER_COLUMNS), dtype=np.int64),
        fills=np.empty((rows, FILL_COLUMNS), dtype=np.int64),
        marks=np.zeros(instruments, dtype=np.int64),
        volume=np.full(instruments, ANY_VOLUME, dtype=np.int64),
        book=np.zeros((sleeves, len(Columns._fields)), dtype=np.int64),
        shares=np.zeros(sleeves, dtype=np.float64),
        carried=np.zeros(2, dtype=np.float64),
        latches=np.zeros(2, dtype=np.int64),
        tally=np.zeros(TALLY_COLUMNS, dtype=np.int64),
    )
    record.tally[CASH] = setup.cash_atoms
    record.book[:, C.shared] = np.bincount(setup.instrument, minlength=instruments)[setup.instrument] > 1
    return record


def lane_of(tape: Tape, beliefs: Beliefs, setup: Setup) -> Lane:
    """Return tape and beliefs as plain columns where one sleeve is alone; they are the same memory."""
    columns = {**tape._asdict(), **beliefs._asdict()}
    if len(setup.terms) == len(setup.instrument) == 1:
        return Lane(**{name: column.reshape(-1) for name, column in columns.items()})
    return Lane(**{name: np.empty(0, dtype=column.dtype) for name, column in columns.items()})


def _longer(table: Ints, rows: int) -> Ints:
    longer = np.empty((rows, table.shape[1]), dtype=np.int64)
    longer[: len(table)] = table
    return longer


def _tidied(setup: Setup) -> Setup:
    return Setup(
        cash_atoms=int(setup.cash_atoms),
        rules=Rules(*map(int, setup.rules)),
        instrument=_ints(setup.instrument),
        terms=_ints(setup.terms),
        costs=_ints(setup.costs),
        policies=_floats(setup.policies),
        life_ns=_ints(setup.life_ns),
    )


def _ints(values: Ints) -> Ints:
    return np.require(values, np.int64, ["C", "A", "W"])  # one memory layout: numba compiles once for all callers


def _floats(values: Floats) -> Floats:
    return np.require(values, np.float64, ["C", "A", "W"])


def _check_shapes(tape: Tape, beliefs: Beliefs, setup: Setup, own: OwnPolicy | None) -> None:
    slices, instruments, sleeves = len(tape.close_ns), len(setup.terms), len(setup.instrument)
    kind = Policy if own is None else own.kind
    expected: dict[str, tuple[Ints | Floats, tuple[int, ...]]] = {
        "close_ns": (tape.close_ns, (slices,)),
        **{name: (getattr(tape, name), (slices, instruments)) for name in Tape._fields[1:-1]},
        "gates": (tape.gates, (slices if len(tape.gates) else 0,)),
        **{name: (getattr(beliefs, name), (slices, sleeves)) for name in Beliefs._fields},
        "instrument": (setup.instrument, (sleeves,)),
        "terms": (setup.terms, (instruments, len(Terms._fields))),
        "costs": (setup.costs, (instruments, len(Costs._fields))),
        "policies": (setup.policies, (sleeves, len(kind._fields))),
        "life_ns": (setup.life_ns, (sleeves,)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise DataError(f"back-test input {name} has shape {array.shape}; expected {shape}")


def _check_setup(setup: Setup) -> None:
    rules = setup.rules
    if not 0 <= setup.cash_atoms <= MAX_ATOMS:
        raise ConfigurationError(f"cash of {setup.cash_atoms} atoms is out of range; expected 0..{MAX_ATOMS}")
    if setup.instrument.size and not 0 <= setup.instrument.min() <= setup.instrument.max() < len(setup.terms):
        raise ConfigurationError(f"sleeves trade instruments {setup.instrument}; there are {len(setup.terms)}")
    if (setup.terms < [1, 1, 1, 0, 0]).any() or (setup.terms[:, 0] > 30 * UNIT).any():
        raise ConfigurationError(f"terms {setup.terms} are out of range; a lot is at most 30 units")
    if (setup.costs < 0).any() or (setup.costs > UNIT).any():
        raise ConfigurationError(f"costs {setup.costs} are out of range; expected fractions 0..{UNIT} (1e-8)")
    if not (0 <= rules.latency_bars <= LONGEST_LATENCY and 0 <= rules.volume_share <= UNIT):
        raise ConfigurationError(f"{rules} is out of range: latency 0..{LONGEST_LATENCY} bars, share 0..{UNIT} (1e-8)")
    if rules.at_close not in (0, 1) or rules.touch not in (THROUGH, TOUCH, TOUCH_OR_OPEN):
        raise ConfigurationError(f"{rules} is out of range: at_close is 0 or 1, touch 0, 1 or 2")


def _check_bars(tape: Tape, plain: bool) -> None:
    bad: int = (_first_bad if plain else compiled(_first_bad))(
        tape.close_ns, tape.open, tape.high, tape.low, tape.close, tape.volume_atoms
    )
    if bad < 0:
        return
    s, i = divmod(bad, tape.open.shape[1])
    if s > 0 and tape.close_ns[s] <= tape.close_ns[s - 1]:
        raise DataError("the slices' closes do not rise: sort them, and put bars with one close into one slice")
    row = [int(column[s, i]) for column in (tape.open, tape.high, tape.low, tape.close, tape.volume_atoms)]
    raise DataError(f"slice {s}, instrument {i}: {row} cannot be one bar")


@kernel
def _first_bad(close_ns: Ints, open_: Ints, high: Ints, low: Ints, close: Ints, volume: Ints) -> int:
    """Return the place, in the flattened arrays, of the first bar that is impossible or out of order; or -1."""
    slices, instruments = open_.shape
    for s in range(slices):
        late = s == 0 or close_ns[s] > close_ns[s - 1]
        for i in range(instruments):
            o, h, ll, c = open_[s, i], high[s, i], low[s, i], close[s, i]
            whole = (ll > 0) & (ll <= o) & (ll <= c) & (o <= h) & (c <= h) & (volume[s, i] >= 0)
            absent = (o == 0) & (h == 0) & (ll == 0) & (c == 0)
            if not (late and (whole or absent)):
                return int(s * instruments + i)
    return -1
