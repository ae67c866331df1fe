"""The features of the house by pandas and `ta`, as one writes them with these; run in the peers' environment.

    python -m scripts.bench.peers.ta_features MARKET.npz VALUES.npy ROUNDS     prints one line of JSON

Where `ta` has an indicator it is used; the rest is pandas and numpy over whole columns. `ta`'s averages begin otherwise
(from the first value), its on-balance volume counts a bar without a move as one up: what begins otherwise is the same
after some hundred bars, and the volume is summed by pandas.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import ta
from scripts.bench.market import Market, load

DAY_MINUTES = 1_440
WEEK_MINUTES = 7 * DAY_MINUTES
MONDAY = 4 * DAY_MINUTES


def features(told: Market) -> pd.DataFrame:
    """Return a column a feature, of prices in ticks, in the order of the house's set."""
    opened, high, low, close = (
        pd.Series(column.astype(np.float64)) for column in (told.open, told.high, told.low, told.close)
    )
    volume = pd.Series(told.volume_atoms.astype(np.float64))
    before = close.shift(1)
    move, log_return = close - before, np.log(close / before)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    squares, reach = log_return**2, np.log(high / low) ** 2
    up, length = move.clip(lower=0.0), move.abs()
    bands = ta.volatility.BollingerBands(close, window=20, window_dev=2)
    obv = (np.sign(move).fillna(0.0) * volume).cumsum()
    vwap = ta.volume.volume_weighted_average_price(high, low, close, volume, window=96)
    span = high - low
    minutes = told.close_ns // 60_000_000_000
    day = 2.0 * math.pi * (minutes % DAY_MINUTES) / DAY_MINUTES
    week = 2.0 * math.pi * ((minutes - MONDAY) % WEEK_MINUTES // 7 * 7) / WEEK_MINUTES
    return pd.DataFrame(
        {
            "return_1": log_return,
            **{f"return_{bars}": np.log(close / close.shift(bars)) for bars in (4, 16, 96)},
            **{f"volatility_{bars}": np.sqrt(squares.rolling(bars).mean()) for bars in (32, 96)},
            "parkinson_32": np.sqrt(reach.rolling(32).mean() / (4.0 * math.log(2.0))),
            "range_ratio_14": true_range.rolling(14).mean() / close,
            "atr_ratio_14": ta.volatility.average_true_range(high, low, close, window=14) / close,
            "rsi_14": ta.momentum.rsi(close, window=14) / 100.0,
            "cutler_rsi_14": up.rolling(14).sum() / length.rolling(14).sum(),
            "macd_12_26": ta.trend.macd(close, window_slow=26, window_fast=12) / close,
            "macd_histogram_12_26_9": ta.trend.macd_diff(close, window_slow=26, window_fast=12, window_sign=9) / close,
            "ema_distance_50": close / ta.trend.ema_indicator(close, window=50) - 1.0,
            "bollinger_20_2": (close - bands.bollinger_mavg()) / (bands.bollinger_hband() - bands.bollinger_mavg()),
            "adx_14": ta.trend.adx(high, low, close, window=14) / 100.0,
            "volume_z_96": (volume - volume.rolling(96).mean()) / volume.rolling(96).std(ddof=0),
            "obv_slope_32": obv.diff(32) / volume.rolling(32).sum(),
            "vwap_distance_96": close / vwap - 1.0,
            "body": (close - opened) / span,
            "upper_wick": (high - np.maximum(opened, close)) / span,
            "lower_wick": (np.minimum(opened, close) - low) / span,
            "close_location": (2.0 * close - high - low) / span,
            "hour_sine": np.sin(day),
            "hour_cosine": np.cos(day),
            "weekday_sine": np.sin(week),
            "weekday_cosine": np.cos(week),
        }
    )


def main() -> None:
    """Time it, write the values, and print what was measured."""
    told, rounds = load(Path(sys.argv[1])), int(sys.argv[3])
    seconds, cpu = [], []
    for _ in range(rounds):
        start, spent = time.perf_counter(), time.process_time()
        frame = features(told)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - spent)
    np.save(sys.argv[2], frame.to_numpy())
    engine = f"pandas {pd.__version__}, ta 0.11.0"
    print(json.dumps({"engine": engine, "names": list(frame.columns), "seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
