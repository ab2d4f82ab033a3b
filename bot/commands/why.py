"""`/persona why`: one fact in full, with every piece of evidence, who may know it, and what can be done with it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from bot.commands import changing, finding, paging, wording
from bot.commands.changing import Standing
from bot.commands.command import Asked, Command, Context
from bot.views import Button, Line, Section, View
from persona import editing
from persona.audience import FORM, MEMBER, SPECIAL, Audience
from persona.consolidation import LIVES
from persona.persona import Evidence, Fact, Persona
from persona.schema import Field


async def run(context: Context, asked: Asked) -> View:
    """Show the fact the words mean, or those they may mean."""
    if not asked.words:
        return View(text="Why what? Write `/persona why` and a field, words of a value, or the id of a fact.")
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    facts = wording.visible(standing.persona)
    words, number = asked.words, 1
    found = finding.matching(standing.persona, facts, words)
    if not found:
        words, number = paging.typed(words)
        found = finding.matching(standing.persona, facts, words) if words else []
    if not found:
        return View(text=f"I know nothing under “{asked.words}”. `/persona show` lists all that is remembered.")
    return which(found, standing.persona, words, number) if len(found) > 1 else _one(context, asked, standing, found[0])


async def press(context: Context, asked: Asked) -> View:
    """Show the fact of this id, or a page of its evidence, or a page of those that words may mean."""
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    fact_id, number = paging.pressed(asked.words) if ":" in asked.words else (asked.words, 1)
    fact = standing.fact(fact_id)
    if fact is not None:
        return _one(context, asked, standing, fact, number)
    found = finding.matching(standing.persona, wording.visible(standing.persona), fact_id) if ":" in asked.words else []
    return which(found, standing.persona, fact_id, number) if found else wording.GONE


def which(found: Sequence[Fact], persona: Persona, words: str, number: int = 1) -> View:
    """Several facts that words may mean, to choose from."""
    shown = paging.page(found, number)
    lines = tuple(wording.line(fact, persona) for fact in shown.items)
    buttons = shown.buttons("why", words) if len(words) <= paging.MAX_WORDS else ()
    more = "" if buttons or shown.count == 1 else " Name it more closely to see the others."
    return View(
        text=f"“{words}” may be one of these{shown.title}. Which?{more}",
        sections=(Section(title="Facts", lines=lines),),
        buttons=buttons,
    )


def _one(context: Context, asked: Asked, standing: Standing, fact: Fact, number: int = 1) -> View:
    persona, field = standing.persona, context.schema.by_name.get(fact.field)
    shown = paging.page(fact.evidence[::-1], number)
    rests_on = Section(title=f"It rests on{shown.title}", lines=tuple(map(_evidence, shown.items)))
    about = tuple(Line(text=text) for text in _about(fact, field, persona))
    return View(
        text=wording.said(fact),
        sections=(Section(title="What I know of it", lines=about), rests_on),
        footer=f"Its id is {fact.id}.",
        buttons=(*_actions(context, asked, standing, fact), *shown.buttons("why", fact.id)),
    )


def _actions(context: Context, asked: Asked, standing: Standing, fact: Fact) -> tuple[Button, ...]:
    is_current = fact.holds(standing.persona.at) and fact.field in context.schema.by_name
    can_change = is_current and standing.closed() is None
    is_by_hand = can_change and not context.schema.by_name[fact.field].special
    edit = (Button(action=f"form:edit:{fact.id}", label="Edit"),) if is_by_hand else ()
    widen = changing.widening(fact, asked, standing.persona) if can_change else ()
    back = Button(action=f"show:{fact.field}:1", label="Back")
    return (*edit, *widen, back, Button(action=f"forget:{fact.id}", label="Forget this", is_danger=True))


def _evidence(evidence: Evidence) -> Line:
    day = f"{evidence.said_at:%Y-%m-%d}"
    if not editing.is_by_hand(evidence):
        return Line(text=f"you said on {day}", source=wording.source(evidence))
    did = {"edit": "corrected it to this", "widen": "let it be used more widely"}.get(editing.act_of(evidence))
    return Line(text=f"you {did or 'entered it'} on {day}")


def _about(fact: Fact, field: Field | None, persona: Persona) -> list[str]:
    kind = {"stated": "you said so", "observed": "I noticed it in what you write and ask for"}[fact.kind]
    if fact.evidence and all(map(editing.is_by_hand, fact.evidence)):
        kind = "you entered it"
    about = [f"how I know: {kind}", f"who may know: {_readers(fact.audience)}", f"holds: {_period(fact, persona)}"]
    if field is None:
        return [*about, "this field is no longer used: it is kept, shown to you alone, and can be forgotten"]
    return [*about, _fades(fact, field, persona)] if fact.holds(persona.at) else about


def _readers(audience: Audience) -> str:
    """Who may come to know a fact of this audience."""
    if audience == MEMBER:
        return "you alone; I use it only where nobody else reads"
    if audience == SPECIAL:
        return "you alone; I use it only in our direct message on Slack, and while you agree"
    if audience == FORM:
        return "nobody is told; it shapes how I answer you, everywhere"
    if audience.startswith("tenant:"):
        return f"everybody in {changing.tenant(audience)}; I use it in any room without outsiders"
    if audience.startswith("external:"):
        return "whoever reads the room it was said in, outsiders too; I use it only there, and with you alone"
    return "whoever reads the private room it was said in; I use it only there, and with you alone"


def _period(fact: Fact, persona: Persona) -> str:
    period = " ".join(wording.period(fact, persona.zone))
    if fact.holds(persona.at):
        return f"{period}, now" if fact.valid_until is None else period
    return f"{period}, no longer" if fact.valid_from <= persona.at else f"{period}, not yet"


def _fades(fact: Fact, field: Field, persona: Persona) -> str:
    if field.life_days is None:
        return "fades: never by itself"
    if field.special:
        return f"fades: it is erased within {field.life_days} days, and at once if you stop agreeing"
    life = timedelta(days=field.life_days)
    uncertain, over = (fact.confirmed_at + times * life for times in (1, LIVES))
    was = "has counted" if uncertain <= persona.at else "counts"
    return (
        f"fades: it {was} as uncertain from {uncertain:%Y-%m-%d} and is over from {over:%Y-%m-%d},"
        " unless you say it again"
    )


COMMAND = Command(
    name="why",
    usage="why <field|words|id>",
    summary="one fact in full: the words it rests on, who may know it, and what to do with it",
    words="a field, words of a value, or the id of a fact",
    run=run,
    press=press,
)
