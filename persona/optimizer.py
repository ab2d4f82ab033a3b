"""The persona optimizer: sessions in, an update out, by one model call for everybody who spoke.

The model sees short ids for messages and speakers and returns proposals; this module resolves the ids and lets the
guard decide. Design section 7.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from persona import relevance
from persona.errors import ProposalError
from persona.fingerprints import Prints
from persona.guard import Fences, Proposal, Quoted, Refusal, checked
from persona.instructions import answer_schema, instructions, learnable
from persona.operations import Op, Operation
from persona.persona import Kind, MemberKey
from persona.ports import StructuredModel, StructuredReply, StructuredRequest, Usage
from persona.schema import Field as SchemaField
from persona.schema import Schema
from persona.session import Line, Session

MAX_TOKENS = 4_000
"""Room for about sixty operations; a longer answer is cut, and a cut answer is an error."""


KNOWN_TOKENS = 200
"""For each speaker. What is known and not listed costs nothing: said again it counts as confirmed, and a field that
holds one value takes the new one."""

KNOWN_TOKENS_OF_ALL = 4_000
"""For all speakers of a request together: with more than twenty of them each gets less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one call proposed, once the guard has seen it."""

    operations: tuple[Operation, ...]
    refusals: tuple[Refusal, ...]
    usage: Usage


class Optimizer:
    """Proposes what a persona should learn from a session. Holds no state and applies nothing."""

    def __init__(self, *, model: StructuredModel, schema: Schema) -> None:
        self._model = model
        self._schema = schema
        self._plain = schema.agreed(())
        self._instructions = instructions(self._plain)
        self._answer_schema = answer_schema(self._plain)

    def request(self, sessions: Sequence[Session]) -> StructuredRequest:
        """The exact question about `sessions`, for the model."""
        asked = self._schema.agreed(agreed(sessions))
        is_plain = asked == self._plain
        return StructuredRequest(
            instructions=self._instructions if is_plain else instructions(asked),
            data=_transcript(sessions, asked),
            schema=self._answer_schema if is_plain else answer_schema(asked),
            max_tokens=MAX_TOKENS,
        )

    async def propose(self, sessions: Sequence[Session], *, fences: Fences) -> Update:
        """Ask the model once about all `sessions` and return what may be applied.

        Raises:
            ProposalError: the answer is not of the promised shape; nothing may be learned from any of it.
        """
        return self.update(await self.ask(sessions), sessions, fences=fences)

    async def ask(self, sessions: Sequence[Session]) -> StructuredReply:
        """Ask the model once about all `sessions`; raises the model's own errors."""
        return await self._model.propose(self.request(sessions))

    def update(
        self, reply: StructuredReply, sessions: Sequence[Session], *, fences: Fences, prints: Prints | None = None
    ) -> Update:
        """What may be applied of the model's reply to `request(sessions)`, whenever it came. Raises as `propose`."""
        proposals = _parse(reply.text, sessions)
        operations, refusals = checked(proposals, schema=self._schema, fences=fences, prints=prints or {})
        return Update(operations=operations, refusals=refusals, usage=reply.usage)


def agreed(sessions: Sequence[Session]) -> Collection[str]:
    """The special categories a request about `sessions` asks for: those of a member who is asked about alone."""
    if len(sessions) != 1 or len(sessions[0].speakers) != 1:
        return ()
    return sorted(sessions[0].agreed(sessions[0].speakers[0]))


def _transcript(sessions: Sequence[Session], schema: Schema) -> str:
    """The sessions as compact JSON; messages are m1, m2, … over all of them, speakers p1, p2, … in each."""
    documents, short_ids = [], (f"m{number}" for number in count(1))
    budget = min(KNOWN_TOKENS, KNOWN_TOKENS_OF_ALL // max(1, sum(len(one.speakers) for one in sessions)))
    for session in (one for one in sessions if one.lines):
        names = {member: f"p{number}" for number, member in enumerate(session.speakers, 1)}
        days = _days(session)
        messages = [
            [next(short_ids), names[line.speaker] if line.speaker else "bot", line.text, *([day] * (day != before))]
            for line, day, before in zip(session.lines, days, days[:1] + days, strict=False)
        ]
        known = {
            name: _known(session, member, schema, budget_tokens=budget)
            for member, name in names.items()
            if member in session.personas
        }
        documents.append({"date": days[0], "speakers": known, "messages": messages})
    return json.dumps({"sessions": documents}, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A fact that a speaker's session may change."""

    field: SchemaField
    value: str
    confirmed_at: datetime
    is_first: bool = False

    @property
    def pair(self) -> list[str]:
        """It, as the model sees it."""
        return [self.field.name, self.value]

    @property
    def words(self) -> frozenset[str]:
        return relevance.words_of(self.field, self.value)

    @property
    def size(self) -> int:
        return relevance.size(json.dumps(self.pair, ensure_ascii=False))


def _known(session: Session, member: MemberKey, schema: Schema, *, budget_tokens: int) -> list[list[str]]:
    """What is known of a speaker, within the budget: what they may have spoken of, and what was confirmed last."""
    fields = {field.name: field for field in learnable(schema)}
    facts = [
        _Known(field=fields[fact.field], value=fact.value, confirmed_at=fact.confirmed_at)
        for fact in session.personas[member].current
        if fact.field in fields
    ]
    said = " ".join(line.text for line in session.lines if line.speaker == member)
    return [known.pair for known in relevance.fitting(facts, said, budget_tokens=budget_tokens)]


def _days(session: Session) -> list[str]:
    """The day of each message where its speaker is, with the weekday, since members say "yesterday" and "on Friday"."""
    zone: tzinfo = UTC
    days = []
    for line in session.lines:
        zone = session.zone(line.speaker) if line.speaker else zone
        days.append(f"{line.said_at.astimezone(zone):%Y-%m-%d %A}")
    return days


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Operation(_Strict):
    op: Op
    field: str
    value: str
    evidence: tuple[str, ...]
    kind: Kind = "stated"
    since: str = ""
    until: str = ""


class _Answer(_Strict):
    operations: Annotated[tuple[_Operation, ...], Field(max_length=200)]


def _parse(text: str, sessions: Sequence[Session]) -> list[Proposal]:
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError as error:
        raise ProposalError(f"the optimizer's answer is not of its schema ({error.error_count()} mistakes)") from error
    lines = _by_short_id(sessions)
    return [
        Proposal(
            op=entry.op,
            field=entry.field,
            value=entry.value,
            quoted=tuple(_resolved(cited, lines) for cited in entry.evidence),
            kind=entry.kind,
            since=entry.since,
            until=entry.until,
        )
        for entry in answer.operations
    ]


def _by_short_id(sessions: Sequence[Session]) -> dict[str, tuple[Session, Line]]:
    every = [(session, line) for session in sessions for line in session.lines]
    return {f"m{number}": found for number, found in enumerate(every, 1)}


def _resolved(cited: str, lines: dict[str, tuple[Session, Line]]) -> Quoted:
    """The line and the words of a citation such as `m3 I moved to Lisbon`."""
    message, _, words = cited.partition(" ")
    session, line = lines.get(message, (None, None))
    return Quoted(session=session, line=line, words=words)
