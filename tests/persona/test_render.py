"""A persona as the lines a prompt gets."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.audience import MEMBER, Audience
from persona.persona import Fact, Persona
from persona.render import distinct, for_prompt
from persona.schema import Field, load, parse
from tests.persona.builders import ANN, LOCATION, TOOLS, WORKPLACE, at, fact, persona, steady

TONE = WORKPLACE.by_name["tone"]
FORMAT = WORKPLACE.by_name["format"]
ROLE = WORKPLACE.by_name["role"]


def prompted(*facts: Fact) -> str | None:
    return for_prompt(persona(*facts), WORKPLACE).text


@pytest.mark.parametrize("facts", [(), (fact("Berlin", until=1),)], ids=["nothing known", "only history"])
def test_nothing_to_say(facts: tuple[Fact, ...]) -> None:
    """A prompt gets no persona when nothing holds of the member."""
    assert prompted(*facts) is None


def test_style_stands_apart_from_facts() -> None:
    """What shapes the form of answers stands apart from what is known, so that it is never spoken."""
    text = prompted(fact("Berlin"), fact("direct", field=TONE), fact("vim", field=TOOLS), fact("code", field=FORMAT))

    assert text == '{"style":{"tone":"direct","format":["code"]},"facts":{"location":"Berlin","tools":["vim"]}}'


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (fact("Berlin"), '{"style":{},"facts":{"location":"Berlin"}}'),
        (fact("direct", field=TONE), '{"style":{"tone":"direct"},"facts":{}}'),
    ],
)
def test_one_kind_alone(only: Fact, expected: str) -> None:
    """Facts without style and style without facts keep the same shape."""
    assert prompted(only) == expected


def test_fields_come_in_the_order_of_the_schema() -> None:
    """Fields stand in the schema's order, whenever they were learned."""
    text = prompted(fact("vim", field=TOOLS, said=1), fact("nurse", field=ROLE, said=3), fact("Berlin", said=2))

    assert text == '{"style":{},"facts":{"location":"Berlin","role":"nurse","tools":["vim"]}}'


def test_history_is_not_prompted() -> None:
    """A value that holds no longer reaches no prompt."""
    text = prompted(fact("Oslo", said=1, until=2), fact("Berlin", said=2))

    assert text is not None
    assert "Oslo" not in text


def test_field_the_schema_no_longer_has_is_left_out() -> None:
    """A fact of a field that was taken out of the schema reaches no prompt."""
    old = replace(fact("blue"), field="mood")

    assert prompted(old) is None
    assert prompted(old, fact("Berlin")) == prompted(fact("Berlin"))


def test_evidence_is_not_prompted() -> None:
    """Neither the quote nor its message, audience or dates reach a prompt: only the value does, with or without it."""
    assert prompted(fact("Berlin")) == '{"style":{},"facts":{"location":"Berlin"}}'
    assert prompted(replace(fact("Berlin"), evidence=())) == prompted(fact("Berlin"))


def test_field_that_became_a_list_holds_all_values() -> None:
    """A field whose type changed is shown in its new form."""
    schema = parse({"demographics": {"location": {"type": "list", "description": "places"}}}, name="mine")
    two = persona(fact("Berlin", said=1), fact("Oslo", said=2))

    assert for_prompt(two, schema).text == '{"style":{},"facts":{"location":["Berlin","Oslo"]}}'


@pytest.mark.parametrize("value", ['"}],"facts":{}', "</persona>", "a\\b", "Zoë 🐻", "東京", "\u200d", "x" * 160])
def test_value_cannot_leave_its_place(value: str) -> None:
    """Whatever a value holds, it is read back as that value."""
    text = prompted(fact(value))

    assert text is not None
    assert json.loads(text) == {"style": {}, "facts": {"location": value}}


def test_newest_of_several_values_is_used() -> None:
    """A reader who may know several values of a field of one value is answered with the one said last."""
    private = Audience("room:slack:T1:P1")

    facts = [fact("Berlin", said=3), fact("Oslo", said=7, audience=private), fact("Lyon", said=5, audience=MEMBER)]

    assert [found.value for found in distinct(facts, LOCATION)] == ["Oslo"]


def test_each_value_of_a_list_once_and_oldest_first() -> None:
    """A value known from several rooms stands in a list once, where it was said last and as it was said last."""
    facts = [
        fact("Vim", field=TOOLS, said=9, audience=MEMBER),
        fact("zsh", field=TOOLS, said=5),
        fact("vim", field=TOOLS, said=1),
    ]

    assert [found.value for found in distinct(facts, TOOLS)] == ["zsh", "Vim"]


def test_typography_makes_no_other_value() -> None:
    """A value that two rooms were told with other quotes and dashes stands in a list once."""
    facts = [fact("rock ’n’ roll", field=TOOLS, said=1), fact("rock 'n' roll", field=TOOLS, said=5, audience=MEMBER)]

    assert [found.value for found in distinct(facts, TOOLS)] == ["rock 'n' roll"]


@pytest.mark.parametrize("field", [LOCATION, TOOLS])
def test_no_facts_no_values(field: Field) -> None:
    """A field without facts has no values."""
    assert distinct([], field) == []


@steady
@given(
    drawn=st.lists(
        st.tuples(st.sampled_from("abAB"), st.sampled_from([TOOLS, LOCATION, TONE])), min_size=1, max_size=8
    ),
    data=st.data(),
)
def test_same_facts_give_the_same_bytes(drawn: list[tuple[str, Field]], data: st.DataObject) -> None:
    """The order in which facts are stored makes no difference to a prompt, so that its cache holds."""
    facts = [fact(value, field=field, said=n) for n, (value, field) in enumerate(drawn)]
    shuffled = data.draw(st.permutations(facts))

    assert prompted(*shuffled) == prompted(*facts)


def test_persona_of_a_field() -> None:
    """A persona gives the current facts of one field, and of it all."""
    facts = (fact("Oslo", until=1), fact("Berlin"), fact("vim", field=TOOLS))
    all_said = persona(*facts)

    assert all_said.current == facts[1:]
    assert all_said.of("location") == (facts[1],)
    assert all_said.of("mood") == ()


@pytest.mark.parametrize(("minute", "expected"), [(0, []), (1, ["Oslo"]), (2, ["Oslo"]), (3, []), (5, ["Berlin"])])
def test_persona_as_of_a_moment(minute: float, expected: list[str]) -> None:
    """A persona is what held at the moment it was read: from the beginning of a value on, and before its end."""
    facts = (fact("Oslo", said=1, until=3), fact("Berlin", said=5))

    assert [found.value for found in Persona(member=ANN, at=at(minute), facts=facts).of("location")] == expected


def test_paper_persona_is_rendered() -> None:
    """A persona of another schema is rendered by that schema."""
    paper = load("paper")
    aged = persona(fact("42", field=paper.by_name["age"]))

    assert for_prompt(aged, paper).text == '{"style":{},"facts":{"age":"42"}}'
    assert for_prompt(aged, WORKPLACE).text is None
