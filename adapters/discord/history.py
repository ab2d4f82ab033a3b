"""What stands in a Discord channel, thread or direct message now, page by page: for what changed while we were away.

Discord answers with an empty history, not with a refusal, where we may see a channel and not read its past. So a
history counts only where discord.py knows that we have that permission, in a server that is there, before and after.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import discord

from adapters.discord import events, translate
from adapters.discord.errors import called
from bot import errors
from bot.messages import Message, MessageId, Room
from bot.ports import History, Standing

PAGE = 100
"""The most that Discord gives."""

TICK = timedelta(milliseconds=1)
"""Ids hold no less: messages may be of one moment, and a page end between them."""

MARGIN = 2 * TICK
"""Asked for beyond both ends: discord.py leaves out the ends, and may be a moment low when it makes ids of them."""


async def read(client: discord.Client, room: Room, *, since: datetime, until: datetime) -> History | None:
    """See `Adapter.history`: a page ends with the newest message.

    A message that was edited and shows us no words any more is hidden from us: it does not stand, as with the event.

    Raises:
        PlatformError: Discord could not be asked now.
    """
    try:
        channel = await _channel(client, room)
        if channel is None or not _may_read(channel):
            return None
        found = await called(_page(channel, since, until))
        if not _may_read(channel):
            return None
    except (errors.NotDeliveredError, discord.ClientException):
        return None
    if len(found) == PAGE:
        since = max(since, found[-1].created_at + TICK)
    return History(
        since=since,
        until=until,
        standing=_standing(found, client.user),
        to_us=[message async for message in _to_us(client, found) if since <= message.said_at <= until],
    )


async def _channel(client: discord.Client, room: Room) -> Any:
    """The channel as discord.py knows it, or, such as a thread that nobody wrote in for long, as Discord tells it.

    None if its server is not there now: an outage hides it.
    """
    if room.tenant == translate.DIRECT:
        return client.get_partial_messageable(int(room.channel))
    guild = client.get_guild(int(room.tenant.partition(":")[2]))
    if guild is None or guild.unavailable:
        return None
    channel_id = int(room.thread or room.channel)
    return guild.get_channel_or_thread(channel_id) or await called(client.fetch_channel(channel_id))


def _may_read(channel: Any) -> bool:
    if isinstance(channel, discord.PartialMessageable):  # a direct message shows all of itself
        return True
    if channel.guild.unavailable or channel.guild.me is None:
        return False
    granted = channel.permissions_for(channel.guild.me)
    return bool(granted.view_channel and granted.read_message_history)


async def _page(channel: Any, since: datetime, until: datetime) -> list[discord.Message]:
    found = channel.history(limit=PAGE, before=until + MARGIN, after=since - MARGIN, oldest_first=False)
    return [posted async for posted in found]


async def _to_us(client: discord.Client, found: list[discord.Message]) -> AsyncIterator[Message]:
    assert client.user is not None
    for posted in found:
        message = translate.message(posted, me=client.user)
        if message is not None and not await events.is_command(client, posted):
            yield message


def spoken_in(client: discord.Client, known: Sequence[Room], *, since: datetime) -> list[Room]:
    """See `Adapter.spoken_in`: Discord tells with each session, and from then on, which post of a channel is newest.

    Of direct messages it tells nothing, so those that are known are all of them.
    """
    channels = [channel for guild in client.guilds if not guild.unavailable for channel in _channels(guild)]
    newest = sorted(((_newest(channel), channel) for channel in channels), key=lambda one: one[0], reverse=True)
    spoken = [translate.room(channel) for moment, channel in newest if moment >= since and _may_read(channel)]
    return [*(room for room in known if room.kind == "direct"), *spoken]


def _channels(guild: discord.Guild) -> list[Any]:
    return [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]


def _newest(channel: Any) -> datetime:
    return discord.utils.snowflake_time(channel.last_message_id or 0)


def _standing(found: list[discord.Message], me: discord.ClientUser | None) -> dict[MessageId, Standing]:
    assert me is not None
    return {
        MessageId(str(posted.id)): Standing(text=translate.text(posted, me=me), is_edited=posted.edited_at is not None)
        for posted in found
        if posted.content or posted.edited_at is None
    }
