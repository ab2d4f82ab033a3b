"""What of a persona a prompt gets when not all of it fits, and what is marked as uncertain."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona import render
from persona.audience import learned_in
from persona.persona import Fact, FactId, Kind, Persona
from persona.relevance import BYTES_PER_TOKEN
from persona.schema import Field, Schema
from tests.clock import NOON
from tests.persona.builders import ANN, PUBLIC, WORKPLACE, steady

DAY = timedelta(days=1)


def known(field: str, value: str, *, days_ago: float = 1, kind: Kind = "stated", until: datetime | None = None) -> Fact:
    said = NOON - timedelta(days=days_ago)
    of = WORKPLACE.by_name[field]
    return Fact(
        id=FactId(f"{field}{value}"),
        section=of.section,
        field=field,
        value=value,
        kind=kind,
        audience=learned_in(PUBLIC, style=of.style),
        confirmed_at=said,
        valid_from=said,
        valid_until=until,
    )


def rendered(*facts: Fact, schema: Schema = WORKPLACE, question: str = "", budget: int = 600) -> dict[str, Any]:
    persona = Persona(member=ANN, at=NOON, facts=facts)
    text = render.for_prompt(persona, schema, question=question, budget_tokens=budget).text
    return {} if text is None else dict(json.loads(text))


MANY = (
    known("answer_length", "short"),
    known("location", "Lisbon", days_ago=5),
    known("role", "ledger engineer at the payments desk", days_ago=4),
    known("interests", "climbing mountains", days_ago=3),
    known("food", "vegetarian", days_ago=2),
    known("tools", "Postgres", days_ago=9),
)


def test_a_persona_that_fits_is_the_same_for_every_question() -> None:
    """As long as everything fits, the question changes no byte, so that a prompt cache can keep it."""
    persona = Persona(member=ANN, at=NOON, facts=MANY)
    texts = {
        render.for_prompt(persona, WORKPLACE, question=question).text for question in ("", "food?", "Postgres index")
    }

    assert len(texts) == 1


@pytest.mark.parametrize(
    ("question", "stays"),
    [
        ("Which Postgres index is best?", "tools"),
        ("Where can vegetarian people eat?", "food"),
        ("What should I climb, any mountains?", "interests"),
        ("What is the weather in Lisbon?", "location"),
        ("Which software should I install?", "tools"),
        ("hello", "food"),
    ],
)
def test_what_bears_on_the_question_stays(question: str, stays: str) -> None:
    """Beyond the budget, style stays, then facts that share words with the question, then those said last."""
    shown = rendered(*MANY, question=question, budget=20)

    assert shown["style"] == {"answer_length": "short"}
    assert list(shown["facts"]) == [stays]


def test_scripts_without_spaces_are_compared_too() -> None:
    """A question in Japanese finds the fact that shares its characters."""
    facts = (known("interests", "山登り", days_ago=30), known("food", "vegetarian curry with rice"))

    assert list(rendered(*facts, question="山登りの靴は?", budget=11)["facts"]) == ["interests"]


@given(budget=st.integers(0, 120), question=st.sampled_from(["", "Postgres", "vegetarian food in Lisbon"]))
@steady
def test_the_budget_holds(budget: int, question: str) -> None:
    """The values never take more than the budget, and what is shown keeps the order of the schema."""
    shown = rendered(*MANY, question=question, budget=budget)
    values = {name: value for group in shown.values() for name, value in group.items()}

    assert sum(len(json.dumps({name: value})) - 2 for name, value in values.items()) <= budget * BYTES_PER_TOKEN
    order = [field.name for field in WORKPLACE.fields]
    assert all(list(group) == sorted(group, key=order.index) for group in shown.values())


@pytest.mark.parametrize("letter", ["x", "ö", "語", "🌂", "<", '"', "\\"])
def test_the_budget_holds_in_every_script(letter: str) -> None:
    """What a persona takes of a prompt is counted as it stands there: in bytes, escapes included."""
    facts = [known("tools", f"{number}{letter * 100}", days_ago=number) for number in range(10)]
    facts += [known(name, letter * 100) for name in ("location", "team", "role", "food", "interests", "projects")]

    text = render.for_prompt(Persona(member=ANN, at=NOON, facts=tuple(facts)), WORKPLACE, budget_tokens=400).text or ""

    assert 0 < len(text.replace("<", "\\u003c").encode()) <= 400 * BYTES_PER_TOKEN + 50


@pytest.mark.parametrize(("days_ago", "group"), [(729, "facts"), (731, "uncertain")])
def test_what_nobody_said_again_becomes_uncertain(days_ago: int, group: str) -> None:
    """A value that was not confirmed within its field's life is marked as uncertain, and still there."""
    shown = rendered(known("location", "Lisbon", days_ago=days_ago))

    assert shown[group] == {"location": "Lisbon"}


def test_what_has_no_life_never_ages() -> None:
    """A field without a life stays certain."""
    assert rendered(known("preferred_name", "Annie", days_ago=5_000))["facts"] == {"preferred_name": "Annie"}


def test_what_was_only_seen_is_uncertain_and_style_stays_style() -> None:
    """An observation is no statement: outside of style the model is told so."""
    shown = rendered(known("tools", "Vim", kind="observed"), known("answer_length", "short", kind="observed"))

    assert shown == {"style": {"answer_length": "short"}, "facts": {}, "uncertain": {"tools": ["Vim"]}}


def test_a_value_that_ends_says_when() -> None:
    """A temporary value is shown with its end."""
    shown = rendered(known("location", "Berlin", until=NOON + 3 * DAY))

    assert shown["facts"] == {"location": "Berlin (until 2026-11-25)"}


def test_a_number_has_its_unit() -> None:
    """An amount is shown with what it counts."""
    hours = Field(section="patterns", name="hours", type="number", unit="hours a week", description="working hours")
    fact = replace(known("role", "32"), field="hours")

    assert rendered(fact, schema=Schema(name="one", fields=(hours,)))["facts"] == {"hours": "32 hours a week"}


def test_what_was_only_seen_gives_way_to_what_was_said() -> None:
    """Of two values of one field that this reader may know, an observation does not replace a statement."""
    said = known("language", "English", days_ago=9)
    seen = known("language", "German", days_ago=1, kind="observed")

    assert rendered(said, seen)["style"] == {"language": "English"}
