"""What a person watching sees where there is no terminal."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from trading_system.demo.screen import Screen
from trading_system.demo.supervisor import Progress

HALFWAY = Progress(
    now_ns=1_704_499_200_000_000_000, bars_done=50, bars=100, equity=20_000.5, position=0.25, orders=3, fills=2, pid=7
)


def lines_at(*moments: tuple[float, Progress]) -> list[str]:
    """The lines that progress told at these seconds leaves, where the screen was made at second 0."""
    now = iter([0.0, *(second for second, _ in moments)])
    written = StringIO()
    console = Console(file=written, force_terminal=False, soft_wrap=True)
    screen = Screen(console, symbol="BTCUSDT", base="BTC", quote="USDT", now_s=lambda: next(now))
    with screen.shown():
        for _, progress in moments:
            screen.progress(progress)
    return written.getvalue().splitlines()


def test_a_line_says_how_far_it_is() -> None:
    """Simulated time, bars, equity, position, orders, fills and speed: 50 bars in two seconds."""
    assert lines_at((2.0, HALFWAY)) == [
        "2024-01-06T00:00Z  bar 50/100, equity 20,000.50 USDT, position 0.25000 BTC, 3 orders, 2 fills, 25 bars/s"
    ]


def test_plain_lines_come_no_faster_than_one_a_second() -> None:
    """A log of a demonstration must stay readable; the end is told in any case, and once."""
    done = replace(HALFWAY, bars_done=100)
    told = lines_at((2.0, HALFWAY), (2.2, HALFWAY), (2.9, HALFWAY), (3.1, HALFWAY), (3.2, done), (3.4, done))
    assert [line.split("bar ")[1].split(",")[0] for line in told] == ["50/100", "50/100", "100/100"]
