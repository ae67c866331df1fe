"""The bars on which nothing happens, one after the other, for one sleeve that is alone.

On most bars no order is touched: then cash and position stand still, and all that the general loop would do is to mark,
to decide and to ask. This does the same with everything in hand instead of in arrays, up to the first bar on which an
order is touched or more is asked than to move the stop; that is left to the general loop. Where decisions are not kept,
those that `idle` and `steady` say would change nothing are not worked out. There is no second rule here, only a shorter
way.
"""

from typing import NamedTuple

from trading_system.backtest.asking import ask, protect, rest_or_refuse, settle, wanting
from trading_system.backtest.rows import C, carried_at, policy_at, terms_at
from trading_system.backtest.slate import AT_CLOSE, forget_stop, slate_of
from trading_system.backtest.tape import CASH, DECISIONS, ORDERS, ROOM, Record, Setup
from trading_system.blotter.state import (
    NO_ENTRY,
    NOTHING,
    STOP_NONE,
    STOP_RESTING,
    Account,
    AccountCarried,
    Asks,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Terms,
    View,
)
from trading_system.desk.decide import as_wanted, asked, breakers, decide, idle, marked, one_bar_more, steady
from trading_system.execution_engine.simulator.matching import out_of_reach
from trading_system.kernel import kernel
from trading_system.market.columns import Floats, Ints
from trading_system.risk_management.exposure import worth_in_lots


class Lane(NamedTuple):
    """Tape and beliefs of a run with one instrument and one sleeve, as plain columns (S,)."""

    close_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume_atoms: Ints
    atr: Floats
    gates: Ints
    probability: Floats
    gain: Floats
    loss: Floats


@kernel
def pass_quiet_bars(lane: Lane, setup: Setup, record: Record, first: int, last: int) -> int:
    """Run bars from `first` on until one asks for something or touches an order, and return the next one to run."""
    book = record.book
    status, struck = int(book[0, C.status]), int(book[0, C.struck])
    live = book[0, C.exit_lots] != 0 or book[0, C.entry_lots] != 0
    if live or struck != 0 or (status != STOP_NONE and status != STOP_RESTING):
        return first
    stop, take, side = int(book[0, C.stop_ticks]), int(book[0, C.take_ticks]), int(book[0, C.stop_side])
    stop_lots, limit = int(book[0, C.stop_lots]), int(book[0, C.limit_ticks])
    position, cash = int(book[0, C.position]), int(record.tally[CASH])
    terms, policy, life_ns = terms_at(setup.terms, 0), policy_at(setup.policies, 0), int(setup.life_ns[0])
    gated, kept, shorts = len(lane.gates) > 0, len(record.decided) > 0, len(record.short) > 0
    carried, asks = carried_at(record), NOTHING
    want = SleeveCarried(
        target_lots=int(book[0, C.target]),
        stop_ticks=int(book[0, C.stop]),
        take_ticks=int(book[0, C.take]),
        bars_held=int(book[0, C.bars_held]),
        bars_waiting=int(book[0, C.bars_waiting]),
        reason=int(book[0, C.reason]),
    )
    lots, rest, sign = abs(position) // terms.lot_atoms, abs(position) % terms.lot_atoms, 1 if position > 0 else -1
    held, placed = sign * lots, False
    known, s, asking = 0, first, False
    moved, instant = -1, setup.rules.latency_bars == 0 and setup.rules.at_close == 0
    slate = slate_of(setup, record)
    while s < last and not asking:
        if position == 0 and not kept and not gated:
            s = _skip_idle_bars(lane, policy, terms, cash, record, s, last)
        if placed and not kept:
            stretch = _hold(lane, setup, record, carried, want, s, last)
            carried, want = stretch.carried, stretch.want
            if stretch.reached > s:
                s = stretch.reached
                known = int(lane.close[s - 1])
                if s == last:
                    break
        low, high, close = int(lane.low[s]), int(lane.high[s]), int(lane.close[s])
        if close <= 0 or (stop_lots > 0 and not out_of_reach(low, high, stop, take, side)):
            break
        holdings = sign * worth_in_lots(lots, rest, close, terms)
        account = _account(cash, holdings, int(lane.gates[s]) if gated else 0, carried)
        bar, view = _bar(lane, s), _view(lane, life_ns, s)
        sleeve = _sleeve(terms, position, stop_lots, stop, limit, take, status, want)
        step = decide(account, sleeve, bar, view, policy)
        asking = wanting(step.asks)
        if asking and setup.rules.at_close == 1:
            break  # what is asked now is filled now
        if asking and instant and _only_retracts(step.asks) and len(record.orders) - record.tally[ORDERS] > ROOM:
            bare = _sleeve(terms, position, 0, 0, 0, 0, STOP_NONE, step.sleeve)
            again = asked(bare, step.sleeve, close, NO_ENTRY)
            if again.protect_lots > 0:  # and so not refused: at a price beyond the stop an exit would be asked for
                forget_stop(0, slate)
                book[0, C.decided], book[0, C.protects] = s, 0
                protect(0, again.protect_lots, again.protect_ticks, again.take_ticks, s + 1, slate)
                rest_or_refuse(0, close, slate)
                stop, take, stop_lots = again.protect_ticks, again.take_ticks, again.protect_lots
                limit = int(book[0, C.limit_ticks])
                sleeve = _sleeve(terms, position, stop_lots, stop, limit, take, status, step.sleeve)
                moved, asking = s, False
        carried, want = step.account, step.sleeve
        placed = held != 0 and as_wanted(sleeve, held, want)
        if kept:
            record.decided[s, 0, 0], record.decided[s, 0, 1] = want.target_lots, want.stop_ticks
            record.decided[s, 0, 2] = step.objections
        if step.denied != 0:
            record.denials[step.denied] += 1
        if asking:
            asks = step.asks
        record.cash[s], record.holdings[s] = cash, holdings
        if shorts:
            record.short[s] = account.short_atoms
        known = close
        s += 1
    if s > first:
        record.carried[0], record.carried[1] = carried.peak_equity, carried.day_equity
        record.latches[0], record.latches[1] = carried.latched, carried.day_ends_ns
        book[0, C.target], book[0, C.stop], book[0, C.take] = want.target_lots, want.stop_ticks, want.take_ticks
        book[0, C.bars_held], book[0, C.bars_waiting] = want.bars_held, want.bars_waiting
        book[0, C.reason], book[0, C.decided], book[0, C.known] = want.reason, s - 1, known
        book[0, C.exits], book[0, C.protects] = 0, 1 if moved == s - 1 else 0
        record.marks[0] = known
        record.tally[DECISIONS] += s - first
        if asking and setup.rules.at_close == 0 and ask(s - 1, 0, asks, known, AT_CLOSE, slate):
            settle(s - 1, 0, known, AT_CLOSE, slate)
    return s


