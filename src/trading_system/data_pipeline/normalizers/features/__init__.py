"""Bars to features: each declared once, at two speeds, and each worked out from the past only.

A feature is a step: a function of a few numbers that it remembers and of one bar. `FeatureStream` calls it bar by bar
as plain Python; `feature_table` compiles a loop over the very same function. docs/data/features.md lists them all.
"""

from trading_system.data_pipeline.normalizers.features.batch import FeatureTable, feature_table
from trading_system.data_pipeline.normalizers.features.feature import Anchor, Feature, FeatureSet
from trading_system.data_pipeline.normalizers.features.kinds import KINDS, named
from trading_system.data_pipeline.normalizers.features.own import chosen, load_feature
from trading_system.data_pipeline.normalizers.features.row import Row, State
from trading_system.data_pipeline.normalizers.features.sets import (
    CROSS_SET,
    FEATURE_NAMES,
    FUNDING_SET,
    HOUSE_SET,
    MODEL_SET,
    ONCHAIN_SET,
    SETS,
    WARM_UP,
    feature_set_hash,
    set_of,
)
from trading_system.data_pipeline.normalizers.features.stream import FeatureRow, FeatureStream

__all__ = [
    "CROSS_SET",
    "FEATURE_NAMES",
    "FUNDING_SET",
    "HOUSE_SET",
    "KINDS",
    "MODEL_SET",
    "ONCHAIN_SET",
    "SETS",
    "WARM_UP",
    "Anchor",
    "Feature",
    "FeatureRow",
    "FeatureSet",
    "FeatureStream",
    "FeatureTable",
    "Row",
    "State",
    "chosen",
    "feature_set_hash",
    "feature_table",
    "load_feature",
    "named",
    "set_of",
]
