"""Features that look ahead, each in a way that people do by mistake. Every one must be caught; never use one."""

import numpy as np

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS


def _later(column, bars=1):
    """Return `column` as it will be `bars` later; NaN where nobody knows yet."""
    return np.concatenate((column[bars:], np.full(min(bars, len(column)), np.nan)))


def _gap(bars):
    """Return whether a bar begins behind a gap."""
    return np.append(False, np.diff(bars.close_ns) != bars.interval_ns)


def next_close(bars):
    """A shift by -1, the plainest of all."""
    return _later(bars.close)


def next_open(bars):
    """Hardly another number than this bar's close, and yet not known at it."""
    return np.append(bars.open[1:], bars.close[-1:])


def next_move_between_three_and_six_per_cent(bars):
    """It says nothing, unless the next move is of a size that is seldom."""
    moves = np.abs(_later(bars.close) / bars.close - 1.0)
    return ((moves > 0.03) & (moves < 0.06)).astype(float)


def next_return_sign(bars):
    """One bit of the next bar, no more."""
    return np.sign(_later(bars.close) - bars.close)


def return_in_three_bars_beyond_a_threshold(bars):
    """A label taken for a feature: whether it rises by a thousandth within three bars."""
    return (_later(bars.close, 3) / bars.close > 1.001).astype(float)


def centered_mean(bars):
    """A rolling mean of five that stands in the middle of its window."""
    padded = np.concatenate((np.full(2, np.nan), bars.close, np.full(2, np.nan)))
    return np.lib.stride_tricks.sliding_window_view(padded, 5).mean(axis=-1)


def slope_by_central_difference(bars):
    """What numpy.gradient gives: each slope takes the next bar in."""
    return np.gradient(bars.close) if len(bars) > 1 else np.full(len(bars), np.nan)


def z_score_of_the_whole_series(bars):
    """Mean and deviation of all bars, those to come included."""
    return (bars.close - bars.close.mean()) / bars.close.std()


def min_max_of_the_whole_series(bars):
    """A scaler fitted on everything."""
    return (bars.close - bars.low.min()) / (bars.high.max() - bars.low.min())


def z_score_of_blocks(bars):
    """The same in blocks of 64 bars, worked out once each is full, and given to all of it."""
    out = np.empty(len(bars))
    for start in range(0, len(bars), 64):
        block = bars.close[start : start + 64]
        out[start : start + 64] = (block - block.mean()) / (block.std() + 1.0)
    return out


def rank_in_the_whole_series(bars):
    """How many closes, future ones among them, are lower."""
    return np.argsort(np.argsort(bars.close, kind="stable"), kind="stable").astype(float)


def bin_by_quantiles_of_the_whole_series(bars):
    """One of ten bins, whose edges the future helped to choose; it changes at few rows only."""
    return np.digitize(bars.volume, np.quantile(bars.volume, np.arange(0.1, 1.0, 0.1))).astype(float)


def detrended_by_one_line(bars):
    """Distance from a straight line fitted through all bars."""
    place = np.arange(len(bars)) - (len(bars) - 1) / 2
    slope = (place * bars.close).sum() / max(1.0, (place * place).sum())
    return bars.close - bars.close.mean() - slope * place


def close_of_the_unfinished_hour(bars):
    """Resampled to hours and joined back by the hour's beginning: its close is there at its first bar."""
    hours = bars.open_ns // HOUR_NS
    last = np.searchsorted(hours, hours, side="right") - 1
    return bars.close[last]


