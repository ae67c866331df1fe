"""Rows of a back-test's arrays as the tuples that a decision knows, numbers as plain ints and floats."""

import inspect
import linecache
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from trading_system.backtest.tape import Beliefs, Record, Setup, Tape
from trading_system.blotter.state import (
    AccountCarried,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Terms,
    View,
)
from trading_system.errors import ConfigurationError
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.kernel import kernel
from trading_system.market.columns import Ints


class Columns(NamedTuple):
    """The columns of `Record.book`, one row a sleeve; each holds its own index in `C`."""

    position: int
    """Base atoms owned, signed."""
    target: int
    stop: int
    take: int
    bars_held: int
    bars_waiting: int
    reason: int
    """These six are what the last decision carries."""
    decided: int
    """Slice of that decision."""
    known: int
    """Last price heard: the close of that decision, or a fill's since, ticks."""
    exits: int
    protects: int
    """How many of each were asked for since that decision."""
    entry_lots: int
    """Signed lots of the live entry that may still trade; 0 for none."""
    entry_head: int
    """Lots of them that belong to the first of its orders."""
    entry_part: int
    """Lots of each of its further orders."""
    entry_limit: int
    """Ticks; 0 for at market."""
    entry_post_only: int
    entry_resting: int
    entry_due: int
    """First slice whose market it meets."""
    entry_cancel: int
    """First slice in which its cancel has arrived; 0 for none on its way."""
    entry_decided: int
    """Slice of the decision that asked for it."""
    entry_row: int
    """Row of the first of its orders in `Record.orders`."""
    worst: int
    """Quote atoms set aside for each lot of it."""
    reserved: int
    """Quote atoms set aside for all of it."""
    exit_lots: int
    exit_side: int
    exit_due: int
    exit_row: int
    status: int
    """Of the protective order: one of the STOP_ constants."""
    stop_lots: int
    stop_ticks: int
    limit_ticks: int
    take_ticks: int
    struck: int
    """0 untriggered, `RESTING` as a limit order since it was triggered, or `TAKING` what a bar's volume left over."""
    stop_side: int
    stop_due: int
    """First slice in which it has arrived, or its cancel has."""
    stop_row: int
    shared: int
    """1 where another sleeve trades the same instrument; the columns below are of use only there."""
    held: int
    """Signed lots of an entry that is held back, for others to give to; 0 for none."""
    leaves: int
    """1 in the moment in which the sleeve leaves at market ..."""
    leaving: int
    """... with so many lots that nobody has given or got yet."""
    crossed: int
    """1 until what follows from lots that it gave or got is asked for."""
    later: int
    """What its decision asks besides, once all have decided: bits of `backtest.together`."""
    later_lots: int
    later_stop: int
    later_take: int
    """A protective order among it: lots, trigger and target."""
    turn: int
    """Place of its cancel among those that the venue answers at this close; 0 for none."""
    fresh: int
    """1 while its entry was asked for at this close and not answered."""


C: Final = Columns(*range(len(Columns._fields)))
RESTING: Final = 1
TAKING: Final = 2


@kernel
def bar_at(tape: Tape, s: int, i: int) -> BarRow:
    """Return instrument `i`'s bar in slice `s`; all prices 0 where it has none."""
    return BarRow(
        close_ns=int(tape.close_ns[s]),
        open=int(tape.open[s, i]),
        high=int(tape.high[s, i]),
        low=int(tape.low[s, i]),
        close=int(tape.close[s, i]),
        volume_atoms=int(tape.volume_atoms[s, i]),
        atr=float(tape.atr[s, i]),
    )


@kernel
def view_at(tape: Tape, beliefs: Beliefs, setup: Setup, s: int, k: int) -> View:
    """Return sleeve `k`'s view at the close of slice `s`."""
    probability = float(beliefs.probability[s, k])
    known = probability == probability
    return View(
        probability=probability,
        gain=float(beliefs.gain[s, k]),
        loss=float(beliefs.loss[s, k]),
        expires_ns=int(tape.close_ns[s]) + int(setup.life_ns[k]) if known else 0,
    )


@kernel
def carried_at(record: Record) -> AccountCarried:
    """Return what the decision remembers of the account."""
    return AccountCarried(
        peak_equity=float(record.carried[0]),
        latched=int(record.latches[0]),
        day_equity=float(record.carried[1]),
        day_ends_ns=int(record.latches[1]),
    )


@kernel
def sleeve_at(book: Ints, k: int, terms: Terms, now: int) -> Sleeve:
    """Return what sleeve `k` has booked and carries, as seen from a decision in slice `now`."""
    fresh = book[k, C.entry_lots] != 0 and book[k, C.entry_limit] == 0 and book[k, C.entry_decided] == now
    return Sleeve(
        terms=terms,
        position_atoms=int(book[k, C.position]),
        entry_lots=int(book[k, C.entry_lots]),
        entry_taking=1 if fresh else 0,
        exit_lots=int(book[k, C.exit_lots]),
        stop_lots=int(book[k, C.stop_lots]),
        stop_resting_ticks=int(book[k, C.stop_ticks]),
        stop_limit_ticks=int(book[k, C.limit_ticks]),
        stop_status=int(book[k, C.status]),
        carried=SleeveCarried(
            target_lots=int(book[k, C.target]),
            stop_ticks=int(book[k, C.stop]),
            take_ticks=int(book[k, C.take]),
            bars_held=int(book[k, C.bars_held]),
            bars_waiting=int(book[k, C.bars_waiting]),
            reason=int(book[k, C.reason]),
        ),
        stop_take_ticks=int(book[k, C.take_ticks]),
    )


def reader(kind: type[Any]) -> Callable[[Any, int], Any]:
    """Return a marked function `read(table, row)` that makes a `kind` of a row: a NamedTuple of ints and floats.

    A tuple cannot be built from an array's row in compiled code, so the function is written out, field by field.

    Raises:
        ConfigurationError: `kind` is no NamedTuple, or has fields that are neither int nor float.
    """
    plain: Final = {int: "int", float: "float", "int": "int", "float": "float"}
    kinds = inspect.get_annotations(kind)
    wrong = [name for name, of in kinds.items() if of not in plain]
    if not hasattr(kind, "_fields") or wrong:
        raise ConfigurationError(f"{kind.__name__} must be a NamedTuple of ints and floats; not so: {wrong or kind}")
    fields = ", ".join(f"{name}={plain[of]}(table[row, {n}])" for n, (name, of) in enumerate(kinds.items()))
    text = f"def read(table, row):\n    return {kind.__name__}({fields})\n"
    path = f"<reader of {kind.__module__}.{kind.__name__}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)  # its source can be looked up
    space: dict[str, Any] = {kind.__name__: kind}
    exec(compile(text, path, "exec"), space)
    read: Callable[[Any, int], Any] = kernel(space["read"])
    return read


terms_at = reader(Terms)
costs_at = reader(Costs)
policy_at = reader(Policy)
