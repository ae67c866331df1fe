"""One run of `data fetch` as a person sees it: a bar that fills, a signal that ends it, a line on what is kept."""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, TypedDict

import click

from trading_system.bootstrap import open_source
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.archives import open_archives
from trading_system.data_pipeline.collectors.fetching import Wanted, Watch, due_ns, fetch, folder_of, go_on, within
from trading_system.data_pipeline.collectors.keeping import Keeper, in_atoms
from trading_system.data_pipeline.collectors.pages import PatientSource, Told
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.desk.clock import SystemClock
from trading_system.errors import ConfigurationError, TradingError
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Quarantine, beside

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
ARCHIVED: Final = ("binance", "ccxt:binance")
"""The venues whose archives are understood."""
TRIES: Final = 10
"""How often a question is asked before a back-fill gives up, over about a minute; who follows asks on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was asked for on the command line."""

    venue: str
    symbol: str
    interval: str
    wanted: Wanted
    archive: str | None
    offline: bool
    url: str | None
    env: str | None
    store: Path
    page: int


@dataclass(slots=True, kw_only=True)
class Ended:
    """What a run came to.

    Attributes:
        keeper: Of the series; None before it was known.
        span: Of whole, closed bars that were wanted; it grows while following.
        following: The back-fill was done.
        interrupted: A signal ended it.
    """

    keeper: Keeper | None = None
    span: Span = field(default_factory=lambda: Span(0, 0))
    following: bool = False
    interrupted: bool = False

    def told(self) -> dict[str, object]:
        """Return it for machines; times are ISO 8601 in UTC, numbers count bars."""
        if self.keeper is None:
            return {"interrupted": self.interrupted, "new": 0}
        keeper, tally = self.keeper, self.keeper.tally
        return {
            "venue": keeper.instrument.venue,
            "symbol": keeper.instrument.symbol,
            "interval": keeper.interval,
            "since": iso(self.span.start_ns),
            "until": iso(self.span.end_ns),
            "stored": self._stored(keeper),
            **asdict(tally),
            "quarantine": str(keeper.quarantine.path) if tally.quarantined else None,
            "folder": str(folder_of(keeper)),
            "interrupted": self.interrupted,
        }

    def words(self) -> str:
        """Return it in a line."""
        if self.keeper is None:
            return "Interrupted before anything was asked for; nothing was stored."
        keeper, tally = self.keeper, self.keeper.tally
        name = f"{keeper.instrument.venue} {keeper.instrument.symbol} {keeper.interval}"
        counts = [
            f"{tally.new:,} new",
            f"{tally.known:,} told again",
            f"{tally.absent:,} that the source does not have",
        ]
        if tally.quarantined:
            counts.append(
                f"{tally.contradicting:,} that contradict stored ones and {tally.unreadable:,} that are no bars set "
                f"aside in {keeper.quarantine.path}"
            )
        return (
            f"{'Interrupted. ' if self.interrupted else ''}{name}: {self._stored(keeper):,} bars from "
            f"{iso(self.span.start_ns)} to before {iso(self.span.end_ns)} in {folder_of(keeper)}; {', '.join(counts)}"
        )

    def _stored(self, keeper: Keeper) -> int:
        return sum(end - start for start, end in keeper.stored(self.span)) // keeper.length_ns


async def run(asked: Run) -> Ended:
    """Do what was asked until it is done or a signal comes.

    Raises:
        TradingError: Why it cannot be done; what was stored until then has been said.
    """
    ended = Ended()
    work = asyncio.create_task(_work(asked, ended))
    loop = asyncio.get_running_loop()
    for sign in SIGNALS:
        loop.add_signal_handler(sign, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        ended.interrupted = True
    except TradingError:
        if ended.keeper is not None and ended.keeper.tally.new:
            click.echo(ended.words(), err=True)
        raise
    finally:
        for sign in SIGNALS:
            loop.remove_signal_handler(sign)
    return ended


async def _work(asked: Run, ended: Ended) -> None:
    length = interval_ns(asked.interval)
    async with AsyncExitStack() as stack:
        watch = stack.enter_context(_watch(f"{asked.symbol} {asked.interval}", length))
        if asked.archive and asked.venue not in ARCHIVED:
            raise ConfigurationError(f"--archive holds Binance's bars, not those of {asked.venue}")
        archives = await stack.enter_async_context(open_archives(asked.archive)) if asked.archive else None
        opened = None
        venue, symbol, words = asked.venue, asked.symbol, "archive"
        if not asked.offline:
            opened = await stack.enter_async_context(
                open_source(
                    asked.venue,
                    asked.symbol,
                    asked.interval,
                    **_address(asked),
                    clock=SystemClock(),
                    page=asked.page,
                    waiting=lambda seconds, why: watch.said(f"waiting {seconds:.0f} s: {why}"),
                    lost=lambda why: watch.said(f"the stream broke and is opened again: {why}"),
                )
            )
            venue, symbol, words = opened.venue, opened.symbol, opened.words
        store = BarStore(asked.store)
        ended.keeper = Keeper(
            store=store,
            quarantine=Quarantine(beside(asked.store)),
            instrument=in_atoms(venue, symbol),
            interval=asked.interval,
            source=words,
        )
        source = None if opened is None else PatientSource(opened.source, watch.said, TRIES)
        now_ns = time.time_ns() if source is None else await source.now_ns()
        ended.span = within(asked.wanted, length, now_ns)
        await fetch(ended.span, source, archives, ended.keeper, again=asked.wanted.again, watch=watch)
        if opened is None or not asked.wanted.follow:
            return
        ended.following = True
        watch.total(0)

        def kept(part: Told) -> None:
            until_ns = max(ended.span.end_ns, part.end_ns)
            watch.done(until_ns - ended.span.end_ns)
            ended.span = Span(ended.span.start_ns, until_ns)

        news = None if opened.news is None else opened.news(ended.keeper.instrument)
        patient = PatientSource(opened.source, watch.said)
        start_ns = due_ns(ended.keeper, ended.span)
        await go_on(patient, news, ended.keeper, start_ns=start_ns, kept=kept)


class _Address(TypedDict):
    environment: str
    rest: str | None
    stream: str | None


def _address(asked: Run) -> _Address:
    """Return where to ask: at --url, where the file of --env says, or at the venue itself."""
    if asked.url is not None:
        return _Address(environment="local", rest=asked.url, stream=None)
    if asked.env is None:
        return _Address(environment="live", rest=None, stream=None)
    from trading_system.settings import load

    venue = load((), env=asked.env).venue
    return _Address(environment=venue.environment, rest=venue.rest_url, stream=venue.stream_url)


@contextmanager
def _watch(name: str, length_ns: int) -> Iterator[Watch]:
    """Show on standard error how far it is, where that is a terminal; say there what is to be known, anyway."""
    if not sys.stderr.isatty():
        yield Watch(said=lambda text: click.echo(text, err=True))
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("bars,"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)
        yield Watch(
            total=lambda ns: progress.reset(task, total=ns // length_ns or None),
            done=lambda ns: progress.advance(task, ns // length_ns),
            said=lambda text: progress.console.print(text, markup=False, highlight=False),
        )
