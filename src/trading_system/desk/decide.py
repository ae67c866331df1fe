"""The decision: what is carried to the next bar, and what to ask of the venue now.

Pure functions over tuples of plain numbers: no clock, no chance, no I/O. Live trading calls them as ordinary Python,
a back-test compiles the very same ones. A short position is a long one seen from the other side: `side` is 1 or -1.
"""

from typing import Final

from trading_system.blotter.objections import DAILY_LOSS, NONE
from trading_system.blotter.state import (
    ENTER_AT_MARKET,
    ENTER_POST_ONLY,
    JUMPED,
    NO_ENTRY,
    NO_REASON,
    NOTHING,
    SIZE_AT_FILL,
    STOP_NONE,
    STOP_REFUSED,
    STOP_RESTING,
    TARGET_REACHED,
    TIMED_OUT,
    UNPROTECTED,
    VIEW_GONE,
    WAITED_OUT,
    Account,
    AccountCarried,
    Asks,
    BarRow,
    Entry,
    Policy,
    Sleeve,
    SleeveCarried,
    Step,
    Terms,
    View,
)
from trading_system.kernel import kernel
from trading_system.risk_management.circuit_breakers.daily_loss import daily_loss, day_end
from trading_system.risk_management.circuit_breakers.drawdown import drawdown
from trading_system.risk_management.circuit_breakers.stop_loss import above, below, stop_limit, targeted, trailed
from trading_system.risk_management.exposure import (
    affordable,
    big_enough,
    entry_reserve,
    free_atoms,
    held_lots,
    is_flat,
    leavable,
    protectable,
    worth,
)
from trading_system.risk_management.position_sizing.sizing import sized
from trading_system.risk_management.review import has_view, review, shortfall

__all__ = ["asked", "decide", "entry_reserve", "held_lots", "stop_limit", "worth"]

ANY_LOTS: Final = 1 << 62
"""The target of an entry whose size is counted at its fill: more than any position."""
MOST_PARTS: Final = 100


@kernel
def decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Return what is carried to the next bar and what to ask for; same inputs, same bits.

    Sleeves of one slice are decided one after the other. Between two, the caller hands on `Step.account` as
    `account.carried` and adds `entry_reserve` of what was asked to `account.reserved_atoms`, so that no cash is
    promised twice.
    """
    equity = marked(account)
    carried = breakers(account.carried, equity, bar, policy)
    held, known = held_lots(sleeve), has_view(view, bar)
    flat = is_flat(sleeve, held, bar.close)
    side = holding(held, sleeve.entry_lots)
    if flat:
        side = leaning(view.probability, policy, sleeve.terms) if known else 1  # no view leans nowhere
    seen = seen_from(view, side)
    stop = trailed(sleeve, bar, policy, side, flat)  # protection before ambition; never loosens
    take = targeted(sleeve, bar, policy, side, flat)
    want = kept(sleeve, held, bar, seen.probability, known, policy, side, flat, stop, take)
    objections = carried.latched | account.gates | review(account, sleeve.terms, bar, known, policy, stop)
    wanted = flat and not seen.probability < policy.enter_above  # what is not a number says yes: `shortfall` objects
    entry = NO_ENTRY
    if objections == NONE and wanted:
        wish = sized(account, sleeve.terms, bar, seen, policy, equity, stop)
        objections = shortfall(wish, sleeve.terms, bar, policy, stop)
        if objections == NONE:
            entry = entered(side * wish.lots - held, free_atoms(account), bar, policy, sleeve.terms, side)
            want = SleeveCarried(
                target_lots=side * (ANY_LOTS if entry.share > 0.0 else wish.lots),
                stop_ticks=stop,
                take_ticks=take,
                bars_held=0,
                bars_waiting=0,
                reason=NO_REASON,
            )
    asks = difference(sleeve, held, want, bar.close, entry)
    denied = objections if wanted and view.expires_ns > 0 else NONE
    return Step(account=carried, sleeve=want, objections=objections, asks=asks, denied=denied)


@kernel
def marked(account: Account) -> float:
    """Return the marked value of the account, quote atoms: atoms become a float here and nowhere else."""
    return float(account.cash_atoms + account.holdings_atoms)


@kernel
def breakers(carried: AccountCarried, equity: float, bar: BarRow, policy: Policy) -> AccountCarried:
    """Return peak, day and latches after this mark. A new UTC day clears the daily loss; a person clears the rest.

    A day begins with the first mark above zero: before the venue has told what we own there is nothing to lose, and a
    day that began so would never brake.
    """
    peak = equity if equity > carried.peak_equity else carried.peak_equity
    first, ends, latched = carried.day_equity, carried.day_ends_ns, carried.latched
    if bar.close_ns >= ends and equity > 0.0:
        first, ends, latched = equity, day_end(bar.close_ns), latched & ~DAILY_LOSS
    now = AccountCarried(peak_equity=peak, latched=latched, day_equity=first, day_ends_ns=ends)
    latched |= drawdown(equity, now, policy) | daily_loss(equity, now, policy)
    return AccountCarried(peak_equity=peak, latched=latched, day_equity=first, day_ends_ns=ends)


@kernel
def no_breakers(carried: AccountCarried, equity: float, bar: BarRow, policy: Policy) -> AccountCarried:
    """Return what is carried as it is: stands in for `breakers` where a user's own policy decides every bar."""
    return carried


