"""What `report.json` holds: the page's content for machines, every key documented here and in `docs/report.md`.

Times are ISO 8601 in UTC, amounts are units of the quote currency, fractions are 0..1 and never per cent. A number that
cannot be worked out is null, never NaN.
"""

from typing import Annotated, Any, Final

import msgspec

FORMAT: Final = 1

Sha256 = Annotated[str, msgspec.Meta(min_length=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of the report: a key more or less means that another version wrote it."""


class Span(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the run was.

    Attributes:
        first, last: Close of the first and of the last slice.
        interval_s: Length of a bar, seconds.
        slices: Moments at which was decided: all bars with one close are one slice.
    """

    first: str
    last: str
    interval_s: float
    slices: int


class Equity(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was owned, marked at the closes, after all costs.

    Attributes:
        start: Before the first fill, quote units.
        end: At the last close.
        held_end: The same of buying and holding from the same start.
    """

    start: float
    end: float
    held_end: float


class Number(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statistic.

    Attributes:
        name: Its key, lower snake.
        label: Its name for people.
        unit: What it counts in.
        group: What it stands beside.
        formula: How it is worked out.
        source: Who defined it; empty where it needs no source.
        value: The number; null where there is none.
        why: Why there is none; empty where there is one.
    """

    name: str
    label: str
    unit: str
    group: str
    formula: str
    source: str
    value: int | float | None
    why: str


class Month(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The return of a calendar month, UTC, as a fraction; of its part where the run began or ended in it."""

    year: int
    month: int
    value: float


class Histogram(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How values are spread.

    Attributes:
        total: How many values there are.
        edges: Limits of the bins, rising, one more than bins; 0 is one of them where values lie on both sides.
        counts: How many values lie in each bin.
    """

    total: int
    edges: list[float]
    counts: list[int]


class Cost(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What trading one instrument cost, quote units; > 0 cost us.

    Attributes:
        symbol: The instrument.
        fills: Executions at the venue; lots that crossed inside the account are none.
        turnover: Sum of price × quantity over them.
        spread: Half the spread, paid by orders that take.
        slippage: What else lay between the bar's price and ours.
        fees: What the venue took; a fee taken in base counts at the price of its fill.
        funding: 0: perpetual contracts are not traded yet.
    """

    symbol: str
    fills: int
    turnover: float
    spread: float
    slippage: float
    fees: float
    funding: float


class Market(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instrument and the bars that it was traded on.

    Attributes:
        venue, symbol, base, quote: What it is called and counted in.
        tick, lot: Steps of its price and quantity, exact, as text.
        bars: How many.
        first, last: Close of the first and of the last.
        sha256: Hash of the bars' content.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    bars: int
    first: str
    last: str
    sha256: Sha256


class Sleeve(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategy on an instrument."""

    strategy: str
    symbol: str


class Trials(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many policies were tried to find this one, and how they did.

    Attributes:
        count: >= 1.
        sharpes: How their Sharpe ratios are spread, per bar and not annualized; null for a single run.
        pbo: Probability of back-test overfitting, 0..1; null where there was no choice among trials.
    """

    count: int
    sharpes: Histogram | None
    pbo: float | None


class Report(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run, whole.

    Attributes:
        format: Version of this form.
        command: What made it: "backtest", "replay" or "sweep".
        synthetic: Whether the market was made up.
        optimistic: The choices that favor us and no real venue would; empty for an honest run.
        quote: Currency of all amounts.
        span, equity: When, and from what to what.
        sleeves, markets: What was traded, and on which bars.
        statistics: Every number with its formula.
        months: Returns by calendar month.
        trades: How the returns of round trips are spread, after costs.
        costs: By instrument.
        fills: Executions by reason.
        counts: What happened how often.
        denials: How often each objection kept a wish from becoming an order.
        trials: Of how many this is the best.
        config: Every choice.
        code_version, seed: What worked it out, and where its chance began.
        files: SHA-256 of every other file that the page is made from.
    """

    format: int
    command: str
    synthetic: bool
    optimistic: list[str]
    quote: str
    span: Span
    equity: Equity
    sleeves: list[Sleeve]
    markets: list[Market]
    statistics: list[Number]
    months: list[Month]
    trades: Histogram | None
    costs: list[Cost]
    fills: dict[str, int]
    counts: dict[str, int]
    denials: dict[str, int]
    trials: Trials
    config: dict[str, Any]
    code_version: str
    seed: int
    files: dict[str, str]
