"""What the tests of the persona are built from: two members, five rooms, and statements made in them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from hypothesis import HealthCheck, settings

from bot.store.engine import Store
from persona import forgetting, schema, store
from persona.audience import Audience, Place, learned_in
from persona.guard import Proposal, Quoted
from persona.operations import Op, Operation, UpdateId
from persona.persona import Evidence, Fact, FactId, Kind, MemberKey, Persona
from persona.ports import Transaction
from persona.schema import Field, Schema
from persona.session import Line, Session
from tests.clock import NOON
from tests.scan import as_said

TENANT = "slack:T1"
ANN = MemberKey(tenant=TENANT, id="U1")
BO = MemberKey(tenant=TENANT, id="U2")
NAMESAKE = MemberKey(tenant="slack:T2", id=ANN.id)
"""Another tenant's member with the same id."""

NUMBERS = count()
"""Of members who have a store's whole life before them."""

WORKPLACE = schema.load("workplace")
LOCATION = WORKPLACE.by_name["location"]
TOOLS = WORKPLACE.by_name["tools"]
TONE = WORKPLACE.by_name["tone"]

PAIRS = Schema(name="pairs", fields=(replace(TOOLS, max_items=2),))
"""A schema whose one list holds two values."""
WITHOUT_LOCATION = Schema(name="other", fields=tuple(field for field in WORKPLACE.fields if field != LOCATION))
"""A schema that a field has left."""

DIRECT = Place(tenant=TENANT, room="D1", kind="direct")
GROUP = Place(tenant=TENANT, room="G1", kind="private")
PRIVATE = Place(tenant=TENANT, room="P1", kind="private")
PUBLIC = Place(tenant=TENANT, room="C1", kind="public")
EXTERNAL = Place(tenant=TENANT, room="E1", kind="external")

PLACES = {"direct": DIRECT, "group": GROUP, "private": PRIVATE, "public": PUBLIC, "external": EXTERNAL}
"""The five columns of the audience table in the reliability sheet, D.2."""

READ_IN = {
    "direct": {"direct"},
    "group": {"direct", "group"},
    "private": {"direct", "private"},
    "public": {"direct", "group", "private", "public"},
    "external": {"direct", "external"},
    "style": {"direct", "group", "private", "public", "external"},
}
"""The table itself: where a fact was learned, or that it is style, and where it may be read."""

steady = settings(deadline=None, derandomize=True, database=None, max_examples=40)
"""Properties find the same examples on every machine, leave no file, and take a fraction of a second."""

