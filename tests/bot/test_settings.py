"""The settings: every variable read and checked, every mistake said at once with its mend, and no secret said ever."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as unhurried
from hypothesis import strategies as st
from pydantic import SecretStr

from bot import settings
from bot.errors import SettingsError
from bot.settings import NAMES, Settings, load, typos

Set = Callable[..., None]

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1-sesame",
    "SLACK_APP_TOKEN": "xapp-1-sesame",
    "DISCORD_BOT_TOKEN": "discord.sesame",
    "ANTHROPIC_API_KEY": "sk-ant-sesame",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Sets variables."""

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[[str], None]:
    """Writes the .env file."""

    def write(text: str) -> None:
        (tmp_path / ".env").write_text(text, encoding="utf-8")

    return write


def mistakes() -> list[str]:
    """What is wrong with the environment, a line a mistake."""
    with pytest.raises(SettingsError) as caught:
        load()
    first, *lines = str(caught.value).splitlines()
    assert first == "The settings cannot be used:"
    return [line.strip() for line in lines]


def read(loaded: Settings, field: str) -> Any:
    value = getattr(loaded, field)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


# -- what is read -----------------------------------------------------------------------------------------------------


def test_an_empty_environment_is_enough() -> None:
    """With nothing set, Rapport runs in the terminal on a file beside it, with the defaults that are documented."""
    loaded = load()

    assert not loaded.has_platform
    assert loaded.anthropic_api_key is None
    assert loaded.persona_consent is None
    assert loaded.database_path == Path("rapport.db")
    assert (loaded.anthropic_model, loaded.persona_model) == ("claude-sonnet-5-5", "claude-haiku-5-5")
    assert (loaded.idle_after, loaded.sweep_every) == (timedelta(minutes=30), timedelta(seconds=60))
    assert (loaded.message_retention, loaded.reply_retention) == (timedelta(hours=72), timedelta(hours=24))
    assert (loaded.purge_after, loaded.departed_retention) == (timedelta(hours=72), timedelta(days=30))
    assert loaded.silent_after == timedelta(days=365)
    assert (loaded.persona_update_every, loaded.learn_within) == (1, timedelta(hours=24))
    assert loaded.learn_mode == "direct"
    assert (loaded.admins, loaded.monthly_budget) == (frozenset(), None)
    assert (loaded.persona_schema, loaded.log_level, loaded.log_format) == ("workplace", None, "text")


KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

