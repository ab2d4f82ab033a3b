"""The routes below /channels/{channel}/messages, and typing: what the bot writes and reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.twins.discord.drafts import fields
from tests.twins.discord.http import Api, Asked, Routes
from tests.twins.discord.model import (
    EPHEMERAL,
    JSON,
    Channel,
    Message,
    Permission,
    RefusedError,
    invalid,
)
from tests.twins.discord.payloads import moment
from tests.twins.discord.timeline import Timeline

NONCE_LIFE = timedelta(minutes=5)
"""How long a nonce is remembered; Discord says "a few minutes"."""


class MessageRoutes:
    """Handlers of the message routes."""

    def __init__(self, timeline: Timeline, *, message_content: bool) -> None:
        self._server, self._payloads, self._timeline = timeline.server, timeline.payloads, timeline
        self._full = message_content
        self._nonces: dict[str, tuple[str, datetime]] = {}
        self.typing: list[str] = []
        """The channel ids of every typing request."""

    def routes(self, api: Api) -> Routes:
        """The routes, to be added to the application."""
        messages, one = "/channels/{channel}/messages", "/channels/{channel}/messages/{message}"
        return [
            api.route("GET", messages + "/pins", self.pins),
            api.route("PUT", messages + "/pins/{message}", lambda asked: self.pin(asked, pinned=True)),
            api.route("DELETE", messages + "/pins/{message}", lambda asked: self.pin(asked, pinned=False)),
            api.route("POST", messages + "/bulk-delete", self.bulk_delete),
            api.route("POST", messages, self.send),
            api.route("GET", messages, self.history),
            api.route("GET", one, self.fetch),
            api.route("PATCH", one, self.edit),
            api.route("DELETE", one, self.delete),
            api.route("PUT", one + "/reactions/{emoji}/@me", lambda asked: self.react(asked, added=True)),
            api.route("DELETE", one + "/reactions/{emoji}/@me", lambda asked: self.react(asked, added=False)),
            api.route("POST", "/channels/{channel}/typing", self.type),
        ]

    # -- writing --------------------------------------------------------------------------------------------------

    def send(self, asked: Asked) -> JSON:
        """Create a message, or return the one that a remembered nonce made."""
        channel = self.writable(self._server.channel(asked.args["channel"]))
        known = self._remembered(asked.body)
        message = known or self.post(channel, asked, asked.body)
        return self._payloads.created(message)

    def post(self, channel: Channel, asked: Asked, body: JSON) -> Message:
        """Create the message that `body` and the uploads describe, and put it into the ledger."""
        found = fields(self._server, body, asked.uploads) | self._reply(channel, body)
        self._may_show(channel, found)
        nonce = None if body.get("nonce") is None else str(body["nonce"])
        found |= {"nonce": nonce, "flags": found.get("flags", 0) & ~EPHEMERAL}
        message = self._timeline.create(channel, self._server.bot_id, found, allowed=body.get("allowed_mentions"))
        if nonce is not None:
            self._nonces[nonce] = (message.id, self._server.now)
        self._server.record("create", message, body)
        return message

    def _remembered(self, body: JSON) -> Message | None:
        message_id, when = self._nonces.get(str(body.get("nonce")), (None, self._server.now))
        if message_id is None or not body.get("enforce_nonce") or when + NONCE_LIFE < self._server.now:
            return None
        if message_id not in self._server.messages:
            raise RefusedError(10008)
        return self._server.messages[message_id]

    def _reply(self, channel: Channel, body: JSON) -> dict[str, Any]:
        reference = body.get("message_reference")
        if reference is None:
            return {}
        if Permission.READ_MESSAGE_HISTORY not in self._server.permissions(self._server.bot_id, channel):
            raise RefusedError(160002)
        target = self._server.messages.get(str(reference["message_id"]))
        if target is not None and target.channel_id == channel.id and target.viewer is None:
            place = {"guild_id": channel.guild_id} if channel.guild_id else {}
            return {"kind": 19, "reference": {"type": 0, "message_id": target.id, "channel_id": channel.id} | place}
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "Unknown message")
        return {}

    def _may_show(self, channel: Channel, found: dict[str, Any]) -> None:
        if found.get("embeds"):
            self._server.channel(channel.id, Permission.EMBED_LINKS)
        if found.get("attachments"):
            self._server.channel(channel.id, Permission.ATTACH_FILES)

    def writable(self, channel: Channel) -> Channel:
        """Return the channel if the bot may send there now; an archived thread that is not locked opens again."""
        in_thread = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        self._server.channel(channel.id, in_thread)
        if channel.kind == "forum":
            raise RefusedError(50008)
        if channel.recipient_id is not None and self._server.users[channel.recipient_id].dms_closed:
            raise RefusedError(50007)
        if channel.locked and Permission.MANAGE_THREADS not in self._server.permissions(self._server.bot_id, channel):
            raise RefusedError(50083 if channel.archived else 160005)
        return channel

    def edit(self, asked: Asked) -> JSON:
        channel, message = self._found(asked)
        if message.author_id != self._server.bot_id:
            raise RefusedError(50005)
        self._open(channel)
        found = fields(self._server, asked.body, asked.uploads, old=message)
        self._may_show(channel, found)
        changed = self._timeline.edit(message, found, allowed=asked.body.get("allowed_mentions"))
        self._server.record("edit", changed, asked.body)
        return self._payloads.message(changed)

    def delete(self, asked: Asked) -> None:
        """Delete a message: the bot's own, or any with the permission for it."""
        channel, message = self._found(asked)
        if message.author_id != self._server.bot_id:
            self._manage(channel)
        self._open(channel)
        self._timeline.delete(message)
        self._server.record("delete", message, {})

    def bulk_delete(self, asked: Asked) -> None:
        """Delete 2 to 100 messages at once; unknown ones are passed over."""
        channel = self._server.channel(asked.args["channel"])
        self._manage(channel)
        ids = [str(message_id) for message_id in asked.body["messages"]]
        if not 2 <= len(ids) <= 100:
            raise invalid("messages", "Must be between 2 and 100 in length.")
        found = [message for message in self._server.visible(channel.id) if message.id in ids]
        self._timeline.delete(*found, bulk=True)
        for message in found:
            self._server.record("delete", message, {})

    def _manage(self, channel: Channel) -> None:
        if channel.guild_id is None:
            raise RefusedError(50003)
        self._server.channel(channel.id, Permission.MANAGE_MESSAGES)

    def _found(self, asked: Asked) -> tuple[Channel, Message]:
        channel = self._server.channel(asked.args["channel"])
        return channel, self._server.message(channel, asked.args["message"])

    def _open(self, channel: Channel) -> None:
        if channel.archived:
            raise RefusedError(50083)

    # -- reading --------------------------------------------------------------------------------------------------

    def fetch(self, asked: Asked) -> JSON:
        self._server.channel(asked.args["channel"], Permission.READ_MESSAGE_HISTORY)
        return self._payloads.message(self._found(asked)[1], full=self._full)

    def history(self, asked: Asked) -> list[JSON]:
        """Return at most `limit` messages, newest first; none without the permission for history."""
        channel = self._server.channel(asked.args["channel"])
        limit = int(asked.query.get("limit", "50"))
        if not 1 <= limit <= 100:
            raise invalid("limit", "int value should be between 1 and 100.")
        if Permission.READ_MESSAGE_HISTORY not in self._server.permissions(self._server.bot_id, channel):
            return []
        newest = self._server.now - timedelta(seconds=self._server.history_lag_s)
        visible = [message for message in self._server.visible(channel.id) if message.created_at <= newest]
        chosen = _window(visible, asked, limit)
        return [self._payloads.message(message, full=self._full) for message in reversed(chosen)]

    def pins(self, asked: Asked) -> JSON:
        """Return the pinned messages, the newest pin first."""
        channel = self._server.channel(asked.args["channel"], Permission.READ_MESSAGE_HISTORY)
        pinned = [(m.pinned_at, m) for m in self._server.visible(channel.id) if m.pinned_at is not None]
        pinned.sort(key=lambda pin: pin[0], reverse=True)
        items = [{"pinned_at": moment(at), "message": self._payloads.message(m, full=self._full)} for at, m in pinned]
        return {"items": items, "has_more": False}

    # -- marking --------------------------------------------------------------------------------------------------

    def pin(self, asked: Asked, *, pinned: bool) -> None:
        channel, message = self._found(asked)
        self._server.channel(channel.id, Permission.PIN_MESSAGES)
        self._timeline.pin(message, pinned=pinned)

    def react(self, asked: Asked, *, added: bool) -> None:
        """Add or remove the bot's reaction; a new emoji needs a permission, joining one does not."""
        channel, message = self._found(asked)
        text = asked.args["emoji"]
        if added and text not in dict(message.reactions):
            self._server.channel(channel.id, Permission.ADD_REACTIONS, Permission.READ_MESSAGE_HISTORY)
        self._open(channel)
        self._timeline.react(message, self._server.bot_id, text, added=added)

    def type(self, asked: Asked) -> None:
        channel = self.writable(self._server.channel(asked.args["channel"]))
        self.typing.append(channel.id)


def _window(messages: Sequence[Message], asked: Asked, limit: int) -> Sequence[Message]:
    """The messages that `before`, `after` or `around` choose, oldest first; without any, the newest."""
    if "after" in asked.query:
        return [m for m in messages if int(m.id) > int(asked.query["after"])][:limit]
    if "around" in asked.query:
        middle = int(asked.query["around"])
        near = sorted(messages, key=lambda m: abs(int(m.id) - middle))[:limit]
        return sorted(near, key=lambda m: int(m.id))
    before = int(asked.query.get("before", 2**63))
    return [m for m in messages if int(m.id) < before][-limit:]
