"""Back-fill: what the store does not have of a stretch of time, asked for page by page, and kept."""

from collections.abc import Callable, Sequence

from trading_system.data_pipeline.collectors.keeping import Keeper
from trading_system.data_pipeline.collectors.pages import told
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.ports import BarSource


async def backfill(
    source: BarSource, keeper: Keeper, spans: Sequence[Span], *, done: Callable[[int], None] = lambda ns: None
) -> None:
    """Ask `source` for the bars of `spans`, and keep each answer before the next is asked for.

    It may end at any moment: what was kept is whole pages, and `keeper.missing` tells the rest. Once it has returned,
    that is nothing but what is less than an hour old and was not there.

    Args:
        source: Asked page by page.
        keeper: Of the same series.
        spans: Each from the start of a bar to the start of one that is still open, or before.
        done: Told after each page how much more of the time has been dealt with, ns.

    Raises:
        VenueError: The source could not be asked.
        DataError: It says nothing that can be read.
        ConfigurationError, OSError: The store or the quarantine cannot be written.
    """
    asked_ns = await source.now_ns()
    for span in spans:
        async for part in told(source, keeper.instrument, keeper.interval, *span):
            keeper.keep(part, asked_ns=asked_ns)
            done(part.end_ns - part.start_ns)
