"""One run as one page: offline, in a single file, made from the journal and the venue's ledger by pure functions.

The same inputs give the same bytes. The page loads nothing: its charts' program is inside, and its own policy forbids
the browser to ask anybody for anything.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs

from trading_system.dashboard.charts import charts_of
from trading_system.dashboard.notes import RunNotes
from trading_system.dashboard.numbers import numbers_of
from trading_system.dashboard.run_facts import Run, run_of
from trading_system.dashboard.story import Moment, kill_story, outcome
from trading_system.desk.audit import Difference, Tally, compare, tallies
from trading_system.market.timestamps import NS_PER_S, iso
from trading_system.ports import Entry


def run_page(entries: Sequence[Entry], ledger: Mapping[str, Any], notes: RunNotes) -> str:
    """Return the page of one run, a whole HTML document.

    Args:
        entries: The whole journal, in order.
        ledger: What the local exchange answers to GET /testnet/ledger.
        notes: What neither of them knows.

    Raises:
        DataError: The journal holds no decision.
        InvariantBroken: Its facts cannot follow one another.
    """
    run = run_of(entries)
    differences = compare(entries, ledger)
    sections = (
        _numbers(run),
        _charts(run, notes),
        *(_kill(kill_story(entries, kill), kill.client_order_id, at) for at, kill in enumerate(notes.kills)),
        _mishaps(entries, notes),
        _books(tallies(entries, ledger), entries),
        _model(notes),
        _origin(notes),
    )
    page = Template(files("trading_system.dashboard").joinpath("run_page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=escape(_title(run, notes, differences)),
        lede=escape(_lede(run, notes)),
        plain=_plain(notes),
        verdict=_verdict(differences),
        sections="\n".join(section for section in sections if section),
        footer=_footer(run),
        plotly=get_plotlyjs(),
        figures=_inside_a_script(json.dumps(charts_of(run, notes), separators=(",", ":"))),
    )


def _title(run: Run, notes: RunNotes, differences: Sequence[Difference]) -> str:
    hours = (run.marks[-1].ns - run.marks[0].ns) // (3_600 * NS_PER_S)
    span = _counted(hours, "hour") if hours < 48 else _counted(hours // 24, "day")
    market = "real bars" if notes.real_bars else "a synthetic market"
    kills = f", {_counted(len(notes.kills), 'kill')}" if notes.kills else ""
    return f"{span} of {market}{kills}, {'exact books' if not differences else 'books that differ'}"


def _lede(run: Run, notes: RunNotes) -> str:
    sleeves = " and ".join(f"{sleeve.strategy} on {sleeve.instrument.symbol}" for sleeve in run.sleeves)
    span = f"{iso(run.marks[0].ns)[:10]} to {iso(run.marks[-1].ns)[:10]}"
    return f"Strategy {sleeves}, {notes.interval} bars, {span}, on the local exchange. {notes.market}"


def _plain(notes: RunNotes) -> str:
    if notes.real_bars:
        return (
            "<strong>Real bars, pretended orders.</strong> The prices happened; our orders did not, and moved nobody's "
            "market. One run over one stretch of the past is no evidence of profit."
        )
    return (
        "<strong>A synthetic market with a planted pattern.</strong> The model found what was put there to be found. "
        "This page shows that the machinery keeps its books; it is no evidence of profit."
    )


def _verdict(differences: Sequence[Difference]) -> str:
    if not differences:
        return (
            '<div class="verdict equal"><strong>EQUAL</strong> – every order, execution and balance in our journal is '
            "the venue's; no order was sent twice, and no open position was left without its stop.</div>"
        )
    listed = "".join(f"<li>{escape(str(difference))}</li>" for difference in differences)
    return (
        f'<div class="verdict different"><strong>DIFFERENT</strong> – our books and the venue\'s do not agree in '
        f"{_counted(len(differences), 'place')}:<ul>{listed}</ul></div>"
    )


def _numbers(run: Run) -> str:
    cards = "".join(
        f'<div class="number" tabindex="0"><dt><span>{escape(number.name)}</span></dt>'
        f'<dd class="value">{escape(number.text)}</dd><dd class="remark">{escape(number.remark)}</dd>'
        f'<dd class="how" role="tooltip">{escape(number.formula)}</dd></div>'
        for number in numbers_of(run)
    )
    return _section(
        "Key numbers", "Point at a number to see how it is worked out.", f'<dl class="numbers">{cards}</dl>'
    )


def _charts(run: Run, notes: RunNotes) -> str:
    made_up = "" if notes.real_bars else " (synthetic)"
    prices = "".join(
        _section(
            f"{sleeve.instrument.symbol}{made_up}: price, entries, exits and stops",
            "The band is each bar's range, the line its close. An amber step is a stop that rested at the venue, "
            "from its confirmation to its end.",
            _chart(f"price-{at}"),
        )
        for at, sleeve in enumerate(run.sleeves)
    )
    return "".join(
        (
            _section(
                "Equity and drawdown",
                "Marked at every close, after fees and slippage; buy and hold pays neither. Drag over any chart to "
                "zoom all of them; a double click goes back.",
                _chart("equity") + _chart("drawdown"),
            ),
            prices,
            _section(
                "What trading cost",
                "Fees, and slippage against the close that the decision saw (for a stop: against its trigger), summed "
                "up. Below zero the market came our way.",
                _chart("costs"),
            ),
        )
    )


def _chart(place: str) -> str:
    return f'<div class="card"><div class="chart" id="{place}"></div></div>'


def _kill(story: Sequence[Moment], name: str, at: int) -> str:
    steps = "".join(
        f'<li class="{moment.who}"><time>{iso(moment.ns)[5:19].replace("T", " ")}</time>'
        f'<span class="what">{escape(moment.what)}</span>'
        f'<span class="seq">{"" if moment.seq is None else f"journal #{moment.seq}"}</span>'
        f'<span class="words">{escape(moment.words)}</span></li>'
        for moment in story
    )
    return _section(
        "What happened at the kill",
        f"The life of order <code>{escape(name)}</code>, in the order our journal heard of it. Times are the venue's, "
        "whose clock stands still until the engine is ready for the next moment. The two steps without a number "
        "happened outside the engine; its journal could not know them.",
        f'{_chart(f"closeup-{at}")}<ol class="story">{steps}</ol>',
    )


def _mishaps(entries: Sequence[Entry], notes: RunNotes) -> str:
    if not notes.mishaps:
        return ""
    rows = (
        (
            iso(mishap.ns)[:19].replace("T", " "),
            escape(mishap.kind),
            _code(mishap.client_order_id),
            escape(outcome(entries, mishap.client_order_id, stream_cut_ns=mishap.ns if mishap.breaks_stream else None)),
        )
        for mishap in notes.mishaps
    )
    return _section(
        "The rest of the weather",
        "What else was done to the connection on purpose, and what came of it.",
        _table(("when", "what", "order", "what came of it"), rows),
    )


def _books(rows: Iterable[Tally], entries: Sequence[Entry]) -> str:
    cells = (
        (
            escape(tally.kind),
            str(tally.ours),
            str(tally.theirs),
            _code(tally.our_hash[:16]),
            _code(tally.their_hash[:16]),
            "equal" if tally.equal else "different",
        )
        for tally in rows
    )
    heads = ("", "our journal", "venue's ledger", "hash of our rows", "hash of theirs", "verdict")
    return _section(
        "Our books against the venue's ledger",
        f"Ours are a fold of the journal's {len(entries)} facts, worked out anew for this page; theirs is what the "
        "exchange itself counts. Equal hashes mean equal rows: every order's side, size, prices and end; every "
        "execution's number, size, price and fee; every balance.",
        _table(heads, cells),
    )


def _model(notes: RunNotes) -> str:
    if not notes.metrics:
        return ""
    names = list(dict.fromkeys(name for scores in notes.metrics.values() for name in scores))
    rows = ((escape(who), *(escape(scores.get(name, "–")) for name in names)) for who, scores in notes.metrics.items())
    return _section(
        "The model beside its baselines",
        f"Scores on bars that it was not trained on. {escape(notes.verdict)}",
        _table(("", *names), rows),
    )


def _origin(notes: RunNotes) -> str:
    labels = {} if notes.real_bars else {"data": "data (synthetic)"}
    hashes = [(escape(labels.get(what, what)), _code(value)) for what, value in notes.hashes.items()]
    config = [(_code(path), _code(value)) for path, value in sorted(notes.config.items())]
    folded = (
        f'<details class="wrap"><summary>Configuration, {len(config)} settings</summary>{_rows(config)}</details>'
        if config
        else ""
    )
    return _section(
        "Where it all came from",
        "The same seed and the same files give the same hashes, on every run.",
        f'<div class="card wrap">{_rows([("seed", _code(str(notes.seed))), *hashes])}</div>{folded}',
    )


def _footer(run: Run) -> str:
    return (
        f"Made from {run.entries} facts that {_counted(run.starts, 'process', 'processes')} wrote down before acting "
        "on them. This file is complete: it needs no network and asks nobody for anything."
    )


def _section(title: str, words: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2><p>{words}</p>{body}</section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f'<div class="card"><table><thead><tr>{top}</tr></thead><tbody>{_body(rows)}</tbody></table></div>'


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return f"<table><tbody>{_body(rows)}</tbody></table>"


def _body(rows: Iterable[Sequence[str]]) -> str:
    """Return table rows; the cells are HTML already, the first names its row."""
    return "".join(
        f'<tr><th scope="row">{first}</th>{"".join(_cell(cell) for cell in cells)}</tr>' for first, *cells in rows
    )


def _cell(cell: str) -> str:
    return f'<td class="{cell}">{cell}</td>' if cell in ("equal", "different") else f"<td>{cell}</td>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


def _counted(count: int, one: str, many: str = "") -> str:
    """Return a count and its noun.

    >>> _counted(1, "day"), _counted(2, "process", "processes")
    ('1 day', '2 processes')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def _inside_a_script(text: str) -> str:
    """Return JSON that no parser of HTML can take for the end of its script."""
    return text.replace("<", "\\u003c")