@kernel
def leaning(probability: float, policy: Policy, terms: Terms) -> int:
    """Return the side that the strategy would enter from flat: -1 only where a fall is expected and may be sold."""
    if terms.shortable == 1 and probability <= 0.5 and 1.0 - probability >= policy.enter_above:
        return -1
    return 1


@kernel
def holding(held: int, coming: int) -> int:
    """Return the side of the position, or, where there is none, of the one on its way."""
    if held == 0:
        return -1 if coming < 0 else 1
    return -1 if held < 0 else 1


@kernel
def seen_from(view: View, side: int) -> View:
    """Return the view as one on `side` sees it: for a short position a fall is the gain."""
    if side > 0:
        return view
    return View(probability=1.0 - view.probability, gain=view.loss, loss=view.gain, expires_ns=view.expires_ns)


@kernel
def kept(
    sleeve: Sleeve,
    held: int,
    bar: BarRow,
    probability: float,
    known: bool,
    policy: Policy,
    side: int,
    flat: bool,
    stop: int,
    take: int,
) -> SleeveCarried:
    """Return what is wanted if nothing is opened: never more than is owned or on its way.

    Without a valid view we hold: the stop protects. A decision to leave stands until the view would enter anew, so
    that an exit which takes more than a bar is carried through. A market that closed beyond the limit of a stop which
    still rests has jumped over it: the stop will not trade any more, so we leave.
    """
    bars = sleeve.carried.bars_held + 1 if held != 0 and not flat else 0
    size = max(0, side * (held + sleeve.entry_lots))
    limit = sleeve.stop_limit_ticks
    reason = NO_REASON
    if flat:
        size = 0
    elif sleeve.stop_lots > 0 and sleeve.stop_resting_ticks > 0 and bar.close > 0 and side * (bar.close - limit) < 0:
        reason = JUMPED
    elif policy.max_bars > 0.0 and float(bars) >= policy.max_bars:
        reason = TIMED_OUT
    elif known and probability <= policy.leave_below:
        reason = VIEW_GONE
    elif not (known and probability >= policy.enter_above):
        size = max(0, min(size, side * sleeve.carried.target_lots))
        reason = sleeve.carried.reason if size == 0 else NO_REASON
    if reason != NO_REASON:
        size = 0
    return SleeveCarried(
        target_lots=side * size,
        stop_ticks=stop,
        take_ticks=take,
        bars_held=bars,
        bars_waiting=waited(sleeve, policy),
        reason=reason,
    )


@kernel
def waited(sleeve: Sleeve, policy: Policy) -> int:
    """Return for how many decisions the live entry has waited; `WAITED_OUT` from when that is long enough."""
    before = sleeve.carried.bars_waiting
    if sleeve.entry_lots == 0:
        return 0
    return WAITED_OUT if before == WAITED_OUT or float(before + 1) >= policy.entry_bars else before + 1