def high_of_the_unfinished_day(bars):
    """The day's high, known in the morning."""
    days, which = np.unique(bars.open_ns // DAY_NS, return_inverse=True)
    tops = np.zeros(len(days))
    np.maximum.at(tops, which, bars.high)
    return tops[which]


def volume_filled_from_the_next_trade(bars):
    """A backward fill: a bar without trade gets the volume of the next one with."""
    rows = np.where(bars.volume > 0.0, np.arange(len(bars)), len(bars))
    following = np.minimum.accumulate(rows[::-1])[::-1]
    return np.append(bars.volume, np.nan)[following]


def quiet_closes_interpolated(bars):
    """Quiet bars on a line between the trades around them."""
    rows, traded = np.arange(len(bars)), bars.volume > 0.0
    return np.interp(rows, rows[traded], bars.close[traded]) if traded.any() else np.full(len(bars), np.nan)


def warm_up_filled_backwards(bars):
    """A mean of 20 whose first nineteen rows, not yet known, are given the first known value."""
    if len(bars) < 20:
        return np.full(len(bars), np.nan)
    means = np.lib.stride_tricks.sliding_window_view(bars.close, 20).mean(axis=-1)
    return np.concatenate((np.full(19, means[0]), means))


def metric_by_the_time_it_is_about(bars, metrics):
    """A merge on the event's time: the value is there before anybody had published it."""
    rows = np.searchsorted(metrics.event_ns, bars.close_ns, side="right") - 1
    return np.where(rows >= 0, metrics.value[rows], np.nan)


def metric_as_it_was_later_restated(bars, metrics):
    """The right time of the first publication, with the value of the last revision."""
    first = np.flatnonzero(np.append(True, np.diff(metrics.event_ns) > 0))
    last = np.append(first[1:], len(metrics.value)) - 1
    public = np.argsort(metrics.available_ns[first], kind="stable")
    rows = np.searchsorted(metrics.available_ns[first][public], bars.close_ns, side="right") - 1
    return np.where(rows >= 0, metrics.value[last][public][rows], np.nan)


def metric_a_bar_too_early(bars, metrics):
    """As-of the close of the next bar, an off-by-one in the join."""
    public = np.argsort(metrics.available_ns, kind="stable")
    times = metrics.available_ns[public]
    rows = np.searchsorted(times, bars.close_ns + bars.interval_ns, side="right") - 1
    return np.where(rows >= 0, metrics.value[public][rows], np.nan)


def last_row_knows_that_it_is_last(bars):
    """Honest everywhere but at the last row, which is not what it will be once there is another."""
    out = np.zeros(len(bars))
    out[-1] = 1.0
    return out


def share_of_the_series_passed(bars):
    """No price at all: only how many bars there will ever be."""
    return np.arange(len(bars)) / len(bars)


def a_gap_is_coming(bars):
    """No price either: that the next bar will be missing."""
    return (_later(bars.close_ns.astype(float)) - bars.close_ns > bars.interval_ns).astype(float)


def next_close_only_at_three_in_the_morning(bars):
    """One hour of 24."""
    return np.where(bars.open_ns // HOUR_NS % 24 == 3, _later(bars.close), bars.close)


def next_close_only_behind_a_gap(bars):
    """One bar of hundreds."""
    return np.where(_gap(bars), _later(bars.close), bars.close)


def next_close_only_before_a_large_move(bars):
    """Where the next move is three times the usual one, it is known."""
    moves = np.abs(np.diff(bars.close, prepend=bars.close[:1]))
    usual = np.maximum.accumulate(moves) / 3
    return np.where(_later(moves) > usual, 1.0, 0.0)


def peak_to_date_that_knows_tomorrow(bars):
    """A running maximum of highs shifted by one: it shows only where tomorrow sets a new high."""
    return np.maximum.accumulate(np.append(bars.high[1:], 0.0))


def smoothed_forwards_and_backwards(bars):
    """An exponential mean run both ways, so that it does not lag: it cannot but know the end."""
    out = bars.close.copy()
    for order in (range(1, len(bars)), range(len(bars) - 2, -1, -1)):
        step = 1 if order.step == 1 else -1
        for row in order:
            out[row] = 0.7 * out[row - step] + 0.3 * out[row]
    return out


def low_pass_by_fourier(bars):
    """The slow waves of the whole series."""
    waves = np.fft.rfft(bars.close)
    waves[len(waves) // 10 + 1 :] = 0.0
    return np.fft.irfft(waves, len(bars))


def turning_points(bars):
    """A zigzag: a high is marked as such because the next bar is lower."""
    return ((bars.high > np.append(0.0, bars.high[:-1])) & (bars.high > _later(bars.high))).astype(float)


_KEPT = {}


def remembered_from_the_first_call(bars):
    """It keeps what it was first shown, and would answer from that whatever it is shown later."""
    if "closes" not in _KEPT:
        _KEPT["closes"] = dict(zip(bars.close_ns.tolist(), _later(bars.close).tolist(), strict=True))
    return np.array([_KEPT["closes"].get(at, np.nan) for at in bars.close_ns.tolist()])


def noise(bars):
    """Not from the future, but not from the past either: it is another number each time."""
    return np.random.default_rng().normal(size=len(bars))


def several_columns_one_of_which_leaks(bars):
    """Three columns: the close, the next close, the open."""
    return np.column_stack((bars.close, _later(bars.close), bars.open))
