"""Every setting of the house: one frozen tree, checked once, each value with a known source.

A value comes from the first of these that has it: the command line (`--set risk.max_drawdown=0.2`), the
environment (`TRADING_RISK__MAX_DRAWDOWN=0.2`), the secrets folder (one file a key), `config/env/<env>.yaml`,
the default written here. Each room is handed its own few values, never the tree.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, SettingsConfigDict

from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.risk_management.exposure import MAX_SLACK
from trading_system.utils.layers import Keys, files_in, in_words, leaves, nested, parsed_yaml
from trading_system.utils.redaction import MASK
from trading_system.utils.sections import LISTED, Count, Number, Section, Share, Symbol

PREFIX: Final = "TRADING_"
FILE_ENDING: Final = ".yaml"
NOT_SETTINGS: Final = frozenset({"TRADING_ENV", "TRADING_SECRETS_DIR"})
"""Variables that say where to look; every other `TRADING_...` must name a setting."""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class AccountSettings(Section):
    """Whose orders these are."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,11}$")] = "main"
    """Name of the account, part of every client order id: 1 to 12 of a-z, 0-9 and -."""


class VenueSettings(Section):
    """Where orders meet."""

    name: Literal["binance"] = "binance"
    """The venue."""
    environment: Literal["local", "testnet", "live"] = "local"
    """`local` is the exchange in this package, `testnet` the venue's own play money, `live` is real money."""
    rest_url: str | None = None
    """Address of the REST API; none for the one the connector knows for the environment."""
    stream_url: str | None = None
    """Address of the market streams; none likewise."""
    ws_api_url: str | None = None
    """Address of the WebSocket API with the user data stream; none likewise."""
    symbols: Annotated[tuple[Symbol, ...], LISTED, Field(min_length=1)] = ("BTCUSDT",)
    """The venue's strings for what is traded, in the order of decision; written A,B or as a list."""
    recv_window_ms: Annotated[Count, Field(ge=1, le=5_000)] = 5_000
    """How long a signed request stays valid, ms, 1..5000; a lost order may appear that much later."""
    step: bool = False
    """Move the local exchange's clock bar by bar, when the desk is ready for the next."""

    @field_validator("symbols")
    @classmethod
    def _once_each(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(symbols)) != len(symbols):
            raise ValueError("each symbol once")
        return symbols

    @model_validator(mode="after")
    def _play_money_stays_home(self) -> Self:
        """Refuse an address of our own choosing where it could reach a real market unasked."""
        for key in ("rest_url", "stream_url", "ws_api_url"):
            url = getattr(self, key)
            if url is not None and self.environment != "live" and not _is_loopback(url):
                raise ValueError(f"{key} on this machine (127.0.0.1) unless environment is live, not {url!r}")
        return self


class DataSettings(Section):
    """The bars that decisions are made on."""

    interval: str = "15m"
    """Length of a bar as venues write it: 1m, 15m, 1h, 1d."""
    history_bars: Annotated[Count, Field(ge=1, le=1_000_000)] = 1_000
    """How many closed bars to collect before the first decision, 1..1000000."""
    store: Path = Path("runs/bars")
    """Folder of the bar store."""

    @field_validator("interval")
    @classmethod
    def _understood(cls, name: str) -> str:
        try:
            interval_ns(name)
        except ConfigurationError:
            raise ValueError("an interval like 1m, 15m, 1h or 1d") from None
        return name


class MetricsSettings(Section):
    """What is collected besides bars: on-chain metrics and funding rates."""

    providers: Annotated[tuple[Literal["coin_metrics", "mempool_space", "binance_funding"], ...], LISTED] = ()
    """Who may be asked; nobody who is not named here. Each has its license: `trading-system data metrics providers`."""
    lag_h: Annotated[Number, Field(gt=0, le=8_760)] | None = None
    """Hours after its span before a value counts as public where the provider does not say when; none for its usual."""


class StrategySettings(Section):
    """Who forms the view."""

    name: Literal["lstm", "momentum"] = "lstm"
    """The strategy: `lstm` is the trained network, `momentum` the plain rule that it must beat."""
    model: str = "demo"
    """Folder of the model; `champion` is the one that was promoted, `demo` the small one in this package."""


class ModelSettings(Section):
    """Which models may trade. With real money only one that a trusted key signed; nothing here changes that."""

    registry: Path = Path("runs/models")
    """Folder of the models of which one is the champion; see `trading-system models`."""
    trusted_keys: Annotated[tuple[str, ...], LISTED] = ()
    """Public keys whose signature is believed: 64 hexadecimal digits each, or the path of a PEM file."""
    allow_unsigned: bool = False
    """Let play money follow a model that nobody signed; real money never does."""


