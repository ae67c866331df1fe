"""Which code this is, where it stands in a checkout: read from git's own files, without starting git."""

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parents[3]


def commit(root: Path = HERE) -> str:
    """Return the commit that is checked out at `root`, 40 hexadecimal digits; "" where that cannot be told.

    Source: git documentation, "gitrepository-layout": HEAD, refs, packed-refs, commondir.
    """
    if not (root / "src" / "trading_system").is_dir():
        return ""
    try:
        folder = root / ".git"
        if folder.is_file():  # of a second working tree: the file names the folder
            folder = root / folder.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        shared = folder / "commondir"
        common = folder / shared.read_text(encoding="utf-8").strip() if shared.is_file() else folder
        if (common / name).is_file():
            return (common / name).read_text(encoding="utf-8").strip()
        packed = (common / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
    except (OSError, UnicodeDecodeError):
        return ""
