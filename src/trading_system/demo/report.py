"""What a demonstration leaves: the comparison, the page, the hashes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trading_system.core_ai.inference.manifest import Manifest
from trading_system.dashboard.notes import RunNotes
from trading_system.dashboard.numbers import Number, numbers_of
from trading_system.dashboard.run_facts import run_of
from trading_system.dashboard.run_page import run_page
from trading_system.demo.scene import Scene
from trading_system.demo.supervisor import Told
from trading_system.desk.audit import Difference, Tally, compare, tallies
from trading_system.ports import Entry

PAGE: Final = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of a demonstration.

    Attributes:
        hashes: What -> SHA-256; the same on every run of the same scene.
    """

    page: Path
    numbers: tuple[Number, ...]
    tallies: tuple[Tally, ...]
    differences: tuple[Difference, ...]
    hashes: Mapping[str, str]


def report(scene: Scene, told: Told, entries: Sequence[Entry], config: Mapping[str, str], out: Path) -> Report:
    """Compare the books, write the page into `out`, and return what there is to say.

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
    path = out / PAGE
    path.write_text(page, encoding="utf-8")
    return Report(
        page=path,
        numbers=numbers_of(run_of(entries)),
        tallies=tallies(entries, told.ledger),
        differences=tuple(compare(entries, told.ledger)),
        hashes={**hashes, "page": hashlib.sha256(page.encode()).hexdigest()},
    )


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
