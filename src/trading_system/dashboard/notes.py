"""What a run page must be told, since no journal knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """An engine process was ended by SIGKILL. No pid here: it differs from run to run, and a page must not.

    Attributes:
        client_order_id: The order whose answer was on its way.
        killed_ns: The venue's time, UTC ns.
    """

    client_order_id: str
    killed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """Something that was done to the connection on purpose.

    Attributes:
        kind: In words: "the answer was lost".
        ns: The venue's time, UTC ns.
        client_order_id: The order that it met; "" where it met none.
        breaks_stream: Whether the stream of our reports was cut by it.
    """

    kind: str
    ns: int
    client_order_id: str = ""
    breaks_stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNotes:
    """All that a run page shows and the journal does not hold.

    Attributes:
        real_bars: Whether the bars come from a real market; else they are made up, with a planted pattern.
        market: One sentence about where the bars come from.
        interval: Length of a bar as venues write it.
        seed: What everything random grew from.
        hashes: What -> hash, hexadecimal: data, model, ledger, journal.
        metrics: Rows of the model's scores beside the baselines': name -> metric -> value as text.
        verdict: One sentence on what these say.
        config: Every setting that mattered: path -> value as text; no secrets.
        kills, mishaps: What was done to the run on purpose, oldest first.
    """

    real_bars: bool
    market: str
    interval: str
    seed: int
    hashes: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    verdict: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    kills: tuple[Kill, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
