"""`/persona show`: everything that is remembered about a member, with where each fact came from."""

from collections.abc import Mapping, Sequence
from functools import partial

from bot import consent
from bot.commands import paging, wording
from bot.commands.command import Asked, Command, Context, decided
from bot.commands.paging import Page
from bot.messages import Member
from bot.store import members
from bot.views import Section, View
from persona import quarantine
from persona import store as personas
from persona.persona import Fact, Persona
from persona.ports import Transaction
from persona.refusals import Reason
from persona.schema import Schema, field_name
from persona.store import PARKED


async def run(context: Context, asked: Asked) -> View:
    """Show all of it, or only what the words name."""
    words, number = (asked.words, 1) if _is_name(asked.words, context.schema) else paging.typed(asked.words)
    return await _show(context, asked, words, number)


async def press(context: Context, asked: Asked) -> View:
    """Show another page."""
    return await _show(context, asked, *paging.pressed(asked.words))


def _is_name(words: str, schema: Schema) -> bool:
    return field_name(words) in schema.by_name


async def _show(context: Context, asked: Asked, words: str, number: int) -> View:
    found = await context.store.read(partial(_read, asked=asked, context=context))
    decision, held, persona, refused = found
    facts = _chosen(persona, words, context.schema)
    if facts is None:
        return View(text=f"There is no field “{words}”. `/persona show` lists all that is remembered.")
    shown = paging.page(_ordered(facts, persona), number)
    asking = () if held.is_on(decision) or held.closed_by else (wording.ASK,)
    return View(
        text=f"{_headline(asked.member, words, shown)}{_state(decision, held)}",
        sections=_sections(shown.items, persona),
        footer=_footer(refused, has_facts=bool(facts)),
        buttons=(*shown.buttons("show", field_name(words)), *asking),
    )


async def _read(
    transaction: Transaction, *, asked: Asked, context: Context
) -> tuple[members.Consent, consent.Holding, Persona, dict[Reason, int]]:
    member = asked.member
    decision, held = await decided(transaction, context=context, asked=asked)
    now = context.clock.now()
    persona = await personas.read_history(transaction, member.key, schema=context.schema, at=now)
    return decision, held, persona, await quarantine.counts(transaction, member.key)


def _chosen(persona: Persona, words: str, schema: Schema) -> list[Fact] | None:
    """The facts that words name: a field, a section, what was only seen, what was earlier; None if nothing is so."""
    facts, name = wording.visible(persona), field_name(words)
    if not words:
        return facts
    of_field = [fact for fact in persona.facts if fact.field == name]
    if of_field or name in schema.by_name:
        return [fact for fact in facts if fact.field == name]
    if name == "seen":
        return [fact for fact in facts if fact.kind == "observed"]
    if name == "earlier":
        return [fact for fact in facts if not fact.holds(persona.at) and fact.valid_from <= persona.at]
    of_section = [fact for fact in facts if field_name(fact.section) == name]
    return of_section if of_section or name in map(field_name, schema.sections) else None


def _footer(refused: Mapping[Reason, int], *, has_facts: bool) -> str:
    how = "Change it: /persona edit, /persona forget <field|all>, /persona pause. Everything: /persona help."
    reasons = ", ".join(f"{reason}: {number}" for reason, number in refused.items())
    lately = f"Not kept lately ({reasons})." if refused else ""
    return f"{how if has_facts else ''} {lately}".strip()


def _headline(member: Member, words: str, shown: Page[Fact]) -> str:
    about = wording.label(field_name(words))
    if shown.items:
        only = f" ({about})" if words else ""
        return f"What I remember about {member.name or 'you'}{only}{shown.title}:"
    return f"Nothing is remembered under {about}." if words else "I remember nothing about you yet."


def _state(decision: members.Consent, held: consent.Holding) -> str:
    if held.is_on(decision):
        return ""
    if held.closed_by:
        return f" {wording.switched_off(held)}: I neither learn nor use any of it."
    if decision.state == "paused":
        return " Remembering is paused: I neither learn nor use any of it. `/persona resume` goes on."
    return " Remembering is off: I neither learn nor use anything."


def _ordered(facts: Sequence[Fact], persona: Persona) -> list[Fact]:
    """The facts in the sections and order of the schema; those of a field that hold first, newest first."""
    by_field: dict[tuple[str, str], list[Fact]] = {}
    sections = list(dict.fromkeys(fact.section for fact in facts))
    for fact in sorted(facts, key=lambda fact: sections.index(fact.section)):
        by_field.setdefault((fact.section, fact.field), []).append(fact)
    return [
        fact
        for field in by_field.values()
        for fact in sorted(field, key=lambda fact: (fact.holds(persona.at), fact.valid_from), reverse=True)
    ]


def _sections(facts: Sequence[Fact], persona: Persona) -> tuple[Section, ...]:
    titles = dict.fromkeys(fact.section for fact in facts)
    return tuple(
        Section(
            title=_title(section),
            lines=tuple(wording.line(fact, persona) for fact in facts if fact.section == section),
        )
        for section in titles
    )


def _title(section: str) -> str:
    if section == PARKED:
        return "Kept, but no longer used"
    return section.replace("_", " ").capitalize()


COMMAND = Command(
    name="show",
    usage="show [field] [page N]",
    summary="what I remember about you, and from where",
    words="only this field, such as tools; or a section, seen, earlier; page 2 for more",
    run=run,
    press=press,
)
