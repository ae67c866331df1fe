"""Features over years of real bars: streaming and batch agree to the bit, bar for bar."""

import numpy as np
import pytest

from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.normalizers.features import (
    CROSS_SET,
    FUNDING_SET,
    HOUSE_SET,
    FeatureStream,
    feature_table,
    set_of,
)
from trading_system.market.bars import Bar

pytestmark = pytest.mark.slow

FEATURES = HOUSE_SET + CROSS_SET + FUNDING_SET + set_of(["level@hash_rate", "change_288@hash_rate"])
GAPS = 2


def each_bar(columns):
    """Yield the bars of `columns`."""
    names = ("close_ns", "open", "high", "low", "close", "volume_atoms")
    for close_ns, *prices, volume in zip(*(getattr(columns, name).tolist() for name in names), strict=True):
        opened, high, low, close = prices
        yield Bar(
            symbol=columns.symbol,
            open_ns=close_ns - columns.interval_ns,
            close_ns=close_ns,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume_atoms=volume,
        )


def test_every_feature_streams_to_the_bit_what_batch_says_over_two_years_of_bitcoin(shared_data):
    """254,288 bars of 5 minutes, two gaps, bars without a trade among them; nothing is undefined but the warm-ups."""
    path = shared_data / "ohlcv" / "binance_BTCUSDT_5m.parquet"
    bars = read_columns(path, instrument=None, symbol="BTCUSDT", interval_ns=None, on_bad_data="refuse").bars
    chance = np.random.default_rng(7)
    aux = {name: np.exp(0.01 * np.cumsum(chance.normal(size=len(bars)))) for name in FEATURES.aux}
    table, stream = feature_table(bars, FEATURES, aux), FeatureStream(FEATURES)
    beside = zip(*(column.tolist() for column in aux.values()), strict=True)
    told = np.full(table.values.shape, np.nan)
    atr = np.empty(len(bars))
    for index, (bar, values) in enumerate(zip(each_bar(bars), beside, strict=True)):
        row = stream.push(bar, dict(zip(aux, values, strict=True)))
        atr[index] = stream.atr
        if row is not None:
            told[index] = row.values
    defined = ~np.isnan(table.values).any(axis=1)
    assert (~defined).sum() == (GAPS + 1) * (FEATURES.warm_up - 1)
    assert np.array_equal(np.isnan(told).any(axis=1), ~defined)
    for column, name in enumerate(FEATURES.names):
        ours, theirs = table.values[defined, column], told[defined, column]
        assert np.isfinite(ours).all(), name
        assert ours.tobytes() == theirs.tobytes(), name
    assert table.atr.tobytes() == atr.tobytes()
