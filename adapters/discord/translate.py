"""What Discord delivers, as the core's own data. Pure: discord.py objects in, data out.

For us is a direct message, a mention, or a reply that pings us: all of which arrive with their text even without the
privileged message-content intent (Discord sheet, section 1). A forward holds somebody else's words, and no text.
"""

import re
from typing import Any

import discord

from bot.messages import Member, Message, MessageId, Room, TenantId
from persona.audience import RoomKind

ACCOUNTS = TenantId("discord:accounts")
"""Where members live: a Discord account is the same in every server."""

DIRECT = TenantId("discord:direct")
"""Direct messages belong to no server."""

ELSEWHERE = TenantId("discord:elsewhere")
"""Group messages and direct messages between others, in which a member may use our commands: no place of ours."""

OPEN_TO_ANYBODY = frozenset({"DISCOVERABLE", "PREVIEW_ENABLED"})
"""Features of servers whose public channels can be read without joining."""

_SPOKEN = {discord.MessageType.default, discord.MessageType.reply}
_MENTION = re.compile(r"<(@!?|@&|#)(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")

Channel = Any
"""Any of discord.py's channels; they share no base that knows its server."""


def message(posted: discord.Message, *, me: discord.abc.User) -> Message | None:
    """A post that addresses us, if it does."""
    if posted.author.bot or posted.webhook_id or posted.type not in _SPOKEN or not _is_for(posted, me):
        return None
    return Message(
        id=MessageId(str(posted.id)),
        room=room(posted.channel),
        author=member(posted.author),
        text=text(posted, me=me),
        said_at=posted.created_at,
    )


def room(channel: Channel) -> Room:
    """The room of a channel: a thread is read by its channel's readers, unless it is private."""
    if is_direct(channel):
        return uncached_room(None, channel.id)
    guild = channel.guild
    if guild is None:
        return uncached_room(channel.guild_id, channel.id)
    tenant = TenantId(f"discord:{guild.id}")
    if isinstance(channel, discord.Thread) and not channel.is_private():
        return Room(tenant=tenant, channel=str(channel.parent_id), thread=str(channel.id), kind=kind(channel))
    return Room(tenant=tenant, channel=str(channel.id), kind=kind(channel))


def asked_in(interaction: discord.Interaction) -> Room | None:
    """Where a command or a component is used, if Discord says so: by members who installed us for themselves, also
    where we are not.

    A direct message is one with us only if Discord says that too; to discord.py any of two people looks like one.
    """
    channel = interaction.channel
    if channel is None:
        return None
    if interaction.guild_id is not None or interaction.context.dm_channel:
        return room(channel)
    return Room(tenant=ELSEWHERE, channel=str(channel.id), kind="external")


def is_direct(channel: Channel) -> bool:
    """Whether a channel is a direct message with us.

    That it has no server object does not say so: discord.py has none for a server it was not told of, as in a client
    without the guilds intent, and then hands over a partial channel that knows the server by its id alone.
    """
    is_partial = isinstance(channel, discord.PartialMessageable)
    return isinstance(channel, discord.DMChannel) or (is_partial and channel.guild_id is None)


def uncached_room(guild_id: int | None, channel_id: int) -> Room:
    """The room of a channel or thread of which only the id is known; a thread's parent is known to the store."""
    tenant = DIRECT if guild_id is None else TenantId(f"discord:{guild_id}")
    return Room(tenant=tenant, channel=str(channel_id), kind="direct" if guild_id is None else "external")


def kind(channel: Channel) -> RoomKind:
    """Who can read a server's channel: everybody in the server, or those let in.

    External if it cannot be told, or if those who are not in the server can read it.
    """
    guild = getattr(channel, "guild", None)
    if guild is None or isinstance(channel, discord.PartialMessageable) or guild.default_role is None:
        return "external"
    if isinstance(channel, discord.Thread) and channel.is_private():
        return "private"
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    if parent is None:
        return "external"
    is_for_all = parent.permissions_for(guild.default_role).view_channel
    is_hidden_from_some = any(overwrite.view_channel is False for overwrite in parent.overwrites.values())
    if not is_for_all or is_hidden_from_some:
        return "private"
    return "public" if OPEN_TO_ANYBODY.isdisjoint(guild.features) else "external"


def member(user: discord.abc.User) -> Member:
    """The account; a nickname identifies nobody."""
    return Member(tenant=ACCOUNTS, id=str(user.id), name=user.display_name)


def text(posted: discord.Message, *, me: discord.abc.User) -> str:
    """The words without our mention, others as @names."""
    names = {str(user.id): f"@{user.display_name}" for user in posted.mentions}
    roles = {str(role.id): f"@{role.name}" for role in posted.role_mentions if not _is_ours(role, me)}
    ours = {str(me.id), *(str(role.id) for role in posted.role_mentions if _is_ours(role, me))}

    def spelled(found: re.Match[str]) -> str:
        if found[1] == "#":
            channel = posted.guild.get_channel_or_thread(int(found[2])) if posted.guild else None
            return f"#{channel.name}" if channel else "#channel"
        return "" if found[2] in ours else names.get(found[2]) or roles.get(found[2], "@someone")

    return _EMOJI.sub(r"\1", _MENTION.sub(spelled, posted.content)).strip()


def _is_for(posted: discord.Message, me: discord.abc.User) -> bool:
    """Whether we are meant; @everyone is for everybody else."""
    return (
        is_direct(posted.channel)
        or any(user.id == me.id for user in posted.mentions)
        or any(_is_ours(role, me) for role in posted.role_mentions)
    )


def _is_ours(role: discord.Role, me: discord.abc.User) -> bool:
    """Whether it is the role that Discord made for us, which people mention by mistake."""
    return role.tags is not None and role.tags.bot_id == me.id
