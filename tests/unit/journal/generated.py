"""Any fact of any kind: whatever the types allow, at the edges of their ranges."""

from dataclasses import fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_type_hints

from hypothesis import strategies as st

from trading_system.blotter import state
from trading_system.blotter.events import KINDS, Fact
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money

MOMENTS = st.integers(0, 2**63 - 1)
COUNTS = st.integers(-(2**80), 2**80)  # a trillion units of a cheap coin are 10^20 atoms: more than 64 bits hold
RATIOS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=20)
STEPS = st.sampled_from([Decimal("0.01"), Decimal("1"), Decimal("0.5"), Decimal("1E+1")])
PRICES = st.lists(st.integers(1, 10**12), min_size=4, max_size=4).map(sorted)


def _tuple(kind: type) -> st.SearchStrategy[Any]:
    """A NamedTuple of numbers, its fields filled by their types."""
    return st.builds(kind, **{name: BY_TYPE[hint] for name, hint in get_type_hints(kind).items()})


@st.composite
def _bars(draw: st.DrawFn) -> Bar:
    low, body, other, high = draw(PRICES)
    opened, closed = draw(st.permutations([body, other]))
    start = draw(st.integers(0, 2**62))
    return Bar(
        symbol=draw(TEXTS),
        open_ns=start,
        close_ns=start + draw(st.integers(1, 2**61)),
        open=opened,
        high=high,
        low=low,
        close=closed,
        volume_atoms=draw(st.integers(0, 2**80)),
    )


INSTRUMENTS = st.builds(
    Instrument,
    venue=TEXTS,
    symbol=TEXTS,
    base=TEXTS,
    quote=TEXTS,
    tick=STEPS,
    lot=STEPS,
    min_lots=st.integers(1, 10**9),
    min_notional=st.decimals(0, 10**6, places=8),
    shortable=st.booleans(),
)
TICKETS = st.builds(
    OrderTicket,
    client_order_id=TEXTS,
    strategy=TEXTS,
    symbol=TEXTS,
    side=st.sampled_from(Side),
    intent=st.sampled_from(Intent),
    kind=st.sampled_from(OrderKind),
    lots=COUNTS,
    limit_ticks=st.none() | COUNTS,
    stop_ticks=st.none() | COUNTS,
    take_ticks=st.none() | COUNTS,
    reserve_atoms=COUNTS,
    decided_ns=MOMENTS,
    attempt=st.integers(1, 9),
    share=RATIOS,
    reason=st.integers(0, 9),
)

BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: COUNTS,
    float: RATIOS,
    int | None: st.none() | COUNTS,
    str: TEXTS,
    Money: st.builds(Money, atoms=COUNTS, currency=TEXTS),
    Bar: _bars(),
    Instrument: INSTRUMENTS,
    OrderTicket: TICKETS,
    dict[str, int]: st.dictionaries(TEXTS, COUNTS, max_size=4).map(lambda d: dict(sorted(d.items()))),
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
    tuple[float, ...]: st.lists(RATIOS, max_size=5).map(tuple),
}
for _kind in (  # the inner ones first
    state.Terms,
    state.BarRow,
    state.View,
    state.Policy,
    state.AccountCarried,
    state.Account,
    state.SleeveCarried,
    state.Sleeve,
    state.Asks,
    state.Step,
):
    BY_TYPE[_kind] = _tuple(_kind)


def facts_of(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Return a strategy for facts of one kind."""
    hints = get_type_hints(kind)
    values = {field.name: BY_TYPE[hints[field.name]] for field in fields(kind)}
    return st.builds(kind, **(values | {"ts_ns": MOMENTS}))


FACTS = MappingProxyType({name: facts_of(kind) for name, kind in KINDS.items()})
ANY_FACT = st.sampled_from(sorted(KINDS)).flatmap(lambda name: FACTS[name])
