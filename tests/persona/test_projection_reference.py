"""Operations in any order: the facts are those of the reference model, and never against what they promise."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.audience import learned_in
from persona.operations import Operation
from persona.persona import Kind
from persona.projection import project
from persona.render import for_prompt
from persona.schema import Field
from tests.persona.builders import PLACES, READ_IN, WORKPLACE, at, operation, persona, steady
from tests.persona.reference import (
    AMPLE,
    ONE_VALUE,
    PAIR,
    Reference,
    message_of,
    operations,
    seen,
    talks,
    visible,
)

of_every_kind = pytest.mark.parametrize("of", [ONE_VALUE, AMPLE, PAIR], ids=["one value", "list", "full list"])
in_some_rooms = pytest.mark.parametrize("places", [["public"], list(PLACES)], ids=["one room", "all rooms"])
plain_or_rich = pytest.mark.parametrize("rich", [False, True], ids=["plain", "dated and observed"])


@of_every_kind
@in_some_rooms
@plain_or_rich
@settings(steady, max_examples=50)
@given(data=st.data())
def test_facts_are_those_of_the_reference(data: st.DataObject, of: Field, places: list[str], *, rich: bool) -> None:
    """Each value held for those, from then, until then, and rests on those messages that the reference says."""
    talk = data.draw(talks(of, places=places, values="abcd", rich=rich))

    facts = project(operations(talk, of), of)

    reference = Reference(of, talk)
    assert [(fact.value, fact.audience, fact.kind) for fact in facts] == [
        (spell.matter[0], learned_in(PLACES[spell.matter[1]]), max(said.kind for said in spell.said))
        for spell in reference.spells
    ]
    assert [(fact.valid_from, fact.confirmed_at) for fact in facts] == [
        (at(spell.begin), at(spell.said[-1].minute)) for spell in reference.spells
    ]
    assert [fact.valid_until for fact in facts] == [
        None if spell.until is None else at(spell.until) for spell in reference.spells
    ]
    assert [[found.message for found in fact.evidence] for fact in facts] == [
        [message_of(minute) for minute in reference.evidence(spell)] for spell in reference.spells
    ]


@of_every_kind
@in_some_rooms
@plain_or_rich
@settings(steady, max_examples=20)
@given(data=st.data())
def test_every_place_is_answered_with_what_the_reference_says(
    data: st.DataObject, of: Field, places: list[str], *, rich: bool
) -> None:
    """Every place is answered, in every minute, with what the reference says it heard last."""
    talk = data.draw(talks(of, places=places, rich=rich))
    minute = data.draw(st.integers(-7, 20))

    facts = project(operations(talk, of), of)

    reference = Reference(of, talk)
    assert {place: seen(facts, place, of, minute=minute) for place in PLACES} == {
        place: reference.seen(place, minute) for place in PLACES
    }


@st.composite
def entangled(draw: st.DrawFn, of: Field) -> list[Operation]:
    """Different operations of which several may rest on the same messages, said at the same moments."""
    said = st.tuples(
        st.sampled_from(["add" if of.is_list else "set", "remove", "confirm"]),
        st.sampled_from("abcd"),
        st.sampled_from(sorted(PLACES)),
        st.integers(0, 3),
    )
    dates = st.tuples(st.none() | st.integers(-2, 3), st.none() | st.integers(1, 6), st.sampled_from(get_args(Kind)))
    drawn = draw(st.lists(said, min_size=1, max_size=8, unique=True))
    return [
        operation(
            value,
            op=op,  # type: ignore[arg-type]  # sampled from them
            field=of,
            place=PLACES[where],
            said=minute,
            message=f"{where} {minute}",
            since=since,
            until=until,
            kind=kind,
            session=f"{where} {minute % 2}",
        )
        for (op, value, where, minute), (since, until, kind) in zip(
            drawn, draw(st.tuples(*[dates] * len(drawn))), strict=True
        )
    ]


@of_every_kind
@steady
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
@given(values=st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), data=st.data())
def test_full_list_holds_what_was_said_last(values: list[str], data: st.DataObject) -> None:
    """Of values that were said once each, a full list holds the two said last, whatever was learned last."""
    said = [operation(value, op="add", field=PAIR, said=minute) for minute, value in enumerate(values)]

    facts = project(data.draw(st.permutations(said)), PAIR)

    assert seen(facts, "public", PAIR) == sorted(values[-2:])


@steady
@given(others=st.lists(st.sampled_from("bcdefbcdef"), max_size=9), data=st.data())
def test_full_list_keeps_what_was_said_most_often(others: list[str], data: st.DataObject) -> None:
    """A value that was said more often than each of the others stays in a full list, however long ago that was."""
    often = ["a"] * (max(map(others.count, others), default=0) + 1)
    said = [operation(value, op="add", field=PAIR, said=minute) for minute, value in enumerate(often + others)]

    facts = project(data.draw(st.permutations(said)), PAIR)

    assert "a" in seen(facts, "public", PAIR)
    assert others[-1:] == [value for value in seen(facts, "public", PAIR) if value in others[-1:]]


@plain_or_rich
@settings(steady, max_examples=30)
@given(data=st.data())
def test_each_reader_group_has_one_value_at_a_time(data: st.DataObject, *, rich: bool) -> None:
    """A field of one value never has two that hold at one moment for the same readers."""
    facts = project(operations(data.draw(talks(ONE_VALUE, rich=rich)), ONE_VALUE), ONE_VALUE)
    for moment in {fact.valid_from for fact in facts}:
        audiences = [fact.audience for fact in facts if fact.holds(moment)]

        assert len(audiences) == len(set(audiences))


@plain_or_rich
@settings(steady, max_examples=30)
@given(data=st.data())
def test_no_list_grows_over_its_size(data: st.DataObject, *, rich: bool) -> None:
    """The same readers never have more values of a list at one moment than the schema allows, and none twice."""
    facts = project(operations(data.draw(talks(PAIR, values="abcdef", rich=rich)), PAIR), PAIR)
    for place, moment in product(PLACES.values(), {fact.valid_from for fact in facts}):
        values = [fact.value for fact in facts if fact.holds(moment) and fact.audience == learned_in(place)]

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
        ended = replace(fact, valid_until=last.said_at)
        again = replace(fact, confirmed_at=last.said_at, evidence=(*fact.evidence, *last.evidence))

        assert then[fact.id] in ((fact, ended, again) if fact.valid_until is None else (fact,))


@of_every_kind
@plain_or_rich
@settings(steady, max_examples=30)
@given(data=st.data())
def test_every_place_knows_what_it_would_had_nothing_been_said_elsewhere(
    data: st.DataObject, of: Field, *, rich: bool
) -> None:
    """What a place may not know changes no fact, date, id or order of what it may know (reliability B22)."""
    talk = data.draw(talks(of, values="abcde", rich=rich))
    facts = project(operations(talk, of), of)
    for place in PLACES:
        heard = [said for said in talk if place in READ_IN[said.where]]

        assert visible(facts, place) == project(operations(heard, of), of)


@of_every_kind
@steady
@given(data=st.data())
def test_no_prompt_tells_of_what_was_said_elsewhere(data: st.DataObject, of: Field) -> None:
    """Changing or removing what a place may not know changes no byte of a prompt there (reliability B22)."""
    talk = data.draw(talks(of, values="abcde", rich=True))
    place = data.draw(st.sampled_from(sorted(PLACES)))
    moment = at(data.draw(st.integers(-6, 20)))
    changed = [
        said if place in READ_IN[said.where] else replace(said, value=data.draw(st.sampled_from("abcde")))
        for said in talk
        if place in READ_IN[said.where] or data.draw(st.booleans())
    ]

    one, other = (
        for_prompt(replace(persona(*visible(project(operations(told, of), of), place)), at=moment), WORKPLACE)
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
@plain_or_rich
@settings(steady, max_examples=30)
@given(data=st.data())
def test_nothing_ends_before_it_began(data: st.DataObject, of: Field, *, rich: bool) -> None:
    """A value that never held is no fact, whatever dates were named."""
    for fact in project(operations(data.draw(talks(of, values="abcd", rich=rich)), of), of):
        assert fact.valid_until is None or fact.valid_from < fact.valid_until


@of_every_kind
def test_nothing_said_gives_no_facts(of: Field) -> None:
    """A field that nobody spoke of has no facts."""
    assert project([], of) == ()
