"""Shards: each server is answered by the client of its shard, and by nobody while that is another worker's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
import pytest

from adapters.discord import host
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.shards import Shards
from bot import errors, settings, wiring
from bot.core import Core
from bot.messages import Room, TenantId
from tests.clock import StillClock
from tests.twins.discord import DiscordTwin


def server(shard: int, *, of: int) -> Room:
    """A room of a server that is dealt to a shard."""
    return Room(tenant=TenantId(f"discord:{(7 * of + shard) << 22}"), channel="1", kind="public")


DIRECT = Room(tenant=TenantId("discord:direct"), channel="1", kind="direct")


def adapter() -> DiscordAdapter:
    return DiscordAdapter(discord.Client(intents=discord.Intents.none()))


@pytest.mark.parametrize("shard", range(3))
def test_a_server_has_its_shard(shard: int) -> None:
    """Whose a server is follows from its id, as Discord counts; direct messages all belong to the first shard."""
    shards = Shards(3)

    assert shards.shard(server(shard, of=3)) == shard
    assert shards.shard(DIRECT) == 0


async def test_only_what_is_ours_is_served() -> None:
    """Rooms of a shard that another worker has are left to it, and nothing is shown there."""
    shards = Shards(2)
    shards.add(1, adapter())

    assert [shards.serves(server(number, of=2)) for number in range(2)] == [False, True]
    assert not shards.serves(DIRECT)
    with pytest.raises(errors.PlatformUnreachableError):
        await shards.classified(server(0, of=2))


async def test_a_shard_that_is_lost_is_not_served() -> None:
    """Once a shard is another worker's its rooms are left to it; without any shard there is no Discord."""
    shards = Shards(2)
    shards.add(0, adapter())
    shards.add(1, adapter())

    assert (shards.drop(0), shards.serves(DIRECT), shards.serves(server(1, of=2))) == (False, False, True)
    assert shards.drop(1)


@asynccontextmanager
async def connected(twin: DiscordTwin, database: Path, shards: int) -> AsyncIterator[Core]:
    loaded = settings.load(
        discord_bot_token="test-token",
        discord_api_url=twin.api_url,
        discord_gateway_url=twin.gateway_url,
        database_url=f"sqlite:///{database}",
        persona_consent="off",
        discord_shards=shards,
    )
    async with wiring.open_core(loaded, clock=StillClock()) as core, host.connected(core), core.working():
        yield core


async def test_every_shard_is_answered(database: Path) -> None:
    """One process alone has every shard: each tells the gateway which it is, and every server gets its answer."""
    async with DiscordTwin() as twin:
        guilds: dict[int, str] = {}
        while len(guilds) < 2:
            twin.advance(0.001)  # an id tells its moment, and so the shard
            name = twin.guild("Somewhere")
            guilds[(int(name) >> 22) % 2] = name
        ana = twin.member("Ana", guilds=list(guilds.values()))
        channels = [twin.channel(name, "general") for name in guilds.values()]
        async with connected(twin, database, 2) as core:
            for channel in channels:
                await twin.says(ana, channel, f"<@{twin.bot_id}> hello")
            await twin.wait_for(lambda: all(len(twin.messages(channel)) == 2 for channel in channels))
            await core.lanes.drained()

        assert sorted(one["shard"] for one in twin.identifies) == [[0, 2], [1, 2]]
