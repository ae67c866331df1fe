"""The numbers of a run, each beside the formula that a reader may check it with."""

from collections.abc import Sequence
from dataclasses import dataclass

from trading_system.dashboard.run_facts import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number to show: its name, its text, how it is worked out, and a remark under it."""

    name: str
    text: str
    formula: str
    remark: str = ""


def buy_and_hold(run: Run) -> tuple[tuple[int, float], ...]:
    """Return (ns, equity) of putting all into the first instrument at its first decided close, without costs."""
    prices = run.sleeves[0].prices
    start = run.marks[0].equity
    return tuple((point.ns, start * point.close / prices[0].close) for point in prices)


def drawdowns(values: Sequence[float]) -> tuple[float, ...]:
    """Return how far each value lies below the highest so far, 0..1.

    >>> drawdowns([100.0, 125.0, 75.0, 150.0])
    (0.0, 0.0, 0.4, 0.0)
    """
    peak, falls = 0.0, []
    for value in values:
        peak = max(peak, value)
        falls.append(1.0 - value / peak if peak > 0 else 0.0)
    return tuple(falls)


def numbers_of(run: Run) -> tuple[Number, ...]:
    """Return the key numbers of `run`, the most asked-for first."""
    quote = run.sleeves[0].instrument.quote
    equity = [mark.equity for mark in run.marks]
    held = [worth for _, worth in buy_and_hold(run)]
    executions = [execution for sleeve in run.sleeves for execution in sleeve.executions]
    profits = [trip.profit for sleeve in run.sleeves for trip in sleeve.trips]
    fees = sum(execution.fee for execution in executions)
    slipped = sum(execution.slippage for execution in executions)
    turnover = sum(execution.quantity * execution.price for execution in executions)
    decided = run.marks[:-1]
    exposure = sum(mark.holdings / mark.equity for mark in decided if mark.equity > 0) / len(decided)
    return (
        Number(
            name="Return",
            text=percent(equity[-1] / equity[0] - 1.0, sign=True),
            formula="equity at the end ÷ equity at the start − 1, after fees and slippage",
            remark=f"{amount(equity[0])} → {amount(equity[-1])} {quote}",
        ),
        Number(
            name="Buy and hold",
            text=percent(held[-1] / held[0] - 1.0, sign=True),
            formula="last close ÷ first decided close − 1, all equity invested, without costs",
            remark="the same span, no costs",
        ),
        Number(
            name="Largest drawdown",
            text=percent(max(drawdowns(equity))),
            formula="largest of (1 − equity ÷ highest equity so far), at bar closes",
            remark=f"buy and hold {percent(max(drawdowns(held)))}",
        ),
        Number(
            name="Round trips",
            text=str(len(profits)),
            formula="times that a position went from flat to flat; what is left of fees paid in base is dust",
            remark=f"{len(executions)} executions",
        ),
        Number(
            name="Win rate",
            text=percent(sum(profit > 0 for profit in profits) / len(profits)) if profits else "–",
            formula="round trips with a profit after fees ÷ all round trips",
            remark=f"mean {amount(sum(profits) / len(profits), sign=True)} {quote} a trip"
            if profits
            else "no trip ended",
        ),
        Number(
            name="Fees",
            text=f"{amount(fees)} {quote}",
            formula="sum of all fees; a fee taken in base counts at the price of its fill",
            remark=f"{bps(fees, turnover)} of turnover",
        ),
        Number(
            name="Slippage",
            text=f"{amount(slipped, sign=True)} {quote}",
            formula="sum of (fill price − expected price) × quantity, sign turned for sells; > 0 cost us. "
            "Expected is the decided bar's close, for a stop its trigger",
            remark=f"{bps(slipped, turnover)} of turnover",
        ),
        Number(
            name="Exposure",
            text=percent(exposure),
            formula="mean over bars of (worth of positions ÷ equity)",
            remark=f"in the market {percent(sum(_invested(run)) / len(decided))} of the time",
        ),
    )


def _invested(run: Run) -> list[bool]:
    """Return for each decided bar whether a position above 1 % of equity was held; dust is not a position."""
    return [mark.holdings > 0.01 * mark.equity for mark in run.marks[:-1]]


def percent(fraction: float, *, sign: bool = False) -> str:
    """Return `fraction` as people read it.

    >>> percent(0.01234, sign=True), percent(-0.5)
    ('+1.23 %', '−50.00 %')
    """
    return f"{100.0 * fraction:{'+' if sign else ''}.2f} %".replace("-", "−")


def amount(units: float, *, sign: bool = False) -> str:
    """Return an amount of quote currency as people read it.

    >>> amount(12345.678), amount(-0.5, sign=True)
    ('12\u202f345.68', '−0.50')
    """
    return f"{units:{'+' if sign else ''},.2f}".replace(",", "\u202f").replace("-", "−")


def bps(part: float, whole: float) -> str:
    """Return `part` of `whole` in basis points.

    >>> bps(1.0, 1000.0)
    '10.0 bps'
    """
    return f"{10_000.0 * part / whole:.1f} bps".replace("-", "−") if whole else "–"
