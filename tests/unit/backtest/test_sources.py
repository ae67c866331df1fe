"""Where bars come from: files by their names, stores by symbol."""

from pathlib import Path

import pytest

from trading_system.backtest.run_folder import check_free, replacing
from trading_system.backtest.sources import sources_of, symbol_of
from trading_system.backtest.study import Source
from trading_system.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT.csv", "BTCUSDT"),
        ("binance_BTCUSDT_1h.parquet", "BTCUSDT"),
        ("BTC_USDT-5m.csv", "BTCUSDT"),
        ("BTCUSDT-1m-2024-01.csv.gz", "BTCUSDT"),
        ("btc-perp-20211231-20220201_1m.csv", "BTC"),
        ("GOOG.csv", "GOOG"),
        ("1m.csv", "BARS"),
    ],
)
def test_a_files_name_tells_the_symbol(name: str, symbol: str) -> None:
    """A part that ends in a quote currency, or two that make one; else the first that is neither date nor interval."""
    assert symbol_of(Path(name)) == symbol


def test_a_symbol_before_the_file_or_a_single_instrument_names_it() -> None:
    assert sources_of(["BTCUSDT=a.csv", "ETHUSDT=b.csv"], []) == [("BTCUSDT", "a.csv"), ("ETHUSDT", "b.csv")]
    assert sources_of(["a.csv"], ["XRPUSDT"]) == [Source("XRPUSDT", "a.csv")]
    assert sources_of(["BTCUSDT.csv"], ["BTC/USDT"]) == [Source("BTC/USDT", "BTCUSDT.csv")]


def test_a_file_called_after_another_instrument_is_not_taken_for_it() -> None:
    """Bars of bitcoin, reported as ether, would only show in their prices."""
    with pytest.raises(ConfigurationError, match="is called after BTCUSDT, not ETHUSDT"):
        sources_of(["binance_BTCUSDT_1h.parquet"], ["ETHUSDT"])
    assert sources_of(["ETHUSDT=BTCUSDT.csv"], ["ETHUSDT"]) == [Source("ETHUSDT", "BTCUSDT.csv")]


def test_of_several_files_those_of_the_instruments_are_taken() -> None:
    assert sources_of(["BTCUSDT.csv", "ETHUSDT.csv"], ["ETHUSDT"]) == [("ETHUSDT", "ETHUSDT.csv")]


def test_a_file_with_an_equals_sign_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x=BTCUSDT.csv"
    path.write_text("")
    assert sources_of([str(path)], [])[0].path == str(path)


def test_a_store_gives_the_symbols_asked_for_or_its_only_one(tmp_path: Path) -> None:
    (tmp_path / "binance/BTCUSDT/1h").mkdir(parents=True)
    assert sources_of([str(tmp_path)], []) == [("BTCUSDT", str(tmp_path))]
    (tmp_path / "binance/ETHUSDT/1h").mkdir(parents=True)
    assert [source.symbol for source in sources_of([str(tmp_path)], ["ETHUSDT", "BTCUSDT"])] == ["ETHUSDT", "BTCUSDT"]
    with pytest.raises(ConfigurationError, match="holds BTCUSDT, ETHUSDT: name those wanted"):
        sources_of([str(tmp_path)], [])


def test_what_cannot_be_a_symbol_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no symbol"):
        sources_of(["../../x=a.csv"], [])


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """Nothing of a run that failed is left, and what was there before it is still there."""
    out = tmp_path / "deep/run"
    with replacing(out) as part:
        (part / "report.json").write_text("1")
        assert not out.exists()
    assert (out / "report.json").read_text() == "1"
    with pytest.raises(RuntimeError):
        _fail_in(out)
    assert (out / "report.json").read_text() == "1"
    with replacing(out) as part:
        (part / "report.json").write_text("3")
    assert (out / "report.json").read_text() == "3"
    assert [path.name for path in out.parent.iterdir()] == ["run"]


def _fail_in(out: Path) -> None:
    with replacing(out) as part:
        (part / "report.json").write_text("2")
        raise RuntimeError


def test_only_an_empty_folder_or_a_runs_own_is_written_to(tmp_path: Path) -> None:
    check_free(tmp_path / "none")
    check_free(tmp_path)
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(ConfigurationError, match=r"holds config.yaml, which is no run's"):
        check_free(tmp_path)
    (tmp_path / "report.json").write_text("")
    check_free(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="is no folder"):
        check_free(tmp_path / "link")