READ = [
    ("SLACK_BOT_TOKEN", "xoxb-1", "slack_bot_token", "xoxb-1"),
    ("SLACK_APP_TOKEN", "xapp-1", "slack_app_token", "xapp-1"),
    ("SLACK_SIGNING_SECRET", "8f742231b10e8888", "slack_signing_secret", "8f742231b10e8888"),
    ("SLACK_CLIENT_ID", "123.456", "slack_client_id", "123.456"),
    ("SLACK_CLIENT_SECRET", "4cf9f1a8", "slack_client_secret", "4cf9f1a8"),
    ("SLACK_API_URL", "https://slack-gov.com/api/", "slack_api_url", "https://slack-gov.com/api/"),
    ("DISCORD_BOT_TOKEN", "abc.def", "discord_bot_token", "abc.def"),
    ("DISCORD_TOKEN", "abc.def", "discord_bot_token", "abc.def"),
    ("DISCORD_GUILD_ID", "81384788765712384", "discord_guild_id", 81384788765712384),
    ("DISCORD_API_URL", "http://127.0.0.1:1/api", "discord_api_url", "http://127.0.0.1:1/api"),
    ("DISCORD_GATEWAY_URL", "ws://localhost:1/", "discord_gateway_url", "ws://localhost:1/"),
    ("ANTHROPIC_API_KEY", "sk-ant-1", "anthropic_api_key", "sk-ant-1"),
    ("ANTHROPIC_BASE_URL", "http://[::1]:8080", "anthropic_base_url", "http://[::1]:8080"),
    ("ANTHROPIC_MODEL", "some-model", "anthropic_model", "some-model"),
    ("PERSONA_MODEL", "some-model", "persona_model", "some-model"),
    ("PERSONA_SCHEMA", "paper", "persona_schema", "paper"),
    ("PERSONA_CONSENT", "on", "persona_consent", "on"),
    ("PERSONA_KEY", KEY, "persona_key", KEY),
    ("PERSONA_KEY", KEY, "master_key", bytes(range(32))),
    ("DATABASE_URL", "sqlite:///data/r.db", "database_path", Path("data/r.db")),
    ("DATABASE_URL", "sqlite:////data/r.db", "database_path", Path("/data/r.db")),
    ("PERSONA_UPDATE_EVERY", "3", "persona_update_every", 3),
    ("LEARN_WITHIN", "6h", "learn_within", timedelta(hours=6)),
    ("LEARN_MODE", "batch", "learn_mode", "batch"),
    ("CATCH_UP", "1h", "catch_up", timedelta(hours=1)),
    ("IDLE_AFTER", "45m", "idle_after", timedelta(minutes=45)),
    ("PROBE_AFTER", "20s", "probe_after", timedelta(seconds=20)),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", "otel_exporter_otlp_endpoint", "http://localhost:4318"),
    ("SWEEP_EVERY", "90", "sweep_every", timedelta(seconds=90)),
    ("MESSAGE_RETENTION", "7d", "message_retention", timedelta(days=7)),
    ("REPLY_RETENTION", "1h", "reply_retention", timedelta(hours=1)),
    ("PURGE_AFTER", "24h", "purge_after", timedelta(hours=24)),
    ("DEPARTED_RETENTION", "7d", "departed_retention", timedelta(days=7)),
    ("SILENT_AFTER", "180d", "silent_after", timedelta(days=180)),
    ("SPECIAL_CATEGORIES", " Union, health,,health", "allowed_categories", ("union", "health")),
    ("ADMIN_USER_IDS", "slack:U1, discord:456", "admins", {"slack:U1", "discord:456"}),
    ("MONTHLY_BUDGET", "7.50", "monthly_budget", 7_500_000),
    ("MEMBER_DAILY_BUDGET", "0.50", "member_daily_budget", 500_000),
    ("ALLOWED_API_HOSTS", "proxy.example", "allowed_api_hosts", "proxy.example"),
    ("LOG_LEVEL", "debug", "log_level", "debug"),
    ("LOG_FORMAT", "json", "log_format", "json"),
    ("PORT", "8080", "port", 8080),
    ("DISCORD_SHARDS", "4", "discord_shards", 4),
    ("ALLOW_EPHEMERAL_DISK", "true", "allow_ephemeral_disk", True),
    ("WORKER_LEASE", "30s", "worker_lease", timedelta(seconds=30)),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), READ)
def test_every_variable_is_read(environment: Set, name: str, text: str, field: str, value: object) -> None:
    """Each variable arrives in its setting, in its type."""
    environment(SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1", ANTHROPIC_API_KEY="sk-ant-0")
    environment(**{name: text})

    assert read(load(as_plugin=True), field) == value


def test_every_variable_is_tested() -> None:
    """No variable is read that the test above does not know."""
    assert {name for name, *_ in READ} == set(NAMES)


@pytest.mark.parametrize("name", ["DISCORD_BOT_TOKEN", "discord_bot_token", "Discord_Bot_Token"])
def test_the_case_of_a_name_does_not_matter(environment: Set, name: str) -> None:
    """A variable is found however its name is written."""
    environment(**{name: "abc"})

    assert read(load(), "discord_bot_token") == "abc"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_not_set(environment: Set, name: str) -> None:
    """A variable that is set to nothing, as hosts and compose files do, is as good as none."""
    untouched = load()
    environment(**{name: ""})

    assert load() == untouched


@pytest.mark.parametrize(
    ("values", "has_platform"),
    [
        ({}, False),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, True),
        ({"DISCORD_TOKEN": "abc"}, True),
        ({"ANTHROPIC_API_KEY": "sk"}, False),
    ],
)
def test_a_token_makes_a_platform(environment: Set, values: dict[str, str], has_platform: bool) -> None:  # noqa: FBT001 - a parameter
    """A platform is configured once its token is there."""
    environment(**values)

    assert load().has_platform == has_platform


def test_overrides_win(environment: Set) -> None:
    """A value handed in by a caller wins over the environment."""
    environment(IDLE_AFTER="1h")

    assert load(idle_after=timedelta(seconds=1)).idle_after == timedelta(seconds=1)
    assert load(idle_after="2s").idle_after == timedelta(seconds=2)


# -- the .env file ----------------------------------------------------------------------------------------------------


