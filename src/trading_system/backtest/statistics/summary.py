"""All statistics of a run at once, and its calendar months."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trading_system.backtest.result import Result
from trading_system.backtest.statistics.facts import Facts, ends_of_days
from trading_system.backtest.statistics.table import FORMULAS, Formula
from trading_system.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A number beside its formula.

    Attributes:
        name: Its key, lower snake.
        label: Its name for people.
        group: What it stands beside: "return", "risk", "certainty", "exposure", "costs", "trades" or "baseline".
        unit: "fraction", "ratio", "quote" (units of the quote currency), "s", "years", "bars" or "count".
        formula: How it is worked out.
        source: Who defined it; empty where it needs no source.
        value: The number, finite; None where there is none.
        why: Why there is none; None where there is one.
    """

    name: str
    label: str
    group: str
    unit: str
    formula: str
    source: str
    value: float | int | None
    why: str | None


class Month(NamedTuple):
    """The return of a calendar month, UTC, as a fraction; of its part where the run began or ended in it."""

    year: int
    month: int
    value: float


def summary(result: Result, *, first: int = 0) -> list[Statistic]:
    """Return every number of `FORMULAS` for `result`, in that order.

    Args:
        result: A run with at least one bar.
        first: The slice from which its policy could decide, where buying and holding begins.

    Raises:
        DataError: The run has no bar.
    """
    facts = Facts(result, first=first)
    return [_told(formula, facts) for formula in FORMULAS]


def monthly(result: Result) -> list[Month]:
    """Return E(last close of the month) / E(last close of the month before) - 1, the first against the start.

    A month ends at midnight UTC. After a month that ended without equity there is no return any more.
    """
    equity = Facts(result).equity
    ends = ends_of_days(result.close_ns)
    months = (result.close_ns[ends] - 1).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = ends[np.append(months[1:] != months[:-1], True)]
    told, before = [], float(equity[0])
    for month, end in zip(np.unique(months).tolist(), last.tolist(), strict=True):
        if before <= 0.0:
            break
        told.append(Month(1970 + month // 12, month % 12 + 1, float(equity[end]) / before - 1.0))
        before = float(equity[end])
    return told


def _told(formula: Formula, facts: Facts) -> Statistic:
    value: float | None = None
    why: str | None = None
    try:
        value = formula.of(facts)
    except DataError as error:
        why = str(error)
    if value is not None and not math.isfinite(value):
        value, why = None, "too large for a number"
    return Statistic(
        name=formula.name,
        label=formula.label,
        group=formula.group,
        unit=formula.unit,
        formula=formula.formula,
        source=formula.source,
        value=value,
        why=why,
    )
