"""A persona as text: the few lines a prompt gets."""

import json
from collections.abc import Iterable

from persona.canonical import comparable
from persona.persona import Fact, Persona
from persona.schema import Field, Schema


def for_prompt(persona: Persona, schema: Schema) -> str | None:
    """The persona as compact JSON, style apart from facts; None when there is nothing to say.

    The same facts give the same bytes, so that a prompt cache can keep them. Facts whose field the schema no longer
    has are left out.
    """
    style = {field.name: _values(persona, field) for field in schema.fields if field.style and persona.of(field.name)}
    facts = {
        field.name: _values(persona, field) for field in schema.fields if not field.style and persona.of(field.name)
    }
    if not style and not facts:
        return None
    return json.dumps({"style": style, "facts": facts}, ensure_ascii=False, separators=(",", ":"))


def _values(persona: Persona, field: Field) -> str | list[str]:
    values = distinct(persona.of(field.name), field)
    return [fact.value for fact in values] if field.is_list else values[-1].value


def distinct(facts: Iterable[Fact], field: Field) -> list[Fact]:
    """The facts of a field as one reader sees them, oldest first: each value once, and one value unless it is a list.

    Rooms that cannot hear each other may have taught different values of one field; who may know several gets the
    one said last.
    """
    by_value = {comparable(fact.value): fact for fact in sorted(facts, key=lambda fact: fact.confirmed_at)}
    newest_last = sorted(by_value.values(), key=lambda fact: fact.confirmed_at)
    return newest_last if field.is_list else newest_last[-1:]
