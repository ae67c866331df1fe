"""`trading-system data features`, as a person and as a program use it."""

import json
import math
from pathlib import Path

import polars as pl
import pytest

from trading_system.data_pipeline.normalizers.features import CROSS_SET, HOUSE_SET, KINDS, MODEL_SET, SETS

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "features" / "run_strength.py"


def told(done):
    """The JSON objects that a command printed."""
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_every_kind_and_every_set_is_listed(run):
    """A person finds what there is, and what to write for it."""
    done = run("data", "features", "ls")
    assert done.code == 0
    assert len(done.out.split("\n\n")[0].splitlines()) == len(KINDS)
    for name in SETS:
        assert f"{name} (" in done.out
    assert "rsi_14" in done.out
    assert "since the gap" in done.out


def test_a_set_is_listed_with_its_name(run):
    """The hash that a model's manifest holds."""
    rows = told(run("data", "features", "ls", "--set", "model", "--json"))
    assert [row["name"] for row in rows] == list(MODEL_SET.names)
    assert {row["set"] for row in rows} == {MODEL_SET.name}
    assert {row["anchor"] for row in rows} == {"window"}
    assert MODEL_SET.name in run("data", "features", "ls", "--set", "model").out


def test_features_of_a_file_are_written_whole(run, bars):
    """A row a bar, empty while warming; the file says of which bars and features it is."""
    [done] = told(run("data", "features", "compute", "--bars", bars, "--out", "f.parquet", "--json"))
    table = pl.read_parquet("f.parquet")
    assert table.columns == ["timestamp", *HOUSE_SET.names, "atr"]
    assert (done["rows"], done["defined"], len(table)) == (600, 600 - HOUSE_SET.warm_up + 1, 600)
    assert table["return_1"].null_count() == 1
    assert table["rsi_14"].null_count() == 14
    words = pl.read_parquet_metadata("f.parquet")
    assert (words["features"], words["bars_sha256"]) == (HOUSE_SET.name, done["bars_sha256"])
    closes = pl.read_csv(bars)["close"].to_list()
    assert table["return_4"][-1] == pytest.approx(math.log(closes[-1] / closes[-5]), abs=1e-13)


def test_a_store_is_read_like_a_file(run, bars):
    """The only series of a store need not be named, and gives the same table."""
    run("data", "import", bars)
    run("data", "features", "compute", "--bars", bars, "--out", "a.parquet")
    done = run("data", "features", "compute", "--bars", "data/bars", "--out", "b.parquet")
    assert done.code == 0, done.err
    assert pl.read_parquet("a.parquet").equals(pl.read_parquet("b.parquet"))
    other = run("data", "features", "compute", "--bars", "data/bars", "--interval", "5m", "--out", "b.parquet")
    assert other.code == 2
    assert "there are: BTCUSDT 1m" in other.err


def test_another_instruments_closes_stand_beside_the_bars(run, bars):
    """Beside itself, Bitcoin's change is its own return; where nothing is said of it the command says what to say."""
    arguments = ("data", "features", "compute", "--bars", bars, "--set", "return_1,return_4,return_16,cross")
    assert run(*arguments, "--out", "f.parquet", "--aux", f"btc_close={bars}").code == 0
    table = pl.read_parquet("f.parquet").drop_nulls()
    for name in CROSS_SET.names:
        own = table[name.partition("@")[0].replace("change", "return")]
        assert (table[name] - own).abs().max() < 1e-12
    silent = run(*arguments, "--out", "g.parquet")
    assert silent.code == 2
    assert "--aux btc_close=FILE" in silent.err
    assert not Path("g.parquet").exists()


def test_a_metric_is_joined_as_it_was_public(run, bars, bare_environment):
    """Of two days' values the first is known at every bar but those before it was public; too old is unknown."""
    first = pl.read_csv(bars)["timestamp"][0]
    day = 86_400_000
    Path("btc.csv").write_text(
        f"timestamp,TxCnt,AssetEODCompletionTime\n{first - 2 * day},1000,{(first + 300 * 60_000) // 1000}\n",
        encoding="utf-8",
    )
    done = run("data", "metrics", "import", "btc.csv", "--provider", "coin_metrics", "--asset", "btc")
    assert done.code == 0, done.err
    arguments = ("data", "features", "compute", "--bars", bars, "--set", "level@coin_metrics/btc/TxCnt")
    assert run(*arguments, "--out", "f.parquet").code == 0
    values = pl.read_parquet("f.parquet")["level@coin_metrics/btc/TxCnt"]
    assert values.null_count() == 299  # the 300th bar closes when it is public
    assert values.drop_nulls().unique().to_list() == [1000.0]
    assert run(*arguments, "--out", "f.parquet", "--max-age", "1h").code == 0
    assert pl.read_parquet("f.parquet")["level@coin_metrics/btc/TxCnt"].null_count() == 600


def test_a_feature_of_ones_own_is_a_column_like_any_other(run, bars):
    """By the path of its file."""
    assert (
        run("data", "features", "compute", "--bars", bars, "--set", f"{EXAMPLE},body", "--out", "f.parquet").code == 0
    )
    assert pl.read_parquet("f.parquet").columns == ["timestamp", "run_strength", "body", "atr"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "tomorrow", "--out", "f.parquet"), "no feature 'tomorrow'"),
        (("--set", "nowhere.py", "--out", "f.parquet"), "nowhere.py: cannot be read"),
        (("--set", "house", "--out", "f.csv"), "write to a .parquet file"),
        (("--set", "house", "--aux", "eth=x", "--out", "f.parquet"), "ask for nothing beside the bars"),
        (("--set", "level@a/b/c", "--out", "f.parquet"), "no a b c under data/metrics"),
        (("--set", "level@eth", "--max-age", "7 days", "--out", "f.parquet"), "interval '7 days'"),
    ],
)
def test_what_cannot_be_had_is_one_clear_line(run, bars, arguments, words):
    """Exit code 2, what is wrong and what to do, and no file."""
    done = run("data", "features", "compute", "--bars", bars, *arguments)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert not list(Path().glob("f.*"))
