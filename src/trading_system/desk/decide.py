"""The decision: what is carried to the next bar, and what to ask of the venue now.

Pure functions over tuples of plain numbers: no clock, no chance, no I/O. Live trading calls them as ordinary Python,
a back-test compiles the very same ones.
"""

from trading_system.blotter.objections import NONE
from trading_system.blotter.state import (
    STOP_NONE,
    STOP_REFUSED,
    STOP_RESTING,
    Account,
    AccountCarried,
    Asks,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Step,
    View,
)
from trading_system.kernel import kernel
from trading_system.risk_management.circuit_breakers.drawdown import drawdown
from trading_system.risk_management.circuit_breakers.stop_loss import stop_limit, trailed
from trading_system.risk_management.exposure import (
    big_enough,
    entry_reserve,
    held_lots,
    is_flat,
    protectable,
    sellable,
    worth,
)
from trading_system.risk_management.position_sizing.sizing import sized
from trading_system.risk_management.review import has_view, review, shortfall

__all__ = ["asked", "decide", "entry_reserve", "held_lots", "stop_limit", "worth"]


@kernel
def decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> Step:
    """Return what is carried to the next bar and what to ask for; same inputs, same bits.

    Sleeves of one slice are decided one after the other. Between two, the caller hands on `Step.account` as
    `account.carried` and adds `entry_reserve` of what was asked to `account.reserved_atoms`, so that no cash is
    promised twice.
    """
    equity = marked(account)
    carried = breakers(account.carried, equity, policy)
    stop = trailed(sleeve, bar, policy)  # protection before ambition; never loosens
    target = kept(sleeve, bar, view, policy)
    objections = carried.latched | account.gates | review(account, sleeve.terms, bar, view, policy, stop)
    if objections == NONE and wants_in(sleeve, bar, view, policy):
        wish = sized(account, sleeve.terms, bar, view, policy, equity, stop)
        objections = shortfall(wish, sleeve.terms, bar, policy, stop)
        target = wish.lots if objections == NONE else target
    want = SleeveCarried(target_lots=target, stop_ticks=stop)
    asks = asked(sleeve, want, bar.close, 1 if objections == NONE else 0)
    return Step(account=carried, sleeve=want, objections=objections, asks=asks)


@kernel
def marked(account: Account) -> float:
    """Return the marked value of the account, quote atoms: atoms become a float here and nowhere else."""
    return float(account.cash_atoms + account.holdings_atoms)


@kernel
def breakers(carried: AccountCarried, equity: float, policy: Policy) -> AccountCarried:
    """Return peak and latches after this mark. A latch is only ever set here; a person's release clears it."""
    peak = equity if equity > carried.peak_equity else carried.peak_equity
    risen = AccountCarried(peak_equity=peak, latched=carried.latched)
    return AccountCarried(peak_equity=peak, latched=carried.latched | drawdown(equity, risen, policy))


@kernel
def wants_in(sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> bool:
    """Return whether the strategy, flat and with a valid view, would open a position.

    A threshold that is not a number says yes here, so that `shortfall` objects to it.
    """
    return is_flat(sleeve, bar.close) and not view.probability < policy.enter_above


@kernel
def kept(sleeve: Sleeve, bar: BarRow, view: View, policy: Policy) -> int:
    """Return the position wanted if none is opened, lots: never more than is owned or on its way.

    Without a valid view we hold: the stop protects. A decision to leave stands until the view would enter anew, so
    that an exit which takes more than a bar is carried through. A market that closed below the limit of a stop which
    still rests has jumped over it: the stop will not sell any more, so we leave.
    """
    owned = held_lots(sleeve) + sleeve.entry_lots
    known = has_view(view, bar)
    jumped = sleeve.stop_lots > 0 and 0 < bar.close < sleeve.stop_limit_ticks
    if is_flat(sleeve, bar.close) or jumped or (known and view.probability <= policy.leave_below):
        return 0
    if known and view.probability >= policy.enter_above:
        return owned
    return max(0, min(owned, sleeve.carried.target_lots))


@kernel
def asked(sleeve: Sleeve, want: SleeveCarried, price_ticks: int, may_enter: int) -> Asks:
    """Return the difference between what is wanted and what is booked or on its way, as asks.

    It is called at each decision, and again with `may_enter=0` after every fact about the sleeve's orders: so a filled
    entry gets its stop at once, and an exit follows the canceled stop that had locked the base currency.
    Asking again before the venue answered asks for nothing twice: what is on its way is booked.

    Args:
        sleeve: What is booked now.
        want: The last decision's target and stop.
        price_ticks: Last known price, ticks; where it is not > 0, selling is still possible.
        may_enter: 1 only where nothing objects to new risk.

    Returns:
        Of `exit_lots` and `protect_lots` at most one is set, together at most what is owned, less what is going and
        what the stop may still sell.
    """
    status, terms = sleeve.stop_status, sleeve.terms
    held, coming, going = held_lots(sleeve), sleeve.entry_lots, sleeve.exit_lots
    keep = max(0, held - going)  # what stays if every sell on its way is filled

    loose = status == STOP_NONE or status == STOP_REFUSED  # no stop locks the base currency
    passed = status == STOP_NONE and 0 < price_ticks <= want.stop_ticks
    leave = keep if status == STOP_REFUSED or passed else max(0, keep - want.target_lots)
    leaving = sellable(leave, price_ticks, terms)  # less is dust: it stays

    guard = not leaving and sleeve.entry_taking == 0 and protectable(keep, want.stop_ticks, terms)
    moved = sleeve.stop_lots != keep or sleeve.stop_resting_ticks != want.stop_ticks
    struck = 0 < price_ticks <= sleeve.stop_resting_ticks  # the venue is selling: leave it alone
    too_many = sleeve.stop_lots > keep  # it would sell what we do not own
    retract = leaving or too_many or (guard and moved and not struck)

    protect = guard and status == STOP_NONE and not passed  # dust below its stop: the venue would refuse
    missing = want.target_lots - held - coming
    enter = may_enter == 1 and status == STOP_NONE and going == 0 and not leaving
    return Asks(
        cancel_entry=1 if coming > 0 and sleeve.entry_taking == 0 and held + coming > want.target_lots else 0,
        cancel_stop=1 if status == STOP_RESTING and retract else 0,
        exit_lots=leave if loose and leaving else 0,
        entry_lots=missing if enter and big_enough(missing, price_ticks, terms) else 0,
        protect_lots=keep if protect else 0,
        protect_ticks=want.stop_ticks if protect else 0,
    )
