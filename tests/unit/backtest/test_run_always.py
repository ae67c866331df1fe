"""What holds for every history: the same bits at two speeds and on two ways, no look ahead, nothing made or lost."""

from collections import Counter
from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.histories import at_venue, fills_of, orders_of, until, wild

from trading_system.backtest.run import Outcome, OwnPolicy, run
from trading_system.backtest.tape import CROSS, ENTER, EXIT, ORDER_LOTS, PROTECT, Beliefs, Rules, Setup, Tape
from trading_system.blotter.state import (
    JUMPED,
    SIZE_AT_FILL,
    TARGET_REACHED,
    TIMED_OUT,
    UNPROTECTED,
    VIEW_GONE,
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
from trading_system.execution_engine.simulator.costs import UNIT
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import free_atoms, held_lots

SEEDS: Final = st.integers(0, 2**32)
MARKETS: Final = {"sleeves": st.integers(1, 4), "instruments": st.integers(1, 3)}
SERIES: Final = ("cash_atoms", "holdings_atoms", "short_atoms", "decided")
LISTS: Final = ("orders", "fills")
History = tuple[Tape, Beliefs, Setup]


def bits(outcome: Outcome) -> dict[str, object]:
    """Return all of an outcome so that equal means equal to the bit."""
    told = {name: getattr(outcome, name) for name in Outcome.__slots__}
    return {
        name: (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value for name, value in told.items()
    }


def is_its_past(past: Outcome, whole: Outcome) -> bool:
    """Return whether `whole` begins, to the bit, with all that `past` knows."""
    return all(
        getattr(past, name).tobytes() == getattr(whole, name)[: len(getattr(past, name))].tobytes()
        for name in (*SERIES, *LISTS)
    )


# --- two speeds ---------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    seed=SEEDS,
    size=st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 3), st.integers(1, 4))),
    decisions=st.booleans(),
)
def test_compiled_and_plain_runs_agree_to_the_bit(seed: int, size: tuple[int, int], decisions: bool) -> None:
    """Every order, fill, decision and denial, every atom; with shorts, limits, parts, barriers, delays and volumes.

    A lone sleeve, whose decisions need not be written down, takes the shortest way.
    """
    history = wild(seed, instruments=size[0], sleeves=size[1])
    assert bits(run(*history, decisions=decisions)) == bits(run(*history, plain=True, decisions=decisions))


class Own(NamedTuple):
    """The numbers of a user's own policy, and the two that the loop asks for."""

    share: float
    bars: float
    take: float
    stop_slack: float
    cash_buffer: float


@kernel
def own_decide(account: Account, sleeve: Sleeve, bar: BarRow, view: View, policy: Own) -> Step:
    """Buy a share of the cash at a limit whenever flat, with a target and no stop, and leave after some bars."""
    held, bars = held_lots(sleeve), sleeve.carried.bars_held
    target, exit_lots, entry_lots, protect, take, cancel, limit = held, 0, 0, 0, sleeve.carried.take_ticks, 0, 0
    reason = 0
    if held == 0 and sleeve.entry_lots == 0:
        cash = int(float(free_atoms(account)) * policy.share)
        one = sleeve.terms.notional_atoms * bar.close
        entry_lots = cash // (one + one // 4) if one > 0 and view.expires_ns >= bar.close_ns else 0
        limit, take, target = bar.close - 1, int(float(bar.close) * policy.take) + 1, entry_lots
        bars = 0
    elif held > 0:
        bars += 1
        if float(bars) >= policy.bars:
            target, reason = 0, TIMED_OUT
            cancel = 1 if sleeve.stop_status == 2 else 0
            exit_lots = held - sleeve.exit_lots if sleeve.stop_status == 0 or sleeve.stop_status == 4 else 0
        elif sleeve.stop_status == 0 and sleeve.exit_lots == 0:
            protect = held
    carried = SleeveCarried(
        target_lots=target, stop_ticks=0, take_ticks=take, bars_held=bars, bars_waiting=0, reason=reason
    )
    asks = Asks(
        cancel_entry=0,
        cancel_stop=cancel,
        exit_lots=exit_lots,
        entry_lots=entry_lots,
        protect_lots=protect,
        protect_ticks=0,
        take_ticks=take if protect > 0 else 0,
        entry_limit_ticks=limit if entry_lots > 0 else 0,
        entry_post_only=0,
        entry_parts=1,
        entry_share=0.0,
    )
    account_carried = AccountCarried(
        peak_equity=account.carried.peak_equity + 1.0, latched=0, day_equity=0.0, day_ends_ns=0
    )
    return Step(account=account_carried, sleeve=carried, objections=0, asks=asks, denied=0)


OWN: Final = OwnPolicy(decide=own_decide, kind=Own)


