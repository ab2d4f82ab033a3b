"""What members said of themselves, as operations: the truth that facts follow from (`persona.projection`).

The optimizer proposes operations, never a rewritten persona: a rewrite can lose what nobody spoke about.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from persona.audience import Audience
from persona.canonical import comparable
from persona.persona import Evidence, Kind, MemberKey

OperationId = NewType("OperationId", str)

UpdateId = NewType("UpdateId", str)
"""Names what was learned together: one call of the optimizer, or one tidying."""

Op = Literal["set", "add", "remove", "confirm"]
"""Replace the value of a field · add one to a list · end a value · say a known value again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change to one field of one member's persona, with everything that justifies it."""

    member: MemberKey
    op: Op
    field: str
    value: str
    evidence: tuple[Evidence, ...]
    """Oldest first; all by `member`; never empty."""
    audience: Audience
    kind: Kind = "stated"
    since: datetime | None = None
    """From when it holds, if the member said so; otherwise from when they said it."""
    until: datetime | None = None
    """When it stops to hold by itself, if the member said so."""
    session: str = ""
    """Which session it was learned from; an observation needs several."""

    def __hash__(self) -> int:
        """Of what nearly always tells operations apart, for the same reason as that of `Evidence`."""
        return hash((self.value, self.evidence[-1].message))

    @property
    def id(self) -> OperationId:
        """The same for the same change from the same messages, so that applying it twice is noticed."""
        sources = (f"{evidence.tenant}\x1f{evidence.room}\x1f{evidence.message}" for evidence in self.evidence)
        cited = dict.fromkeys(sources)  # a message may be quoted twice
        parts = [self.member.tenant, self.member.id, self.op, self.field, comparable(self.value), *cited]
        return OperationId(hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:32])

    @property
    def said_at(self) -> datetime:
        """When the member last said it."""
        return self.evidence[-1].said_at

    @property
    def begins_at(self) -> datetime:
        """From when it speaks of the value."""
        return self.since or self.said_at
