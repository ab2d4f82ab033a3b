"""Rapport as a guest in discord.py clients of others: beside them, never in their way, and gone when it leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

import adapters.discord
from adapters.discord import attach, translate
from bot import settings, wiring
from bot.core import Core
from bot.messages import Member, Message, MessageId, Room, TenantId
from tests.adapters.discord.clients import PLAIN, QUICK, UNTOLD, running
from tests.clock import StillClock
from tests.twins.discord import DiscordTwin
from tests.twins.server import Fault

NOT_AN_AI = "(Offline: not an AI"
"""What every answer without a model begins with."""


class Plain(discord.Client):
    """A plain client with a handler of its own."""

    def __init__(self, intents: discord.Intents = PLAIN) -> None:
        super().__init__(intents=intents, **QUICK)
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(self, posted: discord.Message) -> None:
        if not posted.author.bot:
            self.heard.put_nowait(posted.content)


@commands.command()
async def ping(context: commands.Context[Bot]) -> None:
    """A command of the host."""
    await context.reply("PONG")


class Bot(commands.Bot):
    """A bot that is mentioned for its own commands."""

    def __init__(self, prefix: Any = commands.when_mentioned) -> None:
        super().__init__(prefix, intents=PLAIN, help_command=None, **QUICK)
        self.add_command(ping.copy())


@pytest.fixture
async def core(database: Path, clock: StillClock) -> AsyncIterator[Core]:
    """Rapport without a platform, a model or anybody's consent."""
    loaded = settings.load(database_url=f"sqlite:///{database}", persona_consent="off")
    async with wiring.open_core(loaded, clock=clock) as opened:
        yield opened


def shown(twin: DiscordTwin, place: str = "team") -> list[str]:
    """What the bot user posted, the beginning of each."""
    posted = [message.content for message in twin.messages(place) if message.author_id == twin.bot_id]
    return [content[: len(NOT_AN_AI)] for content in posted]


async def answered(twin: DiscordTwin, core: Core, text: str, place: str = "team") -> list[str]:
    """Say something to the bot in a place where it is the first to answer; what it has posted there in the end."""
    await twin.says("Ana", place, f"<@{twin.bot_id}> {text}")
    await twin.wait_for(lambda: shown(twin, place))
    await core.lanes.drained()
    return shown(twin, place)


# -- leaving ----------------------------------------------------------------------------------------------------------


async def test_once_we_left_nobody_hears_of_us(twin: DiscordTwin, core: Core) -> None:
    """After the context is left the host goes on as before, and members who mention it get no apology of ours."""
    async with running(Plain()) as host:
        async with attach(host, core):
            assert await answered(twin, core, "during") == [NOT_AN_AI]
        await core.store.close()
        await twin.says("Ana", "team", f"<@{twin.bot_id}> after")
        await twin.says("Ana", "team", f"<@{twin.bot_id}> long after")
        async with asyncio.timeout(5):
            heard = [await host.heard.get() for _ in range(3)]

        assert [text.partition(" ")[2] for text in heard] == ["during", "after", "long after"]
        assert shown(twin) == [NOT_AN_AI]
        assert [name for name in vars(host) if name.startswith("on_")] == []
        assert core.adapters == {}


async def test_a_bot_that_we_left_is_as_it_was(twin: DiscordTwin, core: Core) -> None:
    """Neither a listener nor a command of ours stays in a bot."""
    async with running(Bot()) as host:
        async with attach(host, core):
            assert host.tree.get_command("persona") is not None
        await twin.says("Ana", "team", f"<@{twin.bot_id}> ping")
        await twin.wait_for(lambda: shown(twin))

        assert not any(host.extra_events.values())
        assert host.tree.get_commands() == []


