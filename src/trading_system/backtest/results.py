"""What a run came to, in the words of its report."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trading_system import __version__
from trading_system.backtest import tape as t
from trading_system.backtest.assemble import Prepared
from trading_system.backtest.code_version import commit
from trading_system.backtest.figures import optimistic
from trading_system.backtest.finish import FINISHED
from trading_system.backtest.result import Fills, Reason, Result, Traded
from trading_system.backtest.run import Outcome
from trading_system.backtest.study import Study
from trading_system.blotter.objections import words
from trading_system.blotter.state import (
    JUMPED,
    NO_REASON,
    TARGET_REACHED,
    TIMED_OUT,
    UNPROTECTED,
    VIEW_GONE,
    Policy,
)
from trading_system.blotter.tickets import Intent, client_order_id
from trading_system.market.columns import Ints

SYNTHETIC: Final = "synthetic"
"""The venue of bars that were made up."""

LEFT_FOR: Final[Mapping[int, Reason]] = {
    NO_REASON: Reason.EXIT,
    VIEW_GONE: Reason.EXIT,
    TIMED_OUT: Reason.TIME_OUT,
    JUMPED: Reason.UNPROTECTED,
    TARGET_REACHED: Reason.TAKE_PROFIT,
    UNPROTECTED: Reason.UNPROTECTED,
    FINISHED: Reason.FINISH,
}
"""Why an exit at market left, by `ORDER_REASON`."""
INTENTS: Final[Mapping[int, Intent]] = {t.ENTER: Intent.ENTER, t.EXIT: Intent.EXIT, t.PROTECT: Intent.PROTECT}


def result_of(study: Study, prepared: Prepared, outcome: Outcome, *, command: str) -> Result:
    """Return `outcome` as reports know it.

    Args:
        study: What was chosen.
        prepared: What was run.
        outcome: What came of it, finished.
        command: "backtest", "replay" or "sweep".
    """
    stops = stops_of(prepared, outcome)
    return Result(
        command=command,
        config=config_of(study, prepared),
        interval_ns=prepared.interval_ns,
        quote=prepared.instruments[0].quote,
        close_ns=outcome.close_ns,
        equity_atoms=outcome.equity_atoms,
        cash_atoms=outcome.cash_atoms,
        gross_atoms=outcome.holdings_atoms + 2 * outcome.short_atoms,
        fills=fills_of(prepared, outcome),
        sleeves=prepared.sleeves,
        traded=tuple(
            Traded(instrument=reading.instrument, bars=reading.bars, stop_ticks=stops[i], sha256=reading.sha256)
            for i, reading in enumerate(prepared.readings)
        ),
        counts=_counts(prepared, outcome),
        denials=_denials(outcome),
        optimistic=optimistic(study),
        trials=1,
        trial_sharpes=np.empty(0),
        pbo=None,
        code_version=code_version(),
        seed=int(study.number("seed")),
    )


def code_version() -> str:
    """Return the version of this package and, from a checkout, its commit."""
    found = commit()
    return f"{__version__}+{found[:12]}" if found else __version__


def config_of(study: Study, prepared: Prepared) -> dict[str, Any]:
    """Return every choice, and under `found` what `auto` came to and what is to be known of the bars."""
    kind = Policy if prepared.own is None else prepared.own.kind
    worked_out = [name for name in ("size_fraction", "round_trip_cost") if name in kind._fields]
    found: dict[str, Any] = {
        "bars": [
            {
                "symbol": reading.instrument.symbol,
                "base": reading.instrument.base,
                "quote": reading.instrument.quote,
                "tick": f"{reading.instrument.tick:f}",
                "lot": f"{reading.instrument.lot:f}",
                "min_lots": reading.instrument.min_lots,
                "min_notional": f"{reading.instrument.min_notional:f}",
                "interval_s": reading.bars.interval_ns // 10**9,
                "missing": reading.missing,
                "gaps": reading.gaps,
                "set_aside": len(reading.bad),
                "synthetic": study.word("venue") == SYNTHETIC,
                "notes": list(reading.notes),
            }
            for reading in prepared.readings
        ],
        "sleeves": [
            {"strategy": sleeve.label, "symbol": sleeve.symbol, "model": study.strategies[sleeve.label].model}
            | {name: float(row[kind._fields.index(name)]) for name in worked_out}
            for sleeve, row in zip(prepared.sleeves, prepared.setup.policies.tolist(), strict=True)
        ],
    }
    if study.own is not None:
        found["policy_sha256"] = study.own.digest
    return study.config() | {"found": found}


def fills_of(prepared: Prepared, outcome: Outcome) -> Fills:
    """Return every fill with its reason and its order's name."""
    rows = outcome.fills
    orders = outcome.orders[rows[:, t.FILL_ORDER]]
    intent, maker = orders[:, t.ORDER_INTENT], rows[:, t.FILL_MAKER]
    gained = orders[:, t.ORDER_SIDE] * (orders[:, t.ORDER_TAKE] - rows[:, t.FILL_TICKS])  # beyond the target
    took = (maker == 1) & (orders[:, t.ORDER_TAKE] > 0) & (gained >= 0)
    left = np.array([LEFT_FOR[code] for code in range(FINISHED, UNPROTECTED + 1)], dtype=np.int64)
    exits = left[np.where(intent == t.EXIT, orders[:, t.ORDER_REASON], NO_REASON) - FINISHED]
    protected = np.where(took, Reason.TAKE_PROFIT, Reason.STOP)
    entered, crossed = np.full(len(rows), Reason.ENTRY), np.full(len(rows), Reason.CROSSED)
    reasons = np.choose(intent, [entered, exits, protected, crossed]).astype(np.int64)
    return Fills(
        slice=rows[:, t.FILL_SLICE].copy(),
        sleeve=orders[:, t.ORDER_SLEEVE].copy(),
        reason=reasons,
        side=orders[:, t.ORDER_SIDE].copy(),
        lots=rows[:, t.FILL_LOTS].copy(),
        price_ticks=rows[:, t.FILL_TICKS].copy(),
        reference_ticks=rows[:, t.FILL_REFERENCE].copy(),
        spread_ticks=rows[:, t.FILL_SPREAD].copy(),
        fee_atoms=rows[:, t.FILL_FEE].copy(),
        fee_in_base=rows[:, t.FILL_FEE_IN_BASE].copy(),
        maker=maker.copy(),
        client_order_ids=_names(prepared, outcome, rows[:, t.FILL_ORDER]),
    )


