"""Small pieces of HTML; what is called `text` is escaped here, what is called `body` or `cells` is HTML already."""

from collections.abc import Iterable, Sequence
from html import escape


def section(title: str, words: str, body: str) -> str:
    """Return a section with its heading and, where there are `words`, a paragraph under it; both are text."""
    under = f"<p>{escape(words)}</p>" if words else ""
    return f"<section><h2>{escape(title)}</h2>{under}{body}</section>"


def card(body: str, *, title: str = "") -> str:
    """Return `body` on a card, under a small heading where `title` gives one."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="card">{head}{body}</div>'


def chart(place: str, text: str, *, tall: bool = False) -> str:
    """Return the place of a chart on a card, named for those who cannot see it."""
    kind = "chart tall" if tall else "chart"
    return (
        f'<div class="card drawn"><div class="{kind}" id="{place}" role="img" aria-label="{escape(text)}"></div></div>'
    )


def term(text: str, formula: str) -> str:
    """Return a name whose formula shows when one points at it, and stays when one focuses or taps it."""
    if not formula:
        return escape(text)
    return (
        f'<span class="term" tabindex="0" title="{escape(formula)}">{escape(text)}</span>'
        f'<span class="formula">{escape(formula)}</span>'
    )


def code(text: str) -> str:
    """Return text set as code."""
    return f"<code>{escape(text)}</code>"


def rows(cells: Iterable[Sequence[str]], heads: Sequence[str] = ()) -> str:
    """Return a table; the first cell of each row names it, the others are set right, `heads` are text."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in cells
    )
    return f"<table>{f'<thead><tr>{top}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"


def in_script(json: str) -> str:
    """Return JSON that no parser of HTML can take for the end of its script.

    >>> in_script('"</script>"')
    '"\\\\u003c/script>"'
    """
    return json.replace("<", "\\u003c")
