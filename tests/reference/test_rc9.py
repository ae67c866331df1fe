"""RC-9: a sell stop at 100 against a gap, and against a bar that trades through it; and both upside down."""

import pytest
from tests.reference.running import FREE, Row, backtest, signals, write_bars

pytestmark = pytest.mark.slow

CHOICES = (
    FREE
    | {"tick": "0.01", "lot": "0.001", "cash": 10_000, "size": "lots", "size_lots": 1_000, "short": "allowed"}
    | {"enter_above": 0.9, "leave_below": 0.1, "stop": "fixed", "stop_slack": 0.25, "fill": "close"}
)


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((90, 95, 88, 92), 90.0),  # from 105 to an open of 90: nobody bought at 100
        ((105, 106, 98, 99), 100.0),
        ((105, 106, 100, 104), 100.0),  # a touch triggers
        ((100, 101, 99, 100), 100.0),
        ((105, 106, 101, 104), None),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_fills_at_itself_or_at_the_open_behind_a_gap(tmp_path, side, bar: Row, price):
    """One unit is entered at 125 with a stop a fifth below; of a short position all prices are mirrored at 125."""

    def seen(row: Row) -> Row:
        opened, high, low, close = row
        return row if side > 0 else (250 - opened, 250 - low, 250 - high, 250 - close)

    bars = write_bars(tmp_path, [(125, 125, 125, 125), seen((125, 126, 104, 105)), seen(bar)])
    sets = CHOICES | {"atr_stop": "0.2"} | signals(tmp_path, {0: 1.0 if side > 0 else 0.0})
    ran = backtest(tmp_path / "run", bars, "script", sets)
    entry = (0, side * 1_000, 12_500, "entry")
    left = [] if price is None else [(2, -side * 1_000, round(100 * (price if side > 0 else 250 - price)), "stop")]
    columns = (
        ran.slices.tolist(),
        ran.lots.tolist(),
        *(ran.fills[name].to_list() for name in ("price_ticks", "reason")),
    )
    assert list(zip(*columns, strict=True)) == [entry, *left]
