"""What may never be kept: the rules between a model's proposal and a member's persona.

Code, outside the model, since no instruction to a model holds against text that argues back (reliability 0.14).
A proposal is kept whole or refused whole, with a reason an operator can count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from persona import sensitive
from persona.audience import learned_in
from persona.canonical import canonical, comparable, has_link, is_quoted
from persona.operations import Op, Operation
from persona.persona import Evidence, MemberKey
from persona.schema import Field, Schema
from persona.session import Line, Session

MAX_QUOTE_CHARS = 240
"""A quote states one fact. It is kept as long as the fact, far longer than the message."""

Reason = Literal[
    "no evidence",
    "unknown message",
    "several authors",
    "not a member",
    "quote not found",
    "quote too long",
    "unknown field",
    "unknown value",
    "not a choice",
    "empty",
    "too long",
    "link",
    "sensitive",
    "forgotten",
]
"""Why a proposal is refused; `forgotten` means the member had it removed after saying it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Words a proposal rests on, in the line it names; None when there is no such line."""

    session: Session | None
    line: Line | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One operation as the optimizer wrote it, its short ids resolved. It names no subject: code does."""

    op: Op
    field: str
    value: str
    quoted: tuple[Quoted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A proposal that was not kept, and why."""

    proposal: Proposal
    reason: Reason


Fences = Mapping[MemberKey, Mapping[str, datetime]]
"""When a member last had a field forgotten; `*` stands for all of them. What was said before cannot teach it again."""


class _RefusedError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def check(proposal: Proposal, *, schema: Schema, fences: Fences) -> Operation | Refusal:
    """Turn a proposal into an operation on the persona of whoever said it, or say why not."""
    try:
        session, member = _author(proposal)
        field = _field(proposal, schema)
        evidence = tuple(sorted(map(_evidence, proposal.quoted), key=lambda found: found.said_at))
        if is_forgotten(fences.get(member, {}), field.name, evidence):
            return Refusal(proposal=proposal, reason="forgotten")
        return Operation(
            member=member,
            op=_op(proposal, field),
            field=field.name,
            value=_value(proposal, field, session, member),
            evidence=evidence,
            audience=learned_in(session.place, style=field.style),
        )
    except _RefusedError as refused:
        return Refusal(proposal=proposal, reason=refused.reason)


def _author(proposal: Proposal) -> tuple[Session, MemberKey]:
    """The one member who said everything the proposal rests on (S1), in one session."""
    if not proposal.quoted:
        raise _RefusedError("no evidence")
    said = {(id(quoted.session), quoted.line.speaker) for quoted in proposal.quoted if quoted.line is not None}
    if any(quoted.line is None for quoted in proposal.quoted):
        raise _RefusedError("unknown message")
    if len(said) > 1:
        raise _RefusedError("several authors")
    first = proposal.quoted[0]
    if first.session is None or first.line is None or first.line.speaker is None:
        raise _RefusedError("not a member")
    return first.session, first.line.speaker


def _field(proposal: Proposal, schema: Schema) -> Field:
    field = schema.by_name.get(proposal.field)
    if field is None:
        raise _RefusedError("unknown field")
    return field


def _evidence(quoted: Quoted) -> Evidence:
    """The quote, once it is found literally in what the author typed (S2)."""
    assert quoted.session is not None
    assert quoted.line is not None
    words = canonical(quoted.words)
    if not words or not is_quoted(words, quoted.line.text):
        raise _RefusedError("quote not found")
    if len(words) > MAX_QUOTE_CHARS:
        raise _RefusedError("quote too long")
    if sensitive.category(words):
        raise _RefusedError("sensitive")
    return Evidence(
        tenant=quoted.session.place.tenant,
        room=quoted.session.room,
        message=quoted.line.message,
        quote=words,
        said_at=quoted.line.said_at,
    )


def is_forgotten(fences: Mapping[str, datetime], field: str, evidence: Iterable[Evidence]) -> bool:
    """Whether the member had the field forgotten after saying any of this; `fences` are theirs, by field."""
    fence = max((fences[name] for name in ("*", field) if name in fences), default=None)
    return fence is not None and any(one.said_at <= fence for one in evidence)


def _op(proposal: Proposal, field: Field) -> Op:
    """The operation in the form its field knows: a list is added to, everything else is set."""
    if proposal.op in {"set", "add"}:
        return "add" if field.is_list else "set"
    return proposal.op


def _value(proposal: Proposal, field: Field, session: Session, member: MemberKey) -> str:
    value = canonical(proposal.value)
    if not value:
        raise _RefusedError("empty")
    if proposal.op in {"remove", "confirm"}:
        return _known_value(value, field, session, member)
    if field.choices:
        return _choice(value, field)
    if len(value) > field.max_chars:
        raise _RefusedError("too long")
    if has_link(value):
        raise _RefusedError("link")
    if sensitive.category(value):
        raise _RefusedError("sensitive")
    return value


def _known_value(value: str, field: Field, session: Session, member: MemberKey) -> str:
    persona = session.personas.get(member)
    known = persona.of(field.name) if persona else ()
    for fact in known:
        if comparable(fact.value) == comparable(value):
            return fact.value
    raise _RefusedError("unknown value")


def _choice(value: str, field: Field) -> str:
    for choice in field.choices:
        if choice.casefold() == value.casefold():
            return choice
    raise _RefusedError("not a choice")
