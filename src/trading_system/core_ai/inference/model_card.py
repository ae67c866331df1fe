"""A model card: one page of Markdown on what a model is, what it knows and what it does not, from its manifest alone.

Source: Mitchell et al. (2019), "Model Cards for Model Reporting", arXiv:1810.03993.
"""

from typing import Final

from trading_system.core_ai.inference.manifest import Manifest
from trading_system.market.timestamps import iso

_SCORES: Final = (
    ("accuracy", "accuracy", "{:.4f}"),
    ("log_loss", "log-loss", "{:.4f}"),
    ("brier", "Brier", "{:.4f}"),
    ("mcc", "MCC", "{:+.4f}"),
    ("gross_bps", "gross, bps", "{:+.2f}"),
)


def card(manifest: Manifest, standing: str) -> str:
    """Return the card of a model.

    Args:
        manifest: What the model says about itself.
        standing: Who stands behind it, as `trust.standing` says.
    """
    parts = (
        f"# {manifest.name}\n",
        f"{manifest.verdict}\n",
        _facts(manifest, standing),
        "## Scores\n\nOn the newest bars, which no choice was made on; before any cost. In brackets 95 % intervals.\n",
        _scores(manifest),
        "## What it was trained on\n",
        _training(manifest),
        "## What it sees\n",
        _features(manifest),
        "## Limits\n",
        _limits(manifest),
        "## Files\n",
        _table(("file", "SHA-256"), [(f"`{name}`", f"`{digest}`") for name, digest in manifest.files.items()]),
    )
    return "\n".join(parts)


def _facts(manifest: Manifest, standing: str) -> str:
    return _table(
        ("what", "value"),
        [
            ("answers", f"the probability that the price is higher in {manifest.horizon} bars of {manifest.interval}"),
            ("sees", f"the last {manifest.window} bars, {len(manifest.features)} features each"),
            ("a rise, a fall", f"{manifest.gain:.4%}, {manifest.loss:.4%} of the price in the mean, in training"),
            ("signature", standing),
            ("license", _cell(manifest.license)),
            ("seal", f"`{manifest.seal}`"),
        ],
    )


def _scores(manifest: Manifest) -> str:
    rows = []
    for name, row in manifest.scores.items():
        cells = []
        for key, _, form in _SCORES:
            ends = row.intervals.get(key)
            between = f" [{form.format(ends[0])}, {form.format(ends[1])}]" if ends else ""
            cells.append(f"{form.format(getattr(row, key))}{between}")
        rows.append((_cell(name), *cells))
    return _table(("", *(title for _, title, _ in _SCORES)), rows)


def _training(manifest: Manifest) -> str:
    examples = ", ".join(f"{count:,} {_cell(part)}" for part, count in manifest.examples.items())
    plan = ", ".join(f"{_cell(name)} {value:g}" for name, value in manifest.plan.items())
    versions = ", ".join(f"{_cell(name)} {_cell(version)}" for name, version in manifest.versions.items())
    return _table(
        ("what", "value"),
        [
            ("bars", f"{manifest.bars:,} of {manifest.symbol} {manifest.interval}, hash `{manifest.data_sha256}`"),
            ("labels", f"{iso(manifest.trained_from_ns)} to {iso(manifest.trained_to_ns)}"),
            ("examples", examples),
            ("plan", plan),
            ("seed", str(manifest.seed)),
            ("temperature", f"{manifest.temperature:.4f}"),
            ("made with", versions),
        ],
    )


def _features(manifest: Manifest) -> str:
    rows = [
        (
            f"`{name}`",
            *(f"{column[at]:.6g}" for column in (manifest.floor, manifest.low, manifest.high, manifest.ceiling)),
        )
        for at, name in enumerate(manifest.features)
    ]
    head = f"The definition of all of them has the hash `{manifest.feature_set}`.\n\n"
    return head + _table(("feature", "floor", "low", "high", "ceiling"), rows)


def _limits(manifest: Manifest) -> str:
    return (
        f"- It knows {manifest.symbol} over the span above; for another market or later years nothing is claimed.\n"
        "- Outside of floor and ceiling, behind a gap or before it is warm it has no view, and says why.\n"
        "- Its probability is calibrated on the validation part by one number; a market that changes undoes that.\n"
        "- The scores count no fee, spread or slippage: whether an edge is left after them is for a back-test to say.\n"
    )


def _cell(text: str) -> str:
    """Return `text` as it may stand in a table of Markdown: one line, nothing that is markup."""
    return "".join(f"\\{char}" if char in "|`<>[]*_\\" else char for char in " ".join(text.split()))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"