def test_the_file_is_read(env_file: Callable[[str], None]) -> None:
    """A .env file in the working directory is read, with comments, quotes and export as people write them."""
    env_file("# mine\nexport IDLE_AFTER='5m'\n\nPERSONA_MODEL=\"naïve\"  # comment\nDISCORD_TOKEN=abc\n")
    loaded = load()

    assert (loaded.idle_after, loaded.persona_model) == (timedelta(minutes=5), "naïve")
    assert read(loaded, "discord_bot_token") == "abc"


def test_the_environment_wins_over_the_file(environment: Set, env_file: Callable[[str], None]) -> None:
    """A variable of the environment wins over the same in the file, whatever the case."""
    env_file("IDLE_AFTER=5m\nsweep_every=5s\n")
    environment(IDLE_AFTER="1h", SWEEP_EVERY="1h")
    loaded = load()

    assert (loaded.idle_after, loaded.sweep_every) == (timedelta(hours=1), timedelta(hours=1))


def test_the_file_is_checked_like_the_environment(env_file: Callable[[str], None]) -> None:
    """A mistake in the file is said like one in the environment, one token without the other included."""
    env_file("SLACK_BOT_TOKEN=xoxb-1\nDISCORD_API_URL=https://evil.example/\nIDLE_AFTER=soon\nIDLE_AFTR=1m\n")

    assert [line.partition(":")[0] for line in mistakes()] == ["IDLE_AFTER", "SLACK_APP_TOKEN", "DISCORD_API_URL"]
    assert typos() == ["IDLE_AFTR is not a setting; did you mean IDLE_AFTER?"]


def test_tokens_may_be_spread(environment: Set, env_file: Callable[[str], None]) -> None:
    """One token in the file and the other in the environment are a pair."""
    env_file("SLACK_BOT_TOKEN=xoxb-1\n")
    environment(SLACK_APP_TOKEN="xapp-1")

    assert load().has_platform


def test_an_empty_variable_does_not_hide_the_file(environment: Set, env_file: Callable[[str], None]) -> None:
    """A variable set to nothing leaves the file's value in force."""
    env_file("SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\n")
    environment(SLACK_APP_TOKEN="")

    assert read(load(), "slack_app_token") == "xapp-1"


def test_an_empty_variable_does_not_hide_a_mistake(environment: Set, env_file: Callable[[str], None]) -> None:
    """An address in the file is checked, though the environment has an empty one of that name."""
    env_file("DISCORD_API_URL=https://evil.example/\n")
    environment(DISCORD_API_URL="")

    assert ["evil.example" in line for line in mistakes()] == [True]


@pytest.mark.parametrize("content", [b"PERSONA_MODEL=caf\xe9\n", b"\xff\xfeI\x00D\x00"], ids=["latin-1", "utf-16"])
def test_a_file_of_another_encoding_is_a_mistake(tmp_path: Path, content: bytes) -> None:
    """A .env file that is not UTF-8 is named as such, not met with a traceback."""
    (tmp_path / ".env").write_bytes(content)

    with pytest.raises(SettingsError, match=r"\.env"):
        load()


