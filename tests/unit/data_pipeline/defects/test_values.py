"""Spikes and standstill: what a market may do, and what only a fault does."""

import numpy as np
import pytest

from trading_system.data_pipeline.normalizers.defects.rows import Rows
from trading_system.data_pipeline.normalizers.defects.spikes import spikes
from trading_system.data_pipeline.normalizers.defects.stale import stale


def market(count, *, seed=5, quiet=0.0):
    """Return a random walk; a share `quiet` of its bars are flat at the last close, as where few trade."""
    chance = np.random.default_rng(seed)
    still = chance.random(count) < quiet
    close = 100 * np.exp(np.cumsum(np.where(still, 0.0, chance.normal(0, 0.002, count))))
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.where(still, 0.0, chance.uniform(0.0002, 0.001, count))
    nothing = np.zeros(count, dtype=np.bool_)
    return Rows(
        time_ns=np.arange(count) * 60_000_000_000,
        open=opened,
        high=np.maximum(opened, close) * (1 + reach),
        low=np.minimum(opened, close) * (1 - reach),
        close=close,
        volume=chance.uniform(1, 9, count),
        timeless=nothing,
        unreadable=nothing,
    )


def enclosed(rows, *places):
    """Make high and low of some rows enclose their open and close."""
    for place in places:
        rows.high[place] = max(rows.high[place], rows.open[place], rows.close[place])
        rows.low[place] = min(rows.low[place], rows.open[place], rows.close[place])
    return rows


@pytest.mark.parametrize("factor", [1.05, 0.95, 10.0, 0.1])
@pytest.mark.parametrize("what", ["bar", "close", "close and next open", "wick", "two bars"])
def test_a_price_out_of_its_surroundings_is_a_spike(what, factor):
    """Five per cent where bars span a third of one; up, down, and a decimal point in the wrong place."""
    rows = market(300)
    places = {"two bars": [200, 201]}.get(what, [200])
    for place in places:
        if what in ("bar", "two bars"):
            for column in (rows.open, rows.high, rows.low, rows.close):
                column[place] *= factor
        elif what == "wick":
            (rows.high if factor > 1 else rows.low)[place] *= factor
        else:
            rows.close[place] *= factor
            if what == "close and next open":
                rows.open[place + 1] = rows.close[place]
                enclosed(rows, place + 1)
            enclosed(rows, place)
    assert set(places) <= set(np.flatnonzero(spikes(rows)).tolist())


def test_a_market_that_moves_makes_no_spike():
    """Two thousand bars of a walk, with a rise by a half and a fall by a third that stay."""
    rows = market(2_000)
    for column in (rows.open, rows.high, rows.low, rows.close):
        column[701:] *= 1.5
        column[1_501:] *= 2 / 3
    rows.close[700] = rows.open[701]
    rows.close[1_500] = rows.open[1_501]
    assert not spikes(enclosed(rows, 700, 1_500)).any()


def test_nothing_behind_the_next_two_bars_changes_the_verdict():
    """The look ahead is two bars: whatever comes later, as long as it is as usual, the same rows are spikes."""
    rows = market(300)
    rows.high[200] *= 1.05
    other = market(300, seed=6)
    for column, later in zip(rows.numbers[:4], other.numbers[:4], strict=True):
        later[:203] = column[:203]
        later[203:] *= column[202] / later[203] if later[203] else 1.0
    other.volume[:203] = rows.volume[:203]
    assert np.array_equal(spikes(rows)[:201], spikes(other)[:201])


def test_a_volume_many_times_all_others_is_a_spike():
    """A decimal point in the volume."""
    rows = market(300)
    rows.volume[200] *= 1_000
    assert np.flatnonzero(spikes(rows)).tolist() == [200]


def jumped(rows, places, factor, *names):
    """Multiply columns of some rows."""
    for name in names:
        getattr(rows, name)[places] *= factor
    return rows


PRICES = ("open", "high", "low", "close")


