"""`/persona`, registered once, in one place, whatever was registered before; and what happens when it cannot be."""

from __future__ import annotations

import logging
from dataclasses import replace

import discord
import pytest
from discord import app_commands
from discord.http import Route

from adapters.discord import registration
from bot import errors
from bot.store.sqlite import SqliteStore
from tests.twins.discord import DiscordTwin, ratelimited
from tests.twins.server import Fault


@app_commands.command()
async def hello(interaction: discord.Interaction) -> None:
    """Say hello."""


class Discord:
    """What was registered, and ways to register."""

    def __init__(self, twin: DiscordTwin, store: SqliteStore) -> None:
        self.twin = twin
        self._store = store

    async def starts(self, guild: str | None = None, *, words: str = "What Rapport remembers") -> None:
        """Register as a start does, with DISCORD_GUILD_ID set to this server."""
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(self.twin.server.token)
            group = app_commands.Group(name="persona", description=words)
            group.add_command(hello)
            guild_id = None if guild is None else int(guild)
            tree = app_commands.CommandTree(client)
            await registration.register(tree, [group], store=self._store, guild_id=guild_id)

    def names(self, guild: str | None = None) -> list[str]:
        """The commands shown in a server, or everywhere."""
        return [command["name"] for command in self.twin.commands.of(guild)]

    @property
    def calls(self) -> int:
        """How often anything was registered."""
        return len(self.twin.commands.puts)


@pytest.fixture
async def here(twin: DiscordTwin, store: SqliteStore) -> Discord:
    return Discord(twin, store)


@pytest.fixture
def guild(twin: DiscordTwin) -> str:
    """A server with the bot in it."""
    return twin.guild("Here")


# -- once, in one place -----------------------------------------------------------------------------------------------


async def test_the_same_is_registered_once(here: Discord, guild: str) -> None:
    """A start that would register what is registered already calls nobody; changed words are registered."""
    await here.starts()
    await here.starts()
    assert (here.calls, here.names()) == (1, ["persona"])
    await here.starts(words="What Rapport knows")

    assert here.calls == 2


async def test_another_application_registers_its_own(here: Discord, store: SqliteStore) -> None:
    """Another bot's token with the same database registers for that bot; the first one's are still known."""
    await here.starts()
    async with DiscordTwin(application_id="2000000000000000002") as other:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Route, "BASE", other.api_url)
            there = Discord(other, store)
            await there.starts()
            assert there.names() == ["persona"]
    await here.starts()

    assert here.calls == 1


@pytest.mark.parametrize("is_noted", [True, False])
async def test_in_a_server_means_not_everywhere(here: Discord, guild: str, *, is_noted: bool) -> None:
    """With DISCORD_GUILD_ID set the commands are in that server alone, also if nobody noted that they were global."""
    if is_noted:
        await here.starts()
    else:
        here.twin.commands.put(None, [{"name": "persona", "description": "x"}])
    await here.starts(guild)
    calls = here.calls
    await here.starts(guild)

    assert (here.names(guild), here.names()) == (["persona"], [])
    assert here.calls == calls


async def test_everywhere_means_not_in_the_server_again(here: Discord, guild: str) -> None:
    """With DISCORD_GUILD_ID unset again, nobody in that server sees the commands twice."""
    await here.starts(guild)
    await here.starts()

    assert (here.names(guild), here.names()) == ([], ["persona"])


async def test_another_server_means_not_in_the_first(here: Discord, guild: str) -> None:
    """With DISCORD_GUILD_ID changed, the commands move."""
    other = here.twin.guild("There")
    await here.starts(guild)
    await here.starts(other)

    assert (here.names(guild), here.names(other), here.names()) == ([], ["persona"], [])


async def test_a_server_we_were_removed_from_needs_no_clearing(here: Discord, guild: str) -> None:
    """That the server of before has removed us does not keep us from registering everywhere."""
    await here.starts(guild)
    await here.twin.bot_leaves(guild)
    await here.starts()
    await here.starts()

    assert here.names() == ["persona"]
    assert [scope for scope, _ in here.twin.commands.puts].count(None) == 2


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_a_server_that_does_not_have_us_is_named(here: Discord) -> None:
    """DISCORD_GUILD_ID with a server in which we may not register is a mistake to be mended, and says how."""
    with pytest.raises(errors.PlatformError, match=r"DISCORD_GUILD_ID.* 999 .*50001.*applications\.commands"):
        await here.starts("999")


FAILURES = {
    "a failure": Fault(status=503, body=b"no"),
    "a broken connection": Fault(reset_before=True, times=2),  # aiohttp tries once more
    "a ban for asking too much": Fault(status=429, body=b"error code: 1015"),
    "a spent daily limit": ratelimited(retry_after=3_600),
    "a refusal": Fault.json(400, {"code": 30034, "message": "Max number of daily application command creates"}),
}


@pytest.mark.parametrize("is_everywhere", [True, False])
@pytest.mark.parametrize("failure", FAILURES)
async def test_trouble_is_logged_and_tried_again(
    here: Discord,
    guild: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failure: str,
    *,
    is_everywhere: bool,
) -> None:
    """When Discord takes no commands now the start goes on, the log says so, and the next start registers them."""
    monkeypatch.setattr(registration, "TIMEOUT_S", 0.1)
    where = None if is_everywhere else guild
    here.twin.fault("PUT", "/commands" if is_everywhere else f"/guilds/{guild}/commands", replace(FAILURES[failure]))
    await here.starts(where)
    logged = [str(record.msg) for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("discord.commands_not_registered" in line for line in logged)
    await here.starts(where)

    assert here.names(where) == ["persona"]
