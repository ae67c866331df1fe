"""A decision's inputs with round numbers: one lot is worth its price in atoms, so sums can be done in the head."""

from typing import Final

from hypothesis import strategies as st

from trading_system.blotter.state import (
    ENTER_AT_LIMIT,
    ENTER_AT_MARKET,
    ENTER_POST_ONLY,
    NO_REASON,
    SIZE_AT_FILL,
    SIZE_FRACTION,
    SIZE_KELLY,
    STOP_ABSENT,
    STOP_CANCELING,
    STOP_FIXED,
    STOP_NONE,
    STOP_PENDING,
    STOP_REFUSED,
    STOP_RESTING,
    STOP_TRAILING,
    UNPROTECTED,
    WAITED_OUT,
    Account,
    AccountCarried,
    BarRow,
    Entry,
    Policy,
    Sleeve,
    SleeveCarried,
    Terms,
    View,
)

CLOSE_NS: Final = 1_700_006_400_000_000_000
"""2023-11-15T00:00:00Z: this close is the first of a UTC day."""
DAY_NS: Final = 86_400_000_000_000
TERMS: Final = Terms(lot_atoms=100, notional_atoms=1, min_lots=2, min_notional_atoms=3_000)
POLICY: Final = Policy(
    kelly_share=0.5,
    kelly_cap=1.0,
    max_exposure=0.5,
    enter_above=0.6,
    leave_below=0.4,
    round_trip_cost=0.0,
    atr_stop=2.0,
    stop_step=0.5,
    stop_slack=0.125,
    cash_buffer=0.25,
    max_drawdown=0.25,
)
SURE: Final = View(probability=0.75, gain=0.02, loss=0.02, expires_ns=CLOSE_NS)
"""Full Kelly is 0.75 - 0.25 / 1 = 0.5, of which `POLICY` stakes half: a quarter of equity."""
TORN: Final = SURE._replace(probability=0.5)
DOUBTFUL: Final = SURE._replace(probability=0.25)


def make_bar(close: int = 1_000, atr: float = 50.0) -> BarRow:
    """Return a flat bar; with the defaults `POLICY` stops at 1,000 - 2 x 50 = 900."""
    return BarRow(close_ns=CLOSE_NS, open=close, high=close, low=close, close=close, volume_atoms=1, atr=atr)


def make_account(
    cash: int = 1_000_000,
    *,
    reserved: int = 0,
    holdings: int = 0,
    gates: int = 0,
    peak: float = 0.0,
    latched: int = 0,
    day: float = 0.0,
    day_ends: int = 0,
    short: int = 0,
) -> Account:
    """Return an account of a million atoms, all of it cash."""
    return Account(
        cash_atoms=cash,
        reserved_atoms=reserved,
        holdings_atoms=holdings,
        gates=gates,
        carried=AccountCarried(peak_equity=peak, latched=latched, day_equity=day, day_ends_ns=day_ends),
        short_atoms=short,
    )


def make_sleeve(
    *,
    held: int = 0,
    dust: int = 0,
    coming: int = 0,
    taking: int = 0,
    going: int = 0,
    stop: int = 0,
    stop_at: int = 0,
    limit_at: int = 0,
    take_at: int = 0,
    status: int = STOP_NONE,
    target: int = 0,
    level: int = 0,
    take: int = 0,
    bars: int = 0,
    waiting: int = 0,
    reason: int = NO_REASON,
    terms: Terms = TERMS,
) -> Sleeve:
    """Return a sleeve in signed lots; `dust` is what it owns, or owes, beyond whole lots, atoms."""
    return Sleeve(
        terms=terms,
        position_atoms=held * terms.lot_atoms + dust,
        entry_lots=coming,
        entry_taking=taking,
        exit_lots=going,
        stop_lots=stop,
        stop_resting_ticks=stop_at,
        stop_limit_ticks=limit_at,
        stop_status=status,
        carried=SleeveCarried(
            target_lots=target,
            stop_ticks=level,
            take_ticks=take,
            bars_held=bars,
            bars_waiting=waiting,
            reason=reason,
        ),
        stop_take_ticks=take_at,
    )


def at_market(lots: int) -> Entry:
    """Return an entry for signed `lots`, whole and at market."""
    return Entry(lots=lots, limit_ticks=0, post_only=0, parts=1, share=0.0)


