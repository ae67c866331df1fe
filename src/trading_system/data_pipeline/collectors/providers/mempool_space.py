"""mempool.space: the Bitcoin network's hash rate and difficulty, what blocks hold, and what waits for one.

By the day, of the whole history (a bin of "all" is a day):

    /v1/mining/hashrate/1m            {"hashrates": [{"timestamp": 1704067200, "avgHashrate": 5.1e20}],
                                       "difficulty": [{"time": 1703950000, "difficulty": 7.2e13}]}
    /v1/mining/blocks/fees/all        [{"avgHeight": 823800, "timestamp": 1704023114, "avgFees": 41234567}, ...]   sat
    /v1/mining/blocks/fee-rates/all   [{"avgHeight": 823800, "timestamp": 1704023114, "avgFee_50": 93}, ...]    sat/vB
    /v1/mining/blocks/sizes-weights/all   {"sizes": [{"timestamp": ..., "avgSize": ...}], "weights": [...]}

- The stamp of a hash rate is the midnight at the END of its day (backend/src/api/mining.ts stores `toTimestamp`); one
  who took it for the start would know tomorrow's hash rate.
- The stamp of a bin of blocks is the mean of its blocks' stamps: somewhere within its day. A day's value changes until
  the day is over, so a day is taken only once the lag has passed.
- The lag is 6 hours: a block's stamp may be two hours off (Bitcoin's rule), and the index of a day is made after it.

Of the moment, public when heard: `/mempool` {"count", "vsize", "total_fee"} and `/v1/fees/recommended`.

Limits are not published; we ask once in two seconds. The software is AGPL-3.0; no license of the data is stated.

Source: mempool.space/docs/api/rest: "Mining" (hashrate, block fees, fee rates, sizes and weights), "Mempool", "Fees".
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from trading_system.data_pipeline.collectors.providers.asking import decoded, rows_of
from trading_system.data_pipeline.collectors.providers.provider import Ask, Cells, Now, Provider, Sorted, whole
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.onchain import Metric
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import MetricPage

ASSET: Final = "btc"


class Field(NamedTuple):
    """Where a metric stands in an answer.

    Attributes:
        path: What is asked for; {period} is filled in.
        within: The list of the answer that holds its rows, "" where the answer itself is the list or the row.
        key: Its name in a row.
        span_ns: Start and end of what a row's stamp means, UTC ns; None where the answer is of this moment.
    """

    path: str
    within: str
    key: str
    span_ns: Callable[[Cells], tuple[int, int]] | None


def _day_before(cells: Cells) -> tuple[int, int]:
    end_ns = whole(cells.get("timestamp"), "timestamp") * NS_PER_S
    if end_ns % DAY_NS:
        raise DataError(f"timestamp {cells.get('timestamp')} is no midnight")
    return end_ns - DAY_NS, end_ns


def _day_around(cells: Cells) -> tuple[int, int]:
    start_ns = whole(cells.get("timestamp"), "timestamp") * NS_PER_S // DAY_NS * DAY_NS
    return start_ns, start_ns + DAY_NS


def _moment(cells: Cells) -> tuple[int, int]:
    at_ns = whole(cells.get("time"), "time") * NS_PER_S
    return at_ns, at_ns


_HASH_RATE: Final = "/v1/mining/hashrate/{period}"
_SIZES: Final = "/v1/mining/blocks/sizes-weights/all"

FIELDS: Final[Mapping[str, Field]] = {
    "hash_rate": Field(_HASH_RATE, "hashrates", "avgHashrate", _day_before),
    "difficulty": Field(_HASH_RATE, "difficulty", "difficulty", _moment),
    "block_fees": Field("/v1/mining/blocks/fees/all", "", "avgFees", _day_around),
    "block_fee_rate": Field("/v1/mining/blocks/fee-rates/all", "", "avgFee_50", _day_around),
    "block_size": Field(_SIZES, "sizes", "avgSize", _day_around),
    "block_weight": Field(_SIZES, "weights", "avgWeight", _day_around),
    "mempool_transactions": Field("/mempool", "", "count", None),
    "mempool_vsize": Field("/mempool", "", "vsize", None),
    "mempool_fees": Field("/mempool", "", "total_fee", None),
    "fee_rate_fastest": Field("/v1/fees/recommended", "", "fastestFee", None),
    "fee_rate_hour": Field("/v1/fees/recommended", "", "hourFee", None),
}
"""Every metric: means of a day's blocks (fees in sat a block, the median fee rate in sat/vB, size in bytes, weight in
weight units), hash rate in hashes a second; counts, vbytes, sat and sat/vB of the mempool as it is."""

_PERIODS: Final = ((28, "1m"), (88, "3m"), (181, "6m"), (365, "1y"), (730, "2y"), (1_095, "3y"))
"""How many days back each certainly reaches; beyond the last, "all"."""


class MempoolSpace:
    """Asks for one path after the other; each answers the whole of its period."""

    def __init__(self, provider: Provider, ask: Ask, now_ns: Now) -> None:
        self._provider = provider
        self._ask = ask
        self._now_ns = now_ns

    async def pages(
        self, asset: str, names: Sequence[str], *, since_ns: int, until_ns: int
    ) -> AsyncIterator[MetricPage]:
        """Yield what is of spans that end in (since_ns, until_ns], and of this moment where that is now."""
        unknown = [name for name in names if name not in FIELDS]
        if asset != ASSET or unknown:
            raise ConfigurationError(
                f"mempool_space has {', '.join(FIELDS)} of {ASSET}, not {', '.join(unknown) or asset}"
            )
        lately = self._now_ns() - until_ns < HOUR_NS
        period = next((name for days, name in _PERIODS if self._now_ns() - since_ns < days * DAY_NS), "all")
        for path in dict.fromkeys(FIELDS[name].path for name in names):
            wanted = {name: FIELDS[name] for name in names if FIELDS[name].path == path}
            if all(field.span_ns is None for field in wanted.values()) and not lately:
                continue
            body = await self._ask(path.format(period=period), {})
            yield read_answer(self._provider, wanted, body, heard_ns=self._now_ns(), span=(since_ns, until_ns))


def read_answer(
    provider: Provider, wanted: Mapping[str, Field], body: bytes, *, heard_ns: int, span: tuple[int, int]
) -> MetricPage:
    """Return what an answer says of `wanted`.

    Args:
        provider: Its terms and its lag.
        wanted: Metrics of one path.
        body: The answer.
        heard_ns: When it came, UTC ns.
        span: Values are taken whose span ends after the first and, with the lag, not after the second, UTC ns.

    Raises:
        DataError: The answer is not of the documented form.
    """
    answer = decoded(body)
    found = Sorted()
    for name, field in wanted.items():
        rows: object = answer
        if field.span_ns is None:
            rows = [answer]
        elif field.within:
            rows = answer.get(field.within) if isinstance(answer, dict) else None
        found.take(rows_of(rows, name), partial(_metric, provider, name, field, heard_ns, span))
    return found.page()


def _metric(
    provider: Provider, name: str, field: Field, heard_ns: int, span: tuple[int, int], cells: Cells
) -> Iterator[Metric]:
    if field.span_ns is None:
        yield provider.metric(
            asset=ASSET,
            name=name,
            value=cells.get(field.key),
            start_ns=heard_ns,
            end_ns=heard_ns,
            available_ns=heard_ns,
        )
        return
    start_ns, end_ns = field.span_ns(cells)
    if span[0] < end_ns <= span[1] - provider.lag_ns and cells.get(field.key) is not None:
        yield provider.metric(asset=ASSET, name=name, value=cells[field.key], start_ns=start_ns, end_ns=end_ns)


MEMPOOL_SPACE: Final = Provider(
    name="mempool_space",
    title="mempool.space: Bitcoin's hash rate, difficulty, blocks and mempool",
    license="none stated for the data; mempool.space's terms of service",
    terms="https://mempool.space/terms-of-service",
    url="https://mempool.space/api",
    pause_s=2.0,
    lag_ns=6 * HOUR_NS,
    asset=ASSET,
    names=tuple(FIELDS),
    source=MempoolSpace,
)
