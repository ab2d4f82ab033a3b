"""What members said of themselves, as operations, and the facts that follow from them: pure functions.

Operations are the truth and facts are their projection: all operations of a field, replayed in the order the things
were *said*, whatever order they were learned in. So a session learned late cannot overwrite what was said after it,
taking an operation back restores what it replaced, and applying one twice changes nothing.

The optimizer proposes operations, never a rewritten persona: a rewrite can lose what nobody spoke about.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from persona.audience import Audience, covers
from persona.canonical import comparable
from persona.persona import Evidence, Fact, FactId, Kind, MemberKey
from persona.schema import Field

OperationId = NewType("OperationId", str)

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

    @property
    def id(self) -> OperationId:
        """The same for the same change from the same messages, so that applying it twice is noticed."""
        sources = [f"{evidence.tenant}\x1f{evidence.room}\x1f{evidence.message}" for evidence in self.evidence]
        parts = [self.member.tenant, self.member.id, self.op, self.field, comparable(self.value), *sources]
        return OperationId(hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:32])

    @property
    def said_at(self) -> datetime:
        """When the member last said it."""
        return self.evidence[-1].said_at


def project(operations: Iterable[Operation], of: Field) -> tuple[Fact, ...]:
    """The facts of one field of one member that follow from all its operations, in the order they began to hold.

    A statement ends what it contradicts, for every audience that hears it and for no other (`audience.covers`):
    readers who cannot know of a change must not notice it. Ended facts stay, as superseded, with their dates.
    """
    runs: list[_Run] = []
    for operation in sorted(operations, key=lambda operation: (operation.said_at, operation.id)):
        heard = [run for run in runs if run.until is None and covers(operation.audience, run.audience)]
        same = [run for run in heard if comparable(run.value) == comparable(operation.value)]
        again = [run for run in same if run.audience == operation.audience and operation.op != "remove"]
        for run in heard if not of.is_list and operation.op != "remove" else same:
            if run not in again:
                run.until = operation.said_at
        if again:
            again[0].operations.append(operation)
        elif operation.op != "remove":
            runs.append(_Run(operations=[operation]))
            _keep_to_the_cap(runs, of, operation)
    return tuple(run.fact(of) for run in runs)


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """A value while it holds for one audience: said once, and perhaps again."""

    operations: list[Operation] = field(default_factory=list)
    until: datetime | None = None

    @property
    def value(self) -> str:
        return self.operations[-1].value

    @property
    def audience(self) -> Audience:
        return self.operations[0].audience

    def fact(self, of: Field) -> Fact:
        first, last = self.operations[0], self.operations[-1]
        evidence = {one: None for operation in self.operations for one in operation.evidence}
        return Fact(
            id=FactId(first.id[:12]),
            section=of.section,
            field=of.name,
            value=last.value,
            kind=last.kind,
            audience=first.audience,
            evidence=tuple(sorted(evidence, key=lambda one: one.said_at)),
            confirmed_at=last.said_at,
            valid_from=first.said_at,
            valid_until=self.until,
            status="current" if self.until is None else "superseded",
        )


def _keep_to_the_cap(runs: list[_Run], of: Field, operation: Operation) -> None:
    """End the value of a full list that was said longest ago; each audience has a list of its own."""
    held = [run for run in runs if run.until is None and run.audience == operation.audience]
    if of.is_list and len(held) > of.max_items:
        min(held, key=lambda run: run.operations[-1].said_at).until = operation.said_at
