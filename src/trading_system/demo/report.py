"""What a demonstration leaves: the comparison, the page, the hashes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trading_system.core_ai.inference.manifest import Manifest
from trading_system.dashboard.notes import RunNotes
from trading_system.dashboard.numbers import Number, numbers_of
from trading_system.dashboard.run_facts import run_of
from trading_system.dashboard.run_page import run_page
from trading_system.dashboard.story import outcome
from trading_system.demo.scene import Scene
from trading_system.demo.supervisor import Told
from trading_system.desk.audit import Difference, Tally, compare, tallies
from trading_system.ports import Entry

PAGE: Final = "report.html"
LEDGER: Final = "ledger.json"
"""The exchange's own books, as it told them at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of a demonstration.

    Attributes:
        done: What was done to the run, and what came of it, in a few sentences.
        hashes: What -> SHA-256; the same on every run of the same scene.
    """

    page: Path
    done: str
    numbers: tuple[Number, ...]
    tallies: tuple[Tally, ...]
    differences: tuple[Difference, ...]
    hashes: Mapping[str, str]


def report(scene: Scene, told: Told, entries: Sequence[Entry], config: Mapping[str, str], out: Path) -> Report:
    """Compare the books, write page and ledger into `out`, and return what there is to say.

    Args:
        entries: The whole journal.
        config: The settings to show: path -> value as text.
    """
    hashes = {
        "data": scene.data_hash,
        "ledger": str(told.ledger["hash"]),
        "journal": entries[-1].hash.hex(),
        **({"model": scene.model.model_sha256} if scene.model else {}),
    }
    notes = RunNotes(
        real_bars=scene.real_bars,
        market=scene.words,
        interval=scene.listing.interval,
        seed=scene.seed,
        hashes=hashes,
        metrics={} if scene.model is None else scores_of(scene.model),
        verdict="" if scene.model is None else scene.model.verdict,
        config=config,
        kills=told.kills,
        mishaps=told.mishaps,
    )
    page = run_page(entries, told.ledger, notes)
    market = "real bars" if scene.real_bars else "synthetic"
    (out / LEDGER).write_text(json.dumps({"market": market, **told.ledger}, indent=1) + "\n", encoding="utf-8")
    path = out / PAGE
    path.write_text(page, encoding="utf-8")
    return Report(
        page=path,
        done=_done(entries, told),
        numbers=numbers_of(run_of(entries)),
        tallies=tallies(entries, told.ledger),
        differences=tuple(compare(entries, told.ledger)),
        hashes={**hashes, "page": hashlib.sha256(page.encode()).hexdigest()},
    )


def _done(entries: Sequence[Entry], told: Told) -> str:
    """Return what was done to the run and what came of it."""
    killed = [
        f"The engine was killed by SIGKILL while the answer to {kill.client_order_id} was withheld, and started again; "
        f"of that order its journal says: {outcome(entries, kill.client_order_id)}."
        for kill in told.kills
    ]
    mishaps = [
        f"{mishap.kind.capitalize()} at {mishap.client_order_id}: "
        f"{outcome(entries, mishap.client_order_id, stream_cut_ns=mishap.ns if mishap.breaks_stream else None)}."
        for mishap in told.mishaps
    ]
    return "\n".join([*killed, *mishaps]) or "No order fitted the plan: nothing was killed. Take more days."


def scores_of(model: Manifest) -> dict[str, dict[str, str]]:
    """Return the scores of the model and its baselines as they are shown: who -> score -> text."""
    return {
        who.replace("_", " "): {
            "accuracy": f"{scores.accuracy:.1%}",
            "log loss (0.693: even odds)": f"{scores.log_loss:.4f}",
            "Brier (0.25: even odds)": f"{scores.brier:.4f}",
            "Matthews correlation": f"{scores.mcc:+.3f}".replace("-", "−"),
            "gross move, bps": f"{scores.gross_bps:+.1f}".replace("-", "−"),
        }
        for who, scores in model.scores.items()
    }