@st.composite
def sleeves(draw: st.DrawFn) -> Sleeve:
    """Any sleeve that facts can lead to: what leaves is owned, or owed, and a stop has lots exactly while it lives."""
    side = draw(st.sampled_from([1, -1]))
    held = draw(st.integers(0, 500))
    going = draw(st.integers(0, held))
    status = draw(st.sampled_from([STOP_NONE, STOP_PENDING, STOP_RESTING, STOP_CANCELING, STOP_REFUSED]))
    alive = status in (STOP_PENDING, STOP_RESTING, STOP_CANCELING)
    if alive and held == going:
        status, alive = STOP_NONE, False
    coming = draw(st.one_of(st.just(0), st.integers(1, 500)))
    target = draw(st.integers(0, 1_000))
    return make_sleeve(
        held=side * held,
        dust=side * draw(st.integers(0, TERMS.lot_atoms - 1)),
        coming=side * coming,
        taking=draw(st.integers(0, 1)) if coming else 0,
        going=going,
        stop=draw(st.integers(1, held - going)) if alive else 0,
        stop_at=draw(st.integers(1, 2_000)) if alive else 0,
        limit_at=draw(st.integers(1, 2_000)) if alive else 0,
        take_at=draw(st.one_of(st.just(0), st.integers(1, 2_000))) if alive else 0,
        status=status,
        target=side * target,
        level=draw(st.integers(0, 2_000)),
        take=draw(st.one_of(st.just(0), st.integers(1, 2_000))),
        bars=draw(st.integers(0, 5)),
        waiting=draw(st.integers(WAITED_OUT, 3)) if coming else 0,
        reason=draw(st.integers(NO_REASON, UNPROTECTED)) if target == 0 else NO_REASON,
        terms=TERMS._replace(shortable=1 if side < 0 else draw(st.integers(0, 1))),
    )


ODD: Final = st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0, -0.0, -1.0, 5e-324, 1e308])


def bars() -> st.SearchStrategy[BarRow]:
    """Any close and any ATR, the impossible ones included."""
    return st.builds(make_bar, close=st.integers(-1, 3_000), atr=st.one_of(st.floats(0.0, 500.0), ODD))


def views() -> st.SearchStrategy[View]:
    """Any view: sound, expired, or not a number."""
    fraction = st.one_of(st.floats(0.0, 1.0), ODD)
    sound = st.floats(0.0, 1.0).map(lambda probability: SURE._replace(probability=probability))
    wild = st.builds(
        View,
        probability=fraction,
        gain=fraction,
        loss=fraction,
        expires_ns=st.sampled_from([0, CLOSE_NS - 1, CLOSE_NS, CLOSE_NS + 1]),
    )
    return st.one_of(sound, wild)


def policies() -> st.SearchStrategy[Policy]:
    """Any policy: mostly sound, now and then with a number that makes no sense."""
    sound = st.builds(
        Policy,
        kelly_share=st.floats(0.0, 1.0),
        kelly_cap=st.floats(0.0, 1.0),
        max_exposure=st.floats(0.01, 3.0),
        enter_above=st.floats(0.5, 1.0),
        leave_below=st.floats(0.0, 0.49),
        round_trip_cost=st.floats(0.0, 0.02),
        atr_stop=st.floats(0.1, 5.0),
        stop_step=st.floats(0.0, 2.0),
        stop_slack=st.floats(0.0, 0.25),
        cash_buffer=st.floats(0.0, 0.1),
        max_drawdown=st.floats(0.01, 0.99),
        max_daily_loss=st.floats(0.01, 1.0),
        max_gross=st.floats(0.01, 3.0),
        stop_mode=st.sampled_from([STOP_TRAILING, STOP_TRAILING, STOP_FIXED, STOP_ABSENT]).map(float),
        take_profit=st.one_of(st.just(0.0), st.floats(0.1, 5.0)),
        max_bars=st.integers(0, 5).map(float),
        size_mode=st.sampled_from([SIZE_KELLY, SIZE_KELLY, SIZE_FRACTION, SIZE_AT_FILL]).map(float),
        size_fraction=st.floats(0.0, 1.0),
        entry_mode=st.sampled_from([ENTER_AT_MARKET, ENTER_AT_LIMIT, ENTER_POST_ONLY]).map(float),
        entry_offset=st.floats(0.0, 2.0),
        entry_bars=st.integers(1, 4).map(float),
        entry_parts=st.integers(1, 5).map(float),
    )
    return st.one_of(
        sound,
        st.tuples(sound, st.sampled_from(Policy._fields), ODD).map(
            lambda drawn: drawn[0]._replace(**{drawn[1]: drawn[2]})
        ),
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Any account of up to ten million atoms, above or below its peak and its day's start."""
    long, short = draw(st.integers(0, 1_000_000)), draw(st.sampled_from([0, 0, 1])) * draw(st.integers(0, 1_000_000))
    return make_account(
        cash=draw(st.integers(0, 10_000_000)),
        reserved=draw(st.integers(0, 1_000_000)),
        holdings=long - short,
        gates=draw(st.sampled_from([0, 0, 0, 1 << 8, 1 << 9, 1 << 10])),
        peak=draw(st.one_of(st.floats(0.0, 2e7), ODD)),
        latched=draw(st.sampled_from([0, 0, 0, 1, 1 << 10])),
        day=draw(st.one_of(st.floats(0.0, 2e7), ODD)),
        day_ends=draw(st.sampled_from([0, CLOSE_NS, CLOSE_NS + 1, CLOSE_NS + DAY_NS])),
        short=short,
    )
