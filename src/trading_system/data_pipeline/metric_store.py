"""Metrics at rest: Parquet by source, asset, name and year; what was published stays, a restatement is added to it.

Three times are kept of each value: what it is about, since when it is public, and when we heard of it. No value that
was heard is ever lost, files are replaced whole or not at all, and each carries the hash of what it holds. Polars and
DuckDB read them as they are:

    SELECT asset, end_ns, arg_max(value, revision) FROM 'data/metrics/*/*/TxCnt/*.parquet' GROUP BY asset, end_ns
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from trading_system.data_pipeline.confirmations import heard_since, note_heard
from trading_system.data_pipeline.metric_files import read_metrics, write_metrics
from trading_system.data_pipeline.metric_history import Heard, Span, heard_again, revisions_of
from trading_system.data_pipeline.polls import Poll, missed, read_polls, write_poll
from trading_system.data_pipeline.store_files import one_writer
from trading_system.errors import ConfigurationError
from trading_system.market.onchain import Metric, Metrics, is_word, metrics_of
from trading_system.market.timestamps import NS_PER_S


class Series(NamedTuple):
    """Which values belong together: the words of `Metric`."""

    source: str
    asset: str
    name: str

    def __str__(self) -> str:
        return " ".join(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of values that were offered to the store.

    Attributes:
        new: The first value of its span.
        restated: Another value than what was known of its span when it was heard: now a revision of its own.
        known: Said what was known; at most it was heard earlier than we had heard it.
    """

    new: int = 0
    restated: int = 0
    known: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(
            new=self.new + other.new, restated=self.restated + other.restated, known=self.known + other.known
        )


class MetricStore:
    """Metrics under `root`/source/asset/name/YYYY.parquet, the year in which a span begins."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, series: Series) -> Path:
        """Return where the years of `series` are.

        Raises:
            ConfigurationError: One of its words cannot name a folder.
        """
        if not all(map(is_word, series)):
            raise ConfigurationError(f"{' '.join(series)!r} cannot name a series")
        return self._root.joinpath(*series)

    def write(self, metrics: Iterable[Metric], *, heard_ns: int, answered: bool = True) -> Written:
        """Add `metrics`, in any order, and say what became of them; a value that is already there changes no metric.

        A revision's number is the store's affair: what providers hand over says 0. A restatement is public from
        `heard_ns` on, for providers do not say when they restate. So is an answer's value that was not there when its
        series was last asked for (`note_poll`), whatever the provider says of when it was public: it was not.

        What was heard at different times may be written in any order of these: the store becomes the same.

        Args:
            metrics: Of any series.
            heard_ns: When they were received, UTC ns; for a file, when it was.
            answered: Whether they are a provider's answer, and not a file that may hold what no provider tells.

        Raises:
            DataError: A file of the store does not hold what was written.
        """
        ordered = sorted(metrics, key=lambda metric: (_series(metric), metric.start_ns, metric.end_ns))
        done = Written()
        for series, group in groupby(ordered, key=_series):
            with one_writer(self.folder(series)):
                polls = read_polls(self.folder(series)) if answered else []
                later = heard_since(self.folder(series), heard_ns)
                for year, offered in groupby(group, key=lambda metric: _year(metric.start_ns)):
                    heard = [_heard(metric, heard_ns, polls) for metric in offered]
                    done += _added(self.folder(series) / f"{year}.parquet", heard, later)
        return done

    def note_poll(self, series: Series, poll: Poll) -> None:
        """Remember that all values of `series` in the span of `poll` were asked for, and stored, at its time."""
        if self.folder(series).is_dir():
            with one_writer(self.folder(series)):
                write_poll(self.folder(series), poll)

    def read(self, series: Series, *, at_ns: int | None = None) -> list[Metric]:
        """Return every revision of `series`, by span and revision; with `at_ns`, those that were public by then.

        Raises:
            ConfigurationError: There is no such series.
            DataError: A file of the store does not hold what was written.
        """
        paths = sorted(self.folder(series).glob("*.parquet"))
        if not paths:
            raise ConfigurationError(f"no {series} under {self._root}; see `trading-system data metrics ls`")
        found = [each.metric for path in paths for each in read_metrics(path)]
        return found if at_ns is None else [metric for metric in found if metric.available_ns <= at_ns]

    def columns(self, series: Series) -> Metrics:
        """Return `series` as the as-of join wants it; raises as `read` does."""
        return metrics_of(self.read(series))

    def series(self) -> Iterator[Series]:
        """Yield every series of the store."""
        for folder in sorted({path.parent for path in self._root.glob("*/*/*/*.parquet")}):
            yield Series(*folder.relative_to(self._root).parts)

    def last_end_ns(self, series: Series) -> int | None:
        """Return when the newest span of `series` ends, UTC ns; None where there is nothing."""
        paths = sorted(self.folder(series).glob("*.parquet"))
        return max(each.metric.end_ns for each in read_metrics(paths[-1])) if paths else None


def newest(metrics: Iterable[Metric]) -> list[Metric]:
    """Return of each span the highest revision in `metrics`, by span."""
    best: dict[tuple[int, int], Metric] = {}
    for metric in metrics:
        held = best.setdefault((metric.end_ns, metric.start_ns), metric)
        if metric.revision > held.revision:
            best[metric.end_ns, metric.start_ns] = metric
    return [best[span] for span in sorted(best)]


def _heard(metric: Metric, heard_ns: int, polls: Sequence[Poll]) -> Heard:
    """Return an offered value with the stamp that can be believed: one that a question missed was not public then."""
    late = missed(polls, metric.end_ns)
    return Heard(metric, heard_ns, max(metric.available_ns, heard_ns) if late else metric.available_ns)


def _added(path: Path, offered: Sequence[Heard], later: Mapping[Span, Mapping[int, int]]) -> Written:
    """Add to the file at `path` what it does not say yet; its writer's lock is held.

    Args:
        path: A year of a series.
        offered: Values of that year, heard at one moment.
        later: When stored values were heard again, then or later, as `heard_since` says.
    """
    stored: dict[Span, list[Heard]] = {}
    for each in read_metrics(path) if path.exists() else ():
        stored.setdefault(each.span, []).append(each)
    revisions, again, done = dict(stored), dict[Span, list[Heard]](), Written()
    for each in offered:
        before = revisions.get(each.span, [])
        said_again = again.get(each.span) or heard_again(before, later.get(each.span, {}))
        after, again[each.span] = revisions_of([each, *before, *said_again])
        other = [held.metric.value for held in before] != [held.metric.value for held in after]
        done += Written(new=not before, restated=bool(before) and other, known=not other)
        revisions[each.span] = after
    noted = {(span, *moment) for span, moments in later.items() for moment in moments.items()}
    said = [each for each_again in again.values() for each in each_again]
    note_heard(path.parent, [each for each in said if (each.span, each.heard_ns, each.late_ns) not in noted])
    if revisions != stored:
        write_metrics(path, [each for span in sorted(revisions) for each in revisions[span]])
    return done


def _series(metric: Metric) -> Series:
    return Series(metric.source, metric.asset, metric.name)


def _year(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // NS_PER_S, tz=UTC):%Y}"
