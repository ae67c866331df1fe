"""A study's words as the numbers that the loop knows, and its optimism in words."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from trading_system.backtest.choices import AUTO
from trading_system.backtest.study import Sleeve, Study
from trading_system.backtest.tape import Rules
from trading_system.blotter.state import (
    ENTER_AT_LIMIT,
    ENTER_AT_MARKET,
    ENTER_POST_ONLY,
    SIZE_AT_FILL,
    SIZE_FRACTION,
    SIZE_KELLY,
    SIZE_LOTS,
    SIZE_QUOTE,
    STOP_ABSENT,
    STOP_FIXED,
    STOP_TRAILING,
    Policy,
    Terms,
)
from trading_system.errors import ConfigurationError
from trading_system.execution_engine.simulator.costs import (
    FEE_DOWN,
    FEE_HALF_EVEN,
    FEE_UP,
    SLIP_FIXED,
    SLIP_RANGE,
    SLIP_VOLUME,
    UNIT,
    Costs,
)
from trading_system.execution_engine.simulator.matching import THROUGH, TOUCH, TOUCH_OR_OPEN
from trading_system.market import catalog
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms

BPS: Final = 10_000
FREE_CASH: Final = 0.95
"""Part of equity that all sleeves together put into positions where nobody says otherwise."""

STOPS: Final = {"trailing": STOP_TRAILING, "fixed": STOP_FIXED, "none": STOP_ABSENT}
SIZES: Final = {
    "kelly": SIZE_KELLY,
    "fraction": SIZE_FRACTION,
    "lots": SIZE_LOTS,
    "quote": SIZE_QUOTE,
    "at_fill": SIZE_AT_FILL,
}
ENTRIES: Final = {"market": ENTER_AT_MARKET, "limit": ENTER_AT_LIMIT, "post_only": ENTER_POST_ONLY}
SLIPS: Final = {"fixed": SLIP_FIXED, "range": SLIP_RANGE, "volume": SLIP_VOLUME}
TOUCHES: Final = {"through": THROUGH, "touch": TOUCH, "open": TOUCH_OR_OPEN}
ROUNDINGS: Final = {"down": FEE_DOWN, "half_even": FEE_HALF_EVEN, "up": FEE_UP}
MODES: Final[Mapping[str, tuple[str, Mapping[str, int]]]] = {
    "stop_mode": ("stop", STOPS),
    "size_mode": ("size", SIZES),
    "entry_mode": ("entry_order", ENTRIES),
}
"""Fields of `Policy` that are chosen by a word: the choice and its words."""


def policy_of(study: Study, sleeve: Sleeve) -> Any:
    """Return the policy of a sleeve: ours, or what the user's own file has in its place."""
    if study.own is not None and study.own.policy.kind is not Policy:
        kind = study.own.policy.kind
        return kind(*(study.of(name, sleeve.label) for name in kind._fields))
    return Policy(**{name: _policy_number(study, sleeve, name) for name in Policy._fields})


def _policy_number(study: Study, sleeve: Sleeve, name: str) -> float:
    if name in MODES:
        choice, words = MODES[name]
        return words[study.word(choice, sleeve.label)]
    if study.of(name, sleeve.label) == AUTO:
        return AUTOMATIC[name](study, sleeve)
    return study.number(name, sleeve.label)


def _size_fraction(study: Study, sleeve: Sleeve) -> float:
    return FREE_CASH / len(study.sleeves)


def _round_trip_cost(study: Study, sleeve: Sleeve) -> float:
    """Return what going in and out costs an order that takes, a fraction; slippage only where it is of the price."""
    fee, spread = study.number("taker_fee_bps", sleeve.symbol), study.number("spread_bps", sleeve.symbol)
    fixed = study.word("slippage", sleeve.symbol) == "fixed"
    slip = study.number("slippage_bps", sleeve.symbol) if fixed else 0.0
    return min(1.0, (2.0 * fee + spread + 2.0 * slip) / BPS)


AUTOMATIC: Final[Mapping[str, Callable[[Study, Sleeve], float]]] = {
    "size_fraction": _size_fraction,
    "round_trip_cost": _round_trip_cost,
}


def costs_of(study: Study, symbol: str) -> Costs:
    """Return what trading `symbol` costs.

    Raises:
        ConfigurationError: A rate is finer than 1e-8.
    """
    return Costs(
        taker_fee=_fraction(study, "taker_fee_bps", symbol),
        maker_fee=_fraction(study, "maker_fee_bps", symbol),
        slip=_fraction(study, "slippage_bps", symbol),
        half_spread=_fraction(study, "spread_bps", symbol, parts=2),
        slip_model=SLIPS[study.word("slippage", symbol)],
        fee_in_base=1 if study.word("fee_asset", symbol) == "base" else 0,
        fee_rounding=ROUNDINGS[study.word("fee_rounding", symbol)],
    )


