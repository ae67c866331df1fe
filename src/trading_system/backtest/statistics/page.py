"""The table of statistics as documentation: `docs/statistics.md` holds it, and a test holds the two together."""

from trading_system.backtest.statistics.table import FORMULAS


def markdown() -> str:
    """Return the table of all statistics, Markdown, a line each."""
    lines = ["| name | label | group | unit | formula | source |", "|---|---|---|---|---|---|"]
    for row in FORMULAS:
        cells = (f"`{row.name}`", row.label, row.group, row.unit, row.formula, row.source)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
