"""What may never be kept: the rules between a model's proposal and a member's persona.

Code, outside the model, since no instruction to a model holds against text that argues back (reliability 0.14).
A proposal is kept whole or refused whole, with a reason an operator can count.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from persona import dates, sensitive, values
from persona.audience import learned_in
from persona.canonical import canonical, comparable, is_quoted
from persona.fingerprints import Fingerprints, Prints
from persona.operations import Op, Operation
from persona.persona import Evidence, Kind, MemberKey
from persona.refusals import Reason, RefusedError
from persona.schema import Field, Schema
from persona.session import Line, Session

MAX_QUOTE_CHARS = 240
"""A quote states one fact. It is kept as long as the fact, far longer than the message."""

MAX_PER_MESSAGE = 20
"""Facts one message can teach: somebody who introduces themself fits, a manual does not (decision 0011)."""

MAX_AHEAD = timedelta(days=5 * 366)
"""How far ahead a value may end: further is not a plan but a slip of the pen."""


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
    kind: Kind = "stated"
    since: str = ""
    until: str = ""
    """Dates as of `persona.dates`, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A proposal that was not kept, and why."""

    proposal: Proposal
    reason: Reason

    @property
    def author(self) -> MemberKey | None:
        """The member whose words it rested on; None if nobody's, or several members'."""
        authors = {quoted.line.speaker for quoted in self.proposal.quoted if quoted.line is not None}
        return authors.pop() if len(authors) == 1 else None

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages it rested on."""
        return tuple(quoted.line.message for quoted in self.proposal.quoted if quoted.line is not None)


Fences = Mapping[MemberKey, Mapping[str, datetime]]
"""When a member last had a field forgotten; `*` stands for all of them. What was said before cannot teach it again."""


_NO_PRINTS: Prints = {}


def check(proposal: Proposal, *, schema: Schema, fences: Fences, prints: Prints = _NO_PRINTS) -> Operation | Refusal:
    """Turn a proposal into an operation on the persona of whoever said it, or say why not."""
    try:
        session, member = _author(proposal)
        agreed = session.agreed(member)
        field = _field(proposal, schema.agreed(agreed))
        evidence = tuple(sorted((_evidence(one, field) for one in proposal.quoted), key=lambda found: found.said_at))
        _agreed_to(agreed, field, evidence)
        _not_forgotten(fences.get(member, {}), prints.get(member), field, evidence)
        since, until = _period(proposal, session.zone(member), evidence[-1].said_at)
        return Operation(
            member=member,
            op=_op(proposal, field),
            field=field.name,
            value=_value(proposal, field, session, member),
            evidence=evidence,
            audience=learned_in(session.place, style=field.style, special=bool(field.special)),
            kind=proposal.kind,
            since=since,
            until=until,
            session=session.id,
        )
    except RefusedError as refused:
        return Refusal(proposal=proposal, reason=refused.reason)


def checked(
    proposals: Iterable[Proposal], *, schema: Schema, fences: Fences, prints: Prints = _NO_PRINTS
) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
    """What may be kept of an update, and what not. One message cannot teach more than `MAX_PER_MESSAGE` facts (S8)."""
    operations: list[Operation] = []
    refusals: list[Refusal] = []
    taught: Counter[tuple[str, str, str]] = Counter()
    for proposal in proposals:
        result = check(proposal, schema=schema, fences=fences, prints=prints)
        if isinstance(result, Refusal):
            refusals.append(result)
            continue
        messages = {(one.tenant, one.room, one.message) for one in result.evidence}
        if any(taught[message] >= MAX_PER_MESSAGE for message in messages):
            refusals.append(Refusal(proposal=proposal, reason="quota"))
            continue
        taught.update(messages)
        operations.append(result)
    return tuple(operations), tuple(refusals)


