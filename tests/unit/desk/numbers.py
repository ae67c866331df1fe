"""A decision's inputs with round numbers: one lot is worth its price in atoms, so sums can be done in the head."""

from typing import Final

from hypothesis import strategies as st

from trading_system.blotter.state import (
    STOP_CANCELING,
    STOP_NONE,
    STOP_PENDING,
    STOP_REFUSED,
    STOP_RESTING,
    Account,
    AccountCarried,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Terms,
    View,
)

CLOSE_NS: Final = 1_700_006_400_000_000_000
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
    cash: int = 1_000_000, *, reserved: int = 0, holdings: int = 0, gates: int = 0, peak: float = 0.0, latched: int = 0
) -> Account:
    """Return an account of a million atoms, all of it cash."""
    carried = AccountCarried(peak_equity=peak, latched=latched)
    return Account(cash_atoms=cash, reserved_atoms=reserved, holdings_atoms=holdings, gates=gates, carried=carried)


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
    status: int = STOP_NONE,
    target: int = 0,
    level: int = 0,
    terms: Terms = TERMS,
) -> Sleeve:
    """Return a sleeve in lots; `dust` is what it owns beyond whole lots, atoms."""
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
        carried=SleeveCarried(target_lots=target, stop_ticks=level),
    )


@st.composite
def sleeves(draw: st.DrawFn) -> Sleeve:
    """Any sleeve that facts can lead to: what sells is owned, and a stop has lots exactly while it may sell."""
    held = draw(st.integers(0, 500))
    going = draw(st.integers(0, held))
    status = draw(st.sampled_from([STOP_NONE, STOP_PENDING, STOP_RESTING, STOP_CANCELING, STOP_REFUSED]))
    alive = status in (STOP_PENDING, STOP_RESTING, STOP_CANCELING)
    if alive and held == going:
        status, alive = STOP_NONE, False
    coming = draw(st.one_of(st.just(0), st.integers(1, 500)))
    return make_sleeve(
        held=held,
        dust=draw(st.integers(0, TERMS.lot_atoms - 1)),
        coming=coming,
        taking=draw(st.integers(0, 1)) if coming else 0,
        going=going,
        stop=draw(st.integers(1, held - going)) if alive else 0,
        stop_at=draw(st.integers(1, 2_000)) if alive else 0,
        limit_at=draw(st.integers(1, 2_000)) if alive else 0,
        status=status,
        target=draw(st.integers(0, 1_000)),
        level=draw(st.integers(0, 2_000)),
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
    )
    return st.one_of(
        sound,
        st.tuples(sound, st.sampled_from(Policy._fields), ODD).map(
            lambda drawn: drawn[0]._replace(**{drawn[1]: drawn[2]})
        ),
    )


def accounts() -> st.SearchStrategy[Account]:
    """Any account of up to ten million atoms, above or below its peak."""
    return st.builds(
        make_account,
        cash=st.integers(0, 10_000_000),
        reserved=st.integers(0, 1_000_000),
        holdings=st.integers(0, 1_000_000),
        gates=st.sampled_from([0, 0, 0, 1 << 8, 1 << 9, 1 << 10]),
        peak=st.one_of(st.floats(0.0, 2e7), ODD),
        latched=st.sampled_from([0, 0, 0, 1, 1 << 10]),
    )