in_one_store = settings(steady, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Examples share a database; each has a member of its own."""


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


LATER = at(10_000)
"""After everything that is said here, and after every end that is named."""


def evidence(message: str = "m1", *, said: float = 0, quote: str = "so it is", place: Place = PUBLIC) -> Evidence:
    return Evidence(tenant=place.tenant, room=place.room, message=message, quote=quote, said_at=at(said))


def operation(
    value: str,
    *,
    op: Op = "set",
    field: Field = LOCATION,
    said: float = 0,
    place: Place = PUBLIC,
    member: MemberKey = ANN,
    message: str | None = None,
    quote: str | None = None,
    kind: Kind = "stated",
    since: float | None = None,
    until: float | None = None,
    session: str = "",
) -> Operation:
    """An operation as the guard lets it through, from one message of its own."""
    source = evidence(message or f"m{said}", said=said, quote=quote or value, place=place)
    return Operation(
        member=member,
        op=op,
        field=field.name,
        value=value,
        evidence=(source,),
        audience=learned_in(place, style=field.style),
        kind=kind,
        since=None if since is None else at(since),
        until=None if until is None else at(until),
        session=session,
    )


def fact(
    value: str,
    *,
    field: Field = LOCATION,
    said: float = 0,
    audience: Audience | None = None,
    until: float | None = None,
    fact_id: str | None = None,
) -> Fact:
    return Fact(
        id=FactId(fact_id or f"f-{field.name}-{value}-{said}"),
        section=field.section,
        field=field.name,
        value=value,
        audience=audience or learned_in(PUBLIC, style=field.style),
        evidence=(evidence(said=said),),
        confirmed_at=at(said),
        valid_from=at(said),
        valid_until=None if until is None else at(until),
    )


def line(text: str, *, speaker: MemberKey | None = ANN, message: str = "m1", said: float = 0) -> Line:
    return Line(message=message, speaker=speaker, text=text, said_at=at(said))


def persona(*facts: Fact, of: MemberKey = ANN) -> Persona:
    """What is known of a member when everything was said."""
    return Persona(member=of, at=LATER, facts=facts)


def session(*lines: Line, place: Place = PUBLIC, known: tuple[Fact, ...] = (), of: MemberKey = ANN) -> Session:
    """A session in `place`, whose readers know `known` of one member."""
    return Session(room=place.room, place=place, lines=lines, personas={of: persona(*known, of=of)})


def quoted(source: Session, *words: str, message: str = "m1") -> tuple[Quoted, ...]:
    """Quotes out of one message of a session."""
    found = next((line for line in source.lines if line.message == message), None)
    return tuple(Quoted(session=source if found else None, line=found, words=word) for word in words)


def proposal(*quotes: Quoted, value: str = "Berlin", field: str = "location", op: Op = "set") -> Proposal:
    return Proposal(op=op, field=field, value=value, quoted=quotes)


def about(
    text: str,
    *,
    quote: str | None = None,
    value: str = "Berlin",
    field: str = "location",
    op: Op = "set",
    known: tuple[Fact, ...] = (),
    place: Place = PUBLIC,
    said: float = 0,
) -> Proposal:
    """A proposal about one message of Ann's."""
    source = session(line(text, said=said), known=known, place=place)
    return proposal(*quoted(source, text if quote is None else quote), value=value, field=field, op=op)


async def learn(
    opened: Store, *operations: Operation, schema: Schema = WORKPLACE, update: str = "u1", now: datetime = NOON
) -> tuple[Operation, ...]:
    """Keep operations, in a transaction of their own."""
    keep = partial(store.learn, operations=operations, schema=schema, update=UpdateId(update), now=now)
    return await opened.write(keep)


async def known(
    opened: Store, member: MemberKey = ANN, *, place: Place | None = None, when: datetime = LATER
) -> Persona:
    """The values that hold, as far as a place may know them."""
    return await opened.read(partial(store.read, member=member, place=place, at=when))


async def history(
    opened: Store, member: MemberKey = ANN, *, schema: Schema = WORKPLACE, when: datetime = LATER
) -> Persona:
    """A persona with its past and its evidence."""
    return await opened.read(partial(store.read_history, member=member, schema=schema, at=when))


async def rows(opened: Store, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is stored in `tables`, opened and sorted; in all four of the persona's own if none is named."""

    async def fetch(transaction: Transaction) -> dict[str, list[tuple[object, ...]]]:
        names = tables or ("fact", "evidence", "operation", "fence")
        found = {name: await transaction.fetch(f"SELECT * FROM {name}") for name in names}  # noqa: S608 - our names
        return {
            name: sorted([tuple((await as_said(transaction, name, row)).values()) for row in entries], key=repr)
            for name, entries in found.items()
        }

    return await opened.read(fetch)


async def retract(
    opened: Store,
    message: str = "m0",
    *,
    text: str | None = None,
    room: str = "C1",
    tenant: str = TENANT,
    schema: Schema = WORKPLACE,
) -> int:
    """Delete a message, or edit it to `text`."""
    return await opened.write(
        partial(forgetting.retract, tenant=tenant, room=room, message=message, text=text, schema=schema, now=NOON)
    )


def values(persona: Persona) -> list[str]:
    """Of every fact, past ones included."""
    return [fact.value for fact in persona.facts]


def held(facts: tuple[Fact, ...], when: datetime = LATER) -> tuple[Fact, ...]:
    """What of some facts is read to answer with: what holds, without the evidence."""
    return tuple(replace(fact, evidence=()) for fact in facts if fact.holds(when))


def current(facts: Sequence[Fact]) -> list[str]:
    """The values that hold when all is said."""
    return [fact.value for fact in facts if fact.holds(LATER)]


def past(facts: Sequence[Fact]) -> list[str]:
    """The values that held once."""
    return [fact.value for fact in facts if not fact.holds(LATER)]


def spans(facts: Sequence[Fact]) -> list[tuple[str, datetime, datetime | None]]:
    """Every value with its dates."""
    return [(fact.value, fact.valid_from, fact.valid_until) for fact in facts]


TALK = (
    operation("Berlin", said=1),
    operation("vim", op="add", field=TOOLS, said=2, place=DIRECT),
    operation("Oslo", said=3, place=PRIVATE),
    operation("Berlin", op="confirm", said=4),
    operation("Berlin", op="remove", said=5),
    operation("Berlin", said=6),
    operation("zsh", op="add", field=TOOLS, said=7, member=BO),
    operation("Lyon", said=8, since=7.5, until=9),
)
"""One value of everything that can happen to a field, by two members in three rooms."""
