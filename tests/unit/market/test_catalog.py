"""Terms for runs on files: a snapshot with its source, and terms that prices alone give."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.errors import ConfigurationError
from trading_system.market.catalog import catalogued, derived, lookup, source, split


def test_binance_terms_are_those_of_the_venue():
    """exchangeInfo: BTCUSDT 0.01, 0.00001 and 5 USDT; ETHUSDT 0.01, 0.0001 and 5 USDT."""
    btc, eth = lookup("binance", "BTCUSDT"), lookup("binance", "ETHUSDT")
    assert btc is not None
    assert (btc.tick, btc.lot, btc.min_notional, btc.min_lots) == (Decimal("0.01"), Decimal("0.00001"), 5, 1)
    assert eth is not None
    assert (eth.tick, eth.lot, eth.min_notional) == (Decimal("0.01"), Decimal("0.0001"), 5)


@pytest.mark.parametrize(("venue", "symbol"), catalogued())
def test_every_row_is_an_instrument_and_names_its_source(venue, symbol):
    """A row that could not be accounted for exactly would raise; a row without a source would be an invention."""
    instrument = lookup(venue, symbol)
    assert instrument is not None
    assert (instrument.venue, instrument.base + instrument.quote) == (venue, symbol)
    assert "exchangeInfo" in str(source(venue, symbol))


@pytest.mark.parametrize(("venue", "symbol"), [("binance", "GOOG"), ("nowhere", "BTCUSDT"), ("binance", "btcusdt")])
def test_what_we_do_not_know_is_not_guessed(venue, symbol):
    """Another venue's terms, or another spelling's, are not these."""
    assert lookup(venue, symbol) is None
    assert source(venue, symbol) is None


@given(decimals=st.integers(0, 8))
def test_derived_terms_count_every_notional_in_whole_atoms(decimals):
    """One lot at one tick is exactly one atom: the finest lot that is still exact."""
    instrument = derived("SOLUSDT", decimals)
    assert instrument.tick == Decimal(10) ** -decimals
    assert instrument.notional_atoms == 1
    assert instrument.min_notional == 0


@pytest.mark.parametrize("decimals", [-1, 9])
def test_a_tick_finer_than_an_atom_is_refused(decimals):
    """Eight decimals are all that our accounts hold."""
    with pytest.raises(ConfigurationError, match="decimals"):
        derived("SOLUSDT", decimals)


@pytest.mark.parametrize(
    ("symbol", "currencies"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("ETHBTC", ("ETH", "BTC")),
        ("BTC-USD", ("BTC", "USD")),
        ("sol/usdc", ("SOL", "USDC")),
        ("BNBETH", ("BNB", "ETH")),
        ("USDT", ("USDT", "QUOTE")),
        ("GOOG", ("GOOG", "QUOTE")),
    ],
)
def test_a_symbol_is_split_by_the_quote_currency_it_ends_in(symbol, currencies):
    """The longest that fits; where none does, the quote currency has no name."""
    assert split(symbol) == currencies