def _names(prepared: Prepared, outcome: Outcome, which: Ints) -> list[str]:
    """Return the name of each of the orders `which`, worked out once for each; "" for a crossing, which is none."""
    wanted, where = np.unique(which, return_inverse=True)
    rows = outcome.orders[wanted]
    closes = outcome.close_ns[rows[:, t.ORDER_DECIDED]].tolist()
    columns = (rows[:, t.ORDER_SLEEVE], rows[:, t.ORDER_INTENT], rows[:, t.ORDER_ATTEMPT])
    names = [
        client_order_id(t.ACCOUNT, label, symbol, decided_ns, INTENTS[intent], attempt) if intent in INTENTS else ""
        for decided_ns, (label, symbol), intent, attempt in zip(
            closes, (prepared.sleeves[k] for k in columns[0].tolist()), *(c.tolist() for c in columns[1:]), strict=True
        )
    ]
    return [names[n] for n in where.tolist()]


def stops_of(prepared: Prepared, outcome: Outcome) -> list[Ints | None]:
    """Return for each instrument the highest stop of the sleeves that want a position in it, 0 where none does."""
    if not len(outcome.decided):
        return [None] * len(prepared.readings)
    found: list[Ints | None] = [None] * len(prepared.readings)
    for k, i in enumerate(prepared.setup.instrument.tolist()):
        stop = np.where(outcome.decided[:, k, 0] != 0, outcome.decided[:, k, 1], 0)
        before = found[i]
        found[i] = stop if before is None else np.maximum(before, stop)
    return found


def _counts(prepared: Prepared, outcome: Outcome) -> dict[str, int]:
    return {
        "ambiguous": outcome.ambiguous,
        "crossed": outcome.crossings,
        "decisions": outcome.decisions,
        "denied": sum(outcome.denials.values()),
        "missing_bars": sum(reading.missing for reading in prepared.readings),
        "orders": len(outcome.orders) - 2 * outcome.crossings,
        "rejected": outcome.rejected,
        "rows_set_aside": sum(len(reading.bad) for reading in prepared.readings),
    }


def _denials(outcome: Outcome) -> dict[str, int]:
    """Return how often each objection stood against a wish, alone or with others."""
    told: Counter[str] = Counter()
    for flags, times in outcome.denials.items():
        for objection in words(flags):
            told[objection] += times
    return dict(told)
