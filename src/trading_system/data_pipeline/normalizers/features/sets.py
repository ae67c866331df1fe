"""Feature sets of the house, and the choice of one by name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from trading_system.data_pipeline.normalizers.features.feature import FeatureSet
from trading_system.data_pipeline.normalizers.features.kinds import named


def set_of(names: Iterable[str]) -> FeatureSet:
    """Return the features of the house called `names`, in this order.

    Raises:
        ConfigurationError: One is unknown, or stands there twice.
    """
    return FeatureSet(features=tuple(named(name) for name in names))


_HOUSE: Final = """
    return_1 return_4 return_16 return_96 volatility_32 volatility_96 parkinson_32 range_ratio_14 atr_ratio_14
    rsi_14 cutler_rsi_14 macd_12_26 macd_histogram_12_26_9 ema_distance_50 bollinger_20_2 adx_14
    volume_z_96 obv_slope_32 vwap_distance_96 body upper_wick lower_wick close_location
    hour_sine hour_cosine weekday_sine weekday_cosine
"""
HOUSE_SET: Final = set_of(_HOUSE.split())
"""All that the house makes of bars alone."""

_MODEL: Final = """
    return_1 return_4 return_16 volatility_32 range_ratio_14 cutler_rsi_14 volume_z_96 close_location
    hour_sine hour_cosine
"""
MODEL_SET: Final = set_of(_MODEL.split())
"""What networks of the house are trained on: only features of bounded memory, so that a desk which starts again from
the last bars has the same bits."""

CROSS_SET: Final = set_of(["change_1@btc_close", "change_4@btc_close", "change_16@btc_close"])
"""What Bitcoin did, for everything else: needs its closes beside the bars, as `btc_close`."""

FUNDING_SET: Final = set_of(["level@funding_rate"])
"""The funding rate that was public at the close, a fraction of the worth of the position."""

ONCHAIN: Final = ("AdrActCnt", "TxCnt", "FeeTotNtv", "HashRate", "FlowInExNtv", "FlowOutExNtv")
"""Coin Metrics' words for active addresses, transactions, fees, hash rate, and flows into and out of exchanges."""
ONCHAIN_SET: Final = set_of(f"level@coin_metrics/btc/{name}" for name in ONCHAIN)
"""Each on-chain metric of Bitcoin as of the close: the newest value that was public then."""

SETS: Final[Mapping[str, FeatureSet]] = MappingProxyType(
    {
        "house": HOUSE_SET,
        "model": MODEL_SET,
        "cross": CROSS_SET,
        "funding": FUNDING_SET,
        "onchain": ONCHAIN_SET,
    }
)
"""Sets by name."""

FEATURE_NAMES: Final = MODEL_SET.names
WARM_UP: Final = MODEL_SET.warm_up
"""Bars without a gap before a row of `MODEL_SET` is defined."""


def feature_set_hash(features: FeatureSet = MODEL_SET) -> str:
    """Return the name of a set, a hash."""
    return features.name
