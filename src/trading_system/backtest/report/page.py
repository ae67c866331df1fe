"""One run as one page: a single file that works without a network and gives the same bytes for the same run.

It loads nothing: plotly's program is inside, as the wheel of plotly ships it, and the page's own policy lets a browser
run only that program and ours, and ask nobody for anything.
"""

import base64
import hashlib
import re
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

import msgspec

from trading_system.backtest.report import headline, sections, tables
from trading_system.backtest.report.charts import charts_of
from trading_system.backtest.report.markup import in_script
from trading_system.backtest.report.schema import Report
from trading_system.backtest.report.series import Series
from trading_system.errors import ConfigurationError


def page(report: Report, series: Series) -> str:
    """Return the page of one run, a whole HTML document.

    Raises:
        ConfigurationError: plotly, whose program draws the charts, is not installed.
    """
    template = files("trading_system.backtest.report").joinpath("page.html").read_text(encoding="utf-8")
    drawing = plotly_program()
    ours = re.search(r"<script>\n(// Ours.*?)</script>", template, re.DOTALL)
    assert ours is not None, "page.html has lost its program"
    charts = charts_of(report, series)
    return Template(template).substitute(
        policy=f"script-src '{_fingerprint(drawing)}' '{_fingerprint(chr(10) + ours[1])}'",
        title=escape(headline.title(report)),
        eyebrow=escape(headline.eyebrow(report)),
        lede=escape(headline.lede(report)),
        banners=headline.banners(report),
        numbers=headline.numbers(report),
        sections="\n".join(sections.sections(report, charts.keys())),
        footer=escape(tables.footer(report)),
        plotly=drawing,
        figures=in_script(msgspec.json.encode(charts).decode()),
    )


def plotly_program() -> str:
    """Return plotly.js as the installed plotly ships it; plotly itself is not imported, which would take long.

    Raises:
        ConfigurationError: plotly is not installed, or without its program.
    """
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ConfigurationError("plotly is not installed: its program draws the report's charts")
    path = Path(found.origin).parent / "package_data" / "plotly.min.js"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: plotly's program cannot be read: install plotly again") from error


def _fingerprint(program: str) -> str:
    """Return what a content security policy calls a script by. Source: W3C, "Content Security Policy Level 3"."""
    return "sha256-" + base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