def _fraction(study: Study, name: str, symbol: str, parts: int = 1) -> int:
    """Return basis points, or a part of them, in 1e-8."""
    exact = Decimal(str(study.number(name, symbol))) * UNIT / BPS / parts
    if exact != exact.to_integral_value():
        raise ConfigurationError(
            f"{name} = {study.of(name, symbol)} is too fine: it must be whole in 1e-8 of the price"
        )
    return int(exact)


def rules_of(study: Study) -> Rules:
    """Return how the market takes orders."""
    return Rules(
        at_close=1 if study.word("fill") == "close" else 0,
        touch=TOUCHES[study.word("limit_fill")],
        latency_bars=int(study.number("latency_bars")),
        volume_share=round(study.number("volume_limit") * UNIT),
    )


def cash_of(study: Study) -> int:
    """Return the cash at the start, quote atoms."""
    return to_atoms(study.word("cash"))


def asked_instrument(study: Study, symbol: str) -> Instrument | None:
    """Return the instrument whose ticks the prices must be, where a tick was chosen; None where it was not.

    Raises:
        ConfigurationError: Tick and lot cannot be accounted for exactly.
    """
    if study.of("tick", symbol) == AUTO:
        return None
    venue, tick = study.word("venue"), Decimal(study.word("tick", symbol))
    known = catalog.lookup(venue, symbol)
    if known is None:
        known = catalog.derived(symbol, min(catalog.FINEST, max(0, -int(tick.as_tuple().exponent))), venue=venue)
    lot = known.lot if study.of("lot", symbol) == AUTO else Decimal(study.word("lot", symbol))
    return replace(known, tick=tick, lot=lot)


def settled(study: Study, found: Instrument) -> Instrument:
    """Return the instrument that was `found` with the terms that were chosen in place of its own.

    Raises:
        ConfigurationError: The terms do not go together, or its quote currency is not the run's.
    """
    symbol, quote = found.symbol, study.word("quote")
    if quote != AUTO and found.quote not in (quote, catalog.UNKNOWN_QUOTE):
        raise ConfigurationError(f"{symbol} is traded in {found.quote}, and the account is in {quote}: see quote")
    base = found.base.removesuffix(quote) or found.base
    chosen: dict[str, Any] = {}
    if quote != AUTO and found.quote != quote:
        chosen |= {"quote": quote, "base": base}
    if study.of("lot", symbol) != AUTO:
        chosen["lot"] = Decimal(study.word("lot", symbol))
    if study.of("min_lots", symbol) != AUTO:
        chosen["min_lots"] = int(study.number("min_lots", symbol))
    if study.of("min_notional", symbol) != AUTO:
        chosen["min_notional"] = Decimal(study.word("min_notional", symbol))
    return replace(found, **chosen, shortable=study.word("short") == "allowed")


def terms_of(instrument: Instrument) -> Terms:
    """Return the instrument in a decision's numbers."""
    return Terms(
        lot_atoms=instrument.lot_atoms,
        notional_atoms=instrument.notional_atoms,
        min_lots=instrument.min_lots,
        min_notional_atoms=to_atoms(instrument.min_notional),
        shortable=1 if instrument.shortable else 0,
    )


def optimistic(study: Study) -> tuple[str, ...]:
    """Return the choices that favor the run and that no real venue grants, in words."""
    symbols, labels = [source.symbol for source in study.sources], list(study.strategies)
    sizes = [study.word("size", label) for label in labels] if "size" in study.choices else []
    free = [s for s in symbols if study.number("spread_bps", s) == 0 and study.number("slippage_bps", s) == 0]
    told = {
        "fill = close: an order fills at the very close that decided it": study.word("fill") == "close",
        "limit_fill = touch: a limit order fills at a touch, as if it were first in the queue": (
            study.word("limit_fill") == "touch"
        ),
        "limit_fill = open: as at a touch; and where the open is better than the limit, at the open": (
            study.word("limit_fill") == "open"
        ),
        "taker_fee_bps = 0: taking costs no fee": any(study.number("taker_fee_bps", s) == 0 for s in symbols),
        "maker_fee_bps = 0: resting costs no fee": any(study.number("maker_fee_bps", s) == 0 for s in symbols),
        "spread_bps = 0 and slippage_bps = 0: whoever takes gets the bar's own price": bool(free),
        "size = at_fill: an order's size is counted at a price that is not known when it is sent": "at_fill" in sizes,
        "short = allowed: the coins that are sold short are lent for nothing": study.word("short") == "allowed",
    }
    return tuple(words for words, so in told.items() if so)
