"""Coin Metrics' community API, version 4: daily on-chain metrics, free for non-commercial use.

An answer of `/timeseries/asset-metrics` (all numbers are text):

    {"data": [{"asset": "btc", "time": "2024-01-01T00:00:00.000000000Z", "TxCnt": "657752",
               "AdrActCnt": "723001", "AdrActCnt-status": "reviewed", "AdrActCnt-status-time": "2024-01-02T10:...Z",
               "AssetEODCompletionTime": "1704169163"}],
     "next_page_token": "0.MjAyNC0wMS0wMVQwMDowMDowMFo", "next_page_url": "https://..."}

`time` is the start of the day that the values are of; null says that there is none. When they were public:

- `AssetEODCompletionTime` (epoch, s): the end-of-day values of the asset are complete. Of Bitcoin's 1,402 days since
  March 2021 a half was there within 4.8 hours of the day's end, 99 % within 10.3, all but four within 24, the last
  after 118.
- Stamps of 2021-02-26 itself are those of the run that first filled the column, for all days since 2009. They say
  nothing about publication; there, and where the column is missing, the configured lag counts from the day's end.
- A value with the status "revised" is public no earlier than its status time.

What a day's value was before it was first stored here is not known: the API shows the latest one only.

Source: Coin Metrics API v4, "Timeseries: asset metrics", "Pagination", "Rate limits" (community: 10 requests in 6 s)
and "Number format", docs.coinmetrics.io/api-reference; the terms, "Community data", CC BY-NC 4.0.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final

from trading_system.data_pipeline.collectors.providers.asking import decoded, rows_of
from trading_system.data_pipeline.collectors.providers.provider import Ask, Cells, Now, Provider, Sorted, exact, whole
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS, moment_ns
from trading_system.errors import DataError
from trading_system.market.onchain import Metric
from trading_system.market.timestamps import NS_PER_S, from_ms, iso
from trading_system.ports import MetricPage, MetricSource

COMPLETED: Final = "AssetEODCompletionTime"
STATUS: Final = "-status"
STATUS_TIME: Final = "-status-time"
FIRST_STAMP_NS: Final = moment_ns("2021-02-27")
"""Stamps before this moment are those of the back-fill."""
_PAGE: Final = 1_000


class CoinMetrics:
    """Asks for daily metrics, page by page, oldest first."""

    def __init__(self, provider: Provider, ask: Ask) -> None:
        self._provider = provider
        self._ask = ask

    async def pages(
        self, asset: str, names: Sequence[str], *, since_ns: int, until_ns: int
    ) -> AsyncIterator[MetricPage]:
        """Yield the days that end in (since_ns, until_ns]; see `MetricSource`."""
        parameters = {
            "assets": asset,
            "metrics": ",".join(dict.fromkeys([*names, COMPLETED])),
            "frequency": "1d",
            "start_time": _day(-(-(since_ns + 1) // DAY_NS) - 1),
            "end_time": _day(until_ns // DAY_NS - 1),
            "page_size": str(_PAGE),
            "paging_from": "start",
            "ignore_unsupported_errors": "true",
        }
        token = ""
        while until_ns // DAY_NS * DAY_NS > since_ns:
            more = {"next_page_token": token} if token else {}
            page, following = read_page(
                self._provider, asset, tuple(names), await self._ask("/timeseries/asset-metrics", parameters | more)
            )
            yield page
            if not following:
                return
            if following == token:
                raise DataError(f"Coin Metrics sent the page {token[:40]} twice: stopped, nothing is lost")
            token = following


def read_page(provider: Provider, asset: str, names: tuple[str, ...], body: bytes) -> tuple[MetricPage, str]:
    """Return the metrics of an answer, and the token of the next page, "" after the last.

    Raises:
        DataError: The answer is not of the documented form.
    """
    answer = decoded(body)
    if not isinstance(answer, dict):
        raise DataError("the answer is no object: the provider's form has changed")
    found = Sorted()
    found.take(rows_of(answer.get("data"), "data"), lambda cells: cells_of_day(provider, asset, names, cells))
    following = answer.get("next_page_token")
    return found.page(), following if isinstance(following, str) else ""


def cells_of_day(provider: Provider, asset: str, names: tuple[str, ...], cells: Cells) -> Iterator[Metric]:
    """Yield the metrics of one day, of an answer or of a file; where no name is asked for, every number there.

    A file's row says the day as `time` or `date`, or as `timestamp` in epoch ms.

    Raises:
        DataError: The day is none, it is another asset's, or a value is no number.
    """
    if cells.get("asset") not in (None, "", asset):
        raise DataError(f"is of {cells['asset']}, not of {asset}")
    start_ns = _start_ns(cells)
    end_ns = start_ns + DAY_NS
    completed_ns = _completed_ns(cells)
    for name in names or tuple(name for name in cells if name not in _NO_METRIC and STATUS not in name):
        value = cells.get(name)
        if value is None or value == "":
            continue
        yield provider.metric(
            asset=asset,
            name=name,
            value=value,
            start_ns=start_ns,
            end_ns=end_ns,
            available_ns=_available_ns(cells, name, completed_ns, end_ns + provider.lag_ns),
        )


_NO_METRIC: Final = frozenset({"asset", "time", "date", "timestamp", COMPLETED, "AssetCompletionTime", ""})


def _start_ns(cells: Mapping[str, object]) -> int:
    stamp = cells.get("timestamp")
    if stamp not in (None, ""):
        start_ns = from_ms(whole(stamp, "timestamp"))
    else:
        start_ns = moment_ns(exact(cells.get("time") or cells.get("date") or ""))
    if start_ns % DAY_NS:
        raise DataError(f"{exact(cells.get('timestamp') or cells.get('time'))[:40]} is not the start of a day")
    return start_ns


def _completed_ns(cells: Mapping[str, object]) -> int | None:
    """Return when the day was complete; None where it is not said, or where the stamp is of the back-fill."""
    stamp = cells.get(COMPLETED)
    if stamp in (None, ""):
        return None
    completed_ns = whole(stamp, COMPLETED) * NS_PER_S
    return completed_ns if completed_ns >= FIRST_STAMP_NS else None


def _available_ns(cells: Mapping[str, object], name: str, completed_ns: int | None, late_ns: int) -> int:
    available_ns = late_ns if completed_ns is None else completed_ns
    stamp = cells.get(name + STATUS_TIME)
    if cells.get(name + STATUS) == "revised" and isinstance(stamp, str):
        return max(available_ns, moment_ns(stamp))
    return available_ns


def _day(number: int) -> str:
    return iso(number * DAY_NS)[:10]


def _source(provider: Provider, ask: Ask, now_ns: Now) -> MetricSource:
    return CoinMetrics(provider, ask)


COIN_METRICS: Final = Provider(
    name="coin_metrics",
    title="Coin Metrics community data: daily on-chain metrics of many assets",
    license="CC BY-NC 4.0, Coin Metrics: credit it; no commercial use",
    terms="https://coinmetrics.io/terms-of-use/",
    url="https://community-api.coinmetrics.io/v4",
    pause_s=0.6,
    lag_ns=24 * HOUR_NS,
    asset="btc",
    names=("AdrActCnt", "TxCnt", "FeeTotNtv", "HashRate", "FlowInExNtv", "FlowOutExNtv"),
    source=_source,
    cells=cells_of_day,
)
