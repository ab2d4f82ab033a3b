"""A persona: what is known of one member, fact by fact, each with its evidence, audience and dates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from persona.audience import Audience

FactId = NewType("FactId", str)

Kind = Literal["stated", "observed"]
"""Said by the member in so many words, or seen in how they write and ask."""

Status = Literal["current", "superseded"]
"""Holds now, or held once. A forgotten fact is gone and has no status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKey:
    """Who a persona belongs to: the scope an account lives in, and the platform's id in it. Never a name."""

    tenant: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The message a fact rests on, and the words in it."""

    tenant: str
    """Of the room; the member's account may live elsewhere."""
    room: str
    message: str
    quote: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value of one field."""

    id: FactId
    section: str
    field: str
    value: str
    kind: Kind = "stated"
    audience: Audience
    evidence: tuple[Evidence, ...] = ()
    """Oldest first; empty where only values are read."""
    confirmed_at: datetime
    """When the member last said it."""
    valid_from: datetime
    valid_until: datetime | None = None
    """None while it holds; for a superseded fact, when the next one began."""
    status: Status = "current"

    @property
    def is_current(self) -> bool:
        """Whether the fact holds now."""
        return self.status == "current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """The facts about one member that the reader of this object may know."""

    member: MemberKey
    facts: tuple[Fact, ...] = field(default=())

    @property
    def current(self) -> tuple[Fact, ...]:
        """The facts that hold now."""
        return tuple(fact for fact in self.facts if fact.is_current)

    def of(self, name: str) -> tuple[Fact, ...]:
        """The current facts of one field, in the order they were learned."""
        return tuple(fact for fact in self.current if fact.field == name)
