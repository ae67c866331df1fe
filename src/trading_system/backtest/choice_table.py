"""Every choice of a run, by its one name.

Names are unique over all sections, so that `--set NAME=VALUE` needs no section. docs/backtest.md shows this table; a
test holds the two together.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trading_system.backtest.choices import (
    AUTO,
    Choice,
    amount,
    amount_or_none,
    auto_number_in,
    moment,
    number_in,
    plain_word,
    read_interval,
    text_in,
    words_in,
)
from trading_system.core_ai.inference.strategies.parameters import instead
from trading_system.errors import ConfigurationError
from trading_system.risk_management.exposure import MAX_SLACK

SECTIONS: Final = ("account", "bars", "terms", "costs", "market", "policy")
BY_STRATEGY: Final = frozenset({"policy"})
"""Sections whose choices may differ from strategy to strategy."""
BY_INSTRUMENT: Final = frozenset({"terms", "costs"})
"""Sections whose choices may differ from instrument to instrument."""

MOST_BPS: Final = 5_000.0
MOST_ATR: Final = 10_000.0
MOST_BARS: Final = 1e9
MOST_LOTS: Final = 1e12
MOST_QUOTE: Final = 1e9
ANY_FALL: Final = 0.9999
"""A limit that only ruin reaches: the breaker is off."""

account_words = words_in("account")
account_text = text_in("account")
top_number = number_in("")
bars_words = words_in("bars")
bars_text = text_in("bars")
terms_text = text_in("terms")
terms_auto_number = auto_number_in("terms")
costs_words = words_in("costs")
costs_number = number_in("costs")
market_words = words_in("market")
market_number = number_in("market")
policy_words = words_in("policy")
policy_auto_number = auto_number_in("policy")
policy_number = number_in("policy")

_ACCOUNT: Final = (
    account_text("cash", "10000", amount, "what the account has at the start, quote units"),
    account_text("quote", AUTO, plain_word, "currency that all is accounted in", "what the symbols end in"),
    account_words(
        "short",
        "none allowed",
        "whether more may be sold than is owned; the coins are then lent for nothing, which is optimistic",
    ),
    top_number("seed", 7, 0, 2**32 - 1, "where the chance in the report begins (the bootstrap of its Sharpe ratio)"),
)
_BARS: Final = (
    bars_text(
        "venue",
        "binance",
        plain_word,
        "whose terms of trade are looked up; the folder within a store; `synthetic` for bars that were made up",
    ),
    bars_text("interval", AUTO, read_interval, "length of a bar: 1m, 15m, 1h, 1d", "the most common step between bars"),
    bars_text("from", AUTO, moment, "the first bar opens at this time or later, UTC", "the first bar"),
    bars_text("to", AUTO, moment, "the last bar opens before this time, UTC", "the last bar"),
    bars_words(
        "on_bad_data",
        "refuse quarantine",
        "what to do about rows that are no bars: stop, or set them aside and use the rest",
    ),
    bars_words(
        "gaps",
        "leave fill",
        "what to do about missing bars: go on with the next one; or put in bars at the last close, without volume",
    ),
)
_TERMS: Final = (
    terms_text("tick", AUTO, amount, "price step, quote units per base unit", "the catalog's, or from the prices"),
    terms_text("lot", AUTO, amount, "quantity step, base units", "the catalog's, or the finest that is exact"),
    terms_auto_number("min_lots", "the catalog's, or 1", 1, MOST_LOTS, "smallest order, lots"),
    terms_text("min_notional", AUTO, amount_or_none, "smallest order, quote units", "the catalog's, or 0"),
)
_COSTS: Final = (
    costs_number("taker_fee_bps", 10.0, 0.0, MOST_BPS, "fee of an order that takes, bps of its worth"),
    costs_number("maker_fee_bps", 10.0, 0.0, MOST_BPS, "fee of an order that had rested in the book, bps of its worth"),
    costs_number(
        "spread_bps",
        2.0,
        0.0,
        MOST_BPS,
        "from best bid to best ask, bps of the price; an order that takes pays half of it",
    ),
    costs_number(
        "slippage_bps", 1.0, 0.0, MOST_BPS, "what an order that takes pays beyond that, bps of what `slippage` says"
    ),
    costs_words(
        "slippage",
        "fixed range volume",
        "bps of the price; of the bar's high less low; of the price times our share of the bar's volume",
    ),
    costs_words(
        "fee_asset",
        "base quote",
        "what a buy pays its fee in: the coins it receives, as on Binance spot, or quote currency; a sale: quote",
    ),
    costs_words(
        "fee_rounding",
        "down half_even up",
        "how a fee is brought to 1e-8: cut; to the nearest, halves to the even one; up",
    ),
)
_MARKET: Final = (
    market_words(
        "fill",
        "next_open close",
        "where a market order fills: at the next bar's open; at the close that decided it, which is optimistic",
    ),
    market_words(
        "limit_fill",
        "through touch open",
        "when a limit order fills: once the price trades through it; at a touch; and at the open where that is better; "
        "both are optimistic",
    ),
    market_number(
        "latency_bars", 0, 0, 1000, "how many bars later than the next one whatever is asked reaches the venue"
    ),
    market_number(
        "volume_limit", 0.0, 0.0, 1.0, "most of a bar's volume that our orders get together, a fraction; 0 for no limit"
    ),
    market_words(
        "finish",
        "hold last_close last_open",
        "what is open at the end is marked at the last close; or sold, costs paid, at the last bar's close or open",
    ),
)
_POLICY: Final = (
    policy_words(
        "size",
        "fraction kelly lots quote at_fill",
        "a part of equity; a stake by Kelly, lost at the stop; the same lots each time; the same amount of quote "
        "currency each time; a part of the cash at the fill, which is optimistic",
    ),
    policy_auto_number(
        "size_fraction",
        "0.95 shared equally by all sleeves",
        0.0,
        1.0,
        "what `fraction` and `at_fill` put into one position, a fraction",
    ),
    policy_number("size_lots", 0, 0, MOST_LOTS, "what `lots` puts into one position, lots"),
    policy_number("size_quote", 0.0, 0.0, MOST_QUOTE, "what `quote` puts into one position, quote units"),
    policy_number("kelly_share", 0.25, 0.0, 1.0, "part of full Kelly to stake, a fraction"),
    policy_number("kelly_cap", 0.02, 0.0, 1.0, "most that `kelly` stakes on one position, a fraction of equity"),
    policy_number("max_exposure", 1.0, 0.0, 100.0, "largest position of one sleeve, a fraction of equity"),
    policy_number("max_gross", 1.0, 0.0, 100.0, "largest sum of all positions and live entries, a fraction of equity"),
    policy_number(
        "enter_above", 0.55, 0.0, 1.0, "least probability of a rise to buy with, and of a fall to sell short with"
    ),
    policy_number(
        "leave_below", 0.5, 0.0, 1.0, "probability at or below which a position is left; less than enter_above"
    ),
    policy_auto_number(
        "round_trip_cost",
        "twice the taker's fee, half spread and slippage",
        0.0,
        1.0,
        "what the decision takes going in and out to cost, a fraction of the price",
    ),
    policy_words(
        "stop",
        "trailing fixed none",
        "the protective stop follows the price; stays where the entry set it; is not there",
    ),
    policy_number("atr_stop", 3.0, 0.001, MOST_ATR, "distance of the stop from the close, average true ranges"),
    policy_number("stop_step", 0.5, 0.0, MOST_ATR, "least gain for which a resting stop is moved, average true ranges"),
    policy_number(
        "stop_slack", 0.005, 0.0, MAX_SLACK, "how far beyond the stop its limit price lies, a fraction of the stop's"
    ),
    policy_number(
        "take_profit",
        0.0,
        0.0,
        MOST_ATR,
        "distance of the target from the close of the decision, average true ranges; 0 for none",
    ),
    policy_number("max_bars", 0, 0, MOST_BARS, "leave after so many bars in the position; 0 for no limit"),
    policy_words(
        "entry_order",
        "market limit post_only",
        "how a position is entered; a post-only order is refused rather than let it take",
    ),
    policy_number(
        "entry_offset",
        0.0,
        0.0,
        MOST_ATR,
        "how far from the close, on the better side, the limit of an entry lies, average true ranges",
    ),
    policy_number("entry_bars", 1, 1, MOST_BARS, "cancel what is left of a resting entry after so many bars"),
    policy_number("entry_parts", 1, 1, 100, "send an entry as so many orders of equal size"),
    policy_number(
        "cash_buffer",
        0.01,
        0.0,
        1.0,
        "how far above the close a market buy may fill when cash is set aside for it, a fraction",
    ),
    policy_number(
        "max_drawdown",
        ANY_FALL,
        0.0001,
        ANY_FALL,
        "fall of equity from its peak after which nothing is entered any more, a fraction below 1",
    ),
    policy_number(
        "max_daily_loss",
        1.0,
        0.0001,
        1.0,
        "fall of equity within a UTC day after which nothing is entered that day, a fraction; 1 for no limit",
    ),
)

CHOICES: Final[Mapping[str, Choice]] = MappingProxyType(
    {choice.name: choice for choice in (*_ACCOUNT, *_BARS, *_TERMS, *_COSTS, *_MARKET, *_POLICY)}
)


def unknown(name: str, known: Mapping[str, object]) -> ConfigurationError:
    """Return the error about `name`, which is none of `known`: it names the nearest there is."""
    near = instead(name, known).partition(" There are")[0]
    told = near if "did you mean" in near else ""
    return ConfigurationError(f"there is no choice {name!r}{told}; --choices lists all that can be set")
