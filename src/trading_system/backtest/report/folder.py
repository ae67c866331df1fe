"""A run's folder: written once, whole, and enough to make its page again to the byte.

No file holds the time or place of its making, so that the same run gives the same bytes anywhere.
"""

import hashlib
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
import yaml

from trading_system.backtest.report.content import complete, plain, report_of
from trading_system.backtest.report.findings import Findings, findings_of
from trading_system.backtest.report.page import page
from trading_system.backtest.report.schema import FORMAT, Report
from trading_system.backtest.report.series import EQUITY, FILLS, HELD, PRICES, Series, series_of
from trading_system.backtest.result import Result
from trading_system.errors import ConfigurationError, DataError

CONFIG: Final = "config.yaml"
REPORT: Final = "report.json"
PAGE: Final = "report.html"
TABLES: Final[Mapping[str, Mapping[str, type[pl.DataType]]]] = {
    "fills.parquet": FILLS,
    "equity.parquet": EQUITY,
    "buy_and_hold.parquet": HELD,
    "prices.parquet": PRICES,
}
"""The tables and their columns, in the order of `Series`."""


class _Form(msgspec.Struct):
    """What is read of a report before the rest is believed to be there."""

    format: int


def write(result: Result, folder: Path, *, findings: Findings | None = None) -> None:
    """Write everything that `result` leaves into `folder`, which is made where there is none.

    Each file appears whole or not at all. Where another run's files stand there already they are replaced; `read`
    notices a folder whose files are of two runs, as a crash in between would leave it.

    Args:
        result: The run.
        folder: Where to write.
        findings: What was worked out from the run; worked out here where it is not given.

    Raises:
        ConfigurationError: The run lacks what every report must say, or `folder` cannot be written.
        DataError: The run has no bar.
    """
    findings = findings_of(result) if findings is None else findings
    complete(result, findings)
    series = series_of(result, findings.held)
    files = {CONFIG: _config(result)}
    frames = (series.fills, series.equity, series.held, series.prices)
    files |= {name: _parquet(frame) for name, frame in zip(TABLES, frames, strict=True)}
    report = report_of(result, findings, series.fills, {name: sha256(content) for name, content in files.items()})
    files[PAGE] = page(report, series).encode()
    files[REPORT] = _json(report)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(folder / name, content)
    except OSError as error:
        raise ConfigurationError(f"{folder}: the run's files cannot be written here: {error.strerror}") from error


def read(folder: Path) -> tuple[Report, Series]:
    """Return what `write` left in `folder`.

    Raises:
        ConfigurationError: A file is missing, or another version of this program wrote it.
        DataError: A file is damaged, or of another run than the rest.
    """
    report = _decoded(folder / REPORT)
    contents = {name: _content(folder / name) for name in (CONFIG, *TABLES)}
    for name, content in contents.items():
        if report.files.get(name) != sha256(content):
            raise DataError(
                f"{folder / name}: is not the file that {REPORT} was written with (its SHA-256 differs): "
                "run the back-test again"
            )
    fills, equity, held, prices = (_frame(folder / name, contents[name]) for name in TABLES)
    return report, Series(fills=fills, equity=equity, held=held, prices=prices)


def rebuild(folder: Path) -> Path:
    """Make the page of the run in `folder` again from its other files, and return where it is.

    Raises:
        ConfigurationError: A file is missing, of another version, or the page cannot be written.
        DataError: A file is damaged, or of another run than the rest.
    """
    path = folder / PAGE
    content = page(*read(folder)).encode()
    try:
        _replace(path, content)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content`, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _config(result: Result) -> bytes:
    """Return every choice and what the run was made with, sorted."""
    made_with: Mapping[str, object] = {
        "code_version": result.code_version,
        "command": result.command,
        "data_sha256": {each.instrument.symbol: each.sha256 for each in result.traded},
        "seed": result.seed,
    }
    text = yaml.safe_dump(plain({**result.config, **made_with}), sort_keys=True, allow_unicode=True, width=120)
    return text.encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    return buffer.getvalue()


def _json(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=2) + b"\n"


def _decoded(path: Path) -> Report:
    content = _content(path)
    try:
        form = msgspec.json.decode(content, type=_Form).format
        if form != FORMAT:
            raise ConfigurationError(f"{path}: was written by another version (format {form}; this reads {FORMAT})")
        return msgspec.json.decode(content, type=Report)
    except msgspec.DecodeError as error:
        raise DataError(f"{path}: is damaged: {error}") from error


def _frame(path: Path, content: bytes) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: is damaged: {error}") from error
    if dict(frame.schema) != TABLES[path.name]:
        raise DataError(f"{path}: its columns are {list(frame.schema)}; expected {[*TABLES[path.name]]}")
    return frame


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}): name the folder that a run wrote with --out"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
