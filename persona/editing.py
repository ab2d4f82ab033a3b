"""What a member changes of their persona by hand: facts they enter, correct, or let be known more widely.

The command itself is the evidence: it has a place of its own, `BY_HAND`, which no platform's room can have, and it was
said when the command was given. So it counts as the last thing said, stands in the history, and can be undone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from persona.audience import FORM, MEMBER, Audience
from persona.canonical import comparable
from persona.moments import from_micros, to_micros
from persona.operations import Op, Operation, UpdateId
from persona.persona import Evidence, Fact, MemberKey, Persona
from persona.ports import Transaction
from persona.refusals import RefusedError
from persona.schema import Field
from persona.values import kept

BY_HAND = "/persona"
"""The room of evidence that is a command. Rooms begin with a channel, and no channel begins with a slash."""

MAX_PER_DAY = 100
"""Changes by hand in a day: more than anybody makes, less than a script (reliability S8)."""

Act = Literal["add", "edit", "widen", "forget"]

_LAST_SAID = "SELECT max(said_at) AS moment FROM operation WHERE tenant = :tenant AND member = :member"
_DONE_SINCE = """
    SELECT count(DISTINCT message) AS number FROM evidence
    WHERE tenant = :tenant AND member = :member AND room = :room AND said_at >= :since
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One change by hand."""

    act: Act
    member: MemberKey
    now: datetime
    """From when on it holds."""
    said_at: datetime
    """When it counts as said: after everything the member said, and never twice the same."""

    @property
    def update(self) -> UpdateId:
        """Names the change among those of the member; also what its evidence names as the message."""
        return UpdateId(f"{self.act}-{to_micros(self.said_at)}")

    def evidence(self, value: str) -> Evidence:
        """The command as what a value rests on."""
        member = self.member
        return Evidence(tenant=member.tenant, room=BY_HAND, message=self.update, quote=value, said_at=self.said_at)

    def operation(
        self,
        op: Op,
        field: str,
        value: str,
        *,
        audience: Audience,
        since: datetime | None = None,
        until: datetime | None = None,
        rests_on: tuple[Evidence, ...] = (),
    ) -> Operation:
        """What the command says of one value, which may rest on earlier words as well."""
        begins = since or (self.now if self.now < self.said_at else None)
        return Operation(
            member=self.member,
            op=op,
            field=field,
            value=value,
            evidence=(*rests_on, self.evidence(value)),
            audience=audience,
            since=begins,
            until=until,
        )


async def command(transaction: Transaction, member: MemberKey, act: Act, *, now: datetime, after: datetime) -> Command:
    """A change by hand that a member makes now, and that counts as said no sooner than `after`."""
    row = await transaction.fetch_one(_LAST_SAID, tenant=member.tenant, member=member.id)
    last = None if row is None or row["moment"] is None else from_micros(row["moment"] + 1)
    return Command(act=act, member=member, now=now, said_at=max(now, after, last or now))


async def done_since(transaction: Transaction, member: MemberKey, since: datetime) -> int:
    """How many changes by hand of a member are kept that were made since a moment."""
    row = await transaction.fetch_one(
        _DONE_SINCE, tenant=member.tenant, member=member.id, room=BY_HAND, since=to_micros(since)
    )
    assert row is not None
    number: int = row["number"]
    return number


def is_by_hand(evidence: Evidence) -> bool:
    """Whether evidence is a command and no message."""
    return evidence.room == BY_HAND


def act_of(evidence: Evidence) -> str:
    """What the command was that evidence stands for; see `Act`."""
    return evidence.message.partition("-")[0]


def value_for(text: str, field: Field) -> str:
    """A value entered by hand, as it is kept: the rules are those for what is learned.

    Raises:
        RefusedError: see `values.kept`; nothing sensitive is kept either way, and of a special category only what is
            said where its member agreed to it.
    """
    if field.sensitive or field.special:
        raise RefusedError("sensitive")
    return kept(text, field)


def entered_audience(field: Field) -> Audience:
    """Who may know what is entered by hand: the member alone, until they widen it."""
    return FORM if field.style else MEMBER


def is_full(persona: Persona, field: Field, value: str, audience: Audience) -> bool:
    """Whether a list has no room for one more value: it would give up another one in silence."""
    values = {comparable(fact.value) for fact in persona.of(field.name) if fact.audience == audience}
    return field.is_list and comparable(value) not in values and len(values) >= field.max_items


def added(command: Command, field: Field, value: str) -> Operation:
    """Enter a value."""
    return command.operation(_stating(field), field.name, value, audience=entered_audience(field))


def edited(command: Command, field: Field, fact: Fact, value: str) -> tuple[Operation, ...]:
    """Correct a fact that holds: known to whom it was known, for as long as it was to hold; one update.

    A list has to be told that the old value is over; a field that holds one value is not.
    """
    new = command.operation(_stating(field), field.name, value, audience=fact.audience, until=_end(fact, command))
    if not field.is_list or comparable(value) == comparable(fact.value):
        return (new,)
    return command.operation("remove", field.name, fact.value, audience=fact.audience), new


def widened(command: Command, field: Field, fact: Fact, audience: Audience) -> Operation:
    """Let a fact that holds be known more widely. It rests on what it rested on, and on the member's word."""
    return command.operation(
        _stating(field),
        field.name,
        fact.value,
        audience=audience,
        until=_end(fact, command),
        rests_on=fact.evidence,
    )


def ended(command: Command, fact: Fact, *, since: datetime) -> Operation:
    """Let a fact be over since a moment."""
    return command.operation("remove", fact.field, fact.value, audience=fact.audience, since=since)


def _stating(field: Field) -> Op:
    return "add" if field.is_list else "set"


def _end(fact: Fact, command: Command) -> datetime | None:
    """When a fact is to end by itself; not before the command counts as said, or it would never hold."""
    if fact.valid_until is None:
        return None
    return max(fact.valid_until, command.said_at + timedelta(microseconds=1))
