"""From a file of bars to a model that forecasts: the `train` and `data` verbs, as a user runs them."""

import json
import random

import pytest

from trading_system.__main__ import CANNOT, DONE, main
from trading_system.core_ai.inference.manifest import read
from trading_system.core_ai.inference.onnx_forecaster import OnnxForecaster
from trading_system.core_ai.inference.signing import DEMO_PUBLIC
from trading_system.data_pipeline.bar_store import read_bars

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a CSV of 1,500 bars of 15 minutes."""
    chance, close = random.Random(3), 5_000_000
    lines = ["timestamp,open,high,low,close,volume"]
    for index in range(1_500):
        opened, close = close, close + chance.randint(-20_000, 20_000)
        prices = opened, max(opened, close) + 500, min(opened, close) - 500, close
        stamp = 1_704_067_200_000 + index * 15 * MINUTE_MS
        lines.append(",".join([str(stamp), *(f"{p // 100}.{p % 100:02d}" for p in prices), str(chance.random())]))
    path = tmp_path_factory.mktemp("bars") / "btcusdt.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_of_bars_becomes_a_forecaster(file, tmp_path, capsys):
    """Train, read what it says beside the baselines, load it, and ask it about the same bars."""
    out = tmp_path / "model"
    terms = ["--sign", "demo", "--license", "for this test"]
    assert main(["train", "--bars", str(file), "--out", str(out), "--epochs", "2", "--seed", "3", *terms]) == DONE
    printed = capsys.readouterr().out
    for word in ("model", "always_up", "momentum", "reversal", "edge", str(out)):
        assert word in printed
    made = read(out)
    assert (made.signed_by, made.manifest.license) == (DEMO_PUBLIC, "for this test")
    for scores in made.manifest.scores.values():
        low, high = scores.intervals["log_loss"]
        assert low < scores.log_loss < high
    forecaster = OnnxForecaster.load(out)
    from trading_system.cli.data.series import instrument_of

    instrument = instrument_of(venue="binance", symbol="BTCUSDT", tick="0.01", lot="0.00001")
    forecasts = [forecaster.push(bar) for bar in read_bars(file, instrument, 15 * 60_000_000_000)]
    assert sum(forecast.known for forecast in forecasts) > 1_000


def test_the_store_and_the_file_train_the_same_model(file, tmp_path, capsys):
    """Where the bars come from changes no bit of the model, nor does training it again."""
    assert main(["data", "import", str(file), "--store", str(tmp_path / "bars")]) == DONE
    assert "1500 bars read, 1500 of them new" in capsys.readouterr().out
    assert main(["data", "import", str(file), "--store", str(tmp_path / "bars")]) == DONE
    assert "1500 bars read, 0 of them new" in capsys.readouterr().out
    assert main(["data", "ls", "--store", str(tmp_path / "bars"), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["bars"] == 1_500
    common = ["--epochs", "1", "--json", "--out"]
    manifests = []
    for source, out in ((["--bars", str(file)], "a"), (["--store", str(tmp_path / "bars")], "b")):
        assert main(["train", *source, *common, str(tmp_path / out)]) == DONE
        manifests.append(json.loads(capsys.readouterr().out))
    assert manifests[0] == manifests[1]


def test_a_synthetic_market_can_be_written_into_the_store(tmp_path, capsys):
    """The demonstration's model is trained on such bars; the same seed writes the same ones, and their venue tells."""
    for name in ("a", "b"):
        command = ["data", "synthetic", "--seed", "11", "--count", "300", "--store", str(tmp_path / name)]
        assert main(command) == DONE
        assert main(["data", "ls", "--store", str(tmp_path / name), "--json"]) == DONE
    first, second = capsys.readouterr().out.split("300 synthetic bars")[1:]
    assert json.loads(first.splitlines()[1]) == json.loads(second.splitlines()[1])
    assert json.loads(first.splitlines()[1])["venue"] == "synthetic"
    assert main([*command[:-1], str(tmp_path / "c"), "--planted"]) == DONE
    assert "300 synthetic bars with a planted pattern" in capsys.readouterr().out
    assert main(["data", "ls", "--store", str(tmp_path / "c"), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["sha256"] != json.loads(first.splitlines()[1])["sha256"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bars", "{folder}/none.csv"], "no such file"),
        (["--store", "{folder}/none"], "no bars of BTCUSDT 15m"),
        ([], "either --bars FILE or --store DIR"),
        (["--bars", "{file}", "--interval", "fortnight"], "interval 'fortnight' is not understood"),
        (["--bars", "{file}", "--interval", "1h"], "off the grid"),
        (["--bars", "{file}", "--tick", "0.07"], "not a whole tick"),
        (["--bars", "{file}", "--tick", "cheap"], "must be numbers"),
        (["--bars", "{file}", "--horizon", "900"], "collect more"),
        (["--bars", "{file}", "--sign", "{folder}/none"], "this key cannot be read"),
    ],
)
def test_bad_input_is_told_in_one_message(file, tmp_path, capsys, arguments, words):
    """Exit code 2, what is wrong in words, nothing written, no traceback."""
    filled = [each.format(folder=tmp_path, file=file) for each in arguments]
    assert main(["train", *filled, "--out", str(tmp_path / "model")]) == CANNOT
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "model").exists()
