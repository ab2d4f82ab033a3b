"""What people do: build servers, write, edit, delete and react, come and go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from tests.twins.discord.model import (
    EVERYONE,
    JSON,
    NO_PERMISSION,
    Channel,
    Guild,
    Kind,
    Message,
    Permission,
    Role,
)
from tests.twins.discord.payloads import role
from tests.twins.discord.session import Intent
from tests.twins.discord.timeline import Timeline
from tests.twins.server import Twin


class People:
    """Everybody but the bot. Members and channels are named by id or, where it is unique, by name."""

    def __init__(self, twin: Twin, timeline: Timeline) -> None:
        self._twin, self._timeline = twin, timeline
        self._server, self._payloads, self._gateway = timeline.server, timeline.payloads, timeline.gateway

    # -- building -------------------------------------------------------------------------------------------------

    def guild(self, name: str, *, bot_permissions: Permission = EVERYONE) -> str:
        """Found a guild the bot is in; return its id. `bot_permissions` are those of the bot's managed role."""
        founded = self._server.add_guild(name, bot_permissions=bot_permissions)
        self._gateway.dispatch("GUILD_CREATE", self._payloads.guild(founded), intent=Intent.GUILDS)
        return founded.id

    def role(self, guild: str, name: str, *, permissions: Permission = NO_PERMISSION, mentionable: bool = False) -> str:
        """Create a role; return its id."""
        made = Role(
            id=self._server.snowflake(), guild_id=guild, name=name, permissions=permissions, mentionable=mentionable
        )
        self._server.roles[made.id] = made
        data = {"guild_id": guild, "role": role(made)}
        self._gateway.dispatch("GUILD_ROLE_CREATE", data, intent=Intent.GUILDS)
        return made.id

    async def alters_role(self, role_id: str, *, permissions: Permission) -> None:
        """Change what a role may do; the id of the guild names the role of everybody in it."""
        self._server.roles[role_id] = changed = replace(self._server.roles[role_id], permissions=permissions)
        await self._tell("GUILD_ROLE_UPDATE", {"guild_id": changed.guild_id, "role": role(changed)})

    async def alters_guild(self, guild: str, **changes: Any) -> None:
        """Change fields of a guild, such as its `features`."""
        self._server.guilds[guild] = changed = replace(self._server.guilds[guild], **changes)
        lists = ("members", "channels", "threads", "voice_states", "presences")
        told = {key: value for key, value in self._payloads.guild(changed).items() if key not in lists}
        await self._tell("GUILD_UPDATE", told)

    def member(
        self,
        name: str,
        *,
        guilds: Collection[str] = (),
        roles: Collection[str] = (),
        bot: bool = False,
        dms_closed: bool = False,
    ) -> str:
        """Create a user who is a member of these guilds with those of the roles that belong there; return the id."""
        user = self._server.add_user(name, bot=bot, dms_closed=dms_closed)
        for guild in guilds:
            self._join(user.id, guild, roles)
        return user.id

    def _join(self, user_id: str, guild: str, roles: Collection[str]) -> None:
        joined = self._server.join(user_id, guild, roles=roles)
        data = self._payloads.full_member(joined) | {"guild_id": guild}
        self._gateway.dispatch("GUILD_MEMBER_ADD", data, intent=Intent.GUILD_MEMBERS)

    def webhook(self, name: str) -> str:
        """Create a webhook that can post in any channel; return the id it posts under."""
        return self._server.add_user(name, webhook=True).id

    def channel(
        self,
        guild: str,
        name: str,
        *,
        kind: Kind = "text",
        parent: str | None = None,
        everyone_can_view: bool = True,
        readers: Collection[str] = (),
        bot_denied: Permission = NO_PERMISSION,
        bot_is_reader: bool = True,
        locked: bool = False,
        archived: bool = False,
    ) -> str:
        """Create a channel, or a thread below `parent`; return its id.

        Unless `everyone_can_view`, an overwrite hides it from all but `readers`; those are the members of a private
        thread too, and the bot is among them unless `bot_is_reader` is off. `bot_denied` is an overwrite for the bot.
        """
        present = {self._server.user(reader).id for reader in readers}
        made = self._server.add_channel(
            kind,
            name=name,
            guild_id=guild,
            parent_id=None if parent is None else self._server.room(parent).id,
            owner_id=self._server.guilds[guild].owner_id,
            everyone_can_view=everyone_can_view,
            readers=frozenset(present | ({self._server.bot_id} if bot_is_reader else set())),
            bot_denied=bot_denied,
            locked=locked,
            archived=archived,
        )
        assert made.is_thread == (parent is not None), "a thread, and only a thread, has a parent"
        return self._timeline.open(made).id

    async def alters(self, channel: str, **changes: Any) -> None:
        """Change fields of a channel or thread, e.g. `archived=True` or `everyone_can_view=False`."""
        self._timeline.alter(self._server.room(channel), **changes)
        await self._twin.changed()

    async def removes_channel(self, channel: str) -> None:
        """Delete a channel or thread."""
        self._timeline.remove(self._server.room(channel))
        await self._twin.changed()

    # -- writing --------------------------------------------------------------------------------------------------

    async def says(
        self,
        member: str,
        channel: str,
        text: str,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        attachments: Mapping[str, bytes] | None = None,
        forward: Message | None = None,
    ) -> Message:
        """Post a message; `<@id>` in the text mentions, and so does a reply unless `ping` is off."""
        who, where = self._server.user(member), self._server.room(channel)
        assert who.webhook or self._sees(who.id, where), f"{who.name} does not see {where.name!r}"
        files = tuple(self._server.store_file(name, data) for name, data in (attachments or {}).items())
        found: dict[str, Any] = {"content": text, "attachments": files}
        if reply_to is not None:
            found |= {"kind": 19, "reference": _reference(reply_to, 0)}
        if forward is not None:
            found |= {"snapshot": self._server.messages[forward.id], "reference": _reference(forward, 1)}
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        message = self._timeline.create(where, who.id, found, allowed=allowed)
        await self._twin.changed()
        return message

    async def dms(self, member: str, text: str, **more: Any) -> Message:
        """Write to the bot in a DM; takes the options of `says`."""
        return await self.says(member, self.dm(member), text, **more)

    def dm(self, member: str) -> str:
        """Return the id of the DM channel of a member and the bot."""
        return self._server.dm(self._server.user(member).id).id

    def elsewhere(self, *members: str) -> str:
        """Let members write to each other without the bot, two directly, more in a group; return the channel's id."""
        readers = frozenset(self._server.user(member).id for member in members)
        kind: Kind = "dm" if len(readers) == 2 else "group_dm"
        return self._server.add_channel(kind, readers=readers, owner_id=min(readers)).id

    async def edits(self, message: Message, text: str) -> Message:
        """Let the author of a message change its text."""
        changed = self._timeline.edit(self._server.messages[message.id], {"content": text}, allowed=None)
        await self._twin.changed()
        return changed

    async def unfurls(self, message: Message, *embeds: JSON) -> None:
        """Let Discord add link previews: a MESSAGE_UPDATE that changes no word and leaves no edit mark."""
        self._timeline.unfurl(self._server.messages[message.id], embeds)
        await self._twin.changed()

    async def deletes(self, message: Message) -> None:
        """Delete a message, whoever wrote it."""
        self._timeline.delete(self._server.messages[message.id])
        await self._twin.changed()

    async def bulk_deletes(self, *messages: Message) -> None:
        """Delete messages of one channel as a moderator's tool does: with one event."""
        self._timeline.delete(*(self._server.messages[message.id] for message in messages), bulk=True)
        await self._twin.changed()

    async def reacts(self, member: str, message: Message, emoji: str, *, added: bool = True) -> None:
        """Add a reaction, or take it away."""
        self._timeline.react(self._server.messages[message.id], self._server.user(member).id, emoji, added=added)
        await self._twin.changed()

    async def types(self, member: str, channel: str) -> None:
        """Begin to type."""
        self._timeline.typing(self._server.room(channel), self._server.user(member).id)
        await self._twin.changed()

    async def redeliver(self, message: Message) -> None:
        """Dispatch the MESSAGE_CREATE of a message again."""
        self._timeline.announce(self._server.messages[message.id])
        await self._twin.changed()

    def _sees(self, user_id: str, channel: Channel) -> bool:
        return Permission.VIEW_CHANNEL in self._server.permissions(user_id, channel)

    # -- coming and going -----------------------------------------------------------------------------------------

    async def bot_leaves(self, guild: str) -> None:
        """Remove the bot from a guild: GUILD_DELETE without `unavailable`."""
        del self._server.members[guild, self._server.bot_id]
        await self._tell("GUILD_DELETE", {"id": guild})

    async def bot_joins(self, guild: str) -> None:
        """Add the bot to a guild again."""
        found = self._server.guilds[guild]
        self._server.join(self._server.bot_id, guild, roles=(found.bot_role_id,))
        await self._tell_guild(found, {})

    async def outage(self, guild: str) -> None:
        """Make a guild unavailable: GUILD_DELETE with `unavailable`, and no events from it."""
        self._server.guilds[guild] = replace(self._server.guilds[guild], unavailable=True)
        await self._tell("GUILD_DELETE", {"id": guild, "unavailable": True})

    async def outage_ends(self, guild: str) -> None:
        """Make a guild available again."""
        self._server.guilds[guild] = found = replace(self._server.guilds[guild], unavailable=False)
        await self._tell_guild(found, {"unavailable": False})

    async def member_joins(self, member: str, guild: str, *, roles: Collection[str] = ()) -> None:
        """Let a member join a guild; only the members intent hears of it."""
        self._join(self._server.user(member).id, guild, roles)
        await self._twin.changed()

    async def member_leaves(self, member: str, guild: str) -> None:
        """Let a member leave a guild; only the members intent hears of it."""
        user = self._server.user(member).id
        del self._server.members[guild, user]
        data = {"guild_id": guild, "user": self._payloads.user(user)}
        await self._tell("GUILD_MEMBER_REMOVE", data, intent=Intent.GUILD_MEMBERS)

    async def _tell_guild(self, guild: Guild, more: JSON) -> None:
        await self._tell("GUILD_CREATE", self._payloads.guild(guild) | more)

    async def _tell(self, event: str, data: JSON, *, intent: Intent = Intent.GUILDS) -> None:
        self._gateway.dispatch(event, data, intent=intent)
        await self._twin.changed()


def _reference(message: Message, kind: int) -> JSON:
    guild = {"guild_id": message.guild_id} if message.guild_id else {}
    return {"type": kind, "message_id": message.id, "channel_id": message.channel_id} | guild
