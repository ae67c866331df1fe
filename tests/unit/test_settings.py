"""Settings: who wins, what is refused, and what is never shown."""

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trading_system.blotter.state import Policy
from trading_system.errors import ConfigurationError
from trading_system.settings import (
    NOT_SETTINGS,
    PolicySettings,
    RiskSettings,
    Settings,
    check_real_money,
    load,
    provenance,
)

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT: Final = "risk.max_drawdown"

pytestmark = pytest.mark.usefixtures("bare_environment")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def dev_file(text: str) -> Path:
    return write(Path("config/env/dev.yaml"), text)


@pytest.fixture
def secrets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("TRADING_SECRETS_DIR", str(folder))
    return folder


def test_without_any_source_every_value_is_the_default():
    """Defaults alone are a working set-up: paper, on the local exchange."""
    tree = load()
    assert (tree.mode, tree.venue.environment) == ("paper", "local")
    assert {row.source for row in provenance(tree)} == {"default"}


def test_the_file_beats_the_default():
    dev_file("risk: {max_drawdown: 0.3}")
    tree = load()
    assert tree.risk.max_drawdown == 0.3
    assert tree.source(LIMIT) == "config/env/dev.yaml"


def test_the_environment_beats_the_file(monkeypatch):
    dev_file("risk: {max_drawdown: 0.3}")
    monkeypatch.setenv("TRADING_RISK__MAX_DRAWDOWN", "0.4")
    tree = load()
    assert tree.risk.max_drawdown == 0.4
    assert tree.source(LIMIT) == "environment TRADING_RISK__MAX_DRAWDOWN"


def test_the_command_line_beats_the_environment(monkeypatch):
    monkeypatch.setenv("TRADING_RISK__MAX_DRAWDOWN", "0.4")
    tree = load(["risk.max_drawdown=0.5"])
    assert tree.risk.max_drawdown == 0.5
    assert tree.source(LIMIT) == "command line"


def test_a_source_that_names_one_key_leaves_its_neighbors_alone(monkeypatch):
    """Sections are merged key by key, not replaced."""
    dev_file("policy: {kelly_share: 0.1, atr_stop: 5}")
    monkeypatch.setenv("TRADING_POLICY__ATR_STOP", "6")
    policy = load(["policy.stop_step=1"]).policy
    assert (policy.kelly_share, policy.atr_stop, policy.stop_step) == (0.1, 6.0, 1.0)


def test_a_secret_comes_from_a_file_of_its_name(secrets_folder):
    """A trailing line's end, which editors add, is no part of the secret."""
    write(secrets_folder / "api_key", "of-a-file\n")
    tree = load()
    assert tree.secrets.api_key is not None
    assert tree.secrets.api_key.get_secret_value() == "of-a-file"
    assert tree.source("secrets.api_key") == f"secrets file {secrets_folder / 'api_key'}"


def test_the_environment_beats_the_secrets_folder(secrets_folder, monkeypatch):
    write(secrets_folder / "api_key", "of-a-file")
    monkeypatch.setenv("TRADING_SECRETS__API_KEY", "of-the-environment")
    tree = load()
    assert tree.secrets.api_key is not None
    assert tree.secrets.api_key.get_secret_value() == "of-the-environment"


def test_hidden_files_of_a_mounted_secrets_folder_are_passed_over(secrets_folder):
    """Kubernetes keeps its own bookkeeping under names like ..data in the folder."""
    write(secrets_folder / "..2026_data", "x")
    assert load().secrets.api_key is None


@pytest.mark.parametrize("value", ["[BTCUSDT, ETHUSDT]", "BTCUSDT,ETHUSDT"])
def test_symbols_are_a_list_or_words_with_commas(value, monkeypatch):
    assert load([f"venue.symbols={value}"]).venue.symbols == ("BTCUSDT", "ETHUSDT")
    monkeypatch.setenv("TRADING_VENUE__SYMBOLS", "BTCUSDT,ETHUSDT")
    assert load().venue.symbols == ("BTCUSDT", "ETHUSDT")


def test_null_takes_a_value_away(monkeypatch):
    dev_file("telemetry: {metrics_port: 9464}")
    assert load(["telemetry.metrics_port=null"]).telemetry.metrics_port is None
    monkeypatch.setenv("TRADING_TELEMETRY__METRICS_PORT", "null")
    assert load().telemetry.metrics_port is None