def test_a_file_from_an_editor_on_windows(tmp_path: Path) -> None:
    """A byte order mark and Windows line ends do not hide the first variable."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfIDLE_AFTER=5m\r\nSWEEP_EVERY=5s\r\n")
    loaded = load()

    assert (loaded.idle_after, loaded.sweep_every) == (timedelta(minutes=5), timedelta(seconds=5))


def test_a_folder_called_env_is_no_file(tmp_path: Path) -> None:
    """A folder named .env is not read, and is no mistake."""
    untouched = load()
    (tmp_path / ".env").mkdir()

    assert load() == untouched


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "mend"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1", "it does not begin with 'xoxb-'; copy the token from the Slack app's page OAuth"),
        ("SLACK_APP_TOKEN", "xoxb-1", "it does not begin with 'xapp-'; copy the token from the Slack app's page Basic"),
        ("SLACK_API_URL", "https://slack.co/api/", "add it to ALLOWED_API_HOSTS"),
        ("DISCORD_GUILD_ID", "my server", "valid integer"),
        ("DISCORD_API_URL", "http://discord.com/api", "use https://discord.com"),
        ("DISCORD_GATEWAY_URL", "gateway.discord.gg", "write https://host/path"),
        ("ANTHROPIC_BASE_URL", "https://", "write https://host/path"),
        ("PERSONA_SCHEMA", "no-such-schema", "name a file, or one of: paper, workplace"),
        ("PERSONA_CONSENT", "maybe", "'ask', 'on' or 'off'"),
        ("SPECIAL_CATEGORIES", "health, money", "'money' cannot be kept; leave it empty, or name some of health,"),
        ("SPECIAL_CATEGORIES", "minors", "health, belief, union, with commas between"),
        ("DATABASE_URL", "rapport.db", "such as sqlite:///rapport.db"),
        ("DATABASE_URL", "sqlite:///", "such as sqlite:///rapport.db"),
        ("DATABASE_URL", "sqlite://rapport.db", "such as sqlite:///rapport.db"),
        ("DATABASE_URL", "mysql://u:p@h/db", "such as sqlite:///rapport.db"),
        ("DATABASE_URL", "mysql://u:p@h/db", "or postgresql://user:password@host/database"),
        ("DATABASE_URL", "postgresql+asyncpg://u:p@h/db", "leave out what stands between postgresql and ://"),
        ("DATABASE_URL", "postgresql://u:p@h/", "it names no database"),
        ("PERSONA_UPDATE_EVERY", "0", "greater than or equal to 1"),
        ("PERSONA_UPDATE_EVERY", "21", "less than or equal to 20"),
        ("PERSONA_UPDATE_EVERY", "often", "valid integer"),
        ("LEARN_WITHIN", "soon", "such as 30m"),
        ("LEARN_MODE", "later", "'direct' or 'batch'"),
        ("PERSONA_KEY", "c2VzYW1l", "it is not 32 bytes in base64url; make one with: python -c"),
        ("PERSONA_KEY", "not a key at all", "it is not 32 bytes in base64url; make one with: python -c"),
        ("LEARN_MODE", "batch", "it needs ANTHROPIC_API_KEY"),
        ("IDLE_AFTER", "half an hour", "such as 30m"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("PORT", "70000", "65535"),
    ],
)
def test_a_mistake_is_said_with_its_mend(environment: Set, name: str, text: str, mend: str) -> None:
    """Each mistake is one line that begins with the variable and says what would be right."""
    environment(**{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", name: text})
    (line,) = mistakes()

    assert line.startswith(f"{name}: ")
    assert mend in line


def test_all_mistakes_are_said_at_once(environment: Set) -> None:
    """Somebody with five mistakes starts twice, not six times."""
    environment(
        SLACK_BOT_TOKEN="wrong",
        DISCORD_GUILD_ID="wrong",
        PERSONA_CONSENT="wrong",
        SWEEP_EVERY="wrong",
        ANTHROPIC_BASE_URL="https://wrong.example",
    )

    named = sorted(line.partition(":")[0] for line in mistakes())
    assert named == [
        "ANTHROPIC_BASE_URL",
        "DISCORD_GUILD_ID",
        "PERSONA_CONSENT",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "SWEEP_EVERY",
    ]


SLACK = {
    "bot": ("SLACK_BOT_TOKEN", "xoxb-1"),
    "app": ("SLACK_APP_TOKEN", "xapp-1"),
    "signing": ("SLACK_SIGNING_SECRET", "sesame"),
    "id": ("SLACK_CLIENT_ID", "1.2"),
    "secret": ("SLACK_CLIENT_SECRET", "sesame"),
    "port": ("PORT", "8080"),
}


@pytest.mark.parametrize(
    "given", ["bot app", "bot app port", "bot app signing", "bot signing port", "id secret app port", "port"]
)
def test_what_slack_needs_together(environment: Set, given: str) -> None:
    """One workspace or many, over a socket or over HTTP: each needs its own variables, and no others."""
    environment(**dict(SLACK[name] for name in given.split()))

    assert load().has_slack == (given != "port")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("bot", "SLACK_APP_TOKEN: it is missing while SLACK_BOT_TOKEN is set; Socket Mode needs it, or set SLACK_SIGN"),
        ("app", "SLACK_BOT_TOKEN: it is missing while SLACK_APP_TOKEN is set; copy the bot token from"),
        ("signing port", "SLACK_BOT_TOKEN: it is missing while SLACK_SIGNING_SECRET is set; copy the bot token from"),
        ("bot signing", "PORT: it is missing while SLACK_SIGNING_SECRET is set without SLACK_APP_TOKEN; Slack deliv"),
        ("id secret app", "PORT: it is missing while SLACK_CLIENT_ID is set; workspaces are installed over HTTP"),
        ("id app port", "SLACK_CLIENT_SECRET: it is missing while SLACK_CLIENT_ID is set; both stand on the Slack"),
        ("secret app", "SLACK_CLIENT_ID: it is missing while SLACK_CLIENT_SECRET is set; both stand on the Slack"),
        ("id secret port", "SLACK_APP_TOKEN: it is missing while SLACK_CLIENT_ID is set; Socket Mode needs it, or s"),
        ("bot id secret app port", "SLACK_BOT_TOKEN: it is one workspace's token, while SLACK_CLIENT_ID lets many w"),
    ],
)
def test_what_slack_lacks_is_asked_for(environment: Set, given: str, said: str) -> None:
    """What is missing for the way that was chosen, or too much, is said in one line that names the variable."""
    environment(**dict(SLACK[name] for name in given.split()))

    (mistake,) = mistakes()
    assert mistake.startswith(said)
    assert "sesame" not in mistake


@pytest.mark.parametrize("name", ["SLACK_SIGNING_SECRET", "SLACK_CLIENT_SECRET"])
def test_a_secret_is_copied_whole(environment: Set, name: str) -> None:
    """A secret of spaces would let everybody in, and one with spaces around it nobody: neither is taken."""
    for value in ("   ", "sesame "):
        environment(**{name: value})

        with pytest.raises(SettingsError, match=f"{name}: it is empty, or has spaces around it"):
            load(as_plugin=True)


def test_batches_need_a_key(environment: Set) -> None:
    """Learning by batch without a key is a mistake; the key may come from wherever the mode comes from, or not."""
    environment(LEARN_MODE="batch")

    assert mistakes() == ["LEARN_MODE: it needs ANTHROPIC_API_KEY; without a key, write direct"]
    assert load(anthropic_api_key=SecretStr("sk-ant-1")).learn_mode == "batch"
    assert load(learn_mode="direct").learn_mode == "direct"
    with pytest.raises(SettingsError, match="it needs ANTHROPIC_API_KEY"):
        load(learn_mode="batch")


@pytest.mark.parametrize(("there", "value"), [("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1")])
def test_a_plugin_needs_no_pair_of_tokens(environment: Set, there: str, value: str) -> None:
    """A host connects to Slack in its own way, such as over HTTP, with one token: for a plugin that is no mistake."""
    environment(**{there: value})

    assert read(load(as_plugin=True), there.lower()) == value


def test_a_plugin_is_told_every_other_mistake(environment: Set) -> None:
    """What is wrong with a value is wrong in a plugin too."""
    environment(SLACK_BOT_TOKEN="wrong", IDLE_AFTER="never", ANTHROPIC_BASE_URL="https://wrong.example")

    with pytest.raises(SettingsError) as caught:
        load(as_plugin=True)
    named = sorted(line.strip().partition(":")[0] for line in str(caught.value).splitlines()[1:])
    assert named == ["ANTHROPIC_BASE_URL", "IDLE_AFTER", "SLACK_BOT_TOKEN"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1", 1), ("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259200), (" 5 M ", 300), ("007m", 420)],
)
def test_times_as_people_write_them(environment: Set, text: str, seconds: int) -> None:
    """A time is a number with s, m, h or d, or of seconds, with or without a space, in either case."""
    environment(IDLE_AFTER=text)

    assert load().idle_after == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["0", "0m", "-5m", "1.5h", "1h30m", "m", "30 min", "5w", "1e3", "∞", "99999999999999d", "3651d", "9" * 400]
)
def test_what_is_no_time(environment: Set, text: str) -> None:
    """Anything else, nothing at all and more than a clock can count are mistakes, each with an example."""
    environment(IDLE_AFTER=text)
    (line,) = mistakes()

    assert line.startswith("IDLE_AFTER: ")
    assert "such as 30m" in line


@unhurried(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30))
def test_no_time_breaks_the_check(text: str) -> None:
    """Whatever stands where a time should be is a time above nothing, or a mistake."""
    try:
        loaded = load(idle_after=text)
    except SettingsError:
        return

    assert loaded.idle_after > timedelta(0)


# -- where tokens may go ----------------------------------------------------------------------------------------------

URLS = ["SLACK_API_URL", "DISCORD_API_URL", "DISCORD_GATEWAY_URL", "ANTHROPIC_BASE_URL"]


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api",
        "https://slack.com.evil.example/",
        "https://evilslack.com/",
        "https://slack.com@evil.example/",
        "https://discord.com:443@evil.example/",
        "https://api.anthropic.com.evil.example",
        "https://localhost.evil.example/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:80/",
        "//evil.example/",
        "https://evil.example\\.slack.com/",
        "https://ѕlack.com/",
    ],
)
def test_tokens_go_to_no_stranger(environment: Set, name: str, url: str) -> None:
    """An address of a host nobody named is refused, however much it looks like a vendor's."""
    environment(**{name: url})
    (line,) = mistakes()

    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("text", ["slack.com", "https:///api", "https://[::1", "a thing", "https://:80/"])