def _author(proposal: Proposal) -> tuple[Session, MemberKey]:
    """The one member who said everything the proposal rests on (S1), in one session."""
    if not proposal.quoted:
        raise RefusedError("no evidence")
    said = {(id(quoted.session), quoted.line.speaker) for quoted in proposal.quoted if quoted.line is not None}
    if any(quoted.line is None for quoted in proposal.quoted):
        raise RefusedError("unknown message")
    if len(said) > 1:
        raise RefusedError("several authors")
    first = proposal.quoted[0]
    if first.session is None or first.line is None or first.line.speaker is None:
        raise RefusedError("not a member")
    return first.session, first.line.speaker


def _field(proposal: Proposal, schema: Schema) -> Field:
    field = schema.by_name.get(proposal.field)
    if field is None:
        raise RefusedError("unknown field")
    if field.sensitive:
        raise RefusedError("sensitive")
    if proposal.kind == "observed" and not field.observable:
        raise RefusedError("not observable")
    return field


def _agreed_to(agreed: Mapping[str, datetime], field: Field, evidence: Collection[Evidence]) -> None:
    """A special category may be learned from what its member said since they agree to it."""
    if field.special and any(one.said_at < agreed[field.special] for one in evidence):
        raise RefusedError("sensitive")


def _evidence(quoted: Quoted, field: Field) -> Evidence:
    """The quote, once it is found literally in what the author typed (S2)."""
    assert quoted.session is not None
    assert quoted.line is not None
    words = canonical(quoted.words)
    if not words or not is_quoted(words, quoted.line.text):
        raise RefusedError("quote not found")
    if len(words) > MAX_QUOTE_CHARS:
        raise RefusedError("quote too long")
    if sensitive.category(words, but=field.special):
        raise RefusedError("sensitive")
    return Evidence(
        tenant=quoted.session.place.tenant,
        room=quoted.session.room,
        message=quoted.line.message,
        quote=words,
        said_at=quoted.line.said_at,
    )


def is_forgotten(
    fences: Mapping[str, datetime], field: str, evidence: Collection[Evidence], *, prints: Fingerprints | None = None
) -> bool:
    """Whether the member had this forgotten: the field after saying any of it, or what one of the messages taught.

    `fences` are theirs, by field, and so are `prints`.
    """
    fence = max((fences[name] for name in ("*", field) if name in fences), default=None)
    is_fenced = fence is not None and any(one.said_at <= fence for one in evidence)
    return is_fenced or (prints is not None and prints.know(field, evidence))


def _not_forgotten(
    fences: Mapping[str, datetime], prints: Fingerprints | None, field: Field, evidence: Collection[Evidence]
) -> None:
    if is_forgotten(fences, field.name, evidence, prints=prints):
        raise RefusedError("forgotten")


def _period(proposal: Proposal, zone: tzinfo, said_at: datetime) -> tuple[datetime | None, datetime | None]:
    """From when and until when the value holds, as far as the member said; a beginning to come is a plan."""
    since, until = dates.begin(proposal.since, zone), dates.end(proposal.until, zone)
    is_wrong = (
        (proposal.since and (since is None or since > said_at))
        or (proposal.until and (until is None or not said_at < until <= said_at + MAX_AHEAD))
        or (proposal.op == "remove" and proposal.until)
    )
    if is_wrong:
        raise RefusedError("bad period")
    return since, until


def _op(proposal: Proposal, field: Field) -> Op:
    """The operation in the form its field knows: a list is added to, everything else is set."""
    if proposal.kind == "observed" and proposal.op in {"remove", "confirm"}:
        raise RefusedError("not observable")  # only what a member says ends or confirms anything
    if proposal.op in {"set", "add"}:
        return "add" if field.is_list else "set"
    return proposal.op


def _value(proposal: Proposal, field: Field, session: Session, member: MemberKey) -> str:
    if proposal.op in {"remove", "confirm"}:
        return _known_value(proposal.value, field, session, member)
    value = values.kept(proposal.value, field)
    if not values.is_said(value, field, (quoted.words for quoted in proposal.quoted)):
        raise RefusedError("not said")
    return value


def _known_value(text: str, field: Field, session: Session, member: MemberKey) -> str:
    persona = session.personas.get(member)
    for fact in persona.of(field.name) if persona else ():
        if comparable(fact.value) == comparable(text):
            return fact.value
    raise RefusedError("unknown value" if canonical(text) else "empty")