@pytest.mark.parametrize("share", [0.01, 0.1])
@pytest.mark.parametrize("names", [PRICES, ("high", "close")], ids=["bar", "close"])
def test_many_bad_ticks_do_not_hide_each_other(share, names):
    """A bar in ten at three times its price: all are told but where most of nine in a row are, and nothing else."""
    places = np.flatnonzero(np.random.default_rng(7).random(3_000) < share)
    rows = jumped(market(3_000), places, 3.0, *names)
    told = np.flatnonzero(spikes(rows))
    assert set(told) <= set(places)
    assert len(told) >= 0.98 * len(places)


@pytest.mark.parametrize("place", [0, 1, 2, 7, 297, 298, 299])
@pytest.mark.parametrize("factor", [10.0, 0.5])
def test_a_digit_too_many_is_told_at_the_edges_too(place, factor):
    """Whole bars near the first and the last row, where only one side is left to hold them against."""
    rows = jumped(market(300), [place], factor, *PRICES)
    assert np.flatnonzero(spikes(rows)).tolist() == [place]


def test_four_bars_that_begin_the_file_are_told():
    """More of them are wrong than right at first, and they are peeled off from within."""
    rows = jumped(market(300), slice(0, 4), 10.0, *PRICES)
    assert np.flatnonzero(spikes(rows)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("name", "factor"), [("close", 1.05), ("open", 0.5), ("low", 3.0), ("high", 0.5)])
def test_a_row_torn_by_a_bad_tick_is_a_spike_too(name, factor):
    """One price beyond what the bar's others allow and beyond its neighbors; a slip by a thousandth is only odd."""
    rows = jumped(market(300), [200], factor, name)
    sound = np.arange(300) != 200
    assert np.flatnonzero(spikes(rows, sound)).tolist() == [200]
    slight = jumped(market(300), [200], 0.999, "high")
    assert not spikes(slight, sound).any()


def repeated(rows, begin, end, *names):
    """Let some columns repeat what they said in the row before."""
    for name in names:
        getattr(rows, name)[begin:end] = getattr(rows, name)[begin - 1]
    return rows


ALL = ("open", "high", "low", "close", "volume")


@pytest.mark.parametrize(
    ("many", "names"),
    [(1, ALL), (10, ALL), (3, ALL[:4]), (5, ("close",)), (5, ("volume",))],
)
def test_what_a_lively_market_never_repeats_is_stale(many, names):
    """In a market without a flat bar, one whole bar again is enough, and a close that stands for five."""
    rows = repeated(market(500), 200, 200 + many, *names)
    assert np.flatnonzero(stale(rows)[0]).tolist() == list(range(200, 200 + many))


def test_a_quiet_market_may_stand_still():
    """Where a third of the bars are flat, runs of five are the market's own, and sixty are not."""
    rows = market(5_000, quiet=0.33)
    assert not stale(rows)[0].any()
    for name in ("open", "high", "low", "close"):
        getattr(rows, name)[2_000:2_060] = rows.close[1_999]
    assert stale(rows)[0][2_000:2_060].all()


def test_a_price_of_a_few_ticks_is_no_feed_that_stands_still():
    """Where nine rows in ten have the prices of the one before, and each its own volume, trade goes on."""
    rows = market(5_000, quiet=0.95)
    steps = np.round(rows.close / rows.close[0] * 50) / 50
    still = rows._replace(open=steps, high=steps, low=steps, close=steps)
    assert not stale(still)[0].any()
    frozen = still._replace(volume=still.volume.copy())
    frozen.volume[2_000:2_060] = frozen.volume[1_999]
    assert stale(frozen)[0][2_000:2_060].all()


def test_two_flat_bars_without_volume_stand_still():
    """In a market that always trades, two rows filled in with the last close are a feed that stood."""
    rows = market(500)
    for name in PRICES:
        getattr(rows, name)[200:202] = rows.close[199]
    rows.volume[200:202] = 0
    assert np.flatnonzero(stale(rows)[0]).tolist() == [200, 201]
