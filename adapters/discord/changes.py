"""What Discord tells beside messages: servers we leave and enter, channels and threads that are deleted.

An outage is none of it: a server that is merely unavailable stays in the client's list. Nor is a thread that Discord
archives because it is quiet: whoever writes there opens it again. Who reads a channel needs no event either, since
discord.py keeps roles and overwrites up to date and they are read when they are needed.
"""

import discord

from adapters.discord import translate
from adapters.discord.events import Listener
from bot.departures import Departures
from bot.messages import TenantId


class DiscordChanges:
    """Hears of changes, for one client."""

    def __init__(self, client: discord.Client, departures: Departures) -> None:
        self._client = client
        self._departures = departures

    def listeners(self) -> dict[str, Listener]:
        """What is called on which event."""
        return {
            "on_guild_join": self._entered,
            "on_guild_remove": self._removed,
            "on_guild_channel_delete": self._channel_deleted,
            "on_raw_thread_delete": self._thread_deleted,
        }

    async def compare(self) -> None:
        """Find out which servers removed us while nobody listened; not in a client that sees a part of them only."""
        if _sees_all(self._client):
            tenants = [_tenant(guild.id) for guild in self._client.guilds]
            await self._departures.found(tenants, account=self._account)

    async def _entered(self, guild: discord.Guild) -> None:
        await self._departures.installed(_tenant(guild.id), account=self._account)

    async def _removed(self, guild: discord.Guild) -> None:
        await self._departures.removed(_tenant(guild.id))

    async def _channel_deleted(self, channel: discord.abc.GuildChannel) -> None:
        await self._departures.closed(translate.uncached_room(channel.guild.id, channel.id))

    async def _thread_deleted(self, payload: discord.RawThreadDeleteEvent) -> None:
        await self._departures.closed(translate.uncached_room(payload.guild_id, payload.thread_id))

    @property
    def _account(self) -> str:
        return str(self._client.application_id)


def _sees_all(client: discord.Client) -> bool:
    """Whether the client is told of all servers: not one of several shards, nor without the intent for servers."""
    if not client.intents.guilds:
        return False
    if isinstance(client, discord.AutoShardedClient):
        return client.shard_ids is None
    return client.shard_id is None or (client.shard_count or 1) == 1


def _tenant(guild_id: int) -> TenantId:
    return TenantId(f"discord:{guild_id}")