class PolicySettings(Section):
    """What to do about a view. Each number means what `blotter.state.Policy` says of it."""

    kelly_share: Share = 0.25
    """Part of full Kelly to stake, 0..1."""
    kelly_cap: Share = 0.02
    """Largest fraction of equity ever staked (lost at the stop) on one position, 0..1."""
    max_exposure: Annotated[Number, Field(gt=0, le=10)] = 0.5
    """Largest notional of one position, a fraction of equity, > 0 and at most 10."""
    enter_above: Share = 0.55
    """Enter only if the probability of a rise is at least this, 0..1, above `leave_below`."""
    leave_below: Share = 0.5
    """Leave once the probability of a rise is at most this, 0..1."""
    round_trip_cost: Share = 0.002
    """Fees, spread and slippage of going in and out, a fraction of the price, 0..1."""
    atr_stop: Annotated[Number, Field(gt=0, le=100)] = 3.0
    """Distance of the protective stop below the close, in multiples of ATR, > 0 and at most 100."""
    stop_step: Annotated[Number, Field(ge=0, le=100)] = 0.5
    """Move a resting stop only if it gains at least this multiple of ATR, 0..100."""
    stop_slack: Annotated[Number, Field(ge=0, le=MAX_SLACK)] = 0.005
    """How far below the stop its limit price lies, a fraction of the stop price, 0..0.25."""
    cash_buffer: Share = 0.01
    """How far above the close a market buy may fill when cash is reserved for it, a fraction, 0..1."""
    stop_mode: Literal["trailing", "fixed"] = "trailing"
    """Whether the stop follows the price or stays where the entry set it."""
    max_bars: Annotated[Count, Field(ge=0)] = 0
    """Leave after this many bars in the position, >= 0; 0 for no limit."""

    @model_validator(mode="after")
    def _leave_below_entering(self) -> Self:
        if not self.leave_below < self.enter_above:
            raise ValueError(f"leave_below ({self.leave_below}) below enter_above ({self.enter_above})")
        return self


class RiskSettings(Section):
    """The brakes."""

    max_drawdown: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    """Largest fall of equity from its peak, a fraction, 0 < limit < 1; past it, no new risk until a person releases."""
    max_daily_loss: Annotated[Number, Field(gt=0, le=1)] = 1.0
    """Largest fall of equity since the UTC day began, a fraction, 0 < limit <= 1; past it, no new risk that day."""
    max_gross: Annotated[Number, Field(gt=0, le=10)] = 1.0
    """Largest sum of all positions and live entries, a fraction of equity, > 0 and at most 10."""


class JournalSettings(Section):
    """Where the facts are written before anyone acts on them."""

    path: Path = Path("runs/journal.sqlite3")
    """The SQLite file."""


class TelemetrySettings(Section):
    """What is told to the outside."""

    metrics_port: Annotated[Count, Field(ge=1024, le=65_535)] | None = None
    """Port on this machine that serves `/metrics`, 1024..65535; none to serve nothing."""
    log_path: Path | None = None
    """File for the JSON log lines; none for standard error."""


class SecretSettings(Section):
    """What nobody may read: from the environment or the secrets folder only, never from a file of settings."""

    api_key: SecretStr | None = None
    """The venue's key."""
    api_secret: SecretStr | None = None
    """The secret that signs requests."""


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        env_prefix="TRADING_",
        env_nested_delimiter="__",
        env_parse_none_str="null",
        enable_decoding=False,
    )

    mode: Literal["paper", "live"] = "paper"
    """`live` allows real money; it is believed only from a file, and only with `--real-money`."""
    account: AccountSettings = AccountSettings()
    venue: VenueSettings = VenueSettings()
    data: DataSettings = DataSettings()
    metrics: MetricsSettings = MetricsSettings()
    strategy: StrategySettings = StrategySettings()
    model: ModelSettings = ModelSettings()
    policy: PolicySettings = PolicySettings()
    risk: RiskSettings = RiskSettings()
    journal: JournalSettings = JournalSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    secrets: SecretSettings = SecretSettings()

    _sources: dict[Keys, str] = PrivateAttr(default_factory=dict)

    def source(self, path: str) -> str:
        """Return where the value at `path` ("risk.max_drawdown") came from, in words."""
        return _source(tuple(path.split(".")), self._sources)


class Row(NamedTuple):
    """One setting as it may be shown."""

    path: str
    value: object
    """A plain JSON value; masked for a secret that is set."""
    source: str


class Layer(NamedTuple):
    """What one source says."""

    values: dict[str, Any]
    name: Callable[[Keys], str]
    """Names the source of the value at a path, in words."""


