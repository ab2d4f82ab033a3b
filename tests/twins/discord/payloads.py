"""Discord's objects in the exact form it sends them: what discord.py would crash on if a key were missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from tests.twins.discord.model import (
    CHANNEL_TYPES,
    JSON,
    NO_PERMISSION,
    Attachment,
    Channel,
    Guild,
    Membership,
    Message,
    Permission,
    Role,
    User,
)
from tests.twins.discord.server import Server

LINK_LIFE = timedelta(hours=24)
"""How long the address of an attachment is good after it was handed out."""


def moment(time: datetime | None) -> str | None:
    """ISO 8601 with offset, as in every timestamp."""
    return None if time is None else time.isoformat()


def emoji(text: str) -> JSON:
    """The emoji object of a unicode emoji or of `name:id`."""
    name, _, emoji_id = text.partition(":")
    return {"id": emoji_id or None, "name": name}


def role(it: Role) -> JSON:
    """A role object; the bot's own carries the tag that says so."""
    tags = {"tags": {"bot_id": it.bot_id}} if it.bot_id else {}
    return tags | {
        "id": it.id,
        "name": it.name,
        "permissions": str(int(it.permissions)),
        "position": 0 if it.id == it.guild_id else 1,
        "color": 0,
        "hoist": False,
        "managed": it.bot_id is not None,
        "mentionable": it.mentionable,
        "flags": 0,
    }


def user(it: User) -> JSON:
    """A user object."""
    return {
        "id": it.id,
        "username": it.name.lower().replace(" ", "_"),
        "global_name": it.name,
        "discriminator": "0",
        "avatar": None,
        "bot": it.bot or it.webhook,
    }


