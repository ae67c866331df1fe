"""Who may trade: a table of who signed against what is at stake."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading_system.core_ai.inference import signing
from trading_system.core_ai.inference.manifest import DEMO_MODEL, Artefact, read, sign
from trading_system.core_ai.inference.trust import Trust, admit, standing
from trading_system.errors import ConfigurationError

OURS, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
KEYS = frozenset({signing.public_of(OURS)})


def signed_by(who: str, folder: Path) -> Artefact:
    """Return the model that ships as `who` would have signed it."""
    shutil.copytree(DEMO_MODEL, folder)
    keys = {"us": OURS, "a stranger": STRANGER, "everybody": signing.private_key("demo")}
    if who == "nobody":
        (folder / "manifest.sig").unlink()
        return read(folder)
    return sign(folder, keys[who])


@pytest.mark.parametrize(
    ("who", "play", "play_with_unsigned", "real"),
    [
        ("us", True, True, True),
        ("a stranger", False, False, False),
        ("everybody", True, True, False),
        ("nobody", False, True, False),
    ],
)
@pytest.mark.parametrize("allow_unsigned", [False, True])
def test_who_signed_decides_what_it_may_trade(
    tmp_path: Path, who: str, play: bool, play_with_unsigned: bool, real: bool, allow_unsigned: bool
) -> None:
    """Real money needs one of our keys whatever else is set; a signature that is not known is worse than none."""
    artefact = signed_by(who, tmp_path / "model")
    may = {False: play_with_unsigned if allow_unsigned else play, True: real}
    for real_money, allowed in may.items():
        trust = Trust(keys=KEYS, real_money=real_money, allow_unsigned=allow_unsigned)
        if allowed:
            admit(artefact, trust)
        else:
            with pytest.raises(ConfigurationError, match=artefact.manifest.name):
                admit(artefact, trust)


def test_even_a_trusted_demo_key_moves_no_real_money(tmp_path: Path) -> None:
    """Should it get among the trusted keys by another way than the settings, it is refused all the same."""
    artefact = signed_by("everybody", tmp_path / "model")
    with pytest.raises(ConfigurationError, match="everybody knows"):
        admit(artefact, Trust(keys=KEYS | {signing.DEMO_PUBLIC}, real_money=True))


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("us", f"signed by {signing.public_of(OURS)[:16]}, trusted"),
        ("a stranger", f"signed by {signing.public_of(STRANGER)[:16]}, not trusted"),
        ("everybody", "signed by the demo key, which everybody knows"),
        ("nobody", "not signed"),
    ],
)
def test_the_standing_is_told_in_words(tmp_path: Path, who: str, words: str) -> None:
    """As lists and cards show it."""
    assert standing(signed_by(who, tmp_path / "model"), KEYS) == words