def test_an_environment_that_is_named_must_have_its_file(monkeypatch):
    """A misspelt name must not start the system on defaults."""
    with pytest.raises(ConfigurationError, match=r"config/env/prd\.yaml"):
        load(env="prd")
    monkeypatch.setenv("TRADING_ENV", "prd")
    with pytest.raises(ConfigurationError, match=r"config/env/prd\.yaml"):
        load()


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("TRADING_RISK__MAX_DRAWDWN", r"risk\.max_drawdwn .*: unknown key; did you mean max_drawdown\?"),
        ("TRADING_RISK_MAX_DRAWDOWN", r"risk_max_drawdown .*: unknown key"),
        ("TRADING_MOED", r"moed .*: unknown key; did you mean mode\?"),
    ],
)
def test_a_misspelt_variable_is_refused(monkeypatch, variable, words):
    """A brake that is misspelt must not be passed over in silence."""
    monkeypatch.setenv(variable, "0.1")
    with pytest.raises(ConfigurationError, match=words):
        load()


@pytest.mark.parametrize("text", ["riks: {max_drawdown: 0.1}", "risk: {max_drawdawn: 0.1}", "risk: 0.1", "[a]", "a: ["])
def test_a_file_that_is_not_understood_is_refused_and_named(text):
    dev_file(text)
    with pytest.raises(ConfigurationError, match=r"config/env/dev\.yaml"):
        load()


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("risk.max_drawdown=1", "risk.max_drawdown = 1 (command line): expected less than 1"),
        ("risk.max_drawdown=0", "risk.max_drawdown = 0 (command line): expected greater than 0"),
        ("risk.max_drawdown=.nan", "risk.max_drawdown = nan (command line): expected a finite number"),
        ("policy.kelly_share=yes", "policy.kelly_share = True (command line): expected a number, not yes or no"),
        ("policy.enter_above=0.5", "expected leave_below (0.5) below enter_above (0.5)"),
        (
            "venue.recv_window_ms=5001",
            "venue.recv_window_ms = 5001 (command line): expected less than or equal to 5000",
        ),
        ("venue.symbols=[BTCUSDT, BTCUSDT]", "expected each symbol once"),
        ("venue.symbols=btc/usdt", "venue.symbols.0 = 'btc/usdt' (command line): expected"),
        ("data.interval=15x", "data.interval = '15x' (command line): expected an interval like 1m, 15m, 1h or 1d"),
        ("mode=demo", "mode = 'demo' (command line): expected 'paper' or 'live'"),
        ("telemetry.metrics_port=80", "expected greater than or equal to 1024"),
        (
            "venue.rest_url=https://example.com",
            "expected rest_url on this machine (127.0.0.1) unless environment is live",
        ),
    ],
)
def test_a_value_out_of_range_is_refused_with_path_value_source_and_range(assignment, expected):
    with pytest.raises(ConfigurationError) as refusal:
        load([assignment])
    assert expected in str(refusal.value)


def test_everything_that_is_wrong_is_said_at_once(monkeypatch):
    """One line a problem, whichever source it comes from."""
    monkeypatch.setenv("TRADING_RISK__MAX_DRAWDOWN", "2")
    with pytest.raises(ConfigurationError) as refusal:
        load(["policy.kelly_cap=-1", "venue.nmae=binance"])
    assert [line.split()[0] for line in str(refusal.value).splitlines()] == [
        "venue.nmae",
        "policy.kelly_cap",
        "risk.max_drawdown",
    ]


@pytest.mark.parametrize("assignment", ["risk.max_drawdown", "=3", "risk..max_drawdown=3", "risk.max_drawdown=["])
def test_an_assignment_that_is_not_path_and_value_is_refused(assignment):
    with pytest.raises(ConfigurationError, match="--set"):
        load([assignment])


def test_an_address_on_this_machine_may_be_set_for_play_money():
    tree = load(["venue.rest_url=http://127.0.0.1:8080", "venue.stream_url=ws://[::1]:8081"])
    assert tree.venue.rest_url == "http://127.0.0.1:8080"


def test_a_secret_is_refused_in_a_file_of_settings_and_on_the_command_line():
    """A file is committed some day, and a command line is read by everyone on the machine."""
    with pytest.raises(ConfigurationError, match="use a secrets file"):
        load(["secrets.api_key=open"])
    dev_file("secrets: {api_key: open}")
    with pytest.raises(ConfigurationError, match="secrets do not belong"):
        load()


