"""What a Slack workspace holds and what each human in it sees: members, channels, messages. No protocol in here."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.twins.slack.blocks import Json, strings
from tests.twins.slack.pings import Ping, pinged

BOT_USER, BOT_ID, APP_ID = "U0BOT", "B0BOT", "A1"
EPOCH_S = 1_700_000_000.0
STEP_US = 100
"""Distance between two timestamps of one moment; small enough for ten thousand posts a second."""
TRIGGER_LIFE_S = 3.0
RESPONSE_URL_LIFE_S, RESPONSE_URL_USES = 1_800.0, 5

Kind: TypeAlias = Literal["public", "private", "im", "mpim"]
PostKind: TypeAlias = Literal["post", "update", "delete", "ephemeral", "stream", "append", "stop", "respond", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person or a bot. `guest` is empty for a full member."""

    id: str
    name: str
    real_name: str = ""
    team: str = "T1"
    guest: Literal["", "multi", "single"] = ""
    is_bot: bool = False
    is_admin: bool = False
    is_owner: bool = False
    deleted: bool = False
    locale: str = "en-US"
    tz: str = "Europe/Amsterdam"
    tz_offset: int = 3600
    email: str = ""


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation and who is in it."""

    id: str
    name: str
    kind: Kind
    members: list[str]
    external: bool = False
    archived: bool = False

    @property
    def is_direct(self) -> bool:
        return self.kind == "im"


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as it stands now."""

    channel: str
    ts: str
    user: str
    text: str
    thread: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    subtype: str | None = None
    bot_id: str | None = None
    client_msg_id: str | None = None
    edited: str | None = None
    only_for: str | None = None
    """The one member who sees an ephemeral message."""
    deleted: bool = False
    streaming: Literal["", "in_progress", "completed", "stopped"] = ""
    chunks: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    """Every state a human could have read, oldest first."""
    pinged: Counter[str] = field(default_factory=Counter)

    @property
    def visible(self) -> str:
        """What a human reads: the blocks when there are any, else the text; nothing once deleted."""
        if self.deleted:
            return ""
        return "\n".join(strings(self.blocks)) or self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One thing the bot did to a conversation, with the arguments it gave."""

    kind: PostKind
    channel: str
    ts: str
    args: Json


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """A place to answer one command or button press."""

    user: str
    channel: str
    original: Message | None
    issued_s: float
    uses_left: int
    seen: list[Message] = field(default_factory=list)
    """What came through it, oldest first; the payload of the ack included."""


@dataclass(slots=True, kw_only=True)
class Trigger:
    user: str
    issued_s: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file on its way: announced, then sent, then shared."""

    name: str
    length: int
    content: bytes | None = None


class Workspace:
    """Members, channels, messages and views, the clock that orders them, and a ledger of what the bot did."""

    def __init__(self, team: str) -> None:
        self.team = team
        self.now = EPOCH_S
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, dict[str, Message]] = defaultdict(dict)
        """Conversation → timestamp → message, in the order of posting."""
        self.posts: list[Post] = []
        self.pings: list[Ping] = []
        self.homes: dict[str, Json] = {}
        self.modals: dict[str, list[Json]] = defaultdict(list)
        self.statuses: dict[tuple[str, str], str] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.prompts: dict[tuple[str, str], list[Json]] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.uploads: dict[str, Upload] = {}
        """By file id; gone from here once it is shared."""
        self.files: dict[str, bytes] = {}
        """What can be downloaded, by file id."""
        self.history_lag_s = 0.0
        self.history_cap: int | None = None
        """The most that a page of history has, whatever the app asks for: 15 for some apps that are distributed."""
        self.edit_window_s: float | None = None
        self.response_url_life_s, self.response_url_uses = RESPONSE_URL_LIFE_S, RESPONSE_URL_USES
        self.outbox: list[Json] = []
        """Inner events that the bot's own calls caused, waiting to be dispatched."""
        self._last_us = 0
        self._numbers = itertools.count(1)

    def tick(self) -> str:
        """A timestamp later than every one before it, at or after `now`."""
        self._last_us = max(round(self.now * 1e6), self._last_us) + STEP_US
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def number(self) -> int:
        """Count up: 1, 2, 3 and so on."""
        return next(self._numbers)

    def unique(self) -> str:
        """An id of the form of a UUID, the same in every run, and another one in each workspace."""
        return str(uuid.UUID(int=int.from_bytes(self.team.encode()[:8]) << 64 | self.number()))

    def find(self, channel: str, ts: str) -> Message | None:
        """The message that a reader of the conversation finds there; ephemeral and deleted ones are not found."""
        message = self.messages[channel].get(ts)
        return None if message is None or message.deleted or message.only_for else message

    def replies(self, channel: str, root: str) -> list[Message]:
        """The living replies below a root, oldest first."""
        return [m for m in self.messages[channel].values() if m.thread == root and not m.deleted and not m.only_for]

    def direct(self, user: str) -> Channel:
        """The conversation between the bot and one member, opened when there is none yet."""
        found = (c for c in self.channels.values() if c.is_direct and user in c.members)
        return next(found, None) or self.group([user], kind="im")

    def group(self, users: Sequence[str], *, kind: Kind = "mpim") -> Channel:
        """Open a conversation between the bot and these members."""
        channel_id = f"{'D' if kind == 'im' else 'G'}0{'0'.join(users)}"
        return self.channels.setdefault(
            channel_id, Channel(id=channel_id, name="", kind=kind, members=[*users, BOT_USER])
        )

    def add(self, message: Message) -> Message:
        """Show a message to its readers."""
        self.messages[message.channel][message.ts] = message
        message.shown.append(message.visible)
        return message

    def change(self, message: Message) -> None:
        """Note that a message now reads differently."""
        message.shown.append(message.visible)

    def record(self, kind: PostKind, message: Message, args: Json) -> None:
        """Enter into the ledger what the bot did, and whom that would have notified."""
        self.posts.append(Post(kind=kind, channel=message.channel, ts=message.ts, args=args))
        if kind == "delete":
            return
        loud = args.get("link_names") in {True, "1", "true"} or args.get("parse") == "full"
        written = Counter(pinged(message.text, message.blocks, message.attachments, link_names=loud))
        new = (written - message.pinged).elements()  # a change does not notify again
        self.pings += [Ping(whom=whom, channel=message.channel, ts=message.ts) for whom in new]
        message.pinged |= written

    def trigger(self, user: str) -> str:
        """Issue a trigger id: three seconds, one use."""
        trigger_id = f"{self.number()}.{self.number()}.abcdef"
        self.triggers[trigger_id] = Trigger(user=user, issued_s=self.now)
        return trigger_id

    def response_url(self, user: str, channel: str, original: Message | None = None) -> str:
        """Issue the last part of a response_url: thirty minutes and five uses, unless a test says otherwise."""
        name = f"{self.team}/{self.number()}"
        self.response_urls[name] = ResponseUrl(
            user=user, channel=channel, original=original, issued_s=self.now, uses_left=self.response_url_uses
        )
        return name
