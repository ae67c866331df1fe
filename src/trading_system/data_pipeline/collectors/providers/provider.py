"""What is known of a provider before it is asked: its terms, how often it may be asked, how late it publishes."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from trading_system.errors import DataError
from trading_system.market.onchain import Metric
from trading_system.ports import MetricPage, MetricSource, Refused

Ask = Callable[[str, Mapping[str, str]], Awaitable[bytes]]
"""Asks for a path below a provider's address, with parameters, and returns the body of a good answer; see `Asker`."""

Now = Callable[[], int]
"""What time it is, UTC ns."""

Cells = Mapping[str, object]
"""One row as it was published: JSON values, or the text of a file's cells, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, and how to ask it.

    Attributes:
        name: Its name here, which values carry as their source.
        title: What it is, in a line.
        license: Terms of the data, in a few words; kept with every value.
        terms: Where these terms are written.
        url: Address of the API, without a slash at its end.
        pause_s: Seconds between two requests, so that its limit is never reached.
        lag_ns: How long after the end of a span a value counts as public where the provider does not say when; a value
            that was asked for after that and was not there counts from when it was heard.
        asset: An example of an asset in its own words.
        names: Metrics that are asked for when nobody says which.
        source: Makes what asks it.
        cells: Makes metrics of a row of a file; None where it publishes no files.
    """

    name: str
    title: str
    license: str
    terms: str
    url: str
    pause_s: float
    lag_ns: int
    asset: str
    names: tuple[str, ...]
    source: "Callable[[Provider, Ask, Now], MetricSource]"
    cells: "Callable[[Provider, str, tuple[str, ...], Cells], Iterator[Metric]] | None" = None

    def metric(
        self, *, asset: str, name: str, value: object, start_ns: int, end_ns: int, available_ns: int | None = None
    ) -> Metric:
        """Return a value of this provider; public its lag after the span's end where `available_ns` is None.

        Raises:
            DataError: The value is no finite number, or a time runs backwards.
        """
        return Metric(
            source=self.name,
            asset=asset,
            name=name,
            value=exact(value),
            start_ns=start_ns,
            end_ns=end_ns,
            available_ns=end_ns + self.lag_ns if available_ns is None else available_ns,
            license=self.license,
        )


def exact(value: object) -> str:
    """Return a published number as text: its own digits where there are any, a float's shortest otherwise.

    >>> exact("0.10"), exact(21_000_000), exact(0.1), exact(True)
    ('0.10', '21000000', '0.1', 'True')
    """
    return repr(value) if isinstance(value, float) else str(value).strip()


def whole(value: object, what: str) -> int:
    """Return a whole number that was published, as one or as text.

    Raises:
        DataError: It is none.
    """
    text = exact(value)
    digits = text.removesuffix(".0")  # a spreadsheet's or a float column's way to write one
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        raise DataError(f"{what} is {text[:40]!r}, which is no whole number")
    return int(digits)


@dataclass(slots=True)
class Sorted:
    """Rows as they are read: metrics here, what cannot be one there, with its reason."""

    metrics: list[Metric] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def take(self, rows: Iterable[object], read: Callable[[Cells], Iterable[Metric]]) -> None:
        """Read every row; one that cannot be read is refused whole, and the others stay."""
        for row in rows:
            try:
                if not isinstance(row, dict):
                    raise DataError("is no object with names and values")
                self.metrics += list(read(row))
            except DataError as error:
                self.refused.append(Refused(received=row, reason=str(error)))

    def page(self) -> MetricPage:
        """Return all of it."""
        return MetricPage(metrics=self.metrics, refused=self.refused)
