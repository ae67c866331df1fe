"""Small pictures of curves as SVG: the same numbers, the same bytes; readable on light and on dark pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 52, 40

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line, or a band where `upper` is given.

    Attributes:
        name: For the legend; none where empty.
        points: (x, y), x rising.
        upper: The band's other edge, of the same x.
        dashed: Whether the line is.
    """

    name: str
    color: str
    points: Points
    upper: Points = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Attributes: its words, the marks in rising order (the first and last are its ends), and whether it is a log."""

    words: str
    marks: Sequence[float]
    log: bool = False

    def at(self, value: float) -> float:
        """Return where `value` stands, 0..1; what is beyond an end stands there."""
        low, high = self.marks[0], self.marks[-1]
        kept = min(max(value, low), high)
        if self.log:
            return math.log(kept / low) / math.log(high / low)
        return (kept - low) / (high - low)


def picture(title: str, across: Axis, up: Axis, curves: Sequence[Curve]) -> str:
    """Return an SVG document with axes, marks, a legend and the curves."""

    def place(point: tuple[float, float]) -> str:
        x = LEFT + across.at(point[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - up.at(point[1]) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    parts = [_text(LEFT, 18, title, size=14, weight="600")]
    for mark in across.marks:
        x, y = (float(each) for each in place((mark, up.marks[0])).split(","))
        parts.append(f'<path d="M{x:.1f},{TOP}V{y:.1f}" stroke="#e4e4e0"/>')
        parts.append(_text(x, y + 15, _number(mark), anchor="middle"))
    for mark in up.marks:
        x, y = (float(each) for each in place((across.marks[0], mark)).split(","))
        parts.append(f'<path d="M{x:.1f},{y:.1f}H{WIDTH - RIGHT}" stroke="#e4e4e0"/>')
        parts.append(_text(x - 6, y + 4, _number(mark), anchor="end"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 7, across.words, anchor="end"))
    parts.append(_text(WIDTH - RIGHT, 18, up.words, anchor="end"))
    legend = LEFT
    for curve in curves:
        line = " ".join(place(point) for point in curve.points)
        if curve.upper:
            back = " ".join(place(point) for point in reversed(curve.upper))
            parts.append(f'<polygon points="{line} {back}" fill="{curve.color}" fill-opacity=".18"/>')
        else:
            dash = ' stroke-dasharray="5 4"' if curve.dashed else ""
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{curve.color}" stroke-width="1.6" '
                f'stroke-linejoin="round"{dash}/>'
            )
        if curve.name:
            parts.append(f'<rect x="{legend}" y="31" width="16" height="4" fill="{curve.color}"/>')
            parts.append(_text(legend + 21, 37, curve.name))
            legend += 34 + round(6.3 * len(curve.name))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="11" fill="#333">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fcfcfa"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def _number(value: float) -> str:
    """Return a mark's words.

    >>> _number(0.001), _number(12.0), _number(50000)
    ('0.001', '12', '50,000')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
