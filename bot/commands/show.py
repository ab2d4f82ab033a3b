"""`/persona show`: everything that is remembered about a member, with where each fact came from."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial

from bot import consent
from bot.commands.command import Asked, Command, Context
from bot.messages import Member, MessageId, RoomId, TenantId
from bot.store import members
from bot.views import Button, Line, Section, Source, View
from persona import quarantine
from persona import store as personas
from persona.audience import FORM, MEMBER, covers
from persona.canonical import comparable
from persona.dates import last_day
from persona.persona import Evidence, Fact, Persona
from persona.ports import Transaction
from persona.refusals import Reason
from persona.schema import field_name
from persona.store import PARKED


async def run(context: Context, asked: Asked) -> View:
    """Show all of it, or only the field named."""
    member, words = asked.member, asked.words
    decision, persona, refused = await context.store.read(partial(_read, member=member, context=context))
    name = field_name(words)
    facts = persona.facts if not words else tuple(fact for fact in persona.facts if fact.field == name)
    if words and not facts and name not in context.schema.by_name:
        return View(text=f"There is no field “{words}”. `/persona show` lists all that is remembered.")
    sections = _sections(facts, persona)
    is_on = consent.is_on(decision, context.default)
    about = name.replace("_", " ") if words else ""
    return View(
        text=f"{_headline(member, about, has_facts=bool(facts))}{_state(decision, is_on=is_on)}",
        sections=sections,
        footer=_footer(refused, has_facts=bool(sections)),
        buttons=() if is_on or context.default == "off" else (_ASK,),
    )


_ASK = Button(action="consent:on", label="Remember me", is_primary=True)


async def _read(
    transaction: Transaction, *, member: Member, context: Context
) -> tuple[members.Consent, Persona, dict[Reason, int]]:
    decision = await members.consent(transaction, member.key)
    now = context.clock.now()
    persona = await personas.read_history(transaction, member.key, schema=context.schema, at=now)
    return decision, persona, await quarantine.counts(transaction, member.key)


def _footer(refused: Mapping[Reason, int], *, has_facts: bool) -> str:
    how = "Change it: /persona forget <field|all>, /persona pause. Everything: /persona help." if has_facts else ""
    reasons = ", ".join(f"{reason}: {number}" for reason, number in refused.items())
    return f"{how} Not kept lately ({reasons}).".strip() if refused else how


def _headline(member: Member, about: str, *, has_facts: bool) -> str:
    if has_facts:
        return f"What I remember about {member.name or 'you'}:"
    return f"Nothing is remembered under {about}." if about else "I remember nothing about you yet."


def _state(decision: members.Consent, *, is_on: bool) -> str:
    if is_on:
        return ""
    if decision.state == "paused":
        return " Remembering is paused: I neither learn nor use any of it. `/persona resume` goes on."
    return " Remembering is off: I neither learn nor use anything."


def _sections(facts: Sequence[Fact], persona: Persona) -> tuple[Section, ...]:
    """The facts in the sections and order of the schema; those of a field that hold first, newest first."""
    by_section: dict[str, dict[str, list[Fact]]] = {}
    now, zone = persona.at, persona.zone
    for fact in facts:
        if not any(_says_it_more_widely(other, fact, now) for other in facts):
            by_section.setdefault(fact.section, {}).setdefault(fact.field, []).append(fact)
    return tuple(
        Section(
            title=_title(section),
            lines=tuple(_line(fact, now, zone) for field in fields.values() for fact in _ordered(field, now)),
        )
        for section, fields in by_section.items()
    )


def _title(section: str) -> str:
    if section == PARKED:
        return "Kept, but no longer used"
    return section.replace("_", " ").capitalize()


def _ordered(facts: list[Fact], now: datetime) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.holds(now), fact.valid_from), reverse=True)


def _says_it_more_widely(other: Fact, fact: Fact, now: datetime) -> bool:
    """Whether a value is shown already, for a wider audience."""
    is_same = other.field == fact.field and comparable(other.value) == comparable(fact.value)
    is_wider = other.audience != fact.audience and covers(other.audience, fact.audience)
    return is_same and is_wider and other.holds(now) and fact.holds(now)


def _line(fact: Fact, now: datetime, zone: tzinfo) -> Line:
    field = fact.field.replace("_", " ")
    return Line(
        text=f"{field}{_when(fact, now)}: {fact.value}", note=_note(fact, now, zone), source=_source(fact.evidence)
    )


def _when(fact: Fact, now: datetime) -> str:
    if fact.holds(now):
        return ""
    return ", earlier" if fact.valid_from <= now else ", later"


def _note(fact: Fact, now: datetime, zone: tzinfo) -> str:
    """When it was said, from when to when it holds if that is another time, and who may know it."""
    said = fact.evidence[0].said_at if fact.evidence else fact.valid_from
    parts = [f"{'seen' if fact.kind == 'observed' else 'said'} {said:%Y-%m-%d}"]
    if fact.confirmed_at.date() != said.date():
        parts.append(f"again {fact.confirmed_at:%Y-%m-%d}")
    if fact.valid_from.date() != said.date():
        parts.append(f"since {fact.valid_from:%Y-%m-%d}")
    if fact.valid_until is not None:
        parts.append(f"until {last_day(fact.valid_until, zone)}")
    return ", ".join([*parts, _readers(fact)] if fact.holds(now) else parts)


def _readers(fact: Fact) -> str:
    if fact.audience == FORM:
        return "shapes my answers, never spoken"
    if fact.audience == MEMBER:
        return "used only with you alone"
    return "used in any room without outsiders" if fact.audience.startswith("tenant:") else "used only in that room"


def _source(evidence: tuple[Evidence, ...]) -> Source | None:
    if not evidence:
        return None
    latest = evidence[-1]
    return Source(
        tenant=TenantId(latest.tenant), room=RoomId(latest.room), message=MessageId(latest.message), quote=latest.quote
    )


COMMAND = Command(
    name="show",
    usage="show [field]",
    summary="what I remember about you, and from where",
    words="only this field, such as tools",
    run=run,
)
