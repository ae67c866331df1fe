"""Features that look back only, in all the ways that people do. None of them may be blamed."""

import numpy as np
import polars as pl

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS


def _rolling(column, length):
    """Return every `length` values that end at a row, (N, length); NaN before there are as many."""
    padded = np.concatenate((np.full(length - 1, np.nan), column))
    return np.lib.stride_tricks.sliding_window_view(padded, length)


def _earlier(column):
    return np.append(np.nan, column[:-1])


def return_over_ten(bars):
    """The close against the one ten bars before."""
    out = np.full(len(bars), np.nan)
    out[10:] = bars.close[10:] / bars.close[:-10] - 1.0
    return out


def mean_by_running_sums(bars):
    """Differences of one running sum over the whole past: it rounds, but alike in every future."""
    sums = np.cumsum(np.append(0.0, bars.close))
    out = np.full(len(bars), np.nan)
    out[19:] = (sums[20:] - sums[:-20]) / 20
    return out


def deviation_over_thirty(bars):
    """Of the last thirty closes."""
    return np.ascontiguousarray(_rolling(bars.close, 30)).std(axis=-1)


def rank_in_the_last_fifty(bars):
    """How many of the last fifty closes are lower."""
    return (_rolling(bars.close, 50) < bars.close[:, None]).sum(axis=-1).astype(float)


def exponential_mean(bars):
    """Recursive: every value rests on all before it."""
    out, mean = np.empty(len(bars)), bars.close[0]
    for row, close in enumerate(bars.close):
        mean += (close - mean) * 2 / 21
        out[row] = mean
    return out


def exponential_mean_afresh_behind_gaps(bars):
    """The same, anchored at the last gap."""
    out, mean, before = np.empty(len(bars)), np.nan, -1
    for row, (close, close_ns) in enumerate(zip(bars.close, bars.close_ns, strict=True)):
        mean = close if close_ns - before != bars.interval_ns else mean + (close - mean) / 10
        out[row], before = mean, close_ns
    return out


def relative_strength(bars):
    """Wilder's, recursive in two averages."""
    out, up, down = np.full(len(bars), np.nan), 0.0, 0.0
    for row, move in enumerate(np.diff(bars.close, prepend=bars.close[:1])):
        up, down = up + (max(move, 0.0) - up) / 14, down + (max(-move, 0.0) - down) / 14
        if up + down > 0.0:
            out[row] = up / (up + down)
    return out


def side_of_the_last_breakout(bars):
    """A state machine: long after a new high of twenty, short after a new low, else as before."""
    tops, bottoms = _earlier(_rolling(bars.high, 20).max(axis=-1)), _earlier(_rolling(bars.low, 20).min(axis=-1))
    out, side = np.zeros(len(bars)), 0.0
    for row in range(len(bars)):
        side = 1.0 if bars.close[row] > tops[row] else -1.0 if bars.close[row] < bottoms[row] else side
        out[row] = side
    return out


def on_balance_volume(bars):
    """A sum since the first bar."""
    return np.cumsum(np.sign(np.diff(bars.close, prepend=bars.close[:1])) * bars.volume)


def peak_to_date(bars):
    """The highest high so far, this bar's included."""
    return np.maximum.accumulate(bars.high)


def z_score_of_all_so_far(bars):
    """Mean and deviation of the bars up to each."""
    count = np.arange(1, len(bars) + 1)
    mean = np.cumsum(bars.close) / count
    spread = np.cumsum(bars.close * bars.close) / count - mean * mean
    return (bars.close - mean) / np.sqrt(np.maximum(spread, 1.0))


def hour_and_weekday(bars):
    """Two columns of the calendar, which everybody knows beforehand."""
    turn = 2 * np.pi * (bars.close_ns % DAY_NS) / DAY_NS
    return np.column_stack((np.sin(turn), (bars.open_ns // DAY_NS % 7).astype(float)))


def close_of_the_finished_hour(bars):
    """Resampled to hours, each used once it is over: at the last bar before a new hour begins it is not yet."""
    hours = bars.open_ns // HOUR_NS
    rows = np.searchsorted(hours, hours, side="left") - 1
    return np.where(rows >= 0, bars.close[rows], np.nan)


def worth_of_the_day_so_far(bars):
    """Volume-weighted price since midnight, this bar included."""
    days = bars.open_ns // DAY_NS
    begins = np.searchsorted(days, days, side="left")
    spent, traded = np.cumsum(np.append(0.0, bars.close * bars.volume)), np.cumsum(np.append(0.0, bars.volume))
    rows = np.arange(1, len(bars) + 1)
    worth, volume = spent[rows] - spent[begins], traded[rows] - traded[begins]
    return np.where(volume > 0.0, worth / np.where(volume > 0.0, volume, 1.0), np.nan)


def volume_of_the_last_trade(bars):
    """A forward fill: a quiet bar keeps the last volume before it."""
    rows = np.maximum.accumulate(np.where(bars.volume > 0.0, np.arange(len(bars)), -1))
    return np.where(rows >= 0, bars.volume[rows], np.nan)


def length_of_the_gap_before(bars):
    """How many bars are missing before this one."""
    return np.append(0.0, np.diff(bars.close_ns) // bars.interval_ns - 1.0)


def bars_so_far(bars):
    """A count, which the next bars cannot change."""
    return np.arange(len(bars), dtype=float)


def metric_as_it_was_public(bars, metrics):
    """At each close the newest span among the records public by then, in its newest revision."""
    out, best, at = np.full(len(bars), np.nan), (-1, -1), 0
    public = np.lexsort((metrics.revision, metrics.event_ns, metrics.available_ns))
    value = np.nan
    for row, close_ns in enumerate(bars.close_ns):
        while at < len(public) and metrics.available_ns[public[at]] <= close_ns:
            key = (metrics.event_ns[public[at]], metrics.revision[public[at]])
            if key > best:
                best, value = key, metrics.value[public[at]]
            at += 1
        out[row] = value
    return out


def means_by_polars(bars):
    """A rolling and an exponential mean of another library."""
    closes = pl.Series(bars.close)
    return np.column_stack((closes.rolling_mean(15).to_numpy(), closes.ewm_mean(span=15, adjust=False).to_numpy()))


def needs_twenty_bars_to_run_at_all(bars):
    """It fails on a shorter series, on which it would have had nothing to say."""
    means = np.lib.stride_tricks.sliding_window_view(bars.close, 20).mean(axis=-1)
    return np.concatenate((np.full(19, np.nan), means))
