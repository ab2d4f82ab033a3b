"""Operations in any order: the facts are those of the reference model, and never against what they promise."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.audience import learned_in
from persona.operations import Operation, project
from persona.persona import Persona
from persona.render import for_prompt
from persona.schema import Field
from tests.persona.builders import ANN, PLACES, READ_IN, WORKPLACE, at, operation, steady
from tests.persona.reference import (
    AMPLE,
    ONE_VALUE,
    PAIR,
    Reference,
    Said,
    message_of,
    operations,
    seen,
    talks,
    visible,
)

of_every_kind = pytest.mark.parametrize("of", [ONE_VALUE, AMPLE, PAIR], ids=["one value", "list", "full list"])
in_some_rooms = pytest.mark.parametrize("places", [["public"], list(PLACES)], ids=["one room", "all rooms"])


@of_every_kind
@in_some_rooms
@settings(steady, max_examples=120)
@given(data=st.data())
def test_facts_are_those_of_the_reference(data: st.DataObject, of: Field, places: list[str]) -> None:
    """Each value held for those, from then, until then, and was said in those messages that the reference says."""
    talk = data.draw(talks(of, places=places, values="abcd"))

    facts = project(operations(talk, of), of)

    expected = Reference(of, talk).spells()
    assert [(fact.value, fact.audience) for fact in facts] == [
        (spell.value, learned_in(PLACES[spell.where])) for spell in expected
    ]
    assert [(fact.valid_from, fact.confirmed_at) for fact in facts] == [
        (at(spell.minutes[0]), at(spell.minutes[-1])) for spell in expected
    ]
    assert [fact.valid_until for fact in facts] == [
        None if spell.until is None else at(spell.until) for spell in expected
    ]
    assert [[found.message for found in fact.evidence] for fact in facts] == [
        [message_of(minute) for minute in spell.minutes] for spell in expected
    ]
    assert all(fact.is_current == (fact.valid_until is None) for fact in facts)


@of_every_kind
@in_some_rooms
@steady
@given(data=st.data())
def test_every_place_is_answered_with_what_the_reference_says(
    data: st.DataObject, of: Field, places: list[str]
) -> None:
    """Every place is answered with what the reference says it heard last."""
    talk = data.draw(talks(of, places=places))

    facts = project(operations(talk, of), of)

    reference = Reference(of, talk)
    assert {place: seen(facts, place, of) for place in PLACES} == {place: reference.seen(place) for place in PLACES}


@st.composite
def entangled(draw: st.DrawFn, of: Field) -> list[Operation]:
    """Different operations of which several may rest on the same messages, said at the same moments."""
    said = st.tuples(
        st.sampled_from(["add" if of.is_list else "set", "remove", "confirm"]),
        st.sampled_from("abcd"),
        st.sampled_from(sorted(PLACES)),
        st.integers(0, 3),
    )
    drawn = draw(st.lists(said, min_size=1, max_size=8, unique=True))
    return [
        operation(value, op=op, field=of, place=PLACES[where], said=minute, message=f"{where} {minute}")  # type: ignore[arg-type]  # sampled from them
        for op, value, where, minute in drawn
    ]


@of_every_kind
@settings(steady, max_examples=100)
@given(data=st.data())
def test_order_of_learning_does_not_matter(data: st.DataObject, of: Field) -> None:
    """The same operations give the same facts to the last detail, in whatever order they were learned."""
    learned = data.draw(entangled(of))
    shuffled = data.draw(st.permutations(learned))

    assert project(shuffled, of) == project(learned, of)


@of_every_kind
@steady
@given(data=st.data())
def test_an_operation_that_is_there_twice_counts_once(data: st.DataObject, of: Field) -> None:
    """Operations that came in more than once, in any order, give the facts that each of them gives once."""
    learned = data.draw(entangled(of))
    again = data.draw(st.lists(st.sampled_from(learned), max_size=4))

    assert project(data.draw(st.permutations(learned + again)), of) == project(learned, of)


@of_every_kind
@steady
@given(data=st.data())
def test_each_fact_has_an_id_of_its_own(data: st.DataObject, of: Field) -> None:
    """No two facts of a member share an id, also when many were said in the same message."""
    ids = [fact.id for fact in project(data.draw(entangled(of)), of)]

    assert len(ids) == len(set(ids))


@steady
@given(talk=talks(PAIR, places=["public"], only=["add"], values="abcdef"))
def test_full_list_holds_what_was_said_last(talk: list[Said]) -> None:
    """A full list holds the two values that were said last, whatever was learned last."""
    newest_first = sorted(talk, key=lambda said: said.minute, reverse=True)
    said_last = list(dict.fromkeys(said.value for said in newest_first))[:2]

    assert seen(project(operations(talk, PAIR), PAIR), "public", PAIR) == sorted(said_last)


@steady
@given(talk=talks(ONE_VALUE))
def test_each_reader_group_has_one_current_value(talk: list[Said]) -> None:
    """A field of one value never has two current ones for the same readers."""
    audiences = [fact.audience for fact in project(operations(talk, ONE_VALUE), ONE_VALUE) if fact.is_current]

    assert len(audiences) == len(set(audiences))


@steady
@given(talk=talks(PAIR, values="abcdef"))
def test_no_list_grows_over_its_size(talk: list[Said]) -> None:
    """The same readers never have more current values of a list than the schema allows, and none of them twice."""
    facts = project(operations(talk, PAIR), PAIR)
    for place in PLACES.values():
        values = [fact.value for fact in facts if fact.is_current and fact.audience == learned_in(place)]

        assert len(values) == len(set(values)) <= PAIR.max_items


@of_every_kind
@steady
@given(data=st.data())
def test_every_statement_is_evidence_of_one_fact(data: st.DataObject, of: Field) -> None:
    """What was said is in exactly one fact, current or past, of those who heard it; what was taken back is in none."""
    talk = data.draw(talks(of, values="abcd"))

    facts = project(operations(talk, of), of)

    kept = [(found.message, fact.value, fact.audience) for fact in facts for found in fact.evidence]
    assert sorted(kept) == sorted(
        (message_of(said.minute), said.value, learned_in(PLACES[said.where])) for said in talk if said.op != "remove"
    )


@of_every_kind
@steady
@given(data=st.data())
def test_what_is_said_next_touches_no_history(data: st.DataObject, of: Field) -> None:
    """A statement about the present changes nothing past, and of what holds only that it ends or was said again."""
    *before, last = operations(data.draw(talks(of, late=False, values="abcd")), of)

    then = {fact.id: fact for fact in project([*before, last], of)}

    for fact in project(before, of):
        ended = replace(fact, status="superseded", valid_until=last.said_at)
        again = replace(fact, confirmed_at=last.said_at, evidence=(*fact.evidence, *last.evidence))

        assert then[fact.id] in ((fact, ended, again) if fact.is_current else (fact,))


@of_every_kind
@settings(steady, max_examples=100)
@given(data=st.data())
def test_every_place_knows_what_it_would_had_nothing_been_said_elsewhere(data: st.DataObject, of: Field) -> None:
    """What a place may not know changes no fact, date, id or order of what it may know (reliability B22)."""
    talk = data.draw(talks(of, values="abcde"))
    facts = project(operations(talk, of), of)
    for place in PLACES:
        heard = [said for said in talk if place in READ_IN[said.where]]

        assert visible(facts, place) == project(operations(heard, of), of)


@of_every_kind
@steady
@given(data=st.data())
def test_no_prompt_tells_of_what_was_said_elsewhere(data: st.DataObject, of: Field) -> None:
    """Changing or removing what a place may not know changes no byte of a prompt there (reliability B22)."""
    talk = data.draw(talks(of, values="abcde"))
    place = data.draw(st.sampled_from(sorted(PLACES)))
    changed = [
        said if place in READ_IN[said.where] else replace(said, value=data.draw(st.sampled_from("abcde")))
        for said in talk
        if place in READ_IN[said.where] or data.draw(st.booleans())
    ]

    one, other = (
        for_prompt(Persona(member=ANN, facts=visible(project(operations(told, of), of), place)), WORKPLACE)
        for told in (talk, changed)
    )

    assert one == other


@of_every_kind
@steady
@given(data=st.data())
def test_nothing_ends_before_it_was_last_said(data: st.DataObject, of: Field) -> None:
    """A past value held from its beginning, through every time it was said, until a later moment."""
    for fact in project(operations(data.draw(talks(of, values="abcd")), of), of):
        assert fact.valid_from <= fact.confirmed_at
        assert fact.valid_until is None or fact.confirmed_at < fact.valid_until


@of_every_kind
def test_nothing_said_gives_no_facts(of: Field) -> None:
    """A field that nobody spoke of has no facts."""
    assert project([], of) == ()