def owned(seed: int, sleeves: int = 2) -> History:
    """Return a wild history whose sleeves follow `own_decide`."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=min(2, sleeves))
    rng = np.random.default_rng(seed)
    policies = [
        Own(
            share=rng.uniform(0.1, 1.0),
            bars=float(rng.integers(1, 6)),
            take=rng.uniform(1.0, 1.1),
            stop_slack=0.0,
            cash_buffer=rng.uniform(0.0, 0.1),
        )
        for _ in range(sleeves)
    ]
    return tape, beliefs, setup._replace(policies=np.array(policies))


@settings(max_examples=25)
@given(seed=SEEDS, sleeves=st.integers(1, 3))
def test_a_users_own_policy_gives_the_same_bits_at_both_speeds(seed: int, sleeves: int) -> None:
    """With numbers of its own, in the very loop that runs ours."""
    history = owned(seed, sleeves)
    assert bits(run(*history, own=OWN)) == bits(run(*history, own=OWN, plain=True))


def test_a_users_own_policy_is_what_decides() -> None:
    """It enters at limits, leaves at its target or after its bars, and rests no stop: and all of that happens."""
    fills = [fill for seed in range(20) for fill in fills_of(run(*owned(seed), own=OWN, plain=True))]
    assert {fill["intent"] for fill in fills} == {ENTER, EXIT, PROTECT}
    assert {fill["limit"] > 0 for fill in fills if fill["intent"] == ENTER} == {True}
    assert {fill["stop"] for fill in fills} == {0}
    assert {fill["reason"] for fill in fills if fill["intent"] == EXIT} >= {TIMED_OUT}
    assert VIEW_GONE not in {fill["reason"] for fill in fills}


# --- two ways -----------------------------------------------------------------------------------------


def in_company(history: History) -> History:
    """Return a lone sleeve's history with an instrument beside it that nobody trades and that never has a bar."""
    tape, beliefs, setup = history
    columns = {
        name: np.concatenate([getattr(tape, name), np.zeros_like(getattr(tape, name))], axis=1)
        for name in ("open", "high", "low", "close", "volume_atoms", "atr")
    }
    terms, costs = np.repeat(setup.terms, 2, axis=0), np.repeat(setup.costs, 2, axis=0)
    return tape._replace(**columns), beliefs, setup._replace(terms=terms, costs=costs)


@pytest.mark.parametrize("decisions", [True, False])
@settings(max_examples=60)
@given(seed=SEEDS)
def test_a_lone_sleeve_takes_the_short_way_and_comes_to_the_same(seed: int, decisions: bool) -> None:
    """Quiet bars are passed over only where the general loop, taken as soon as there is company, does nothing else."""
    history = wild(seed, slices=120, instruments=1, sleeves=1)
    short = run(*history, plain=True, decisions=decisions)
    assert bits(short) == bits(run(*in_company(history), plain=True, decisions=decisions))


@settings(max_examples=20)
@given(seed=SEEDS)
def test_the_short_way_is_not_taken_past_a_users_own_policy(seed: int) -> None:
    """Which may do something on any bar."""
    history = owned(seed, sleeves=1)
    short = run(*history, own=OWN, plain=True, decisions=False)
    assert bits(short) == bits(run(*in_company(history), own=OWN, plain=True, decisions=False))


# --- no look ahead ------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=SEEDS, cut=st.integers(1, 59), shock=st.sampled_from([2, 3]), sleeves=st.integers(1, 3))
def test_the_future_cannot_change_the_past(seed: int, cut: int, shock: int, sleeves: int) -> None:
    """Everything up to a slice is the same, whatever comes after it, or if nothing does.

    Orders, fills, decisions, cash and holdings; though bars, volumes, indicators, views and gates are others.
    """
    tape, beliefs, setup = wild(seed, sleeves=sleeves, instruments=min(2, sleeves))
    later = np.arange(len(tape.close_ns))[:, None] >= cut
    columns = {name: np.where(later, getattr(tape, name) * shock, getattr(tape, name)) for name in Tape._fields[1:6]}
    other = tape._replace(
        **columns,
        atr=np.where(later, 7.0, tape.atr),
        gates=np.where(later[:, 0], 1, tape.gates) if len(tape.gates) else tape.gates,
    )
    past = run(*until(tape, beliefs, cut), setup, plain=True)
    reversed_ = beliefs._replace(probability=np.where(later, 1.0 - beliefs.probability, beliefs.probability))
    assert is_its_past(past, run(tape, beliefs, setup, plain=True))
    assert is_its_past(past, run(other, reversed_, setup, plain=True))


# --- nothing made or lost -----------------------------------------------------------------------------


def comes_after_the_mark(fill: dict[str, int], rules: Rules) -> bool:
    """Return whether a fill happened at the close itself, where a bar's worth has been reckoned already."""
    if fill["intent"] == CROSS:
        return fill["decided"] == fill["at"]
    return rules.at_close == 1 and fill["intent"] != PROTECT and not fill["maker"]


