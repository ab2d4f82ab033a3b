"""What passes between the rooms of the house: members, rooms, messages, replies. Plain data, no platform."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType, Self, cast

from persona.audience import Place, RoomKind
from persona.persona import MemberKey

TenantId = NewType("TenantId", str)
"""A Slack workspace or Discord server, with its platform: `slack:T1`, `discord:41`, `terminal:local`."""

ROOMLESS = frozenset({TenantId("discord:accounts"), TenantId("discord:direct")})
"""Tenants without rooms that several people read: where accounts and direct messages are (decision 0004)."""

MessageId = NewType("MessageId", str)
"""The platform's own id of a message, unique within its room's channel."""

RoomId = NewType("RoomId", str)
"""A room within its tenant: the channel, or channel and thread."""

AnswerId = NewType("AnswerId", str)
"""Names one reply on every platform; the same after a restart, so that a second try is seen as such."""

Platform = Literal["slack", "discord", "terminal"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who talks with the bot."""

    tenant: TenantId
    """The scope the account lives in: on Slack the author's own workspace, on Discord all of Discord."""
    id: str
    name: str = ""
    """What the platform shows. Never identifies anybody, never logged."""

    @property
    def key(self) -> MemberKey:
        """Whose persona it is."""
        return MemberKey(tenant=self.tenant, id=self.id)

    @classmethod
    def of(cls, key: MemberKey) -> Self:
        """The member a persona belongs to, by id alone."""
        return cls(tenant=TenantId(key.tenant), id=key.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where a message is said: a channel, a thread in one, or a direct message."""

    tenant: TenantId
    channel: str
    """What decides who reads here. A thread of a channel is read by the channel."""
    thread: str | None = None
    kind: RoomKind

    @property
    def platform(self) -> Platform:
        """Where the room is."""
        return platform_of(self.tenant)

    @property
    def id(self) -> RoomId:
        """A thread is its own room."""
        return RoomId(self.channel if self.thread is None else f"{self.channel}/{self.thread}")

    @property
    def place(self) -> Place:
        """The room as audiences see it."""
        return Place(tenant=self.tenant, room=self.channel, kind=self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A post we owe an outcome, its words aside: they may be deleted by now."""

    id: MessageId
    room: Room

    @property
    def key(self) -> str:
        """One per post, whatever events announce it: unique within the tenant."""
        return f"{self.room.channel}:{self.id}"

    @property
    def answer(self) -> AnswerId:
        """The id of the reply to it."""
        digest = hashlib.sha256(f"{self.room.tenant}\x1f{self.key}".encode()).hexdigest()
        return AnswerId(digest[:24])

    @property
    def reference(self) -> str:
        """What a member can quote to the operator, who finds it in the log."""
        return self.answer[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Accepted):
    """What a member said to the bot."""

    author: Member
    text: str
    """Markdown as the member typed it, our own mention taken out, other mentions as @names."""
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A member changed a message; the platform says so even when only a link preview was added."""

    room: Room
    message: MessageId
    author: Member
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A message is gone from the platform."""

    room: Room
    message: MessageId


def platform_of(tenant: TenantId) -> Platform:
    """The platform a tenant is on."""
    return cast("Platform", tenant.partition(":")[0])


def clean(text: str) -> str:
    """`text` as every store and platform can hold it: no lone surrogates, no control characters but breaks and tabs."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))
