"""A model card: everything a reader must know, from the manifest alone, and nothing that the manifest cannot say."""

import msgspec

from trading_system.core_ai.inference.manifest import DEMO_MODEL, read
from trading_system.core_ai.inference.model_card import card

MANIFEST = read(DEMO_MODEL).manifest


def test_the_card_says_what_the_manifest_says() -> None:
    """Name, verdict, standing, license, data, seed, hashes, and a row for each forecaster, feature and file."""
    page = card(MANIFEST, "signed by us")
    for word in (
        f"# {MANIFEST.name}",
        MANIFEST.verdict,
        "signed by us",
        MANIFEST.license,
        MANIFEST.data_sha256,
        f"| seed | {MANIFEST.seed} |",
        MANIFEST.feature_set,
        *(f"| `{name}` |" for name in MANIFEST.features),
        *(f"| `{name}` | `{digest}` |" for name, digest in MANIFEST.files.items()),
        *(f"| {name.replace('_', chr(92) + '_')} |" for name in MANIFEST.scores),
    ):
        assert word in page


def test_a_score_stands_with_its_interval() -> None:
    """Between brackets, in the same form as the score."""
    row = msgspec.structs.replace(MANIFEST.scores["model"], accuracy=0.61, intervals={"accuracy": (0.59, 0.63)})
    page = card(msgspec.structs.replace(MANIFEST, scores={"model": row}), "")
    assert "| model | 0.6100 [0.5900, 0.6300] |" in page


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    """Words of others that are markup are written so that they are none: no bar ends a cell, no tag begins."""
    odd = msgspec.structs.replace(MANIFEST, license="mine | <b>yours</b>\nand `theirs`")
    page = card(odd, "not signed")
    assert "mine \\| \\<b\\>yours\\</b\\> and \\`theirs\\`" in page
    widths = []
    for line in page.splitlines():
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(line.replace("\\|", "").count("|"))
        assert widths[0] == widths[-1]