def test_a_secret_is_never_shown(secrets_folder, monkeypatch):
    """Neither in the rows, nor in the tree's own text, nor in JSON."""
    write(secrets_folder / "api_secret", "of-a-file")
    monkeypatch.setenv("TRADING_SECRETS__API_KEY", "of-the-environment")
    tree = load()
    rows = {row.path: row.value for row in provenance(tree)}
    assert (rows["secrets.api_key"], rows["secrets.api_secret"]) == ("********", "********")
    for text in (repr(tree), str(tree), tree.model_dump_json(), json.dumps([row.value for row in provenance(tree)])):
        assert "of-a-file" not in text
        assert "of-the-environment" not in text


def test_a_secret_is_not_shown_by_the_error_that_refuses_it(secrets_folder):
    """Nor by what the error was raised from: a traceback prints that too."""
    write(secrets_folder / "api_kye", "of-a-file")
    with pytest.raises(ConfigurationError, match="did you mean api_key") as refusal:
        load(["risk.max_drawdown=2"])
    assert "of-a-file" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_the_tree_is_frozen():
    tree = load()
    with pytest.raises(ValidationError, match="frozen"):
        tree.risk.max_drawdown = 0.9


LIVE: Final = "mode: live\nvenue: {environment: live}\n"


def test_real_money_needs_the_file_and_the_flag():
    dev_file(LIVE)
    check_real_money(load(), flag=True)
    with pytest.raises(ConfigurationError, match="--real-money on the command line as well"):
        check_real_money(load(), flag=False)


@pytest.mark.parametrize("flag", [True, False])
def test_a_mode_that_is_not_from_the_file_is_not_believed(monkeypatch, flag):
    """A variable left over in a shell, or a word typed by habit, is not enough."""
    dev_file("venue: {environment: live}")
    with pytest.raises(ConfigurationError, match=r"mode is paper \(default\)"):
        check_real_money(load(), flag)
    with pytest.raises(ConfigurationError, match=r"mode is live \(command line\)"):
        check_real_money(load(["mode=live"]), flag)
    monkeypatch.setenv("TRADING_MODE", "live")
    with pytest.raises(ConfigurationError, match=r"mode is live \(environment TRADING_MODE\)"):
        check_real_money(load(), flag)


@pytest.mark.parametrize("environment", ["local", "testnet"])
def test_play_money_needs_no_flag_and_refuses_one(environment):
    """Who asks for real money and does not get it is told so."""
    tree = load([f"venue.environment={environment}"])
    check_real_money(tree, flag=False)
    with pytest.raises(ConfigurationError, match=f"venue.environment is {environment}"):
        check_real_money(tree, flag=True)


def test_a_policy_of_settings_has_a_place_for_every_number_of_a_decision():
    """The two lists of names must not drift apart; what only a back-test may choose has its default."""
    only_tested = {name for name in Policy._fields if name.startswith(("size_", "entry_", "take_"))}
    settable = set(PolicySettings.model_fields) | set(RiskSettings.model_fields)
    assert settable == set(Policy._fields) - only_tested
    assert only_tested <= set(Policy._field_defaults)


@pytest.mark.parametrize("path", sorted((ROOT / "config/env").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_the_repository_load_and_play(path):
    """What is committed is valid, and none of it reaches real money."""
    tree = load(env=path.stem, folder=path.parent)
    check_real_money(tree, flag=False)
    assert tree.venue.environment != "live"


def test_every_setting_is_explained():
    """A key's line of explanation states its unit and range; none goes without."""
    for name, section in Settings.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        assert fields or section.description, name
        for key, field in fields.items():
            assert field.description, f"{name}.{key}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)))
def test_whatever_is_written_for_a_brake_it_is_a_fraction_or_refused(value):
    """0 < limit < 1, or the system does not start."""
    try:
        limit = load([f"risk.max_drawdown={json.dumps(value)}"]).risk.max_drawdown
    except ConfigurationError:
        return
    assert 0 < limit < 1


def test_what_is_no_setting_may_be_set(monkeypatch):
    dev_file("")
    for name in NOT_SETTINGS - {"TRADING_SECRETS_DIR"}:
        monkeypatch.setenv(name, "dev")
    assert load().mode == "paper"
