"""What Discord is made of, as plain data, and how it says no; nothing here knows of sockets, routes or payloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Any, Literal

JSON = dict[str, Any]
Kind = Literal["text", "dm", "group_dm", "voice", "announcement", "thread", "private_thread", "forum"]
CHANNEL_TYPES: dict[Kind, int] = {
    "text": 0, "dm": 1, "voice": 2, "group_dm": 3, "announcement": 5, "thread": 11, "private_thread": 12, "forum": 15,
}  # fmt: skip

SUPPRESS_EMBEDS, EPHEMERAL, LOADING, SILENT, COMPONENTS_V2 = 1 << 2, 1 << 6, 1 << 7, 1 << 12, 1 << 15
"""Message flags."""


class Permission(IntFlag):
    """The permissions the twin enforces, with Discord's bits."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    PIN_MESSAGES = 1 << 51


EVERYTHING = Permission((1 << 53) - 1)
NO_PERMISSION = Permission(0)
EVERYONE = (
    Permission.ADD_REACTIONS | Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES | Permission.READ_MESSAGE_HISTORY | Permission.MENTION_EVERYONE
    | Permission.USE_APPLICATION_COMMANDS | Permission.CREATE_PUBLIC_THREADS | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)  # fmt: skip
"""What a new guild grants to everyone, bots included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an id: a person, a bot, or a webhook that posts under its own name."""

    id: str
    name: str
    bot: bool = False
    webhook: bool = False
    dms_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guild:
    """A server; its everyone role has the guild's own id."""

    id: str
    name: str
    owner_id: str
    bot_role_id: str
    unavailable: bool = False
    features: tuple[str, ...] = ()
    """Such as DISCOVERABLE, which lets anybody look in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of permissions; the one that came with a bot names it in `bot_id`."""

    id: str
    guild_id: str
    name: str
    permissions: Permission = NO_PERMISSION
    mentionable: bool = False
    bot_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One user in one guild."""

    user_id: str
    guild_id: str
    joined_at: datetime
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A place for messages: a guild's channel, a thread below one (`parent_id`), or a DM (`recipient_id`).

    Without a guild and a recipient it is a direct or group message between `readers`, in which the bot is not.
    """

    id: str
    kind: Kind
    name: str = ""
    guild_id: str | None = None
    parent_id: str | None = None
    owner_id: str | None = None
    recipient_id: str | None = None
    everyone_can_view: bool = True
    readers: frozenset[str] = frozenset()
    """Who may view it although not everyone may; the members of a private thread."""
    bot_denied: Permission = NO_PERMISSION
    """Permissions an overwrite takes from the bot."""
    archived: bool = False
    locked: bool = False
    created_at: datetime

    @property
    def context(self) -> int:
        """What Discord calls an interaction here: in a guild, in a DM with the bot, or in a private channel."""
        return 0 if self.guild_id else 1 if self.recipient_id else 2

    @property
    def is_thread(self) -> bool:
        """Whether it hangs below another channel."""
        return self.kind in {"thread", "private_thread"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file on a message; its bytes are with the server."""

    id: str
    filename: str
    size: int
    content_type: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it is now; `twin.messages` and `twin.message` give the newest version."""

    id: str
    channel_id: str
    author_id: str
    created_at: datetime
    guild_id: str | None = None
    content: str = ""
    kind: int = 0
    """Discord's message type: 0 plain, 19 reply, 20 slash command answer, 23 context menu answer."""
    mentions: tuple[str, ...] = ()
    mention_roles: tuple[str, ...] = ()
    mention_everyone: bool = False
    embeds: tuple[JSON, ...] = ()
    components: tuple[JSON, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    flags: int = 0
    nonce: str | None = None
    reference: JSON | None = None
    snapshot: Message | None = None
    interaction: JSON | None = None
    edited_at: datetime | None = None
    pinned_at: datetime | None = None
    reactions: tuple[tuple[str, str], ...] = ()
    """(emoji, user id), oldest first."""
    viewer: str | None = None
    """The one member who sees it, if it is ephemeral."""

    @property
    def thinking(self) -> bool:
        """Whether it still shows "… is thinking"."""
        return bool(self.flags & LOADING)


PingKind = Literal["user", "reply", "role", "everyone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One change the bot made to what is visible somewhere."""

    action: Literal["create", "edit", "delete"]
    channel_id: str
    message_id: str
    body: JSON
    """The message fields exactly as the bot sent them."""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One notification that a message of the bot caused; a role or everyone counts once."""

    message_id: str
    channel_id: str
    kind: PingKind
    target: str
    """The id of the user, role or guild."""


# Status and text by code, from Discord's list of JSON error codes; 0 stands for an unauthorized request.
REFUSALS: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30032: (400, "Maximum number of application commands reached"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (403, "Thread is archived"),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
}


class RefusedError(Exception):
    """Discord says no to a request: one of its JSON error codes, with the status that goes with it."""

    def __init__(self, code: int, errors: JSON | None = None) -> None:
        self.code = code
        self.status, self.text = REFUSALS[code]
        self.errors = errors or {}
        super().__init__(f"{code}: {self.text} {self.errors or ''}")

    @property
    def body(self) -> JSON:
        """The JSON of the answer."""
        return {"code": self.code, "message": self.text} | ({"errors": self.errors} if self.errors else {})


def invalid(path: str, why: str) -> RefusedError:
    """The refusal 50035 for the field at `path`, its keys and indexes separated by dots."""
    errors: JSON = {"_errors": [{"code": "INVALID", "message": why}]}
    for key in reversed(path.split(".")):
        errors = {key: errors}
    return RefusedError(50035, errors)
