"""Studies: what is asked for becomes numbers, and every choice is there, under one name, whether it was made or not."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.backtest import figures
from trading_system.backtest.asked import Asked, asked_of, assignments_of, strategies_of
from trading_system.backtest.choice_table import CHOICES
from trading_system.backtest.choices import AUTO
from trading_system.backtest.study import Source, Study, study_of
from trading_system.blotter.state import (
    ENTER_POST_ONLY,
    SIZE_FRACTION,
    SIZE_KELLY,
    STOP_ABSENT,
    STOP_TRAILING,
    Policy,
)
from trading_system.core_ai.inference.strategies.registry import STRATEGIES
from trading_system.errors import ConfigurationError
from trading_system.execution_engine.simulator.costs import SLIP_VOLUME, Costs
from trading_system.market.catalog import derived, lookup

SOURCE = Source("BTCUSDT", "bars.csv")
ROOT = Path(__file__).resolve().parents[3]


def study(*sets: str, strategies: tuple[str, ...] = ("sma_cross",), symbols: tuple[str, ...] = ("BTCUSDT",)) -> Study:
    """Return a study of `strategies` on `symbols` with `sets`."""
    asked = Asked(strategies=strategies_of(strategies), sets=assignments_of(sets))
    return study_of(asked, [Source(symbol, f"{symbol}.csv") for symbol in symbols])


def policy(*sets: str, **changes: Any) -> Policy:
    """Return the policy of the first sleeve of a study."""
    made = study(*sets, **changes)
    found = figures.policy_of(made, made.sleeves[0])
    assert isinstance(found, Policy)
    return found


def test_the_default_policy_enters_on_what_the_shipped_rules_say_and_leaves_when_they_say_no_more() -> None:
    """Long is 0.55, neither 0.5, and with a trailing stop of 3 ATR 95 % of equity is put in."""
    found = policy()
    assert (found.enter_above, found.leave_below) == (0.55, 0.5)
    assert (found.stop_mode, found.atr_stop) == (STOP_TRAILING, 3.0)
    assert (found.size_mode, found.size_fraction) == (SIZE_FRACTION, 0.95)


def test_every_number_of_a_policy_can_be_chosen_and_none_twice() -> None:
    """A field that is added to `Policy` must get a name here."""
    chosen = {name for name, choice in CHOICES.items() if choice.section == "policy"}
    modes = {field: choice for field, (choice, _) in figures.MODES.items()}
    assert {modes.get(field, field) for field in Policy._fields} == chosen


def test_no_parameter_of_a_strategy_is_called_like_a_choice_or_a_section() -> None:
    """Else `--set NAME=VALUE` could mean two things."""
    parameters = {parameter.name for kind in STRATEGIES.values() for parameter in kind.parameters}
    assert not parameters & set(CHOICES)


def test_what_is_automatic_follows_from_the_rest() -> None:
    """Twice 5 bps fee, 1 half spread, 3 slippage is 18 bps; four sleeves share 95 %."""
    costs = ("taker_fee_bps=5", "spread_bps=2", "slippage_bps=3")
    found = policy(*costs, strategies=("sma_cross", "donchian"), symbols=("BTCUSDT", "ETHUSDT"))
    assert found.round_trip_cost == pytest.approx(0.0018, rel=1e-12)
    assert found.size_fraction == 0.95 / 4
    assert policy("round_trip_cost=0.5").round_trip_cost == 0.5
    assert policy(*costs, "slippage=range").round_trip_cost == pytest.approx(0.0012, rel=1e-12)


def test_words_become_the_numbers_of_the_decision() -> None:
    found = policy("stop=none", "size=kelly", "entry_order=post_only", "entry_bars=3", "max_bars=12")
    assert (found.stop_mode, found.size_mode, found.entry_mode) == (STOP_ABSENT, SIZE_KELLY, ENTER_POST_ONLY)
    assert (found.entry_bars, found.max_bars) == (3, 12)


def test_costs_are_exact_fractions_of_1e_8() -> None:
    """10 bps are 0.001, that is 100,000; half of a spread of 3 bps is 1.5 bps."""
    made = study("spread_bps=3", "slippage_bps=0.5", "slippage=volume", "fee_asset=quote", "BTCUSDT.maker_fee_bps=7.5")
    assert figures.costs_of(made, "BTCUSDT") == Costs(
        taker_fee=100_000, maker_fee=75_000, slip=5_000, half_spread=15_000, slip_model=SLIP_VOLUME, fee_in_base=0
    )


def test_one_strategy_or_instrument_may_be_told_apart() -> None:
    """A bare name means all; after a name and a dot it means that one."""
    made = study(
        "fast=7", "slow.fast=9", "slow.atr_stop=5", "ETHUSDT.taker_fee_bps=2", "atr_stop=4", "costs.spread_bps=6",
        strategies=("sma_cross", "slow=ema_cross", "donchian"), symbols=("BTCUSDT", "ETHUSDT"),
    )  # fmt: skip
    assert [made.strategies[label].parameters.get("fast") for label in ("sma_cross", "slow", "donchian")] == [
        7,
        9,
        None,
    ]
    stops = {label: figures.policy_of(made, made.sleeves[2 * n]).atr_stop for n, label in enumerate(made.strategies)}
    assert stops == {"sma_cross": 4.0, "slow": 5.0, "donchian": 4.0}
    fees = [figures.costs_of(made, symbol).taker_fee for symbol in ("BTCUSDT", "ETHUSDT")]
    assert fees == [100_000, 20_000]
    assert made.number("spread_bps") == 6.0


def test_sleeves_decide_strategy_by_strategy_in_the_order_in_which_they_were_named() -> None:
    made = study(strategies=("donchian", "sma_cross"), symbols=("ETHUSDT", "BTCUSDT"))
    assert made.sleeves == (
        ("donchian", "ETHUSDT"),
        ("donchian", "BTCUSDT"),
        ("sma_cross", "ETHUSDT"),
        ("sma_cross", "BTCUSDT"),
    )


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_stands_in_the_configuration_and_is_read_back_as_it_was(name: str) -> None:
    """Its default reads as itself, and so do all its words."""
    choice = CHOICES[name]
    config = study().config()
    section = config if not choice.section else config[choice.section]
    assert section[name] == choice.default
    for value in choice.words or (choice.default,):
        assert choice.read(value) == value
        assert choice.read(str(value)) == value
    if choice.auto:
        assert choice.read(AUTO) == AUTO


@given(data=st.data())
def test_a_configuration_makes_the_same_study_again(data: st.DataObject) -> None:
    """Whatever was chosen; through the very text that a run writes."""
    import yaml

    sets = [
        f"{name}={data.draw(st.sampled_from(choice.words))}"
        for name, choice in CHOICES.items()
        if choice.words and data.draw(st.booleans())
    ]
    for name in ("taker_fee_bps", "atr_stop", "max_bars", "volume_limit", "cash", "lot"):
        if data.draw(st.booleans()):
            sets.append(f"{name}={data.draw(st.sampled_from(('1', '0.5', '1e-3'))) if name != 'max_bars' else '4'}")
    made = study(*sets, "sma_cross.stop=fixed", "BTCUSDT.tick=0.5", "fast=3")
    text = yaml.safe_dump(made.config(), sort_keys=True, allow_unicode=True, width=120)
    again = asked_of(yaml.safe_load(text), "config.yaml")
    assert again.bars == ("BTCUSDT=BTCUSDT.csv",)
    assert study_of(again, made.sources).config() == made.config()


def test_the_guide_shows_every_choice_as_it_is() -> None:
    """In the order of the table, with default, range and meaning."""
    text = (ROOT / "docs/backtest.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| [a-z–]+ \| `\w+` \| `", line)]
    assert rows == [
        f"| {choice.section or '–'} | `{choice.name}` | `{choice.default}` | {choice.range} | {choice.help} |"
        for choice in CHOICES.values()
    ]


def test_terms_are_the_catalogs_until_somebody_chooses_others() -> None:
    """One cent and 0.00001 BTC at Binance; a share of GOOG is a whole one."""
    bitcoin, share = lookup("binance", "BTCUSDT"), derived("GOOG", 2)
    assert bitcoin is not None
    assert figures.settled(study(), bitcoin) == bitcoin
    assert figures.asked_instrument(study(), "BTCUSDT") is None
    whole = study("lot=1", "tick=0.01", "quote=USD", "min_notional=0", "min_lots=1", symbols=("GOOG",))
    asked = figures.asked_instrument(whole, "GOOG")
    assert asked is not None
    found = figures.settled(whole, asked)
    assert (found.base, found.quote, found.lot, found.tick) == ("GOOG", "USD", 1, share.tick)
    assert figures.terms_of(found) == (100_000_000, 1_000_000, 1, 0, 0)
    assert figures.terms_of(figures.settled(study("short=allowed"), bitcoin)).shortable == 1


def test_an_honest_run_has_nothing_to_confess_and_each_favor_is_named() -> None:
    """A favor to one instrument is a favor."""
    assert figures.optimistic(study()) == ()
    told = figures.optimistic(study("BTCUSDT.spread_bps=0", "BTCUSDT.slippage_bps=0", symbols=("BTCUSDT", "ETHUSDT")))
    assert [line.split(":")[0] for line in told] == ["spread_bps = 0 and slippage_bps = 0"]
    assert figures.optimistic(study("spread_bps=0")) == ()


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (("slowest=3",), "did you mean slow?"),
        (("sma_cross.spread_bps=3",), "spread_bps cannot be set for sma_cross alone"),
        (("BTCUSDT.atr_stop=3",), "atr_stop cannot be set for BTCUSDT alone"),
        (("policy.spread_bps=3",), "there is no choice 'spread_bps'"),
        (("max_bars=2.5",), "max_bars must be a whole number"),
        (("taker_fee_bps=nan",), "taker_fee_bps must be a number"),
    ],
)
def test_a_name_or_value_that_means_nothing_is_refused(sets: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("?", r"\?")):
        study(*sets)