def load(assignments: Sequence[str] = (), *, env: str | None = None, folder: Path = Path("config/env")) -> Settings:
    """Return the settings of environment `env`, checked, each value from its highest source.

    Args:
        assignments: From the command line, each `path=value`, the value written as in YAML.
        env: Name of the file in `folder`; the default is `TRADING_ENV`, then `dev`. A file that is
            named must exist; without a name, a missing `dev` file leaves the defaults.
        folder: Where the environments' files stand.

    Raises:
        ConfigurationError: One line for each key that is unknown or out of range, with its path, its
            value, its source and what was expected.
    """
    layers = (
        _command_line(assignments),
        _environment(),
        _secrets(os.environ.get("TRADING_SECRETS_DIR")),
        _file(env or os.environ.get("TRADING_ENV"), folder),
    )
    sources = {keys: layer.name(keys) for layer in reversed(layers) for keys, _ in leaves(layer.values)}
    try:
        settings = Settings(_build_sources=(tuple(InitSettingsSource(Settings, layer.values) for layer in layers), {}))
    except ValidationError as error:
        lines = [_line(problem, sources) for problem in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(lines)) from None  # the cause carries the values, secrets too
    settings._sources.update(sources)
    return settings


def provenance(settings: Settings) -> list[Row]:
    """Return every setting with its value and source, secrets masked, in the order of the tree."""
    return [
        Row(".".join(keys), MASK if value and keys[0] == "secrets" else value, _source(keys, settings._sources))
        for keys, value in leaves(settings.model_dump(mode="json"))
    ]


def described() -> list[tuple[str, object, str]]:
    """Return the path, default and meaning of every setting, in the order of the tree."""
    meanings = []
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        keys = {f"{name}.{key}": part for key, part in inner.items()} if inner else {name: field}
        meanings += [(path, part.default, " ".join((part.description or "").split())) for path, part in keys.items()]
    return meanings


def check_real_money(settings: Settings, flag: bool) -> None:
    """Refuse to go near real money unless everything that must say so does; `flag` is `--real-money`.

    Raises:
        ConfigurationError: The venue is live and the mode, the mode's source or the flag does not
            agree; or real money was asked for and the venue is not live.
    """
    environment, mode_from = settings.venue.environment, settings.source("mode")
    if environment != "live":
        if flag:
            raise ConfigurationError(f"--real-money, but venue.environment is {environment}: expected live")
        return
    if settings.mode != "live" or not mode_from.endswith(FILE_ENDING):
        raise ConfigurationError(
            f"venue.environment is live, but mode is {settings.mode} ({mode_from}): "
            "real money needs mode: live in the environment's file"
        )
    if not flag:
        raise ConfigurationError("venue.environment is live: real money needs --real-money on the command line as well")


def _command_line(assignments: Sequence[str]) -> Layer:
    pairs = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = tuple(path.strip().split("."))
        if not equals or not all(keys):
            raise ConfigurationError(f"--set {assignment}: expected path=value, as in risk.max_drawdown=0.2")
        if keys[0] == "secrets":
            raise ConfigurationError(
                f"--set {path}: everyone on the machine can read a command line; use a secrets file"
            )
        pairs.append((keys, parsed_yaml(text, f"--set {assignment}")))
    return Layer(nested(pairs), lambda _: "command line")


def _environment() -> Layer:
    values = EnvSettingsSource(Settings)()
    for name, text in os.environ.items():  # pydantic passes over what is no setting; a misspelt brake must not be
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            section = name.removeprefix(PREFIX).lower().split("__")[0]
            if section not in Settings.model_fields:
                values[section] = text
    return Layer(values, lambda keys: f"environment {PREFIX}{'__'.join(keys).upper()}")


def _secrets(folder: str | None) -> Layer:
    values = {"secrets": files_in(Path(folder))} if folder else {}
    return Layer(values, lambda keys: f"secrets file {Path(folder or '', keys[-1])}")


def _file(env: str | None, folder: Path) -> Layer:
    path = folder / f"{env or 'dev'}{FILE_ENDING}"
    if not path.is_file():
        if env:
            raise ConfigurationError(f"{path}: there is no such file for the environment {env!r}")
        return Layer({}, lambda _: str(path))
    values = parsed_yaml(path.read_text(encoding="utf-8"), str(path)) or {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: expected sections of keys")
    if "secrets" in values:
        raise ConfigurationError(f"{path}: secrets do not belong in a file of settings; use TRADING_SECRETS_DIR")
    return Layer(values, lambda _: str(path))


def _source(keys: Keys, sources: Mapping[Keys, str]) -> str:
    """Return the source of the value at `keys`, of the list that holds it, or of all that its section holds."""
    held_by = (sources[part] for length in range(len(keys), 0, -1) if (part := keys[:length]) in sources)
    holds = dict.fromkeys(source for path, source in sources.items() if path[: len(keys)] == keys)
    return next(held_by, " and ".join(holds) or "default")


def _line(problem: ErrorDetails, sources: Mapping[Keys, str]) -> str:
    keys = tuple(str(part) for part in problem["loc"])
    known = Settings.model_fields
    if len(keys) > 1:
        known = getattr(Settings.model_fields[keys[0]].annotation, "model_fields", {})
    return in_words(problem, _source(keys, sources), list(known), secret=keys[0] == "secrets")
