"""What was said of one span, in the order in which it was heard, whatever the order in which it was stored.

A vintage that is imported late takes its place among what was heard before and after it: the revisions of a span are
worked out anew from all that was said of it. So the store is the same, however its vintages came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from trading_system.market.onchain import Metric, same_value

Span = tuple[int, int]
"""Start and end of what a value is about, UTC ns."""


class Heard(NamedTuple):
    """One value as it was told to us once.

    Attributes:
        metric: The value; its revision and `available_ns` are those that its place in the history gives it.
        heard_ns: When we were told, UTC ns.
        stamped_ns: Since when it was public, by what was told, UTC ns; of a restatement not before it was heard.
    """

    metric: Metric
    heard_ns: int
    stamped_ns: int

    @property
    def span(self) -> Span:
        """What it is about."""
        return self.metric.start_ns, self.metric.end_ns

    @property
    def late_ns(self) -> int:
        """Its stamp where that lies behind the hearing, else 0: of what is heard again, no other stamp matters."""
        return self.stamped_ns if self.stamped_ns > self.heard_ns else 0


def revisions_of(said: Iterable[Heard]) -> tuple[list[Heard], list[Heard]]:
    """Return the revisions of one span, and what only says again what stood.

    The first value that was heard is public since its stamp. Another one is a restatement: public when it was heard,
    and not before its stamp or the value that it restates. Of values that were heard at one moment only the greatest
    counts: a rule for its own sake, so that the order in which they are stored decides nothing.

    Args:
        said: All that was said of the span, in any order.
    """
    revisions: list[Heard] = []
    again: list[Heard] = []
    for each in {each.heard_ns: each for each in sorted(said, key=_place)}.values():
        if not revisions:
            public_ns = each.stamped_ns
        elif same_value(each.metric.value, revisions[-1].metric.value):
            again.append(each)
            continue
        else:
            each = each._replace(stamped_ns=max(each.stamped_ns, each.heard_ns))
            public_ns = max(each.stamped_ns, revisions[-1].metric.available_ns)
        metric = replace(each.metric, revision=len(revisions), available_ns=public_ns)
        revisions.append(each._replace(metric=metric))
    return revisions, again


def heard_again(revisions: Sequence[Heard], when: Mapping[int, int]) -> list[Heard]:
    """Return what was said again of one span.

    Args:
        revisions: What was said of it, by time.
        when: Late stamps by the moments, UTC ns, at which it was told what stood then; a moment at which a revision was
            heard is passed over.
    """
    again = []
    for heard_ns, late_ns in when.items():
        before = [each for each in revisions if each.heard_ns <= heard_ns]
        if before and before[-1].heard_ns < heard_ns:
            again.append(before[-1]._replace(heard_ns=heard_ns, stamped_ns=max(late_ns, heard_ns)))
    return again


def _place(each: Heard) -> tuple[int, float, str, int]:
    return each.heard_ns, each.metric.number, each.metric.value, each.stamped_ns
