"""Every setting, once: its name, its default, what is wrong with a value and how to mend it.

Read from the environment and from a `.env` file beside the working directory; the environment wins.
"""

import difflib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import api_hosts, money, pairs
from bot.errors import SettingsError
from bot.store import master_key, opening
from persona import schema, special
from persona.errors import SchemaError

MAX_DURATION = timedelta(days=3650)
MAX_CATCH_UP = timedelta(days=1)
"""Far less than posts are known as answered (`retention.KEY_LIFE`)."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+)\s*([smhd]?)", str(value).strip().lower())
    seconds = int(found[1][:12]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= MAX_DURATION.total_seconds():
        raise ValueError(
            f"{str(value)[:40]!r} is not a time we can use; write a number and s, m, h or d, such as 30m,"
            f" up to {MAX_DURATION.days}d"
        )
    return timedelta(seconds=seconds)


def _horizon(value: object) -> object:
    if value == timedelta(0) or re.fullmatch(r"0+\s*[smhd]?", str(value).strip().lower()):
        return timedelta(0)
    horizon = _duration(value)
    if isinstance(horizon, timedelta) and horizon > MAX_CATCH_UP:
        raise ValueError(f"{str(value)[:40]!r} is too long; write at most 1d, or 0 to answer nothing that was missed")
    return horizon


def _token(prefix: str, where: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"it does not begin with {prefix!r}; copy the token from {where}")
        return secret

    return AfterValidator(check)


def _whole(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value.strip() or value != value.strip():
        raise ValueError("it is empty, or has spaces around it; copy it from the Slack app's page Basic Information")
    return secret


def _database(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.startswith(opening.POSTGRES):
        if not urlsplit(value).path.strip("/"):
            raise ValueError("it names no database; write postgresql://user:password@host/database")
    elif value.startswith(("postgresql+", "postgres+")):
        raise ValueError("leave out what stands between postgresql and ://; the driver is chosen already")
    elif not value.startswith(opening.SQLITE) or len(value) == len(opening.SQLITE):
        raise ValueError(
            "write sqlite:/// and a path, such as sqlite:///rapport.db, or postgresql://user:password@host/database"
        )
    return secret


def _collector(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("write where the collector takes OTLP over HTTP, such as http://localhost:4318")
    return value


def _key(secret: SecretStr) -> SecretStr:
    master_key.decoded(secret.get_secret_value())
    return secret


def _schema(value: str) -> str:
    try:
        schema.load(value)
    except SchemaError as error:
        raise ValueError(str(error)) from error
    return value


def _categories(value: str) -> str:
    wrong = [name for name in _names(value) if name not in special.FIELDS]
    if wrong:
        raise ValueError(
            f"{wrong[0][:40]!r} cannot be kept; leave it empty, or name some of {', '.join(special.FIELDS)},"
            " with commas between"
        )
    return value


def _names(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip().lower() for name in value.split(",") if name.strip()))


def _admins(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    wrong = [name for name in names if not re.fullmatch(r"slack:[A-Za-z0-9]+|discord:\d+", name)]
    if wrong:
        raise ValueError(
            f"{wrong[0][:40]!r} names nobody; write the platform and the member's id there, such as slack:U123 or"
            " discord:456, separated by commas"
        )
    return ",".join(names)


def _budget(value: object) -> object:
    return money.micros(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
SlackBotToken = Annotated[SecretStr, _token("xoxb-", "the Slack app's page OAuth & Permissions")]
SlackAppToken = Annotated[SecretStr, _token("xapp-", "the Slack app's page Basic Information, App-Level Tokens")]
SlackSecret = Annotated[SecretStr, AfterValidator(_whole)]


class Settings(BaseSettings):
    """The environment, read and checked. Secrets print as asterisks."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    slack_bot_token: SlackBotToken | None = None
    slack_app_token: SlackAppToken | None = None
    slack_signing_secret: SlackSecret | None = None
    slack_client_id: str | None = None
    slack_client_secret: SlackSecret | None = None
    slack_api_url: str = "https://slack.com/api/"
    discord_bot_token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("discord_bot_token", "discord_token")
    )
    discord_guild_id: int | None = None
    discord_shards: Annotated[int, Field(ge=1, le=10_000)] = 1
    discord_api_url: str = "https://discord.com/api/v10"
    discord_gateway_url: str = "wss://gateway.discord.gg/"
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_model: str = "claude-sonnet-5-5"
    persona_model: str = "claude-haiku-5-5"
    persona_schema: Annotated[str, AfterValidator(_schema)] = "workplace"
    persona_key: Annotated[SecretStr, AfterValidator(_key)] | None = None
    persona_consent: Literal["ask", "on", "off"] | None = None
    special_categories: Annotated[str, AfterValidator(_categories)] = ""
    database_url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///rapport.db")
    worker_lease: Duration = timedelta(seconds=10)
    allow_ephemeral_disk: bool = False
    persona_update_every: Annotated[int, Field(ge=1, le=20)] = 1
    learn_within: Duration = timedelta(hours=24)
    learn_mode: Literal["direct", "batch"] = "direct"
    catch_up: Annotated[timedelta, BeforeValidator(_horizon)] = timedelta(minutes=15)
    idle_after: Duration = timedelta(minutes=30)
    probe_after: Duration = timedelta(seconds=75)
    sweep_every: Duration = timedelta(seconds=60)
    message_retention: Duration = timedelta(hours=72)
    reply_retention: Duration = timedelta(hours=24)
    purge_after: Duration = timedelta(hours=72)
    departed_retention: Duration = timedelta(days=30)
    silent_after: Duration = timedelta(days=365)
    admin_user_ids: Annotated[str, AfterValidator(_admins)] | None = None
    monthly_budget: Annotated[int, BeforeValidator(_budget)] | None = None
    """In micro-dollars."""
    member_daily_budget: Annotated[int, BeforeValidator(_budget)] | None = None
    """In micro-dollars."""
    allowed_api_hosts: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_collector)] = ""
    log_level: Literal["debug", "info", "warning", "error"] | None = None
    log_format: Literal["text", "json"] = "text"

    @property
    def allowed_categories(self) -> tuple[str, ...]:
        """The special categories members may agree to."""
        return _names(self.special_categories)

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database_url.get_secret_value().removeprefix(opening.SQLITE))

    @property
    def database_name(self) -> str:
        """The database as it may be said: without a user and a password."""
        parts = urlsplit(self.database_url.get_secret_value())
        if not opening.is_postgres(parts.geturl()):
            return self.database_url.get_secret_value()
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def admins(self) -> frozenset[str]:
        """Who is an admin wherever they are, each as platform and id: `slack:U123`."""
        return frozenset(self.admin_user_ids.split(",")) if self.admin_user_ids else frozenset()

    @property
    def master_key(self) -> bytes | None:
        """What PERSONA_KEY holds; None for the key in the file beside the database."""
        return None if self.persona_key is None else master_key.decoded(self.persona_key.get_secret_value())

    @property
    def has_platform(self) -> bool:
        """Whether Slack or Discord is configured."""
        return self.has_slack or self.discord_bot_token is not None

    @property
    def has_slack(self) -> bool:
        """Whether Slack is configured, for one workspace or for many."""
        return self.slack_bot_token is not None or self.slack_client_id is not None


