"""How a Web API call is read and refused: arguments from wherever they stand, tokens, scopes, error answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Part
from typing import TYPE_CHECKING, TypeAlias

from tests.twins.slack.blocks import Json
from tests.twins.slack.workspace import BOT_USER, Channel, Member, Message, Workspace

if TYPE_CHECKING:
    from aiohttp import web

HISTORY = {"public": "channels:history", "private": "groups:history", "im": "im:history", "mpim": "mpim:history"}
READ = {"public": "channels:read", "private": "groups:read", "im": "im:read", "mpim": "mpim:read"}
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "assistant.threads.setStatus": "chat:write",
    "assistant.threads.setTitle": "assistant:write",
    "assistant.threads.setSuggestedPrompts": "assistant:write",
    "agents.sessions.setStatus": "chat:write",
    "agents.sessions.rename": "chat:write",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "users.info": "users:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "users.list": "users:read",
}
"""What a method needs wherever it is used; conversations.* ask by the kind of conversation."""
ALL_SCOPES = frozenset({*SCOPES.values(), *HISTORY.values(), *READ.values(), "im:write", "mpim:write"}) | {
    "app_mentions:read",
    "commands",
    "files:read",
    "users:read.email",
}


class RefusalError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: str, *messages: str, **details: object) -> None:
        super().__init__(code)
        self.answer: Json = {"ok": False, "error": code, **details}
        if messages:
            self.answer["errors"] = list(messages)
            self.answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in messages]}


class Args:
    """The arguments of one call: JSON types from a JSON body, strings from a form or a query."""

    def __init__(self, given: Json) -> None:
        self.given = {key: value for key, value in given.items() if value is not None}

    def need(self, name: str) -> str:
        """A required argument."""
        if self.given.get(name) in (None, ""):
            raise RefusalError("invalid_arguments", f"missing required field: {name}")
        return str(self.given[name])

    def text(self, name: str, default: str = "") -> str:
        return str(self.given.get(name, default))

    def number(self, name: str, code: str) -> float:
        """A number, 0 when absent, refused with `code` when it is none."""
        try:
            return float(self.given.get(name) or 0)
        except ValueError:
            raise RefusalError(code) from None

    def flag(self, name: str) -> bool:
        return self.given.get(name) in (True, "1", "true", "True")

    def data(self, name: str, code: str = "invalid_arguments") -> object:
        """An argument that is JSON, or JSON in a string; None when absent, refused with `code` when it is neither."""
        value = self.given.get(name)
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise RefusalError(code, f"not JSON: {name}") from None

    def has(self, name: str) -> bool:
        return name in self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where calls are answered: the workspace, and what the app was allowed to do in it."""

    workspace: Workspace
    scopes: Collection[str]
    url: str

    def demand(self, scope: str | None) -> None:
        """Refuse unless the app has this scope."""
        if scope and scope not in self.scopes:
            raise RefusalError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def room(self, name: str, *, inside: bool = True, needs: dict[str, str] | None = None) -> Channel:
        """The conversation of this id; private ones the bot is not in do not exist.

        `inside` asks that the bot be in it, `needs` for the scope of its kind.
        """
        room = self.workspace.channels.get(name)
        if room is None or (room.kind != "public" and BOT_USER not in room.members):
            raise RefusalError("channel_not_found")
        self.demand(needs[room.kind] if needs else None)
        if inside and BOT_USER not in room.members:
            raise RefusalError("not_in_channel")
        return room

    def person(self, user: str) -> Member:
        """A member one may write to, which a bot is not."""
        member = self.workspace.members.get(user)
        if member is None:
            raise RefusalError("user_not_found")
        if member.is_bot:
            raise RefusalError("cannot_dm_bot")
        return member

    def message(self, room: Channel, ts: str, code: str = "message_not_found") -> Message:
        """A standing message."""
        found = self.workspace.find(room.id, ts)
        if found is None:
            raise RefusalError(code)
        return found


Method: TypeAlias = Callable[[Desk, Args], Json]


def arguments(request: web.Request, raw: bytes) -> Json:
    """The arguments of a request, from its query and its body of whatever type."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            given |= json.loads(raw or b"{}")
        except ValueError:
            raise RefusalError("invalid_json") from None
    elif request.content_type == "multipart/form-data":
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + raw).get_payload()
        given |= dict(_field(part) for part in parts if isinstance(part, Part))
    return given


def _field(part: Part) -> tuple[str, str]:
    body = part.get_payload(decode=True)
    return str(part.get_param("name", header="content-disposition")), body.decode(errors="replace") if isinstance(
        body, bytes
    ) else ""
