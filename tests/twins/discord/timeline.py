"""Messages, reactions and threads come, change and go; every session that may know of it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.twins.discord.drafts import check_message, displayed_text
from tests.twins.discord.gateway import Gateway
from tests.twins.discord.mentions import mentions
from tests.twins.discord.model import JSON, Channel, Message, Permission, Ping, PingKind
from tests.twins.discord.payloads import Payloads, emoji, moment
from tests.twins.discord.server import Server
from tests.twins.discord.session import Intent

MESSAGES = (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES)
REACTIONS = (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS)
TYPING = (Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING)


class Timeline:
    """Changes what the server stores and dispatches the event that belongs to the change."""

    def __init__(self, server: Server, payloads: Payloads, gateway: Gateway) -> None:
        self.server, self.payloads, self.gateway = server, payloads, gateway

    def create(self, channel: Channel, author_id: str, found: dict[str, Any], *, allowed: JSON | None) -> Message:
        """Add a message with these fields; it opens an archived thread again, and pings if the bot wrote it.

        Raises:
            RefusedError: it breaks a limit; nothing has changed then.
        """
        message = Message(
            id=self.server.snowflake(),
            channel_id=channel.id,
            guild_id=channel.guild_id,
            author_id=author_id,
            created_at=self.server.now,
            **found,
        )
        message = self._mentioning(message, allowed)
        check_message(message)
        if channel.archived:
            self.alter(channel, archived=False)
        self.server.messages[message.id] = message
        self._ping(message)
        self.announce(message)
        return message

    def announce(self, message: Message) -> None:
        """Dispatch MESSAGE_CREATE for a message; a second time is a redelivery."""
        self._tell_message("MESSAGE_CREATE", message)

    def edit(self, message: Message, found: dict[str, Any], *, allowed: JSON | None) -> Message:
        """Change fields of a message; only filling a "thinking" one pings, and leaves no edit mark."""
        edited_at = message.edited_at if message.thinking else self.server.now
        replied = self._replied(message) in message.mentions
        changed = self._mentioning(replace(message, **found, edited_at=edited_at), allowed, replied=replied)
        check_message(changed)
        self.server.messages[message.id] = changed
        if message.thinking and not changed.thinking:
            self._ping(changed)
        self._tell_message("MESSAGE_UPDATE", changed)
        return changed

    def unfurl(self, message: Message, embeds: Sequence[JSON]) -> None:
        """Add link previews to a message."""
        self.server.messages[message.id] = changed = replace(message, embeds=(*message.embeds, *embeds))
        self._tell_message("MESSAGE_UPDATE", changed)

    def delete(self, *messages: Message, bulk: bool = False) -> None:
        """Remove messages, with one event for each or one for all."""
        for message in messages:
            del self.server.messages[message.id]
        public = [message for message in messages if message.viewer is None]
        for message in () if bulk else public:
            self._tell("MESSAGE_DELETE", message.channel_id, {"id": message.id}, MESSAGES)
        if bulk and public:
            ids = [message.id for message in public]
            self._tell("MESSAGE_DELETE_BULK", public[0].channel_id, {"ids": ids}, MESSAGES)

    def pin(self, message: Message, *, pinned: bool) -> None:
        """Pin or unpin a message."""
        changed = replace(message, pinned_at=self.server.now if pinned else None)
        self.server.messages[message.id] = changed
        self._tell_message("MESSAGE_UPDATE", changed)
        pins = {"last_pin_timestamp": moment(changed.pinned_at)}
        self._tell("CHANNEL_PINS_UPDATE", message.channel_id, pins, (Intent.GUILDS, Intent.DIRECT_MESSAGES))

    def react(self, message: Message, user_id: str, text: str, *, added: bool) -> None:
        """Add or take away one reaction; doing so twice changes nothing."""
        if added == ((text, user_id) in message.reactions):
            return
        others = tuple(reaction for reaction in message.reactions if reaction != (text, user_id))
        reactions = (*others, (text, user_id)) if added else others
        self.server.messages[message.id] = replace(message, reactions=reactions)
        event = {"user_id": user_id, "message_id": message.id, "emoji": emoji(text), "type": 0, "burst": False}
        member = self.server.members.get((message.guild_id or "", user_id))
        if added:
            event |= {"message_author_id": message.author_id}
            event |= {} if member is None else {"member": self.payloads.full_member(member)}
        self._tell(f"MESSAGE_REACTION_{'ADD' if added else 'REMOVE'}", message.channel_id, event, REACTIONS)

    def typing(self, channel: Channel, user_id: str) -> None:
        """Show that somebody types."""
        event = {"user_id": user_id, "timestamp": int(self.server.now.timestamp())}
        member = self.server.members.get((channel.guild_id or "", user_id))
        event |= {} if member is None else {"member": self.payloads.full_member(member)}
        self._tell("TYPING_START", channel.id, event, TYPING)

    # -- channels -------------------------------------------------------------------------------------------------

    def open(self, channel: Channel) -> Channel:
        """Announce a channel or thread that was just created."""
        self._tell_channel("CREATE", channel, newly_created=True)
        return channel

    def alter(self, channel: Channel, **changes: Any) -> Channel:
        """Change fields of a channel or thread."""
        seen = self.server.bot_sees(channel)
        changed = self.server.alter(channel, **changes)
        if seen or self.server.bot_sees(changed):
            self._tell_channel("UPDATE", changed)
        return changed

    def remove(self, channel: Channel) -> None:
        """Delete a channel with its messages."""
        self._tell_channel("DELETE", channel)
        del self.server.channels[channel.id]
        for message in [m for m in self.server.messages.values() if m.channel_id == channel.id]:
            del self.server.messages[message.id]

    # -- telling --------------------------------------------------------------------------------------------------

    def _tell_channel(self, what: str, channel: Channel, **more: bool) -> None:
        name = f"{'THREAD' if channel.is_thread else 'CHANNEL'}_{what}"
        if self._reachable(channel.guild_id) and (not channel.is_thread or self.server.bot_sees(channel)):
            self.gateway.dispatch(name, self.payloads.channel(channel) | more, intent=Intent.GUILDS)

    def _tell_message(self, event: str, message: Message) -> None:
        if message.viewer is None:
            payload = self.payloads.created if event == "MESSAGE_CREATE" else self.payloads.message
            full, bare = payload(message, event=True), payload(message, event=True, full=False)
            self._tell(event, message.channel_id, full, MESSAGES, bare=bare)

    def _tell(
        self, event: str, channel_id: str, data: JSON, intents: tuple[Intent, Intent], *, bare: JSON | None = None
    ) -> None:
        channel = self.server.channels[channel_id]
        place = {"channel_id": channel_id} | ({"guild_id": channel.guild_id} if channel.guild_id else {})
        if self._reachable(channel.guild_id) and self.server.bot_sees(channel):
            intent = intents[0] if channel.guild_id else intents[1]
            self.gateway.dispatch(event, data | place, intent=intent, bare=bare and bare | place)

    def _reachable(self, guild_id: str | None) -> bool:
        if guild_id is None:
            return True
        return (guild_id, self.server.bot_id) in self.server.members and not self.server.guilds[guild_id].unavailable

    def _mentioning(self, message: Message, allowed: JSON | None, *, replied: bool | None = None) -> Message:
        """Fill in whom the message mentions: whom it asks for, as far as they exist and its author may.

        Whether a reply pings is settled when it is posted; an edit passes that on as `replied`.
        """
        server = self.server
        asked = mentions(f"{message.content}\n{displayed_text(message.components)}", allowed)
        mass = server.permissions(message.author_id, server.channels[message.channel_id]) & Permission.MENTION_EVERYONE
        roles = [server.roles[r] for r in asked.roles if r in server.roles]
        users = [user for user in asked.users if user in server.users]
        author = self._replied(message) if (asked.replied if replied is None else replied) else None
        return replace(
            message,
            mentions=tuple(dict.fromkeys([*users, *([author] if author else [])])),
            mention_roles=tuple(r.id for r in roles if r.guild_id == message.guild_id and (r.mentionable or mass)),
            mention_everyone=asked.everyone and message.guild_id is not None and bool(mass),
        )

    def _replied(self, message: Message) -> str | None:
        """The author of the message this one replies to."""
        target = self.server.messages.get((message.reference or {}).get("message_id", ""))
        return target.author_id if target is not None and message.kind == 19 else None

    def _ping(self, message: Message) -> None:
        """Record the notifications of a message of the bot: for those who can see it, and not for the bot itself."""
        server, channel = self.server, self.server.channels[message.channel_id]
        if message.author_id != server.bot_id or message.viewer is not None or message.thinking:
            return
        replied = self._replied(message)
        seeing = [user for user in message.mentions if Permission.VIEW_CHANNEL in server.permissions(user, channel)]
        found: list[tuple[PingKind, str]] = [("reply" if user == replied else "user", user) for user in seeing]
        found += [("role", role) for role in message.mention_roles]
        if message.mention_everyone and message.guild_id:
            found.append(("everyone", message.guild_id))
        for kind, target in found:
            if target != server.bot_id:
                server.pings.append(Ping(message_id=message.id, channel_id=channel.id, kind=kind, target=target))
