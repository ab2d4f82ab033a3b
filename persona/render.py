"""A persona as text: the few lines a prompt gets, within a budget."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from persona import relevance
from persona.canonical import comparable
from persona.dates import last_day
from persona.persona import Fact, FactId, Persona
from persona.schema import Field, Schema

BUDGET_TOKENS = 600
"""Of a prompt. A persona that needs more is cut to what bears on the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A persona as a prompt gets it."""

    text: str | None
    """Compact JSON, style apart from facts; None when there is nothing to say."""
    facts: tuple[FactId, ...]
    """The facts whose values are in it."""


NOTHING = Rendering(text=None, facts=())
"""What is said of a member who is not remembered."""


def for_prompt(
    persona: Persona, schema: Schema, *, question: str = "", budget_tokens: int = BUDGET_TOKENS
) -> Rendering:
    """What a prompt says of a member, and which facts it holds then.

    Facts that nobody said again for longer than their field's life, and what was only observed, are marked as
    uncertain. Beyond the budget, the facts that share words with the question stay, then those confirmed last. The same
    facts give the same bytes as long as all of them fit, so that a prompt cache can keep them. Facts whose field the
    schema no longer has are left out.
    """
    entries = [_Entry.of(persona, field) for field in schema.fields if persona.of(field.name)]
    kept = relevance.fitting(entries, question, budget_tokens=budget_tokens)
    groups = {group: {one.name: one.content for one in kept if one.group == group} for group in _GROUPS}
    said = {group: values for group, values in groups.items() if values or group in _ALWAYS}
    return Rendering(text=_json(said) if kept else None, facts=tuple(fact for one in kept for fact in one.facts))


_ESCAPED = len("\\u003c") - len("<")
"""What it costs that no value can write a tag of the prompt (decision 0020)."""

_GROUPS = ("style", "facts", "uncertain")
_ALWAYS = ("style", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One field with what a prompt says of it."""

    field: Field
    group: str
    content: str | list[str]
    confirmed_at: datetime
    facts: tuple[FactId, ...]

    @classmethod
    def of(cls, persona: Persona, field: Field) -> "_Entry":
        facts = distinct(persona.of(field.name), field)
        texts = [_text(fact, field, persona.zone) for fact in facts]
        return cls(
            field=field,
            group="style" if field.style else "uncertain" if _is_uncertain(facts, field, persona.at) else "facts",
            content=texts if field.is_list else texts[-1],
            confirmed_at=max(fact.confirmed_at for fact in facts),
            facts=tuple(fact.id for fact in (facts if field.is_list else facts[-1:])),
        )

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def words(self) -> frozenset[str]:
        return relevance.words_of(self.field, *([self.content] if isinstance(self.content, str) else self.content))

    @property
    def is_first(self) -> bool:
        return self.group == "style"  # it is small, and shapes every answer

    @property
    def size(self) -> int:
        text = _json({self.name: self.content})
        return relevance.size(text) + _ESCAPED * text.count("<")


def _is_uncertain(facts: Iterable[Fact], field: Field, at: datetime) -> bool:
    """Whether every value is older than its life, or was only observed."""
    life = timedelta(days=field.life_days) if field.life_days else None
    return all(fact.kind == "observed" or (life is not None and at - fact.confirmed_at > life) for fact in facts)


def _text(fact: Fact, field: Field, zone: tzinfo) -> str:
    unit = f" {field.unit}" if field.unit else ""
    until = f" (until {last_day(fact.valid_until, zone)})" if fact.valid_until else ""
    return f"{fact.value}{unit}{until}"


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def distinct(facts: Iterable[Fact], field: Field) -> list[Fact]:
    """The facts of a field as one reader sees them, oldest first: each value once, and one value unless it is a list.

    Rooms that cannot hear each other may have taught different values of one field; who may know several gets the
    one said last, and one that was only observed if there is no other.
    """
    by_value = {comparable(fact.value): fact for fact in sorted(facts, key=_told)}
    newest_last = sorted(by_value.values(), key=lambda fact: fact.confirmed_at)
    return newest_last if field.is_list else sorted(newest_last, key=_told)[-1:]


def _told(fact: Fact) -> tuple[bool, datetime]:
    return fact.kind == "stated", fact.confirmed_at
