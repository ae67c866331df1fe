"""Collect metrics: ask a provider page by page, store each page before the next, and note what was not there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.data_pipeline.collectors.providers.provider import Cells, Now, Provider, Sorted
from trading_system.data_pipeline.metric_store import MetricStore, Series, Written
from trading_system.data_pipeline.moments import DAY_NS
from trading_system.data_pipeline.polls import Poll
from trading_system.errors import ConfigurationError
from trading_system.market.timestamps import iso
from trading_system.ports import MetricSource, Refused

REVIEW_NS: Final = 7 * DAY_NS
"""How far back a collection that goes on from what is stored asks again, so that restatements are heard of."""


@dataclass(slots=True)
class Collected:
    """What a collection did.

    Attributes:
        written: What became of the values.
        refused: Rows that are no metrics, and why.
        silent: Metrics that were asked for and of which nothing was told.
    """

    written: Written = field(default_factory=Written)
    refused: list[Refused] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


async def collect(
    source: MetricSource,
    store: MetricStore,
    provider: Provider,
    *,
    asset: str,
    names: Sequence[str],
    since_ns: int | None,
    until_ns: int,
    now_ns: Now,
    stored: Callable[[float], None] = lambda share: None,
) -> Collected:
    """Ask for metrics and store them, page by page; whoever is interrupted loses no page and goes on from there.

    Args:
        source: Asked.
        store: Added to.
        provider: Its name and its lag.
        asset: In the provider's word.
        names: In the provider's words.
        since_ns: Spans that end after it are asked for, UTC ns; None to go on from what is stored.
        until_ns: And not after it.
        now_ns: The present, which is when answers are heard.
        stored: Told after each page how much of the span is stored, 0..1.

    Raises:
        ConfigurationError: There is nothing to go on from, or the provider does not have what is asked for.
        VenueUnavailable, RateLimited, OutcomeUnknown: It does not answer; what was stored stays.
    """
    series = [Series(provider.name, asset, name) for name in dict.fromkeys(names)]
    for each in series:
        store.folder(each)  # refuses a word that cannot be stored before anybody is asked
    since_ns = _resumed(store, series) if since_ns is None else since_ns
    asked_ns = now_ns()
    done, told = Collected(), set[str]()
    async for page in source.pages(asset, [each.name for each in series], since_ns=since_ns, until_ns=until_ns):
        done.written += store.write(page.metrics, heard_ns=now_ns())
        done.refused += page.refused
        told |= {metric.name for metric in page.metrics}
        if page.metrics:
            end_ns = min(until_ns, max(metric.end_ns for metric in page.metrics))
            stored((end_ns - since_ns) / max(until_ns - since_ns, 1))
    for each in series:  # what is not there now, and should be by the provider's lag, was not public by now
        store.note_poll(each, Poll(since_ns=since_ns, asked_ns=min(until_ns, asked_ns) - provider.lag_ns))
    done.silent = [each.name for each in series if each.name not in told]
    return done


def import_file(
    path: Path, store: MetricStore, provider: Provider, *, asset: str, names: Sequence[str], heard_ns: int
) -> Collected:
    """Store the metrics of a provider's CSV or Parquet file; vintages of one file may come in any order.

    Args:
        path: Rows by time, a column for each metric; a column that nobody asks for is passed over.
        store: Added to.
        provider: Whose file it is.
        asset: In the provider's word.
        names: Metrics to take; none for every one that the file has.
        heard_ns: When the file was received, UTC ns: what it restates is public from then on.

    Raises:
        ConfigurationError: The file cannot be read, has no rows or not the columns, tells of what was not over when it
            is said to have been received, or the provider has no files.
    """
    if provider.cells is None:
        raise ConfigurationError(f"{provider.name} publishes no files; fetch from it")
    found, cells_of = Sorted(), provider.cells
    found.take(rows_of_file(path, names), lambda cells: cells_of(provider, asset, tuple(names), cells))
    late = max(found.metrics, key=lambda metric: metric.end_ns, default=None)
    if late is not None and late.end_ns > heard_ns:
        raise ConfigurationError(
            f"{path}: received at {iso(heard_ns)}, it cannot tell {late}: say when it was, --heard"
        )
    done = Collected(written=store.write(found.metrics, heard_ns=heard_ns, answered=False), refused=found.refused)
    done.silent = [name for name in names if name not in {metric.name for metric in found.metrics}]
    return done


def rows_of_file(path: Path, names: Sequence[str]) -> Iterator[Cells]:
    """Yield each row of a CSV or Parquet file by its columns' names; a CSV's cells are text, as they stand there.

    Raises:
        ConfigurationError: It cannot be read, is empty, or lacks a column of `names`.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigurationError(f"{path}: cannot be read as metrics: {error}") from error
    missing = [name for name in names if name not in frame.columns]
    if missing or not frame.height:
        raise ConfigurationError(f"{path}: no column {', '.join(missing)}" if missing else f"{path}: no rows")
    yield from frame.iter_rows(named=True)


def _resumed(store: MetricStore, series: Sequence[Series]) -> int:
    """Return from where to go on: a week before the end of the series that reaches least far."""
    ends = [end_ns for each in series if (end_ns := store.last_end_ns(each)) is not None]
    if not ends:
        raise ConfigurationError(f"nothing of {series[0].source} {series[0].asset} is stored yet: say --since")
    return min(ends) - REVIEW_NS
