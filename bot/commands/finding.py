"""Which of a member's facts is meant: by its id, its field, or words in it."""

import re
from collections.abc import Iterable

from persona.canonical import comparable
from persona.persona import Fact, Persona
from persona.schema import Field, Schema, field_name

_ID = re.compile(r"[0-9a-f]{6,12}(?:\.\d{1,4})?")
"""A fact's id or how it begins, at least as long as nobody types by accident."""


def by_id(facts: Iterable[Fact], words: str) -> Fact | None:
    """The one fact with this id, or whose id alone begins so."""
    wanted = words.casefold()
    if not _ID.fullmatch(wanted):
        return None
    beginning = [fact for fact in facts if fact.id.startswith(wanted)]
    exact = [fact for fact in beginning if fact.id == wanted]
    found = exact or beginning
    return found[0] if len(found) == 1 else None


def matching(persona: Persona, facts: Iterable[Fact], words: str) -> list[Fact]:
    """Those of `facts` that words mean: one by its id, those of a field, or those that hold the words in their value.

    Where some of them hold now, only those.
    """
    every = list(facts)
    one = by_id(every, words)
    if one is not None:
        return [one]
    name, wanted = field_name(words), comparable(words)
    found = [fact for fact in every if fact.field == name] or [
        fact for fact in every if wanted in comparable(f"{fact.field.replace('_', ' ')} {fact.value}")
    ]
    return [fact for fact in found if fact.holds(persona.at)] or found


def split(words: str, schema: Schema) -> tuple[Field | None, str]:
    """The field that words begin with, however it is spelled, and the rest; None if they begin with none."""
    tokens = words.split()
    for number in range(len(tokens), 0, -1):
        field = schema.by_name.get(field_name(" ".join(tokens[:number]).rstrip(":")))
        if field is not None:
            return field, " ".join(tokens[number:])
    return None, words
