"""`/persona edit`: another value for a fact, known to whom it was known."""

from collections.abc import Mapping
from functools import partial

from bot.commands import add, changing, finding, refused, why, wording
from bot.commands.changing import Standing
from bot.commands.command import Asked, Command, Context
from bot.views import Button, Form, View
from persona import editing
from persona.persona import Fact, Persona
from persona.ports import Transaction
from persona.refusals import RefusedError
from persona.schema import Field

_ENDED = View(text="That holds no longer, so there is nothing to correct. `/persona add` enters what holds now.")


async def run(context: Context, asked: Asked) -> View:
    """Give the fact that is named the value that follows it."""
    if not asked.words:
        return View(text="What should I correct? Write `/persona edit <field> <value>`, or an id and the value.")
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    found, value = _meant(context, standing, asked.words)
    if not found:
        return View(
            text=f"I know nothing under “{asked.words}” that I could correct. `/persona show` lists all there is,"
            " `/persona add` enters something new."
        )
    if len(found) > 1:
        return why.which(found, standing.persona, wording.label(found[0].field))
    if not value:
        return View(
            text=f"{wording.said(found[0])}. What should it be?",
            buttons=(Button(action=f"form:edit:{found[0].id}", label="Edit", is_primary=True),),
        )
    return await _edit(context, asked, found[0].id, value)


async def form(context: Context, asked: Asked) -> Form | View:
    """The value as it is, to be written over."""
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    fact = standing.fact(asked.words)
    field = None if fact is None else context.schema.by_name.get(fact.field)
    if fact is None or field is None:
        return wording.GONE
    if field.special:
        return refused.SPECIAL
    closed = standing.closed()
    if closed is not None or not fact.holds(standing.persona.at):
        return closed or _ENDED
    return Form(
        action=f"edit:{fact.id}",
        title="Correct it",
        text=f"As before: {wording.readers(fact.audience)}.",
        inputs=(add.value_input(field, fact.value),),
    )


async def fill(context: Context, asked: Asked, answers: Mapping[str, str]) -> View:
    """Keep the value that was filled in."""
    return await _edit(context, asked, asked.words, answers.get("value", ""))


def _meant(context: Context, standing: Standing, words: str) -> tuple[list[Fact], str]:
    """The facts that the words begin with, by id or by field, and the value after that."""
    shown = [fact for fact in wording.visible(standing.persona) if fact.field in context.schema.by_name]
    first, _, rest = words.partition(" ")
    fact = finding.by_id(shown, first)
    if fact is not None:
        return [fact], rest
    field, value = finding.split(words, context.schema)
    return [
        one for one in shown if field is not None and one.field == field.name and one.holds(standing.persona.at)
    ], value


async def _edit(context: Context, asked: Asked, fact_id: str, text: str) -> View:
    return await context.store.write(partial(_keep, context=context, asked=asked, fact_id=fact_id, text=text))


async def _keep(transaction: Transaction, *, context: Context, asked: Asked, fact_id: str, text: str) -> View:
    standing = await changing.standing(transaction, context=context, asked=asked)
    fact = standing.fact(fact_id)
    field = None if fact is None else context.schema.by_name.get(fact.field)
    if fact is None or field is None:
        return wording.GONE
    refusal = standing.closed() or await changing.may_change(transaction, asked=asked, now=context.clock.now())
    if refusal is not None:
        return refusal
    try:
        value = editing.value_for(text, field)
    except RefusedError as error:
        return refused.view(error.reason, field, text=text, form=f"edit:{fact_id}")
    alike = _alike(standing.persona, fact, value)
    if alike is not None:
        return View(text=f"It says so already: {wording.said(alike)}.", buttons=(changing.details(alike),))
    if not fact.holds(standing.persona.at):
        return _ENDED
    return await _corrected(transaction, context, asked, field, fact, value)


def _alike(persona: Persona, fact: Fact, value: str) -> Fact | None:
    """The fact that says so already: this one, or what has taken its place, as when a form is sent twice."""
    current = persona.of(fact.field)
    known = [fact] if fact in current else [one for one in current if one.audience == fact.audience]
    return next((one for one in known if one.value == value), None)


async def _corrected(  # noqa: PLR0917 - what a correction consists of
    transaction: Transaction, context: Context, asked: Asked, field: Field, fact: Fact, value: str
) -> View:
    command = await changing.begin(transaction, context=context, asked=asked, act="edit")
    now = await changing.keep(transaction, editing.edited(command, field, fact, value), command, context=context)
    return View(
        text=f"Corrected: {wording.said(fact)} → {now.value} ({wording.readers(now.audience)}).",
        buttons=(changing.undo(command.update), changing.details(now)),
    )


COMMAND = Command(
    name="edit",
    usage="edit <field|id> <value>",
    summary="correct a fact; it stays known to whom it was",
    words="a field or the id of a fact, and the right value",
    run=run,
    form=form,
    fill=fill,
)
