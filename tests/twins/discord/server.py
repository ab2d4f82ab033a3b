"""The state of Discord: guilds, channels, members and messages, who may do what, and a clock that only tests move."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.twins.discord.model import (
    EVERYONE,
    EVERYTHING,
    JSON,
    NO_PERMISSION,
    Attachment,
    Channel,
    Guild,
    Kind,
    Membership,
    Message,
    Permission,
    Ping,
    Post,
    RefusedError,
    Role,
    User,
)

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Discord's epoch: snowflakes count milliseconds from here."""
START = datetime(2040, 1, 1, tzinfo=UTC)
"""Later than any wall clock: discord.py compares ids with it and must never find an interaction expired."""
DM_PERMISSIONS = EVERYONE | Permission.PIN_MESSAGES


class Server:
    """Everything that is stored. Changes that somebody must hear of go through `Timeline`."""

    def __init__(self, *, application_id: str, token: str, now: datetime) -> None:
        self.bot_id = application_id
        """The bot's user has the id of its application, as with every application since 2016."""
        self.token = token
        self.now = now
        self.url = ""
        self._last_id = 0
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.roles: dict[str, Role] = {}
        self.members: dict[tuple[str, str], Membership] = {}
        """By (guild id, user id)."""
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        """Oldest first; ephemeral ones too."""
        self.files: dict[str, bytes] = {}
        self.history_lag_s = 0.0
        """How long a new message does not show in the history."""
        self.posts: list[Post] = []
        self.pings: list[Ping] = []
        self.users[self.bot_id] = User(id=self.bot_id, name="Rapport", bot=True)

    def snowflake(self) -> str:
        """Return a new id, greater than every earlier one, that carries the time."""
        self._last_id = max(self._last_id + 1, (self.now - EPOCH) // timedelta(milliseconds=1) << 22)
        return str(self._last_id)

    # -- building -------------------------------------------------------------------------------------------------

    def add_user(self, name: str, **traits: bool) -> User:
        """Create a user; `traits` are `bot`, `webhook` and `dms_closed`."""
        user = User(id=self.snowflake(), name=name, **traits)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, bot_permissions: Permission) -> Guild:
        """Create a guild with an owner, an everyone role, and the bot with its managed role."""
        owner = self.add_user(f"Owner of {name}")
        guild = Guild(id=self.snowflake(), name=name, owner_id=owner.id, bot_role_id=self.snowflake())
        self.guilds[guild.id] = guild
        everyone = Role(id=guild.id, guild_id=guild.id, name="@everyone", permissions=EVERYONE)
        own = Role(
            id=guild.bot_role_id, guild_id=guild.id, name="Rapport", permissions=bot_permissions, bot_id=self.bot_id
        )
        self.roles |= {everyone.id: everyone, own.id: own}
        self.join(owner.id, guild.id)
        self.join(self.bot_id, guild.id, roles=(own.id,))
        return guild

    def join(self, user_id: str, guild_id: str, *, roles: Collection[str] = ()) -> Membership:
        """Make the user a member of the guild, with these of the roles that the guild has."""
        mine = tuple(role for role in roles if self.roles[role].guild_id == guild_id)
        member = Membership(user_id=user_id, guild_id=guild_id, joined_at=self.now, roles=mine)
        self.members[guild_id, user_id] = member
        return member

    def add_channel(self, kind: Kind, *, channel_id: str | None = None, **fields: Any) -> Channel:
        """Create a channel from the fields of `Channel`; a thread may take the id of the message it begins at."""
        channel = Channel(id=channel_id or self.snowflake(), kind=kind, created_at=self.now, **fields)
        self.channels[channel.id] = channel
        return channel

    def dm(self, user_id: str) -> Channel:
        """Return the DM channel with this user; it is made once."""
        found = (channel for channel in self.channels.values() if channel.recipient_id == user_id)
        return next(found, None) or self.add_channel("dm", recipient_id=user_id)

    def store_file(self, filename: str, data: bytes, *, description: str | None = None) -> Attachment:
        """Keep the bytes and return the attachment that stands for them, typed by its name."""
        kind = mimetypes.guess_type(filename)[0]
        attachment = Attachment(
            id=self.snowflake(), filename=filename, size=len(data), content_type=kind, description=description
        )
        self.files[attachment.id] = data
        return attachment

    # -- finding --------------------------------------------------------------------------------------------------

    def user(self, ref: str) -> User:
        """Return the user with this id, or the newest with this name."""
        named = {user.name: user for user in self.users.values()}
        return self.users.get(ref) or named[ref]

    def room(self, ref: str) -> Channel:
        """Return the channel with this id, or the newest with this name."""
        named = {channel.name: channel for channel in self.channels.values()}
        return self.channels.get(ref) or named[ref]

    def top(self, channel: Channel) -> Channel:
        """Return the channel whose permissions count: a thread's parent, or itself."""
        return self.channels[channel.parent_id] if channel.is_thread and channel.parent_id else channel

    def threads(self, guild_id: str) -> list[Channel]:
        """The guild's open threads the bot can see."""
        return [
            channel
            for channel in self.channels.values()
            if channel.guild_id == guild_id and channel.is_thread and not channel.archived and self.bot_sees(channel)
        ]

    def visible(self, channel_id: str) -> list[Message]:
        """The messages everyone in the channel sees, oldest first."""
        return [m for m in self.messages.values() if m.channel_id == channel_id and m.viewer is None]

    # -- permissions ----------------------------------------------------------------------------------------------

    def guild_permissions(self, user_id: str, guild_id: str) -> Permission:
        """What the user may do in the guild before any channel is looked at."""
        member = self.members.get((guild_id, user_id))
        if member is None:
            return NO_PERMISSION
        granted = self.roles[guild_id].permissions
        for role in member.roles:
            granted |= self.roles[role].permissions
        everything = user_id == self.guilds[guild_id].owner_id or Permission.ADMINISTRATOR in granted
        return EVERYTHING if everything else granted

    def permissions(self, user_id: str, channel: Channel) -> Permission:
        """What the user may do in the channel; nothing if it is not visible to them."""
        if channel.guild_id is None:
            present = {self.bot_id, channel.recipient_id} if channel.recipient_id else channel.readers
            return DM_PERMISSIONS if user_id in present else NO_PERMISSION
        top = self.top(channel)
        granted = self.guild_permissions(user_id, channel.guild_id)
        if granted == EVERYTHING:
            return granted
        denied = top.bot_denied | channel.bot_denied if user_id == self.bot_id else NO_PERMISSION
        hidden = not top.everyone_can_view and user_id not in top.readers
        outside = channel.kind == "private_thread" and user_id not in channel.readers
        if hidden or (outside and Permission.MANAGE_THREADS not in granted) or Permission.VIEW_CHANNEL in denied:
            return NO_PERMISSION
        return granted & ~denied

    def bot_sees(self, channel: Channel) -> bool:
        """Whether events of this channel reach the bot."""
        return Permission.VIEW_CHANNEL in self.permissions(self.bot_id, channel)

    # -- what a request may touch ---------------------------------------------------------------------------------

    def channel(self, channel_id: object, *needed: Permission) -> Channel:
        """Return the channel if the bot sees it and has the `needed` permissions there.

        Raises:
            RefusedError: 10003 unknown, 50001 not visible, 50013 a permission is missing.
        """
        channel = self.channels.get(str(channel_id))
        if channel is None:
            raise RefusedError(10003)
        granted = self.permissions(self.bot_id, channel)
        if Permission.VIEW_CHANNEL not in granted:
            raise RefusedError(50001)
        if any(permission not in granted for permission in needed):
            raise RefusedError(50013)
        return channel

    def guild(self, guild_id: object) -> Guild:
        """Return the guild if the bot is in it; refuse with 10004 if not."""
        guild = self.guilds.get(str(guild_id))
        if guild is None or (guild.id, self.bot_id) not in self.members:
            raise RefusedError(10004)
        return guild

    def message(self, channel: Channel, message_id: object) -> Message:
        """Return a message everyone in the channel sees; refuse with 10008 if there is none."""
        message = self.messages.get(str(message_id))
        if message is None or message.channel_id != channel.id or message.viewer is not None:
            raise RefusedError(10008)
        return message

    def alter(self, channel: Channel, **changes: Any) -> Channel:
        """Replace fields of the channel."""
        self.channels[channel.id] = changed = replace(self.channels[channel.id], **changes)
        return changed

    def record(self, action: Literal["create", "edit", "delete"], message: Message, body: JSON) -> None:
        """Write one line of the ledger of what the bot posted."""
        hidden = message.viewer is not None
        post = Post(action=action, channel_id=message.channel_id, message_id=message.id, body=body, ephemeral=hidden)
        self.posts.append(post)
