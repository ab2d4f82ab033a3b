"""Which servers are missing at a start: found out only by a client that is told of all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest

from adapters.discord.changes import DiscordChanges
from bot import settings, wiring
from bot.core import Core
from bot.messages import TenantId
from tests.adapters.discord.clients import PLAIN, UNTOLD
from tests.clock import StillClock

US = 1
HQ = TenantId("discord:41")
WHOLE = [
    discord.Client(intents=PLAIN, application_id=US),
    discord.Client(intents=PLAIN, application_id=US, shard_id=0, shard_count=1),
    discord.AutoShardedClient(intents=PLAIN, application_id=US),
]
PARTIAL = [
    discord.Client(intents=UNTOLD, application_id=US),
    discord.Client(intents=PLAIN, application_id=US, shard_id=0, shard_count=2),
    discord.AutoShardedClient(intents=PLAIN, application_id=US, shard_ids=[0], shard_count=2),
]


@pytest.fixture
async def core(database: Path, clock: StillClock) -> AsyncIterator[Core]:
    """A core that knows of one server, in which we are under our name."""
    async with wiring.open_core(settings.load(database_url=f"sqlite:///{database}"), clock=clock) as opened:
        await opened.departures.installed(HQ, account=str(US))
        yield opened


async def state(core: Core) -> str:
    (row,) = await core.store.read(lambda transaction: transaction.fetch("SELECT state FROM origin"))
    return str(row["state"])


@pytest.mark.parametrize("client", WHOLE, ids=["alone", "one shard", "all shards"])
async def test_a_server_that_is_missing_is_gone(core: Core, client: discord.Client) -> None:
    """A client that is told of all servers, and not of one we knew, was removed from it."""
    await DiscordChanges(client, core.departures).compare()

    assert await state(core) == "gone"


@pytest.mark.parametrize("client", PARTIAL, ids=["not told of servers", "one shard of two", "some shards"])
async def test_who_sees_a_part_misses_nothing(core: Core, client: discord.Client) -> None:
    """A client that is told of no servers, or of some, cannot know that one is missing."""
    await DiscordChanges(client, core.departures).compare()

    assert await state(core) == "here"


async def test_another_bot_misses_nothing(core: Core) -> None:
    """A bot that was never in a server was not removed from it, though another of ours on the same database is."""
    await DiscordChanges(discord.Client(intents=PLAIN, application_id=2), core.departures).compare()

    assert await state(core) == "here"