def test_what_is_no_address(environment: Set, name: str, text: str) -> None:
    """What has no host in it is a mistake that shows how an address is written."""
    environment(**{name: text})
    (line,) = mistakes()

    assert line.startswith(f"{name}: ")
    assert "write https://host/path" in line


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("SLACK_API_URL", "https://SLACK.com/api/"),
        ("DISCORD_API_URL", "https://discord.com/api/v10"),
        ("DISCORD_GATEWAY_URL", "wss://gateway.discord.gg/"),
        ("ANTHROPIC_BASE_URL", "https://api.anthropic.com:443"),
        ("ANTHROPIC_BASE_URL", "http://localhost:11434"),
        ("ANTHROPIC_BASE_URL", "http://127.8.8.8:1"),
        ("ANTHROPIC_BASE_URL", "http://[::1]:1"),
    ],
)
def test_vendors_and_loopback_are_fine(environment: Set, name: str, url: str) -> None:
    """The vendors' own hosts, and this computer, need no permission."""
    environment(**{name: url})

    assert read(load(), name.lower()) == url


@pytest.mark.parametrize("url", ["http://slack.com/api/", "ws://slack.com/", "ftp://slack.com/"])
def test_tokens_travel_encrypted(environment: Set, url: str) -> None:
    """A vendor's address without encryption is refused, with the right one beside it."""
    environment(SLACK_API_URL=url)

    assert mistakes() == ["SLACK_API_URL: tokens must not travel unencrypted; use https://slack.com"]


