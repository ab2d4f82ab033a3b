"""What Rapport does with what discord.py hands it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord
import structlog

from adapters.discord import events, translate
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.changes import DiscordChanges
from adapters.discord.interactions import Interactions
from adapters.discord.shards import Shards
from bot import errors
from bot.core import Core
from bot.messages import Deletion, Edit, MessageId

_log = structlog.get_logger(__name__)


class DiscordListeners:
    """Our listeners, for one client."""

    def __init__(self, client: discord.Client, core: Core, *, shards: Shards | None = None) -> None:
        """`shards` are those of our own process, if it has several clients."""
        self._shards = shards
        self.adapter = DiscordAdapter(client)
        self.interactions = Interactions(self.adapter, core)
        self._changes = DiscordChanges(client, core.departures)
        self._client = client
        self._core = core

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear what we need, beside the host's own listeners, until the context is left."""
        heard: dict[str, events.Listener] = {
            "on_ready": self._ready,
            "on_message": self._posted,
            "on_raw_message_edit": self._edited,
            "on_raw_message_delete": self._deleted,
            "on_raw_bulk_message_delete": self._bulk_deleted,
            "on_interaction": self.interactions.heard,
            **self._changes.listeners(),
        }
        if self._client.is_ready():
            self._register()
        try:
            async with events.heard(self._client, heard):
                yield
        finally:
            self._deregister()

    def _register(self) -> None:
        """Let answers be shown. Not before we are connected: who reads a room is known only then."""
        if self._shards is None:
            self._core.adapters["discord"] = self.adapter
            return
        self._shards.add(self._client.shard_id or 0, self.adapter)
        self._core.adapters["discord"] = self._shards

    def _deregister(self) -> None:
        if self._shards is None or self._shards.drop(self._client.shard_id or 0):
            self._core.adapters.pop("discord", None)

    async def _ready(self) -> None:
        """Answer what waited for the connection, without waiting for a sweep. Comes again with every new session.

        Nothing is replayed to a new session, so what was said and taken back before it has to be looked for.
        """
        self._register()
        self._core.rechecking.missed("discord")
        self._core.catching_up.missed("discord")
        await self._changes.compare()
        recovered = await self._core.intake.recover()
        if recovered:
            _log.info("inbox.recovered", messages=recovered, platform="discord")

    async def _posted(self, posted: discord.Message) -> None:
        assert self._client.user is not None
        message = translate.message(posted, me=self._client.user)
        if message is None or await events.is_command(self._client, posted):
            return
        self._register()
        try:
            await self._core.intake.accept(message)
        except errors.StoreError as error:
            # Discord does not deliver again, so the author has to know.
            _log.info("message.refused", error=type(error).__name__, why=str(error))
            await posted.reply(error.for_member, allowed_mentions=discord.AllowedMentions.none())

    async def _edited(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take over new words. A post edited so that it no longer addresses us is hidden from us: it is withdrawn."""
        posted = payload.message
        if self._client.user is None or posted.author.bot:
            return
        if not posted.content:
            if posted.edited_at is not None:  # not a mere preview
                await self._forget(payload.guild_id, payload.channel_id, {posted.id})
            return
        edit = Edit(
            room=translate.room(posted.channel),
            message=MessageId(str(posted.id)),
            author=translate.member(posted.author),
            text=translate.text(posted, me=self._client.user),
        )
        await self._core.intake.edit(edit)

    async def _deleted(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._forget(payload.guild_id, payload.channel_id, {payload.message_id})

    async def _bulk_deleted(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._forget(payload.guild_id, payload.channel_id, payload.message_ids)

    async def _forget(self, guild_id: int | None, channel_id: int, message_ids: set[int]) -> None:
        channel = self._client.get_channel(channel_id)
        room = translate.uncached_room(guild_id, channel_id) if channel is None else translate.room(channel)
        for message_id in message_ids:
            await self._core.intake.delete(Deletion(room=room, message=MessageId(str(message_id))))
