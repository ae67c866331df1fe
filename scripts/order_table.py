"""Write the table of an order's life into docs/orders.md, as blotter/orders.py has it.

python scripts/order_table.py            writes the page
python scripts/order_table.py --check    fails where the page says something else
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

from trading_system.blotter.orders import NEXT, OVER, OrderStatus

PAGE: Final = Path(__file__).parents[1] / "docs" / "orders.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def table() -> str:
    """Return the table in Markdown: a row for each status, a column for each event that moves any order."""
    told = {event for row in NEXT.values() for event in row}
    moving = sorted((e for e in told if any(row.get(e) for row in NEXT.values())), key=lambda e: e.__name__)
    still = sorted(event.__name__ for event in told - set(moving))
    lines = [
        "| an order that is | " + " | ".join(f"`{event.__name__}`" for event in moving) + " |",
        "|---" * (len(moving) + 1) + "|",
    ]
    for status in OrderStatus:
        cells = [_cell(status, NEXT[status], event) for event in moving]
        name = f"**{status}**, over" if status in OVER else f"**{status}**"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "These never change how far an order lived: " + ", ".join(f"`{name}`" for name in still) + "."]
    return "\n".join(lines)


def _cell(status: OrderStatus, row: object, event: object) -> str:
    assert isinstance(row, dict)
    if event not in row:
        return "cannot be"
    after = row[event]
    return "·" if after in (None, status) else f"→ {after}"


def page(text: str) -> str:
    """Return `text` with the table between its marks."""
    return re.sub(f"{BEGIN}.*{END}", f"{BEGIN}\n\n{table()}\n\n{END}", text, flags=re.DOTALL)


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page differs")
    check = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if not check:
        PAGE.write_text(after, encoding="utf-8")
    elif before != after:
        print(f"{PAGE.name} differs from the code: run python scripts/order_table.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
