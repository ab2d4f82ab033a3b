"""Discord as an adapter: posts with a nonce, so that a repeat is the same post."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
import discord

from adapters.discord import history, translate, views
from adapters.discord.errors import called
from bot import errors, markdown
from bot.messages import Member, Message, MessageId, Platform, Room
from bot.ports import History, Post
from bot.views import Source, View

MAX_TEXT = 2_000
MAY_NOT_REPLY = 160_002
"""Discord's code where we may post but not read the history, and so not reply to it."""

SILENT = discord.AllowedMentions.none()
"""On every post and edit: whatever a model writes, nobody is pinged."""


class DiscordAdapter:
    """See `bot.ports.Adapter`."""

    platform: Platform = "discord"
    lag_s = 0.0  # what its nonce made within minutes is not made again
    streams: Collection[str] = ("discord",)

    def __init__(self, client: discord.Client, *, grow_every_s: float | None = 1.5) -> None:
        self.grow_every_s = grow_every_s
        self._client = client
        self._closed_to_us: set[str] = set()

    def serves(self, room: Room) -> bool:
        """See `Adapter.serves`: a client that is somebody else's sees to all of its servers."""
        return True

    async def classified(self, room: Room) -> Room:
        """See `Adapter.classified`: discord.py keeps channels and overwrites up to date; `translate` reads them."""
        if room.kind == "direct":
            return room
        channel = self._client.get_channel(int(room.thread or room.channel))
        return replace(room, kind="external" if channel is None else translate.kind(channel))

    def parts(self, text: str) -> list[str]:
        """See `Adapter.parts`."""
        return markdown.split(text, MAX_TEXT)

    async def post(self, post: Post) -> str:
        """See `Adapter.post`. Discord returns the first post again when the nonce is repeated within minutes.

        If somebody deleted that one, Discord says that it is gone (discord.py#10116).

        What stands there may be from an earlier try, the mere beginning of the reply: then it is completed.
        """
        posted = await called(self._send(post))
        if posted.content.split() != post.text.split():  # Discord trims what it takes
            return await self.edit(post, str(posted.id))
        return str(posted.id)

    async def _send(self, post: Post) -> discord.Message:
        channel = self._channel(post.room)
        reference = discord.MessageReference(
            message_id=int(post.reply_to), channel_id=channel.id, fail_if_not_exists=False
        )
        send = partial(channel.send, post.text, nonce=nonce(post), allowed_mentions=SILENT, suppress_embeds=True)
        if post.part > 0:
            return await send()
        try:
            return await send(reference=reference)
        except discord.HTTPException as error:
            if error.code != MAY_NOT_REPLY:
                raise
            return await send()

    async def edit(self, post: Post, post_id: str) -> str:
        """See `Adapter.edit`."""
        message = self._channel(post.room).get_partial_message(int(post_id))
        await called(message.edit(content=post.text, allowed_mentions=SILENT))
        return post_id

    async def remove(self, post: Post, post_id: str) -> None:
        """See `Adapter.remove`."""
        message = self._channel(post.room).get_partial_message(int(post_id))
        try:
            await called(message.delete())
        except errors.NotDeliveredError as refused:
            if not isinstance(refused.__cause__, discord.NotFound):
                raise

    async def find(self, post: Post) -> str | None:
        """See `Adapter.find`: our own post with this text, or its beginning, after the message it answers.

        A further part has no such message to be known by, and may repeat another's words: it is the first of these
        words after the part before it, and before we reply to anything else.

        Where it is not found, because the history may not be read or the reply was composed anew in other words, the
        nonce alone has to do.
        """
        channel = self._channel(post.room)
        try:
            async for found in channel.history(after=discord.Object(int(post.after or post.reply_to)), limit=100):
                if self._is_shown_in(found, post):
                    return str(found.id)
                if post.after and found.author == self._client.user and found.reference is not None:
                    return None
        except discord.Forbidden:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise errors.PlatformUnreachableError("Discord's history could not be read") from error
        return None

    def _is_shown_in(self, found: discord.Message, post: Post) -> bool:
        """Whether `found` is this post, as it was or as far as it had grown.

        The history does not say: it holds no nonce, and on a host our posts and the host's are of one author, who may
        both have replied to the message. To take the host's post for ours would overwrite it, which is worse than to
        post twice; so its words have to be ours as well, and it has to suppress its previews, as all of ours do.
        """
        if found.author != self._client.user or not found.flags.suppress_embeds or not found.content:
            return False
        if post.part > 0:
            return found.content == post.text and found.reference is None
        is_reply = found.reference is not None and str(found.reference.message_id) == post.reply_to
        return is_reply and post.text.startswith(found.content)

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """See `Adapter.working`: Discord says that we are typing."""
        typing = self._channel(message.room).typing()
        try:
            await called(typing.__aenter__())
        except errors.PlatformError:  # an answer without the dots is an answer
            yield
            return
        try:
            yield
        finally:
            await typing.__aexit__(None, None, None)

    async def locale(self, member: Member) -> str | None:
        """See `Adapter.locale`: Discord says it with interactions only, and a server's own is not the member's."""
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """See `Adapter.notify`: in the direct message, the only private place outside of an interaction.

        A member whose direct messages are closed is not tried again: Discord bans those who keep knocking.
        """
        if member.id in self._closed_to_us:
            return False
        try:
            user = await called(self._client.fetch_user(int(member.id)))
            view = views.within(view)
            await called(user.send(files=views.files(view), **self.drawn(view)))
        except errors.NotDeliveredError:
            self._closed_to_us.add(member.id)
            return False
        return True

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """See `Adapter.listed_in`: what was said in a thread stands in it, the first post of a forum's too."""
        return room

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """See `Adapter.history`."""
        return await history.read(self._client, room, since=since, until=until)

    async def hears(self) -> bool:
        """See `Adapter.hears`: whether every connection is open."""
        client = self._client
        if not client.is_ready():
            return False
        if isinstance(client, discord.AutoShardedClient):
            return not any(shard.is_closed() for shard in client.shards.values())
        return client.ws.open

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """See `Adapter.spoken_in`."""
        return history.spoken_in(self._client, known, since=since)

    def drawn(self, view: View) -> dict[str, Any]:
        """The view as arguments of a send or an edit, without its files."""
        return {"embed": views.embed(view, link=self._link), "view": views.components(view)}

    def _channel(self, room: Room) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(int(room.thread or room.channel))

    @staticmethod
    def _link(source: Source) -> str:
        server = "@me" if source.tenant == translate.DIRECT else source.tenant.partition(":")[2]
        return f"https://discord.com/channels/{server}/{source.room.rpartition('/')[2]}/{source.message}"


def nonce(post: Post) -> str:
    """The same for the same part of the same reply, in every process: at most 25 characters."""
    return hashlib.sha256(f"{post.answer}:{post.part}".encode()).hexdigest()[:24]
