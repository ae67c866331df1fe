"""What stands beside the bars: another instrument's closes, of the same moment or not at all."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.providers.table import PROVIDERS
from trading_system.data_pipeline.normalizers.features import ONCHAIN_SET
from trading_system.data_pipeline.normalizers.features.beside import close_at, closes_at
from trading_system.market.columns import BarColumns

NAMES = ("close_ns", "open", "high", "low", "close", "volume_atoms")


def columns_of(bars):
    return BarColumns(
        symbol="X",
        interval_ns=900_000_000_000,
        **{name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64) for name in NAMES},
    )


@given(absent=st.sets(st.integers(0, 29)), missing=st.sets(st.integers(0, 29)))
def test_a_close_stands_beside_the_bar_that_ends_with_it(make_bars, absent, missing):
    """Bars missing on either side: what is beside a bar is of its own close, at once and bar by bar, or NaN."""
    bars = [bar for index, bar in enumerate(make_bars(30, seed=1)) if index not in absent]
    others = [replace(bar, symbol="BTCUSDT") for index, bar in enumerate(make_bars(30, seed=2)) if index not in missing]
    by_close = {other.close_ns: other for other in others}
    told = closes_at(np.array([bar.close_ns for bar in bars], dtype=np.int64), columns_of(others))
    one_by_one = [close_at(bar, by_close.get(bar.close_ns)) for bar in bars]
    assert np.array_equal(told, one_by_one, equal_nan=True)
    for bar, close in zip(bars, told.tolist(), strict=True):
        assert (close == close) == (bar.close_ns in by_close)
        assert close != close or close == by_close[bar.close_ns].close


def test_a_late_close_is_not_the_close(make_bars):
    """The other's last bar, when it is older, stands in for nothing."""
    first, second = make_bars(2)
    assert np.isnan(close_at(second, first))
    assert np.isnan(close_at(second, None))


def test_every_on_chain_metric_of_the_provider_is_a_feature():
    """One that is added there is added to the set, or this fails."""
    asked = {feature.aux for feature in ONCHAIN_SET.features}
    assert asked == {f"coin_metrics/btc/{name}" for name in PROVIDERS["coin_metrics"].names}