class Stretch(NamedTuple):
    """Bars on which what is held was only marked."""

    reached: int
    """The first bar that is not of this kind."""
    carried: AccountCarried
    want: SleeveCarried


@kernel
def _hold(
    lane: Lane, setup: Setup, record: Record, carried: AccountCarried, want: SleeveCarried, first: int, last: int
) -> Stretch:
    """Mark what is held, all as wanted, bar by bar from `first` on while it is `steady` and out of the stop's reach."""
    book, cash, shorts = record.book, int(record.tally[CASH]), len(record.short) > 0
    stop, take, side = int(book[0, C.stop_ticks]), int(book[0, C.take_ticks]), int(book[0, C.stop_side])
    stop_lots, position = int(book[0, C.stop_lots]), int(book[0, C.position])
    limit, status = int(book[0, C.limit_ticks]), int(book[0, C.status])
    terms, policy, life_ns = terms_at(setup.terms, 0), policy_at(setup.policies, 0), int(setup.life_ns[0])
    lots, rest, sign = abs(position) // terms.lot_atoms, abs(position) % terms.lot_atoms, 1 if position > 0 else -1
    s = first
    while s < last:
        low, high, close = int(lane.low[s]), int(lane.high[s]), int(lane.close[s])
        if close <= 0 or (stop_lots > 0 and not out_of_reach(low, high, stop, take, side)):
            break
        bar, view = _bar(lane, s), _view(lane, life_ns, s)
        sleeve = _sleeve(terms, position, stop_lots, stop, limit, take, status, want)
        if not steady(sleeve, sign * lots, bar, view, policy):
            break
        holdings = sign * worth_in_lots(lots, rest, close, terms)
        account = _account(cash, holdings, 0, carried)
        carried, want = breakers(carried, marked(account), bar, policy), one_bar_more(want)
        record.cash[s], record.holdings[s] = cash, holdings
        if shorts:
            record.short[s] = account.short_atoms
        s += 1
    return Stretch(reached=s, carried=carried, want=want)


@kernel
def _only_retracts(asks: Asks) -> bool:
    """Return whether all that is asked is to take the protective order back."""
    return asks.cancel_stop == 1 and asks.cancel_entry == 0 and asks.entry_lots == 0


@kernel
def _account(cash: int, holdings: int, gates: int, carried: AccountCarried) -> Account:
    """Return the account while nothing is promised to any entry."""
    return Account(
        cash_atoms=cash,
        reserved_atoms=0,
        holdings_atoms=holdings,
        gates=gates,
        carried=carried,
        short_atoms=-min(holdings, 0),
    )


@kernel
def _sleeve(
    terms: Terms, position: int, stop_lots: int, stop: int, limit: int, take: int, status: int, want: SleeveCarried
) -> Sleeve:
    """Return the sleeve while it has no order but a protective one."""
    return Sleeve(
        terms=terms,
        position_atoms=position,
        entry_lots=0,
        entry_taking=0,
        exit_lots=0,
        stop_lots=stop_lots,
        stop_resting_ticks=stop,
        stop_limit_ticks=limit,
        stop_status=status,
        carried=want,
        stop_take_ticks=take,
    )


@kernel
def _bar(lane: Lane, s: int) -> BarRow:
    return BarRow(
        close_ns=int(lane.close_ns[s]),
        open=int(lane.open[s]),
        high=int(lane.high[s]),
        low=int(lane.low[s]),
        close=int(lane.close[s]),
        volume_atoms=int(lane.volume_atoms[s]),
        atr=float(lane.atr[s]),
    )


@kernel
def _view(lane: Lane, life_ns: int, s: int) -> View:
    probability = float(lane.probability[s])
    return View(
        probability=probability,
        gain=float(lane.gain[s]),
        loss=float(lane.loss[s]),
        expires_ns=int(lane.close_ns[s]) + life_ns if probability == probability else 0,
    )


@kernel
def _skip_idle_bars(lane: Lane, policy: Policy, terms: Terms, cash: int, record: Record, first: int, last: int) -> int:
    """Write down idle bars from `first` on, all but the last, and return that one; or `first` where it is not idle."""
    s = first
    while s < last and lane.close[s] > 0 and idle(float(lane.probability[s]), policy, terms):
        record.cash[s], record.holdings[s] = cash, 0
        if len(record.short) > 0:
            record.short[s] = 0
        s += 1
    return max(first, s - 1)
