"""A persona: what is known of one member, fact by fact, each with its evidence, audience and dates."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal, NewType

from persona import dates
from persona.audience import Audience

FactId = NewType("FactId", str)

ZONE_FIELD = "time_zone"
"""The field whose value says when a member's days begin."""

Kind = Literal["stated", "observed"]
"""Said by the member in so many words, or seen in how they write and ask."""


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

    def __hash__(self) -> int:
        """Of the message alone: projecting hashes evidence more often than it does anything else with it."""
        return hash(self.message)


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
    """When it stopped to hold, or will; None if no end is known. A forgotten fact is gone altogether."""

    def holds(self, at: datetime) -> bool:
        """Whether the value holds at a moment, as far as the member said."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """The facts about one member that the reader of this object may know."""

    member: MemberKey
    at: datetime
    """The moment as of which it was read."""
    facts: tuple[Fact, ...] = ()

    @property
    def current(self) -> tuple[Fact, ...]:
        """The facts that hold at that moment."""
        return tuple(fact for fact in self.facts if fact.holds(self.at))

    @property
    def zone(self) -> tzinfo:
        """Where the member's days begin, as far as this reader may know it; otherwise UTC."""
        facts = self.of(ZONE_FIELD)
        return dates.zone(facts[-1].value if facts else None)

    def of(self, name: str) -> tuple[Fact, ...]:
        """The current facts of one field, in the order they were learned."""
        return tuple(fact for fact in self.current if fact.field == name)