@pytest.mark.parametrize("allowed", ["proxy.example", "a.example, Proxy.Example ,b.example", ",proxy.example,"])
def test_the_operator_may_name_hosts(environment: Set, allowed: str) -> None:
    """A host the operator named may have the tokens, however the list is written."""
    environment(ALLOWED_API_HOSTS=allowed, ANTHROPIC_BASE_URL="https://proxy.example/v1")

    assert read(load(), "anthropic_base_url") == "https://proxy.example/v1"


@pytest.mark.parametrize("allowed", ["other.example", "example", "*", "proxy.example.com", ","])
def test_only_named_hosts_are_allowed(environment: Set, allowed: str) -> None:
    """A host that resembles a named one is a stranger."""
    environment(ALLOWED_API_HOSTS=allowed, ANTHROPIC_BASE_URL="https://proxy.example/v1")

    assert "add it to ALLOWED_API_HOSTS" in mistakes()[0]


# -- the database -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_named_without_its_password(environment: Set, scheme: str) -> None:
    """Both spellings of its address are taken, and the password is in nothing that is printed."""
    environment(DATABASE_URL=f"{scheme}://me:sesame@db.example:5433/rapport?sslmode=require", PERSONA_KEY=KEY)
    loaded = load()

    assert loaded.database_url.get_secret_value() == f"{scheme}://me:sesame@db.example:5433/rapport?sslmode=require"
    assert loaded.database_name == "postgresql://db.example:5433/rapport"
    assert "sesame" not in repr(loaded) + loaded.model_dump_json()


def test_postgresql_needs_a_master_key(environment: Set) -> None:
    """With PostgreSQL the key that seals everything has to be given, since it must not lie in the database."""
    environment(DATABASE_URL="postgresql://db.example/rapport")
    (line,) = mistakes()

    assert line.startswith("PERSONA_KEY: it is missing;")
    assert "make one with: python -c" in line


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_print_as_asterisks(environment: Set) -> None:
    """However the settings are printed, no secret is in it."""
    environment(**SECRETS)
    loaded = load()

    printed = [repr(loaded), str(loaded), f"{loaded!r}", loaded.model_dump_json(), repr(loaded.model_dump())]
    assert [text for text in printed if "sesame" in text] == []


