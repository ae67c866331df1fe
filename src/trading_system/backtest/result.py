"""What a run leaves: equity, fills and the choices it was made with; all that a report may draw on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.instruments import Instrument


class Reason(IntEnum):
    """Why an order was sent that filled; the numbers are those in `Fills.reason`."""

    ENTRY = 0
    """A view worth a position."""
    EXIT = 1
    """The view was gone."""
    STOP = 2
    """The protective stop."""
    TAKE_PROFIT = 3
    """The target beside the stop."""
    TIME_OUT = 4
    """The position had been held as long as the policy allows."""
    UNPROTECTED = 5
    """No stop could stand: the price was beyond it already."""
    FINISH = 6
    """The run ended and its configuration closes what is left."""
    CROSSED = 7
    """Another strategy of the account wanted the opposite at the same moment: no order was sent, nothing was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Every fill of a run in the order in which they happened. All columns (N,).

    Lots that crossed between two sleeves are two of them, the buyer's and the seller's.

    Attributes:
        slice: Index of the bar (row of `Result.close_ns`) that filled it.
        sleeve: Index into `Result.sleeves`.
        reason: A `Reason`.
        side: +1 bought, -1 sold.
        lots: Quantity, lots, > 0.
        price_ticks: What was paid or got, ticks.
        reference_ticks: The bar's price before spread and slippage, ticks: the open, the stop, the limit, the close.
        spread_ticks: How much of the difference between the two is half the spread, ticks, >= 0; the rest is slippage.
        fee_atoms: Fee, atoms of `fee_in_base`'s currency, >= 0.
        fee_in_base: 1 where the fee was taken in base currency, 0 where in quote.
        maker: 1 where the order had rested in the book.
        client_order_ids: The order's name; "" where lots crossed.
    """

    slice: Ints
    sleeve: Ints
    reason: Ints
    side: Ints
    lots: Ints
    price_ticks: Ints
    reference_ticks: Ints
    spread_ticks: Ints
    fee_atoms: Ints
    fee_in_base: Ints
    maker: Ints
    client_order_ids: list[str]

    def __len__(self) -> int:
        return len(self.slice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One instrument of a run: its steps, its bars and what protected the position in it.

    Attributes:
        instrument: Steps and currencies.
        bars: The bars as they were traded, on their own times.
        stop_ticks: (S,) the highest protective stop of its sleeves at each of `Result.close_ns`, ticks; 0 for none.
            None where the run did not record decisions.
        sha256: Hash of the bars' content.
    """

    instrument: Instrument
    bars: BarColumns
    stop_ticks: Ints | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run, whole.

    Attributes:
        command: What made it: "backtest", "replay" or "sweep".
        config: Every choice, as plain nested values (str, int, float, bool, list, dict); printed into `config.yaml`.
        interval_ns: Length of a bar, ns.
        quote: The currency that all is accounted in.
        close_ns: (S,) close of each slice, UTC ns.
        equity_atoms: (S,) cash and marked positions at the close, quote atoms.
        cash_atoms: (S,) quote currency owned at the close, atoms.
        gross_atoms: (S,) sum of the positions' absolute worths at the close, quote atoms.
        fills: All of them.
        sleeves: (K) strategy and symbol.
        traded: By instrument.
        counts: What happened how often: `ambiguous` (bars in which stop and target lay both), `rejected`,
            `decisions`, `denied`, `crossed` ...
        denials: How often each objection, in words, kept a wish from becoming an order.
        optimistic: The choices that favour us and no real venue would, in words; empty for an honest run.
        trials: How many policies were tried to find this one, >= 1.
        trial_sharpes: (trials,) Sharpe ratio of each, per bar, not annualized; empty for a single run.
        pbo: Probability of back-test overfitting, 0..1; None where there was no choice among trials.
        code_version: Version and, where known, commit of the code.
        seed: Seed of everything drawn by chance in the report (the bootstrap).
    """

    command: str
    config: Mapping[str, Any]
    interval_ns: int
    quote: str
    close_ns: Ints
    equity_atoms: Ints
    cash_atoms: Ints
    gross_atoms: Ints
    fills: Fills
    sleeves: tuple[tuple[str, str], ...]
    traded: tuple[Traded, ...]
    counts: Mapping[str, int]
    denials: Mapping[str, int]
    optimistic: tuple[str, ...]
    trials: int
    trial_sharpes: Floats
    pbo: float | None
    code_version: str
    seed: int