NAMES = tuple(sorted([*(name.upper() for name in Settings.model_fields), "DISCORD_TOKEN"]))
"""Every variable that is read."""
_BEGINNINGS = tuple({f"{name.partition('_')[0]}_" for name in NAMES} - {"OTEL_"})
"""What is ours; the many variables of OpenTelemetry are not."""


def load(*, as_plugin: bool = False, **overrides: Any) -> Settings:
    """Read and check the settings; `overrides` by field name win over the environment.

    With `as_plugin`, a host connects to Slack in its own way, and nobody asks which variables are missing for that.

    Raises:
        SettingsError: lists every mistake at once, each with its mend and without any secret.
    """
    environment = _environment()
    mistakes = [
        *([] if as_plugin else pairs.mistakes(environment)),
        *_without_key({**environment, **{name.upper(): value for name, value in overrides.items()}}),
        *api_hosts.mistakes(environment),
    ]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        mistakes = [_mistake(entry) for entry in error.errors(include_url=False)] + mistakes
        raise SettingsError(_listed(mistakes)) from None  # the cause would carry the values
    mistakes += [*_taken(settings), *_without_master_key(settings)]
    if mistakes:
        raise SettingsError(_listed(mistakes))
    return settings


def typos() -> list[str]:
    """Variables that look like a setting spelled wrongly, each with what was probably meant."""
    ours = (name for name in _environment() if name.startswith(_BEGINNINGS) and name not in NAMES)
    meant = {name: difflib.get_close_matches(name, NAMES, n=1, cutoff=0.8) for name in sorted(ours)}
    return [f"{name} is not a setting; did you mean {close[0]}?" for name, close in meant.items() if close]


def _environment() -> dict[str, str]:
    """The variables as pydantic-settings sees them: the file under the environment, empty ones left out of both.

    Raises:
        SettingsError: the file is not UTF-8.
    """
    try:
        file = dotenv_values(".env", encoding="utf-8")
    except UnicodeDecodeError:
        raise SettingsError(_listed([".env: the file is not UTF-8; save it as such"])) from None
    given = [(name.upper(), value) for source in (file, os.environ) for name, value in source.items()]
    return {name: value for name, value in given if value}


def _without_key(given: Mapping[str, object]) -> list[str]:
    is_missing = given.get("LEARN_MODE") == "batch" and not given.get("ANTHROPIC_API_KEY")
    return ["LEARN_MODE: it needs ANTHROPIC_API_KEY; without a key, write direct"] * is_missing


def _without_master_key(settings: Settings) -> list[str]:
    if settings.persona_key is not None or not opening.is_postgres(settings.database_url.get_secret_value()):
        return []
    why = "it is missing; PostgreSQL has no file beside it that could hold the key"
    return [f"PERSONA_KEY: {why}; {master_key.HOW_TO_MAKE}"]


def _taken(settings: Settings) -> list[str]:
    try:
        special.with_fields(schema.load(settings.persona_schema), settings.allowed_categories)
    except SchemaError as error:
        return [f"SPECIAL_CATEGORIES: {error}"]
    return []


def _mistake(entry: Any) -> str:
    name = str(entry["loc"][0]).upper()
    reason = str(entry["msg"]).removeprefix("Value error, ")
    return f"{name}: {reason}"


def _listed(mistakes: list[str]) -> str:
    return "The settings cannot be used:\n  " + "\n  ".join(mistakes)