@settings(max_examples=60)
@given(seed=SEEDS, **MARKETS)
def test_fills_prices_and_fees_alone_tell_cash_positions_and_equity(seed: int, sleeves: int, instruments: int) -> None:
    """An independent fold of the fills, in exact integers, slice by slice; cash is never below zero without shorts."""
    tape, beliefs, setup = wild(seed, instruments=instruments, sleeves=sleeves)
    outcome = run(tape, beliefs, setup, plain=True)
    cash, atoms, marks = setup.cash_atoms, [0] * sleeves, [0] * instruments
    terms, fills = [setup.terms[i].tolist() for i in setup.instrument], fills_of(outcome)

    def book(fill: dict[str, int]) -> int:
        """Move the position, and return what the fill brings in cash."""
        k, side = fill["sleeve"], fill["side"]
        lot, notional, _, _, shortable = terms[k]
        atoms[k] += side * fill["lots"] * lot - (fill["fee"] if fill["in_base"] else 0)
        assert shortable or atoms[k] >= 0
        return -side * fill["lots"] * fill["price"] * notional - (0 if fill["in_base"] else fill["fee"])

    for s in range(len(tape.close_ns)):
        now = [fill for fill in fills if fill["at"] == s]
        late = [fill for fill in now if comes_after_the_mark(fill, setup.rules)]
        cash += sum(book(fill) for fill in now if fill not in late)
        marks = [int(close) or mark for close, mark in zip(tape.close[s], marks, strict=True)]
        sizes = [
            abs(owned) * marks[i] * terms[k][1] // terms[k][0]
            for k, (owned, i) in enumerate(zip(atoms, setup.instrument, strict=True))
        ]
        worths = [size if owned > 0 else -size for size, owned in zip(sizes, atoms, strict=True)]
        assert outcome.cash_atoms[s] == cash
        assert outcome.holdings_atoms[s] == sum(worths)
        assert outcome.short_atoms[s] == -sum(min(0, worth) for worth in worths)
        assert cash >= 0 or setup.terms[:, 4].any()
        cash += sum(book(fill) for fill in late)
    assert outcome.position_atoms.tolist() == atoms


@settings(max_examples=60)
@given(seed=SEEDS)
def test_what_fills_was_asked_for_and_no_more_of_it(seed: int) -> None:
    """Not before the next bar, unless closes fill; at prices of the bar, within limit, lots and volume."""
    tape, beliefs, setup = wild(seed)
    outcome = run(tape, beliefs, setup, plain=True)
    asked, traded = outcome.orders[:, ORDER_LOTS].copy(), np.zeros_like(tape.close)
    for fill in at_venue(outcome):
        s, k = fill["at"], fill["sleeve"]
        i, sized_at_fill = setup.instrument[k], Policy(*setup.policies[k]).size_mode == SIZE_AT_FILL
        assert s >= fill["decided"] + (0 if setup.rules.at_close else 1 + setup.rules.latency_bars)
        if fill["maker"]:  # at its own price, though the market may have opened at a better one
            assert fill["reference"] >= tape.low[s, i] if fill["side"] > 0 else fill["reference"] <= tape.high[s, i]
        else:
            assert tape.low[s, i] <= fill["reference"] <= tape.high[s, i]
        if not fill["take"]:
            assert fill["limit"] == 0 or fill["side"] * (fill["price"] - fill["limit"]) <= 0
        asked[fill["order"]] -= fill["lots"]
        assert asked[fill["order"]] >= 0 or (sized_at_fill and fill["intent"] == ENTER)
        traded[s, i] += fill["lots"] * setup.terms[i, 0]
    if setup.rules.volume_share:
        assert (traded <= tape.volume_atoms * (setup.rules.volume_share / UNIT)).all()


def test_the_wild_histories_have_everything_in_them() -> None:
    """Else the properties above would prove nothing: each kind of fill, on both sides, comes often."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        outcome = run(*wild(seed), plain=True)
        seen["rejected"] += outcome.rejected
        seen["ambiguous"] += outcome.ambiguous
        for fill in fills_of(outcome):
            side = "buy" if fill["side"] > 0 else "sell"
            what = {ENTER: "enter", EXIT: f"exit {fill['reason']}", PROTECT: "protect", CROSS: "cross"}[fill["intent"]]
            seen[f"{what} {side}"] += 1
            seen["maker" if fill["maker"] else "taker"] += 1
            seen["fee in base" if fill["in_base"] else "fee in quote"] += 1
            seen["at its target"] += fill["take"] != 0 and fill["price"] == fill["take"]
            seen["in part"] += fill["lots"] < fill["asked"]
        seen["several parts"] += sum(order["attempt"] > 1 and order["intent"] == ENTER for order in orders_of(outcome))
    reasons = (VIEW_GONE, TIMED_OUT, JUMPED, TARGET_REACHED, UNPROTECTED)
    kinds = [
        f"{what} {side}" for side in ("buy", "sell") for what in ("enter", "protect", *(f"exit {n}" for n in reasons))
    ]
    kinds += ["maker", "taker", "fee in base", "fee in quote", "at its target", "in part", "several parts"]
    kinds += ["rejected", "ambiguous"]
    assert {kind: seen[kind] for kind in kinds if seen[kind] < 10} == {}
