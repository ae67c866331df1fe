"""Funding rates of Binance's USDⓈ-M perpetual futures: what longs pay shorts, a fraction per settlement.

An answer of `GET /fapi/v1/fundingRate`, oldest first:

    [{"symbol": "BTCUSDT", "fundingRate": "-0.03750000", "fundingTime": 1570608000000, "markPrice": "34287.54619963"}]

A rate is about the moment of its settlement and public at it: `fundingTime`, which is up to some tens of milliseconds
after the full hour. A bar that closes on the hour therefore does not know the rate settled "at" its close; the next one
does. `startTime` and `endTime` are both inclusive; at most 1,000 rates a request.

Files: `timestamp` (ms), `funding_rate`; or as data.binance.vision writes them: `calc_time`, `last_funding_rate`.

Source: Binance, "Derivatives, USDⓈ-M Futures, Get Funding Rate History" (500 requests in 5 minutes for an address).
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from trading_system.data_pipeline.collectors.providers.asking import decoded, rows_of
from trading_system.data_pipeline.collectors.providers.provider import Ask, Cells, Now, Provider, Sorted, whole
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.onchain import Metric
from trading_system.market.timestamps import from_ms, to_ms
from trading_system.ports import MetricPage, MetricSource

RATE: Final = "funding_rate"
_PAGE: Final = 1_000
_TIMES: Final = ("fundingTime", "timestamp", "calc_time")
_RATES: Final = ("fundingRate", "funding_rate", "last_funding_rate")


class BinanceFunding:
    """Asks for the rates of one symbol, page by page, oldest first."""

    def __init__(self, provider: Provider, ask: Ask) -> None:
        self._provider = provider
        self._ask = ask

    async def pages(
        self, asset: str, names: Sequence[str], *, since_ns: int, until_ns: int
    ) -> AsyncIterator[MetricPage]:
        """Yield the settlements in (since_ns, until_ns]; see `MetricSource`."""
        if tuple(names) != (RATE,):
            raise ConfigurationError(f"binance_funding has one metric, {RATE}, not {', '.join(names)}")
        start_ms, end_ms = to_ms(since_ns) + 1, to_ms(until_ns)
        while start_ms <= end_ms:
            parameters = {
                "symbol": asset,
                "startTime": str(start_ms),
                "endTime": str(end_ms),
                "limit": str(_PAGE),
            }
            page, count = read_page(self._provider, asset, await self._ask("/fapi/v1/fundingRate", parameters))
            yield page
            if count < _PAGE:
                return
            last_ms = max((to_ms(metric.end_ns) for metric in page.metrics), default=0)
            if last_ms < start_ms:
                raise DataError(f"Binance sent no funding rate after {start_ms} when asked for those: stopped")
            start_ms = last_ms + 1


def read_page(provider: Provider, asset: str, body: bytes) -> tuple[MetricPage, int]:
    """Return the rates of an answer, and how many rows it had.

    Raises:
        DataError: The answer is not of the documented form.
    """
    rows = rows_of(decoded(body), "funding rates")
    found = Sorted()
    found.take(rows, lambda cells: cells_of_rate(provider, asset, (RATE,), cells))
    return found.page(), len(rows)


def cells_of_rate(provider: Provider, asset: str, names: tuple[str, ...], cells: Cells) -> Iterator[Metric]:
    """Yield the rate of one settlement, of an answer or of a file.

    Raises:
        DataError: The time or the rate is none, or it is another symbol's.
    """
    if cells.get("symbol") not in (None, "", asset):
        raise DataError(f"is of {cells['symbol']}, not of {asset}")
    settled_ns = from_ms(whole(_first(cells, _TIMES), "the time of settlement"))
    yield provider.metric(
        asset=asset,
        name=RATE,
        value=_first(cells, _RATES),
        start_ns=settled_ns,
        end_ns=settled_ns,
        available_ns=settled_ns,
    )


def _first(cells: Cells, names: Sequence[str]) -> object:
    return next((cells[name] for name in names if cells.get(name) is not None), "")


def _source(provider: Provider, ask: Ask, now_ns: Now) -> MetricSource:
    return BinanceFunding(provider, ask)


BINANCE_FUNDING: Final = Provider(
    name="binance_funding",
    title="Binance USDⓈ-M perpetual futures: funding rates",
    license="none stated; Binance's terms of use",
    terms="https://www.binance.com/en/terms",
    url="https://fapi.binance.com",
    pause_s=0.6,
    lag_ns=0,
    asset="BTCUSDT",
    names=(RATE,),
    source=_source,
    cells=cells_of_rate,
)
