"""What Rapport does with what discord.py hands it."""

from collections.abc import Callable, Coroutine
from typing import Any

import discord
import structlog
from discord.ext import commands

from adapters.discord import translate
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.commands import Interactions
from bot import errors
from bot.core import Core
from bot.messages import Deletion, Edit, MessageId

Listener = Callable[..., Coroutine[Any, Any, None]]

_log = structlog.get_logger(__name__)


class DiscordListeners:
    """Our listeners, for one client."""

    def __init__(self, client: discord.Client, core: Core) -> None:
        self.adapter = DiscordAdapter(client)
        self.interactions = Interactions(self.adapter, core)
        self._client = client
        self._core = core
        core.adapters["discord"] = self.adapter

    def listen(self, client: discord.Client) -> None:
        """Hear what we need, beside the host's own listeners."""
        _add(client, "on_message", self._posted)
        _add(client, "on_raw_message_edit", self._edited)
        _add(client, "on_raw_message_delete", self._deleted)
        _add(client, "on_raw_bulk_message_delete", self._bulk_deleted)
        _add(client, "on_interaction", self.interactions.pressed)

    async def _posted(self, posted: discord.Message) -> None:
        assert self._client.user is not None
        message = translate.message(posted, me=self._client.user)
        if message is None:
            return
        try:
            await self._core.intake.accept(message)
        except errors.StoreError as error:
            # Discord does not deliver again, so the author has to know.
            _log.error("message.refused", error=type(error).__name__, why=str(error))
            await posted.reply(error.for_member, allowed_mentions=discord.AllowedMentions.none())

    async def _edited(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take over new words. A text that is hidden from us, for want of the content intent, is kept as it was."""
        posted = payload.message
        if self._client.user is None or posted.author.bot or not posted.content:
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


def _add(client: discord.Client, name: str, listener: Listener) -> None:
    """Call `listener` on an event; what a plain client does on it already goes on."""
    if isinstance(client, commands.Bot):
        client.add_listener(listener, name)
        return
    own = getattr(client, name, None)

    async def both(*arguments: Any) -> None:
        await listener(*arguments)
        if own is not None:
            await own(*arguments)

    setattr(client, name, both)