@pytest.mark.parametrize("name", SECRETS)
def test_no_mistake_says_a_secret(environment: Set, name: str) -> None:
    """A token that is refused, with other mistakes beside it, is in no message and in nothing a traceback shows."""
    environment(**SECRETS)
    environment(
        **{name: "sesame, a token of another kind", "IDLE_AFTER": "never", "DATABASE_URL": "mysql://u:sesame@h/d"}
    )

    with pytest.raises(SettingsError) as caught:
        load()

    assert "sesame" not in str(caught.getrepr(style="short"))
    assert "sesame" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", [*URLS, "LOG_LEVEL", "PERSONA_CONSENT", "DISCORD_GUILD_ID", "DATABASE_URL"])
@pytest.mark.parametrize("secret", ["sk-ant-sesame", "xoxb-1-sesame"])
def test_a_secret_in_the_wrong_place_is_not_said(environment: Set, name: str, secret: str) -> None:
    """A token that was pasted into the wrong line is not repeated to whoever reads the log."""
    environment(**{name: secret})

    assert not any("sesame" in line for line in mistakes())


def test_no_typo_says_a_secret(environment: Set) -> None:
    """A warning about a name says nothing of its value."""
    environment(SLACK_BOT_TOKN="xoxb-sesame", ANTHROPIC_APIKEY="sk-ant-sesame")

    assert len(typos()) == 2
    assert not any("sesame" in typo for typo in typos())


# -- typos ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_BOTTOKEN", "SLACK_BOT_TOKEN"),
        ("DISCORD_BOT_TOKENS", "DISCORD_BOT_TOKEN"),
        ("discord_guild", "DISCORD_GUILD_ID"),
        ("ANTHROPIC_APIKEY", "ANTHROPIC_API_KEY"),
        ("PERSONA_CONCENT", "PERSONA_CONSENT"),
        ("IDLE_AFTR", "IDLE_AFTER"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("LOG_LEVL", "LOG_LEVEL"),
    ],
)
def test_a_typo_is_found(environment: Set, name: str, meant: str) -> None:
    """A variable that is nearly one of ours is named, with the one that was probably meant."""
    environment(**{name: "x"})

    assert typos() == [f"{name.upper()} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize("name", ["SLACK_WEBHOOK_URL", "LOG_DIRECTORY", "MESSAGE_OF_THE_DAY", "HOME", "IDLE_ANIMAL"])
def test_a_strangers_variable_is_none_of_our_business(environment: Set, name: str) -> None:
    """Variables of other programs are not taken for typos."""
    environment(**{name: "x"})

    assert typos() == []


def test_our_own_variables_are_no_typos(environment: Set) -> None:
    """No variable that is read is called a typo."""
    environment(**dict.fromkeys(NAMES, "x"))

    assert typos() == []


def test_typos_come_in_order(environment: Set) -> None:
    """Several typos are listed by name."""
    environment(SLACK_BOT_TOKN="x", DATABASE_URI="x", IDLE_AFTR="x")

    assert [typo.split()[0] for typo in typos()] == ["DATABASE_URI", "IDLE_AFTR", "SLACK_BOT_TOKN"]


def test_the_environment_is_left_as_it_is(environment: Set, env_file: Callable[[str], None]) -> None:
    """Reading the file puts nothing into the environment, where child processes would find it."""
    env_file("ANTHROPIC_API_KEY=sk-ant-sesame\n")
    before = dict(os.environ)
    load()

    assert dict(os.environ) == before
    assert settings.typos() == []


def test_catching_up_can_be_switched_off(environment: Set) -> None:
    """Nothing that was missed is answered with 0, in whatever unit."""
    environment(CATCH_UP="0")

    assert load().catch_up == timedelta(0)
    assert load(catch_up="0s").catch_up == timedelta(0)


@pytest.mark.parametrize("value", ["2d", "a while", "-5m"])
def test_a_horizon_that_cannot_be_used_is_named(environment: Set, value: str) -> None:
    """A horizon longer than a day, or none at all, is refused with what to write instead."""
    environment(CATCH_UP=value)

    with pytest.raises(SettingsError, match=r"CATCH_UP: .* write "):
        load()