@kernel
def entered(lots: int, free: int, bar: BarRow, policy: Policy, terms: Terms, side: int) -> Entry:
    """Return how to enter with `lots`: at market, or at a limit on the better side of the close; whole or in parts.

    They may be fewer, so that at the price of the order no more than the `free` quote atoms are reserved: a limit of
    a sale lies above the close that it was sized at, and a remainder on the other side is evened out on top.
    """
    limit, post_only = 0, 0
    if policy.entry_mode != ENTER_AT_MARKET:
        away = policy.entry_offset * bar.atr
        limit = below(float(bar.close) - away) if side > 0 else above(float(bar.close) + away)
        post_only = 1 if policy.entry_mode == ENTER_POST_ONLY else 0
        if limit == 0:
            return NO_ENTRY
    price = limit if limit > 0 else bar.close
    most = affordable(free, price, terms, policy)
    lots = max(-most, min(most, lots))
    parts = int(policy.entry_parts) if 1.0 <= policy.entry_parts <= float(MOST_PARTS) else 1
    share = policy.size_fraction if policy.size_mode == SIZE_AT_FILL else 0.0
    if share > 0.0 or not big_enough(abs(lots) // parts, price, terms):
        parts = 1
    return Entry(lots=lots, limit_ticks=limit, post_only=post_only, parts=parts, share=share)


@kernel
def asked(sleeve: Sleeve, want: SleeveCarried, price_ticks: int, entry: Entry) -> Asks:
    """Return the difference between what is wanted and what is booked or on its way, as asks.

    It is called at each decision, and again with `NO_ENTRY` after every fact about the sleeve's orders: so a filled
    entry gets its stop at once, and an exit follows the canceled stop that had locked the base currency.
    Asking again before the venue answered asks for nothing twice: what is on its way is booked. Of each kind one
    order lives at a time; what an exit on its way does not cover is protected meanwhile.

    Args:
        sleeve: What is booked now.
        want: The last decision's target and barriers.
        price_ticks: Last known price, ticks; where it is not > 0, leaving is still possible.
        entry: How to enter; `NO_ENTRY` unless nothing objects to new risk.

    Returns:
        Of `exit_lots` and `protect_lots` at most one is set, together at most what is owned, less what is going and
        what the stop may still trade.
    """
    return difference(sleeve, held_lots(sleeve), want, price_ticks, entry)


@kernel
def difference(sleeve: Sleeve, held: int, want: SleeveCarried, price_ticks: int, entry: Entry) -> Asks:
    """Return what `asked` returns, of a sleeve that owns `held` whole lots."""
    if entry.lots == 0 and as_wanted(sleeve, held, want):
        return NOTHING
    status, terms = sleeve.stop_status, sleeve.terms
    side = -1 if held < 0 else 1
    coming, going = sleeve.entry_lots, sleeve.exit_lots
    keep = max(0, abs(held) - going)  # what stays if every exit on its way is filled

    loose = status == STOP_NONE or status == STOP_REFUSED  # no stop locks the base currency
    beyond = want.stop_ticks > 0 and side * (price_ticks - want.stop_ticks) <= 0
    reached = want.take_ticks > 0 and side * (price_ticks - want.take_ticks) >= 0
    passed = status == STOP_NONE and price_ticks > 0 and (beyond or reached)
    leave = keep if status == STOP_REFUSED or passed else max(0, keep - max(0, side * want.target_lots))
    leaving = going == 0 and leavable(leave, price_ticks, terms)  # less is dust: it stays

    level = want.stop_ticks if want.stop_ticks > 0 else want.take_ticks
    guard = not leaving and sleeve.entry_taking == 0 and protectable(keep, level, terms)
    moved = sleeve.stop_lots != keep or sleeve.stop_resting_ticks != want.stop_ticks
    moved = moved or sleeve.stop_take_ticks != want.take_ticks
    resting = sleeve.stop_resting_ticks
    struck = price_ticks > 0 and resting > 0 and side * (price_ticks - resting) <= 0  # it trades: leave it alone
    too_many = sleeve.stop_lots > keep  # it would trade what we do not own
    retract = leaving or too_many or (guard and moved and not struck)

    protect = guard and status == STOP_NONE and not passed  # dust beyond its stop: the venue would refuse
    over = held + coming > want.target_lots if coming > 0 else held + coming < want.target_lots
    given_up = over or want.bars_waiting == WAITED_OUT
    enter = status == STOP_NONE and going == 0 and coming == 0 and not leaving
    enter = enter and big_enough(abs(entry.lots), entry.limit_ticks if entry.limit_ticks > 0 else price_ticks, terms)
    return Asks(
        cancel_entry=1 if coming != 0 and sleeve.entry_taking == 0 and given_up else 0,
        cancel_stop=1 if status == STOP_RESTING and retract else 0,
        exit_lots=leave if loose and leaving else 0,
        entry_lots=entry.lots if enter else 0,
        protect_lots=keep if protect else 0,
        protect_ticks=want.stop_ticks if protect else 0,
        take_ticks=want.take_ticks if protect else 0,
        entry_limit_ticks=entry.limit_ticks if enter else 0,
        entry_post_only=entry.post_only if enter else 0,
        entry_parts=entry.parts if enter else 1,
        entry_share=entry.share if enter else 0.0,
    )


@kernel
def as_wanted(sleeve: Sleeve, held: int, want: SleeveCarried) -> bool:
    """Return whether all is as it should be, so that nothing is to be asked: on most bars it is.

    Nothing is on its way; and either nothing is held or rests, or what is held is wanted and its barriers stand.
    """
    if sleeve.entry_lots != 0 or sleeve.exit_lots != 0:
        return False
    if held == 0:
        return sleeve.stop_lots == 0
    if (want.target_lots < held) if held > 0 else (want.target_lots > held):
        return False
    if sleeve.stop_status == STOP_NONE:
        return want.stop_ticks == 0 and want.take_ticks == 0
    stands = sleeve.stop_resting_ticks == want.stop_ticks and sleeve.stop_take_ticks == want.take_ticks
    return sleeve.stop_status == STOP_RESTING and stands and sleeve.stop_lots == abs(held)


@kernel
def idle(probability: float, policy: Policy, terms: Terms) -> bool:
    """Return whether `decide`, of a sleeve that owns nothing and has no order, would not enter on such a view.

    Then what it carries on of the sleeve hangs on this bar alone, and of the account on an equity that stands still:
    of many such bars in a row only the last one need be decided. What is not a number is no view.
    """
    if probability != probability:
        return True
    return probability < policy.enter_above and leaning(probability, policy, terms) > 0


@kernel
def never_idle(probability: float, policy: Policy, terms: Terms) -> bool:
    """Return False: nothing is known of a user's own policy, so it decides every bar."""
    return False


@kernel
def steady(sleeve: Sleeve, held: int, bar: BarRow, view: View, policy: Policy) -> bool:
    """Return whether `decide` would change nothing of a sleeve that holds what it wants, but count one more bar.

    It is asked where `as_wanted` is true, `held` lots are held and wanted, and the bar stayed away from the stop.
    What is carried of the account is not its affair: that changes with every mark.
    """
    side, carried = (1 if held > 0 else -1), sleeve.carried
    if carried.target_lots != held or carried.bars_waiting != 0 or carried.reason != NO_REASON:
        return False
    if policy.max_bars > 0.0 and float(carried.bars_held + 1) >= policy.max_bars:
        return False
    probability = view.probability if side > 0 else 1.0 - view.probability
    if probability <= policy.leave_below or bar.close <= 0 or not leavable(abs(held), bar.close, sleeve.terms):
        return False
    return trailed(sleeve, bar, policy, side, False) == carried.stop_ticks


@kernel
def one_bar_more(carried: SleeveCarried) -> SleeveCarried:
    """Return what is carried of a sleeve that was `steady` for one more bar."""
    return SleeveCarried(
        target_lots=carried.target_lots,
        stop_ticks=carried.stop_ticks,
        take_ticks=carried.take_ticks,
        bars_held=carried.bars_held + 1,
        bars_waiting=carried.bars_waiting,
        reason=carried.reason,
    )


@kernel
def never_steady(sleeve: Sleeve, held: int, bar: BarRow, view: View, policy: Policy) -> bool:
    """Return False: nothing is known of a user's own policy, so it decides every bar."""
    return False


@kernel
def leaving_for(reason: int, take_ticks: int, price_ticks: int, side: int) -> int:
    """Return why an exit is asked for: the decision's own reason, or what the price has done since.

    Args:
        reason: What the last decision carries.
        take_ticks: Its target, ticks; 0 for none.
        price_ticks: Last known price, ticks.
        side: Of the position.
    """
    if reason != NO_REASON:
        return reason
    return TARGET_REACHED if take_ticks > 0 and side * (price_ticks - take_ticks) >= 0 else UNPROTECTED