async def test_the_extension_can_be_loaded_and_unloaded(twin: DiscordTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot can load Rapport as an extension, let it go, and load it again."""
    monkeypatch.setenv("PERSONA_CONSENT", "off")
    for name in [name for name in sys.modules if name.startswith("adapters.discord")]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # unloading removes them, for other tests too
    monkeypatch.setattr(adapters, "discord", adapters.discord)
    async with running(Bot()) as host:
        await host.load_extension("adapters.discord")
        await host.unload_extension("adapters.discord")
        assert not any(host.extra_events.values())
        assert host.tree.get_commands() == []
        await host.load_extension("adapters.discord")
        await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
        await twin.wait_for(lambda: shown(twin))
        await host.unload_extension("adapters.discord")

        assert shown(twin) == [NOT_AN_AI]


# -- beside the host --------------------------------------------------------------------------------------------------


async def test_a_command_of_the_host_is_left_to_it(twin: DiscordTwin, core: Core) -> None:
    """A mention that is one of the bot's own commands is answered by the bot alone, any other by Rapport."""
    async with running(Bot()) as host, attach(host, core):
        assert await answered(twin, core, "ping") == ["PONG"]
        await twin.says("Ana", "board", f"<@{twin.bot_id}> pingpong?")
        await twin.wait_for(lambda: shown(twin, "board"))

        assert (shown(twin), shown(twin, "board")) == (["PONG"], [NOT_AN_AI])


async def test_a_prefix_that_fails_keeps_no_answer_back(twin: DiscordTwin, core: Core) -> None:
    """A host whose prefix cannot be told for a message, as in a direct message, does not silence Rapport there."""

    async def failing(_bot: Bot, _posted: discord.Message) -> list[str]:
        raise KeyError

    async with running(Bot(failing)) as host, attach(host, core):
        assert await answered(twin, core, "ping") == [NOT_AN_AI]


async def test_the_hosts_reply_is_not_overwritten(twin: DiscordTwin, core: Core) -> None:
    """When our post gets lost and the host replied to the same message, both replies stand in the end."""
    go_on = asyncio.Event()

    class Replying(Plain):
        async def on_message(self, posted: discord.Message) -> None:
            if not posted.author.bot:
                await posted.reply("PONG")
                twin.fault("POST", f"/channels/{posted.channel.id}/messages", Fault(reset_before=True))
                go_on.set()

    twin.fault("POST", "/typing", Fault(hold=go_on))
    async with running(Replying()) as host, attach(host, core):
        await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
        await twin.wait_for(lambda: len(shown(twin)) == 2)
        await core.lanes.drained()

        assert shown(twin) == ["PONG", NOT_AN_AI]


# -- where ------------------------------------------------------------------------------------------------------------


async def test_a_host_that_knows_no_servers_keeps_rooms_apart(twin: DiscordTwin, core: Core) -> None:
    """Without the guilds intent a channel is no direct message: talk goes unanswered, and mentions are its server's."""
    async with running(Plain(UNTOLD)) as host, attach(host, core):
        elsewhere = twin.guild("Elsewhere")
        twin.member("Cy", guilds=[elsewhere])
        lobby = twin.channel(elsewhere, "lobby")
        await twin.says("Cy", "lobby", "talk to anybody")
        await twin.says("Cy", "lobby", f"<@{twin.bot_id}> hello")
        await twin.wait_for(lambda: shown(twin, "lobby"))
        await core.lanes.drained()

        rows = await core.store.read(lambda work: work.fetch("SELECT tenant, room, kind FROM conversation"))
        assert [(row["tenant"], row["room"], row["kind"]) for row in rows] == [
            (f"discord:{elsewhere}", lobby, "external")
        ]
        assert shown(twin, "lobby") == [NOT_AN_AI]


# -- before the connection --------------------------------------------------------------------------------------------


async def test_what_was_left_open_waits_for_the_connection(twin: DiscordTwin, core: Core) -> None:
    """What an earlier run left open is not tried before the host is connected, and is answered as soon as it is."""
    asked = await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
    tenant = TenantId(f"discord:{asked.guild_id}")
    room = Room(tenant=tenant, channel=asked.channel_id, kind="external")
    author = Member(tenant=translate.ACCOUNTS, id=asked.author_id, name="Ana")
    host = Plain()
    async with attach(host, core):
        assert core.adapters == {}
        await core.intake.accept(
            Message(id=MessageId(asked.id), room=room, author=author, text="hello", said_at=core.clock.now())
        )
        await core.lanes.drained()
        async with running(host):
            await twin.wait_for(lambda: shown(twin))
            await core.lanes.drained()

            rows = await core.store.read(lambda work: work.fetch("SELECT kind FROM conversation"))
            assert [row["kind"] for row in rows] == ["public"]
            assert shown(twin) == [NOT_AN_AI]


# -- what was missed --------------------------------------------------------------------------------------------------


async def test_a_hosts_new_session_is_checked_like_a_start(twin: DiscordTwin, core: Core, clock: StillClock) -> None:
    """What was deleted before Discord let a host in again is found out, an hour after the last check at the latest."""
    clock.advance(seconds=(twin.server.now - clock.now()).total_seconds())
    async with running(Plain()) as host:
        async with attach(host, core):
            await answered(twin, core, "hello")
            clock.advance(minutes=5)
            found = [await core.rechecking.sweep()]
            (said,) = (message for message in twin.messages("team") if message.author_id != twin.bot_id)
            del twin.server.messages[said.id]  # nobody was in a session to be told
            clock.advance(hours=1)
            found.append(await core.rechecking.sweep())
            host.dispatch("ready")
            await asyncio.sleep(0)  # heard; leaving waits until it is dealt with
        async with attach(host, core):
            found.append(await core.rechecking.sweep())

        assert found == [0, 0, 1]
