"""`/persona add`: a fact the member enters by hand, known to them alone until they say otherwise."""

from collections.abc import Mapping
from functools import partial

from bot.commands import changing, finding, refused, wording
from bot.commands.command import Asked, Command, Context
from bot.views import Button, Form, Input, View
from persona import editing
from persona.canonical import comparable
from persona.persona import Fact, Persona
from persona.ports import Transaction
from persona.refusals import RefusedError
from persona.schema import Field, Schema

MAX_CHOICES = 25
"""What an input can offer (`bot.views.Input`); longer lists are typed."""


async def run(context: Context, asked: Asked) -> View:
    """Keep a value that was typed after its field; without one, say what is missing."""
    field, value = finding.split(asked.words, context.schema)
    if field is not None and field.special:
        return refused.SPECIAL
    if field is not None and value:
        return await _add(context, asked, field, value)
    if field is not None:
        return View(
            text=f"What should I remember under {field.label}? Write `/persona add {field.label}` and the value."
            f"{_choices(field)}",
            buttons=(Button(action=f"form:add:{field.name}", label="Fill it in", is_primary=True),),
        )
    named = f"There is no field “{asked.words}”." if asked.words else "What should I remember?"
    return View(
        text=f"{named} Write `/persona add <field> <value>`; the fields are: {_names(context.schema)}.",
        buttons=(Button(action="form:add:", label="Fill it in", is_primary=True),),
    )


async def form(context: Context, asked: Asked) -> Form | View:
    """What is asked of a member who enters a fact: its field, unless that is given, and its value."""
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    closed = standing.closed()
    if closed is not None:
        return closed
    field = context.schema.by_name.get(asked.words)
    if field is not None and field.special:
        return refused.SPECIAL
    if field is not None:
        return Form(action=f"add:{field.name}", title="Add a fact", inputs=(value_input(field),))
    labels = tuple(field.label for field in _fields(context.schema))
    what = Input(
        name="field",
        label="What it is about",
        hint="a field, such as tools" if len(labels) > MAX_CHOICES else "",
        choices=labels if len(labels) <= MAX_CHOICES else (),
    )
    return Form(action="add:", title="Add a fact", inputs=(what, Input(name="value", label="What I should remember")))


async def fill(context: Context, asked: Asked, answers: Mapping[str, str]) -> View:
    """Keep what was filled in."""
    field, rest = finding.split(asked.words or answers.get("field", ""), context.schema)
    if field is None or rest:
        return View(text=f"I kept nothing: name one of the fields. They are: {_names(context.schema)}.")
    return await _add(context, asked, field, answers.get("value", ""))


def value_input(field: Field, value: str = "") -> Input:
    """The input for a value of a field."""
    choices = field.choices if len(field.choices) <= MAX_CHOICES else ()
    return Input(
        name="value",
        label=field.label[:45],
        value=value,
        hint="" if choices else field.description[:100],
        choices=choices,
        max_chars=max(field.max_chars, max(map(len, field.choices), default=0)),
    )


def _fields(schema: Schema) -> list[Field]:
    return [field for field in schema.agreed(()).fields if not field.sensitive]


def _names(schema: Schema) -> str:
    return ", ".join(sorted(field.label for field in _fields(schema)))


def _choices(field: Field) -> str:
    return f" It is one of: {', '.join(field.choices)}." if field.choices else ""


async def _add(context: Context, asked: Asked, field: Field, text: str) -> View:
    try:
        value = editing.value_for(text, field)
    except RefusedError as error:
        return refused.view(error.reason, field, text=text, form=f"add:{field.name}")
    return await context.store.write(partial(_keep, context=context, asked=asked, field=field, value=value))


async def _keep(transaction: Transaction, *, context: Context, asked: Asked, field: Field, value: str) -> View:
    standing = await changing.standing(transaction, context=context, asked=asked)
    refusal = standing.closed() or await changing.may_change(transaction, asked=asked, now=context.clock.now())
    if refusal is not None:
        return refusal
    known = _known(standing.persona, field, value)
    if known is not None:
        return _shown("I know that already", known, context, asked, standing.persona)
    if editing.is_full(standing.persona, field, value, editing.entered_audience(field)):
        return View(text=refused.full(field))
    command = await changing.begin(transaction, context=context, asked=asked, act="add")
    fact = await changing.keep(transaction, [editing.added(command, field, value)], command, context=context)
    persona = (await changing.standing(transaction, context=context, asked=asked)).persona
    return _shown("I remember", fact, context, asked, persona, changing.undo(command.update))


def _known(persona: Persona, field: Field, value: str) -> Fact | None:
    """The fact that says so already: of a list any, otherwise the one that counts with the member alone."""
    current = persona.of(field.name)
    alike = [
        fact for fact in (current if field.is_list else current[-1:]) if comparable(fact.value) == comparable(value)
    ]
    return next((fact for fact in alike if not wording.is_known_more_widely(fact, alike, persona.at)), None)


def _shown(begin: str, fact: Fact, context: Context, asked: Asked, persona: Persona, *more: Button) -> View:
    return View(
        text=f"{begin}: {wording.said(fact)} ({wording.readers(fact.audience)}).",
        buttons=(*changing.widening(fact, asked, persona), *more, changing.details(fact)),
    )


COMMAND = Command(
    name="add",
    usage="add <field> <value>",
    summary="tell me a fact about you yourself",
    words="a field and its value, such as tools Neovim",
    run=run,
    form=form,
    fill=fill,
)