class Payloads:
    """Objects that need to look things up on the server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def user(self, user_id: str) -> JSON:
        """The user object of an id."""
        return user(self._server.users[user_id])

    def application(self, *, message_content: bool, members: bool) -> JSON:
        """The bot's own application; its flags say which privileged intents it was granted (limited form)."""
        return {
            "id": self._server.bot_id,
            "name": "Rapport",
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "owner": {"id": "1", "username": "owner", "discriminator": "0", "avatar": None},
            "flags": message_content << 19 | members << 15,
        }

    def member(self, it: Membership) -> JSON:
        """A member object without its user."""
        return {
            "roles": list(it.roles),
            "joined_at": moment(it.joined_at),
            "nick": None,
            "avatar": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
        }

    def full_member(self, it: Membership) -> JSON:
        """A member object with its user."""
        return self.member(it) | {"user": self.user(it.user_id)}

    def guild(self, it: Guild, *, everybody: bool = False) -> JSON:
        """A GUILD_CREATE guild: what the bot sees; of the members only itself unless `everybody`."""
        server = self._server
        members = [m for m in server.members.values() if m.guild_id == it.id]
        mine = [c for c in server.channels.values() if c.guild_id == it.id and not c.is_thread]
        return {
            "id": it.id,
            "name": it.name,
            "icon": None,
            "owner_id": it.owner_id,
            "preferred_locale": "en-US",
            "roles": [role(r) for r in server.roles.values() if r.guild_id == it.id],
            "emojis": [],
            "stickers": [],
            "features": list(it.features),
            "large": False,
            "member_count": len(members),
            "members": [self.full_member(m) for m in members if everybody or m.user_id == server.bot_id],
            # Channels the bot may not view are listed too: their overwrites hide them.
            "channels": [self.channel(c) for c in mine],
            "threads": [self.channel(c) for c in server.threads(it.id)],
            "voice_states": [],
            "presences": [],
        }

    def channel(self, it: Channel) -> JSON:
        """A channel object of any kind."""
        base = {"id": it.id, "type": CHANNEL_TYPES[it.kind], "last_message_id": self._last_message_id(it), "flags": 0}
        if it.recipient_id is not None:
            return base | {"recipients": [self.user(it.recipient_id)]}
        if it.guild_id is None:
            others = [self.user(reader) for reader in sorted(it.readers)]
            return base | {"recipients": others, "name": it.name or None, "icon": None, "owner_id": it.owner_id}
        base |= {"guild_id": it.guild_id, "name": it.name, "parent_id": it.parent_id, "rate_limit_per_user": 0}
        return base | (self._thread(it) if it.is_thread else self._guild_channel(it))

    def _last_message_id(self, it: Channel) -> str | None:
        return next((m.id for m in reversed(self._server.visible(it.id))), None)

    def _guild_channel(self, it: Channel) -> JSON:
        voice = {"bitrate": 64000, "user_limit": 0} if it.kind == "voice" else {}
        return voice | {
            "position": 0,
            "topic": None,
            "nsfw": False,
            "permission_overwrites": self._overwrites(it),
            "available_tags": [],
        }

    def _overwrites(self, it: Channel) -> list[JSON]:
        none, view = NO_PERMISSION, Permission.VIEW_CHANNEL
        rules = [] if it.everyone_can_view else [(it.guild_id, 0, none, view)]
        rules += [(reader, 1, view, none) for reader in sorted(it.readers - {self._server.bot_id})]
        own = view if self._server.bot_id in it.readers else none
        if own or it.bot_denied:
            rules.append((self._server.bot_id, 1, own & ~it.bot_denied, it.bot_denied))
        return [{"id": i, "type": t, "allow": str(int(allow)), "deny": str(int(deny))} for i, t, allow, deny in rules]

    def _thread(self, it: Channel) -> JSON:
        count = len(self._server.visible(it.id))
        opened = moment(it.created_at)
        return {
            "owner_id": it.owner_id,
            "message_count": count,
            "total_message_sent": count,
            "member_count": max(1, len(it.readers)),
            "thread_metadata": {
                "archived": it.archived,
                "locked": it.locked,
                "auto_archive_duration": 1440,
                "archive_timestamp": opened,
                "create_timestamp": opened,
            },
        }

    def attachment(self, it: Attachment, channel_id: str) -> JSON:
        """An attachment whose address is signed and expires."""
        until = int((self._server.now + LINK_LIFE).timestamp())
        url = f"{self._server.url}/attachments/{channel_id}/{it.id}/{quote(it.filename)}?ex={until:x}&is=0&hm=0"
        extra = {"content_type": it.content_type, "description": it.description}
        known = {key: value for key, value in extra.items() if value is not None}
        return known | {"id": it.id, "filename": it.filename, "size": it.size, "url": url, "proxy_url": url}

    def message(self, it: Message, *, full: bool = True, event: bool = False, quoted: bool = False) -> JSON:
        """A message object.

        Args:
            it: The message.
            full: Whether the reader has the message content intent. Without it text, embeds, attachments and
                components are empty, except in DMs, in the bot's own messages and where the bot is mentioned.
            event: Whether it is dispatched; then it carries the guild id and the members.
            quoted: Whether it is the target of a reply; then its own target is left out.
        """
        server = self._server
        full = full or it.guild_id is None or server.bot_id in {it.author_id, *it.mentions}
        data = self._envelope(it) | self._content(it, full=full) | self._links(it, full=full, quoted=quoted)
        if event and it.guild_id is not None:
            data |= {"guild_id": it.guild_id}
            members = {m.user_id: self.member(m) for m in server.members.values() if m.guild_id == it.guild_id}
            if it.author_id in members:
                data["member"] = members[it.author_id]
            for mention in data["mentions"]:
                mention["member"] = members.get(mention["id"], {"roles": [], "flags": 0})
        return data

    def created(self, it: Message, *, full: bool = True, event: bool = False) -> JSON:
        """A message object as it is told of when the message is made: only then it carries the nonce."""
        nonce = {} if it.nonce is None else {"nonce": it.nonce}
        return self.message(it, full=full, event=event) | nonce

    def _envelope(self, it: Message) -> JSON:
        webhook = {"webhook_id": it.author_id} if self._server.users[it.author_id].webhook else {}
        mine = {"webhook_id": self._server.bot_id, "application_id": self._server.bot_id} if it.interaction else {}
        return (
            webhook
            | mine
            | {
                "id": it.id,
                "channel_id": it.channel_id,
                "author": self.user(it.author_id),
                "type": it.kind,
                "timestamp": moment(it.created_at),
                "edited_timestamp": moment(it.edited_at),
                "tts": False,
                "flags": it.flags,
                "pinned": it.pinned_at is not None,
                "mention_everyone": it.mention_everyone,
                "mentions": [self.user(mention) for mention in it.mentions],
                "mention_roles": list(it.mention_roles),
                "reactions": self._reactions(it),
            }
        )

    def _content(self, it: Message, *, full: bool) -> JSON:
        if not full:
            return {"content": "", "embeds": [], "attachments": [], "components": []}
        return {
            "content": it.content,
            "embeds": list(it.embeds),
            "attachments": [self.attachment(a, it.channel_id) for a in it.attachments],
            "components": list(it.components),
        }

    def _links(self, it: Message, *, full: bool, quoted: bool) -> JSON:
        data: JSON = {"interaction_metadata": it.interaction, "message_reference": it.reference}
        data = {key: value for key, value in data.items() if value is not None}
        if it.snapshot is not None:
            shown = self._envelope(it.snapshot) | self._content(it.snapshot, full=full)
            kept = {"id", "author", "channel_id", "pinned", "reactions", "tts"}
            data["message_snapshots"] = [{"message": {k: v for k, v in shown.items() if k not in kept}}]
        elif it.reference is not None and not quoted:
            target = self._server.messages.get(it.reference["message_id"])
            data["referenced_message"] = None if target is None else self.message(target, full=full, quoted=True)
        return data

    def _reactions(self, it: Message) -> list[JSON]:
        by: dict[str, list[str]] = {}
        for text, who in it.reactions:
            by.setdefault(text, []).append(who)
        mine = self._server.bot_id
        return [{"emoji": emoji(text), "count": len(who), "me": mine in who} for text, who in by.items()]
