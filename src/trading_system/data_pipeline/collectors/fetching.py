"""One run of `data fetch`: archives first, then history for what is missing, then whatever closes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trading_system.data_pipeline.collectors.archives import Archives, unpack
from trading_system.data_pipeline.collectors.asked import SETTLED_NS
from trading_system.data_pipeline.collectors.backfill import backfill
from trading_system.data_pipeline.collectors.follow import LAG_NS, keep_following, polled
from trading_system.data_pipeline.collectors.keeping import Keeper
from trading_system.data_pipeline.collectors.ohlcv import News
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.errors import ConfigurationError
from trading_system.market.timestamps import NS_PER_S, iso
from trading_system.ports import BarSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be in the store.

    Attributes:
        since_ns: From when on, UTC ns.
        until_ns: The last bar opens before, UTC ns; None: up to now.
        again: Ask for all of it, whatever is stored.
        follow: Go on with what closes.
    """

    since_ns: int
    until_ns: int | None = None
    again: bool = False
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told how far it is.

    Attributes:
        total: Told how much time is missing, ns: of the archives, then of the venue.
        done: Told how much more of it has been dealt with, ns.
        said: Told what a person should know, in a sentence.
    """

    total: Callable[[int], None] = lambda ns: None
    done: Callable[[int], None] = lambda ns: None
    said: Callable[[str], None] = lambda text: None


def within(wanted: Wanted, length_ns: int, now_ns: int) -> Span:
    """Return the whole bars that are wanted and closed; perhaps none.

    Raises:
        ConfigurationError: All of it is in the future, or it ends before it begins.
    """
    if wanted.since_ns >= now_ns:
        raise ConfigurationError(f"--since {iso(wanted.since_ns)} is in the future: it is {iso(now_ns)}")
    if wanted.until_ns is not None and wanted.until_ns <= wanted.since_ns:
        raise ConfigurationError(f"--until {iso(wanted.until_ns)} is not after --since {iso(wanted.since_ns)}")
    start_ns = -(-wanted.since_ns // length_ns) * length_ns
    closed_ns = (now_ns - LAG_NS) // length_ns * length_ns
    until_ns = closed_ns if wanted.until_ns is None else min(-(-wanted.until_ns // length_ns) * length_ns, closed_ns)
    return Span(start_ns, max(start_ns, until_ns))


async def fetch(
    wanted: Span, source: BarSource | None, archives: Archives | None, keeper: Keeper, *, again: bool, watch: Watch
) -> None:
    """Bring what is missing of `wanted` into the store: from `archives` what they have, from `source` the rest.

    Raises:
        DataError: An archive is not what its checksum says; the source says nothing that can be read.
        VenueError: The source, or the address of the archives, could not be asked.
        ConfigurationError, OSError: The store or the quarantine cannot be written.
    """

    def missing(of: Callable[[Span], list[Span]]) -> list[Span]:
        left = [wanted] if again else of(wanted)
        watch.total(sum(span.end_ns - span.start_ns for span in left))
        return left

    if archives is not None:
        await unpack(archives, missing(keeper.unread), keeper, done=watch.done, said=watch.said)
    if source is not None:
        await backfill(source, keeper, missing(keeper.missing), done=watch.done)


def due_ns(keeper: Keeper, fetched: Span) -> int:
    """Return from when on to follow, UTC ns: from the first bar that the source may have been late with.

    Args:
        keeper: Of the series.
        fetched: What was asked for up to now.
    """
    young = Span(max(fetched.start_ns, fetched.end_ns - SETTLED_NS), fetched.end_ns)
    return min((span.start_ns for span in keeper.missing(young)), default=fetched.end_ns)


async def go_on(
    source: BarSource, news: News | None, keeper: Keeper, *, start_ns: int, kept: Callable[[Told], None]
) -> None:
    """Keep what closes from `start_ns` on, by the venue's stream or, where it has none, by asking once a bar."""
    if news is None:
        news = polled(keeper.length_ns / NS_PER_S)
    await keep_following(source, news, keeper, start_ns=start_ns, kept=kept)


def folder_of(keeper: Keeper) -> Path:
    """Return where the bars are kept."""
    return keeper.store.folder(keeper.instrument, keeper.interval)
