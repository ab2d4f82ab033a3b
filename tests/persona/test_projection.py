"""What follows from what a member said of one field, and what never does."""

from dataclasses import replace
from itertools import permutations

import pytest

from persona.audience import FORM, learned_in
from persona.operations import Op, Operation
from persona.persona import Fact
from persona.projection import project
from persona.schema import Field
from tests.persona.builders import (
    DIRECT,
    GROUP,
    LATER,
    LOCATION,
    PLACES,
    PRIVATE,
    PUBLIC,
    TOOLS,
    WORKPLACE,
    at,
    current,
    operation,
    past,
    spans,
)
from tests.persona.reference import PAIR, seen, visible

TONE = WORKPLACE.by_name["tone"]


def after(*operations: Operation, of: Field = LOCATION) -> tuple[Fact, ...]:
    """The facts of a field once the operations were learned in the order given."""
    return project(operations, of)


# --- One field of one member, in order ------------------------------------------------------------------------------


def test_first_value_is_kept_with_everything_that_justifies_it() -> None:
    """A fact carries its section, its evidence, who may know it, and since when it holds."""
    change = operation("Berlin", said=-5, place=PRIVATE)

    (learned,) = after(change)

    assert learned == Fact(
        id=learned.id,
        section="demographics",
        field="location",
        value="Berlin",
        audience=learned_in(PRIVATE),
        evidence=change.evidence,
        confirmed_at=at(-5),
        valid_from=at(-5),
    )


def test_new_value_supersedes_the_old_one() -> None:
    """Setting a field keeps the old value in the history, until the moment the new one was said."""
    old, new = after(operation("Berlin", said=1), operation("Lyon", said=5))

    assert (old.value, old.valid_from, old.valid_until) == ("Berlin", at(1), at(5))
    assert (new.value, new.valid_from, new.valid_until) == ("Lyon", at(5), None)
    assert (old.holds(at(4)), old.holds(at(5)), new.holds(at(4)), new.holds(at(5))) == (True, False, False, True)


def test_value_that_comes_back_is_a_fact_of_its_own() -> None:
    """Somebody who moves back has lived there twice, not all the time."""
    facts = after(operation("Berlin", said=1), operation("Lyon", said=5), operation("Berlin", said=9))

    assert spans(facts) == [("Berlin", at(1), at(5)), ("Lyon", at(5), at(9)), ("Berlin", at(9), None)]
    assert len({fact.id for fact in facts}) == 3


@pytest.mark.parametrize("op", ["set", "confirm"])
def test_value_said_again_is_confirmed(op: Op) -> None:
    """A value said again keeps its beginning and its id, and gains the new message as evidence."""
    (before,) = after(operation("Berlin", said=1))

    (kept,) = after(operation("Berlin", said=1), operation("Berlin", op=op, said=5))

    assert (kept.id, kept.valid_from, kept.confirmed_at) == (before.id, at(1), at(5))
    assert [found.message for found in kept.evidence] == ["m1", "m5"]


@pytest.mark.parametrize(
    ("first", "again"),
    [("berlin", "Berlin"), ("rock ’n’ roll", "rock 'n' roll"), ("9–5", "9-5"), ("Straße", "STRASSE")],
)
@pytest.mark.parametrize("of", [LOCATION, TOOLS])
def test_spelling_makes_no_other_value(first: str, again: str, of: Field) -> None:
    """A value in another case, or with the quotes and dashes of a phone, is the same one, spelt as it was said last."""
    facts = after(operation(first, field=of, said=1), operation(again, field=of, said=5), of=of)

    assert current(facts) == [again]
    assert not past(facts)


def test_list_gains_values() -> None:
    """A list holds several values at once, in the order they were said."""
    facts = after(*(operation(tool, op="add", field=TOOLS, said=n) for n, tool in enumerate("abc")), of=TOOLS)

    assert current(facts) == ["a", "b", "c"]


def test_list_keeps_each_value_once() -> None:
    """A value said twice is in the list once, with both messages as evidence."""
    (kept,) = after(
        operation("vim", op="add", field=TOOLS, said=1), operation("Vim", op="add", field=TOOLS, said=2), of=TOOLS
    )

    assert [found.message for found in kept.evidence] == ["m1", "m2"]
    assert kept.confirmed_at == at(2)


def test_full_list_lets_go_of_what_was_said_least() -> None:
    """A full list ends the value that was said least often, and keeps it in the history."""
    facts = after(
        operation("a", op="add", field=PAIR, said=1),
        operation("b", op="add", field=PAIR, said=2),
        operation("a", op="confirm", field=PAIR, said=3),
        operation("c", op="add", field=PAIR, said=4),
        of=PAIR,
    )

    assert current(facts) == ["a", "c"]
    assert [(fact.value, fact.valid_until) for fact in facts if not fact.holds(LATER)] == [("b", at(4))]


def test_full_list_lets_go_of_what_was_said_longest_ago_among_equals() -> None:
    """Of values said equally often, a full list ends the one that was said longest ago."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in enumerate("abbac")]

    assert current(after(*said, of=PAIR)) == ["a", "c"]


def test_full_list_takes_what_is_new() -> None:
    """A new value has its place in a full list although it was said less often than the others."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in enumerate("aaabbcd")]

    assert current(after(*said, of=PAIR)) == ["a", "d"]


def test_saying_a_known_value_pushes_nothing_out_of_a_full_list() -> None:
    """A value that is in a full list already costs no other its place."""
    facts = after(*(operation(tool, op="add", field=PAIR, said=n) for n, tool in enumerate("aba")), of=PAIR)

    assert current(facts) == ["a", "b"]
    assert not past(facts)


def test_room_made_in_a_full_list_is_free_for_the_next() -> None:
    """A value that was removed takes no place in a list any more, and does not call back what was let go of."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in enumerate("abc")]
    removed = operation("c", op="remove", field=PAIR, said=4)

    assert current(after(*said, removed, of=PAIR)) == ["b"]
    assert current(after(*said, removed, operation("d", op="add", field=PAIR, said=5), of=PAIR)) == ["b", "d"]


def test_list_that_was_longer_once_is_brought_to_its_size() -> None:
    """When a schema's list became shorter, it holds the values said last."""
    said = [operation(tool, op="add", field=TOOLS, said=n) for n, tool in enumerate("abcde")]

    assert current(after(*said, of=PAIR)) == ["d", "e"]


def test_list_that_becomes_longer_has_its_values_back() -> None:
    """When a schema's list became longer, it holds again what it had no room for."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in enumerate("abcde")]

    assert current(after(*said, of=replace(PAIR, max_items=4))) == ["b", "c", "d", "e"]


@pytest.mark.parametrize("op", ["set", "add"])
@pytest.mark.parametrize(("of", "expected"), [(LOCATION, ["b"]), (TOOLS, ["a", "b"])])
def test_field_that_changed_its_type(op: Op, of: Field, expected: list[str]) -> None:
    """A field that became a list holds all that was said of it, and a list that became one value the last of it."""
    facts = after(operation("a", op=op, field=of, said=1), operation("b", op=op, field=of, said=2), of=of)

    assert current(facts) == expected


@pytest.mark.parametrize("of", [LOCATION, TOOLS])
def test_removed_value_is_history(of: Field) -> None:
    """A value that holds no longer is kept with the moment it ended, and spelt as it was when it held."""
    (ended,) = after(
        operation("x", op="add" if of.is_list else "set", field=of, said=1),
        operation("X", op="remove", field=of, said=5),
        of=of,
    )

    assert (ended.value, ended.confirmed_at, ended.valid_until) == ("x", at(1), at(5))
    assert [found.message for found in ended.evidence] == ["m1"]


def test_removing_one_value_leaves_the_others() -> None:
    """Only the value named is removed."""
    facts = after(
        operation("a", op="add", field=TOOLS, said=1),
        operation("b", op="add", field=TOOLS, said=2),
        operation("a", op="remove", field=TOOLS, said=3),
        of=TOOLS,
    )

    assert current(facts) == ["b"]


def test_removing_an_earlier_value_leaves_the_present_one() -> None:
    """What a member says of a place they left does not move them."""
    facts = after(
        operation("Berlin", said=1), operation("Lyon", said=5), operation("Berlin", op="remove", said=9), of=LOCATION
    )

    assert current(facts) == ["Lyon"]
    assert [fact.valid_until for fact in facts] == [at(5), None]


@pytest.mark.parametrize("of", [LOCATION, TOOLS])
def test_removing_what_is_not_known_changes_nothing(of: Field) -> None:
    """What is not known cannot be removed."""
    known = operation("Berlin", op="add" if of.is_list else "set", field=of, said=1)

    assert after(known, operation("Lyon", op="remove", field=of, said=5), of=of) == after(known, of=of)


def test_style_is_one_for_all_rooms() -> None:
    """A style field has one value, wherever it was last set."""
    facts = after(
        operation("formal", field=TONE, said=1, place=PRIVATE),
        operation("direct", field=TONE, said=2, place=DIRECT),
        of=TONE,
    )

    assert [(fact.value, fact.audience) for fact in facts if fact.holds(LATER)] == [("direct", FORM)]


# --- Confirmations --------------------------------------------------------------------------------------------------


def test_confirmation_carries_a_fact_alone() -> None:
    """A value that was confirmed holds from then on when what it was first learned from is taken back."""
    first, again = operation("Berlin", said=1), operation("Berlin", op="confirm", said=5)

    (with_both,), (left,) = after(first, again), after(again)

    assert (with_both.valid_from, left.valid_from) == (at(1), at(5))
    assert (left.value, left.valid_until, left.evidence) == ("Berlin", None, again.evidence)


@pytest.mark.parametrize("of", [LOCATION, TOOLS])
def test_confirmation_after_a_removal_holds(of: Field) -> None:
    """A value that was taken back and confirmed later holds again, as a fact of its own."""
    facts = after(
        operation("x", field=of, said=1),
        operation("x", op="remove", field=of, said=3),
        operation("x", op="confirm", field=of, said=5),
        of=of,
    )

    assert [(fact.valid_from, fact.valid_until) for fact in facts] == [(at(1), at(3)), (at(5), None)]


def test_confirmation_in_a_room_outlives_a_public_removal_before_it() -> None:
    """A room that heard a value again after the public was told its end goes on with it; the public does not."""
    facts = after(
        operation("Berlin", said=1),
        operation("Berlin", op="remove", said=3),
        operation("Berlin", op="confirm", said=5, place=PRIVATE),
    )

    assert seen(facts, "private", LOCATION) == ["Berlin"]
    assert seen(facts, "public", LOCATION) == []


def test_confirmation_in_a_room_does_not_outlive_the_public_removal() -> None:
    """What was confirmed in a room ends there when the public, which it hears, is told its end."""
    facts = after(
        operation("Berlin", said=1),
        operation("Berlin", op="confirm", said=3, place=PRIVATE),
        operation("Berlin", op="remove", said=5),
    )

    assert not current(facts)
    assert {fact.valid_until for fact in facts} == {at(5)}


@pytest.mark.parametrize("place", ["direct", "private", "external"])
def test_confirmation_in_private_shows_nowhere_else(place: str) -> None:
    """Readers of public rooms cannot tell that a value they know was confirmed where they could not hear it."""
    known = operation("Berlin", said=1)

    facts = after(known, operation("Berlin", op="confirm", said=5, place=PLACES[place]))

    assert visible(facts, "public") == after(known)


# --- Several audiences ----------------------------------------------------------------------------------------------


def test_what_is_said_publicly_replaces_what_fewer_could_hear() -> None:
    """A public statement is heard in private rooms too, so it replaces what was said there before."""
    facts = after(
        operation("Berlin", said=1, place=PRIVATE),
        operation("Oslo", said=2, place=DIRECT),
        operation("Lyon", said=3, place=PUBLIC),
    )

    assert current(facts) == ["Lyon"]


@pytest.mark.parametrize("op", ["set", "remove", "confirm"])
@pytest.mark.parametrize("value", ["Berlin", "Lyon"])
@pytest.mark.parametrize("place", ["direct", "private", "external"])
@pytest.mark.parametrize("said", [0, 5])
def test_what_is_said_in_private_changes_nothing_in_public(op: Op, value: str, place: str, said: int) -> None:
    """Readers of public rooms notice nothing of what was said elsewhere, before or after."""
    known = operation("Berlin", said=1)

    facts = after(known, operation(value, op=op, said=said, place=PLACES[place]))

    assert visible(facts, "public") == after(known)


def test_room_keeps_its_own_newer_value() -> None:
    """A room that was told something newer than the public knows uses it; the public goes on with what it knows."""
    facts = after(operation("Berlin", said=1), operation("Lyon", said=5, place=PRIVATE))

    assert seen(facts, "public", LOCATION) == ["Berlin"]
    assert seen(facts, "private", LOCATION) == ["Lyon"]
    assert seen(facts, "group", LOCATION) == ["Berlin"]
    assert seen(facts, "direct", LOCATION) == ["Lyon"]


def test_nobody_sees_twice_what_was_said_in_two_rooms() -> None:
    """A value that a room was told although its readers knew it is one value to each of them."""
    facts = after(
        operation("vim", op="add", field=TOOLS, said=1),
        operation("Vim", op="add", field=TOOLS, said=2, place=PRIVATE),
        of=TOOLS,
    )

    assert {place: seen(facts, place, TOOLS) for place in PLACES} == {
        "direct": ["Vim"],
        "group": ["vim"],
        "private": ["Vim"],
        "public": ["vim"],
        "external": [],
    }


def test_room_that_was_told_what_everybody_knows_keeps_it_for_itself() -> None:
    """What a room was told stays known there when the public statement of it is taken back."""
    told_here = operation("vim", op="add", field=TOOLS, said=2, place=PRIVATE)

    assert seen(after(told_here, of=TOOLS), "private", TOOLS) == ["vim"]
    assert seen(after(told_here, of=TOOLS), "public", TOOLS) == []


def test_value_that_becomes_public_is_kept_once() -> None:
    """A value said in a private room and then publicly is current for the wider audience alone."""
    facts = after(
        operation("vim", op="add", field=TOOLS, said=1, place=PRIVATE),
        operation("vim", op="add", field=TOOLS, said=2),
        of=TOOLS,
    )

    assert [fact.audience for fact in facts if fact.holds(LATER)] == [learned_in(PUBLIC)]


def test_room_returns_to_what_everybody_knows() -> None:
    """A value that the room was told differently holds there again once it is said there again."""
    facts = after(
        operation("Berlin", said=1),
        operation("Lyon", said=2, place=PRIVATE),
        operation("Berlin", said=3, place=PRIVATE),
    )

    assert seen(facts, "private", LOCATION) == ["Berlin"]


@pytest.mark.parametrize("op", ["set", "confirm"])
def test_direct_room_uses_what_was_said_last_anywhere(op: Op) -> None:
    """With the member alone, the value said last holds, even if other rooms knew it before and one knows another."""
    facts = after(
        operation("Berlin", said=1, place=PUBLIC),
        operation("Lyon", said=2, place=PRIVATE),
        operation("Berlin", op=op, said=3, place=DIRECT),
    )

    assert seen(facts, "direct", LOCATION) == ["Berlin"]


def test_list_in_one_room_costs_another_room_nothing() -> None:
    """How much a member said in one room does not decide what another room still knows."""
    told_here = operation("here", op="add", field=PAIR, said=1, place=PRIVATE)
    told_there = [operation(f"there {n}", op="add", field=PAIR, said=n, place=GROUP) for n in (2, 3, 4)]
    told_all = operation("all", op="add", field=PAIR, said=5)

    without = after(told_here, told_all, of=PAIR)
    facts = after(told_here, *told_there, told_all, of=PAIR)

    assert visible(facts, "private") == without
    assert seen(facts, "private", PAIR) == ["all", "here"]


@pytest.mark.parametrize("hidden", ["direct", "private", "external"])
def test_full_list_of_a_room_pushes_nothing_out_of_the_public_one(hidden: str) -> None:
    """Each audience has a list of its own size, so that none can tell how much was said to another."""
    public = [operation(tool, op="add", field=PAIR, said=n) for n, tool in ((0, "a"), (6, "b"))]
    others = [operation(tool, op="add", field=PAIR, said=n, place=PLACES[hidden]) for n, tool in enumerate("vwxyz", 1)]

    facts = after(*others, *public, of=PAIR)

    assert visible(facts, "public") == after(*public, of=PAIR)
    assert current(visible(facts, "public")) == ["a", "b"]


# --- Learned late ---------------------------------------------------------------------------------------------------


def test_older_statement_learned_late_is_history() -> None:
    """A statement that was overtaken before it was learned is kept as history from the moment it was overtaken."""
    facts = after(operation("Lyon", said=5), operation("Berlin", said=1))

    assert current(facts) == ["Lyon"]
    assert spans(facts) == [("Berlin", at(1), at(5)), ("Lyon", at(5), None)]


def test_late_removal_does_not_end_what_was_said_since() -> None:
    """A value said again after it was taken back holds, since it was said again."""
    facts = after(
        operation("Berlin", said=1), operation("Berlin", op="confirm", said=5), operation("Berlin", op="remove", said=3)
    )

    assert [(fact.valid_from, fact.valid_until) for fact in facts] == [(at(1), at(3)), (at(5), None)]


def test_late_confirmation_does_not_age_a_fact() -> None:
    """The moment a fact was last confirmed never moves back, and it holds since it was first said."""
    (kept,) = after(operation("Berlin", said=5), operation("Berlin", op="confirm", said=1))

    assert (kept.valid_from, kept.confirmed_at) == (at(1), at(5))


def test_evidence_is_oldest_first_even_when_learned_late() -> None:
    """The last evidence of a fact is the latest message, whatever order the messages were learned in."""
    (kept,) = after(operation("Berlin", said=5), operation("Berlin", op="confirm", said=1))

    assert [found.message for found in kept.evidence] == ["m1", "m5"]


def test_same_message_is_evidence_once() -> None:
    """A message that says a value again in another operation is not counted twice."""
    (kept,) = after(operation("Berlin", message="m1"), operation("Berlin", op="confirm", message="m1"))

    assert len(kept.evidence) == 1


@pytest.mark.parametrize("place", ["private", "direct"])
def test_public_statement_learned_late_is_known_in_public(place: str) -> None:
    """The public knows what it heard, although a room that it does not hear was told something newer meanwhile."""
    facts = after(operation("Lyon", said=5, place=PLACES[place]), operation("Berlin", said=1, place=PUBLIC))

    assert seen(facts, "public", LOCATION) == ["Berlin"]
    assert seen(facts, "direct", LOCATION) == ["Lyon"]


def test_public_repetition_learned_late_is_known_in_public() -> None:
    """The public knows what it heard, although a private room was told the very same later."""
    facts = after(operation("Berlin", said=5, place=PRIVATE), operation("Berlin", said=1, place=PUBLIC))

    assert seen(facts, "public", LOCATION) == ["Berlin"]


def test_private_statement_learned_late_is_overtaken_by_the_public_one() -> None:
    """What a room was told before the public was told something newer is history there too."""
    facts = after(operation("Lyon", said=5, place=PUBLIC), operation("Berlin", said=1, place=PRIVATE))

    assert current(facts) == ["Lyon"]
    assert past(facts) == ["Berlin"]


def test_room_keeps_what_it_was_told_after_a_public_statement_learned_late() -> None:
    """A room where the member said last that they live in Berlin does not move them for an older public statement."""
    facts = after(
        operation("Berlin", said=1, place=PUBLIC),
        operation("Berlin", said=5, place=PRIVATE),
        operation("Lyon", said=3, place=PUBLIC),
    )

    assert seen(facts, "private", LOCATION) == ["Berlin"]
    assert seen(facts, "public", LOCATION) == ["Lyon"]


@pytest.mark.parametrize("op", ["set", "add"])
def test_removed_value_does_not_come_back_by_an_older_statement(op: Op) -> None:
    """What a member took back stays away when something they said before is learned late."""
    of = TOOLS if op == "add" else LOCATION
    facts = after(
        operation("vim", op=op, field=of, said=1),
        operation("vim", op="remove", field=of, said=5),
        operation("vim", op=op, field=of, said=3),
        of=of,
    )

    assert not current(facts)


def test_late_value_pushes_nothing_newer_out_of_a_full_list() -> None:
    """A full list keeps the values said last, in whatever order they were learned."""
    facts = after(
        operation("b", op="add", field=PAIR, said=2),
        operation("c", op="add", field=PAIR, said=3),
        operation("a", op="add", field=PAIR, said=1),
        of=PAIR,
    )

    assert current(facts) == ["b", "c"]


def test_late_confirmation_keeps_a_value_in_a_full_list() -> None:
    """A list that let go of a value has it back when it turns out that it was said again before."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in ((1, "a"), (2, "b"), (4, "c"))]

    assert current(after(*said, of=PAIR)) == ["b", "c"]
    assert current(after(*said, operation("a", op="confirm", field=PAIR, said=3), of=PAIR)) == ["a", "c"]


def test_late_removal_makes_room_in_a_full_list() -> None:
    """A list that let go of a value has it back when it turns out that another had been removed before."""
    said = [operation(tool, op="add", field=PAIR, said=n) for n, tool in ((1, "a"), (2, "b"), (4, "c"))]

    assert current(after(*said, operation("b", op="remove", field=PAIR, said=3), of=PAIR)) == ["a", "c"]


STORIES = {
    "confirmed": (
        operation("Lyon", said=1),
        operation("Lyon", op="confirm", said=5),
        operation("Berlin", said=3),
        operation("Berlin", op="remove", said=4),
    ),
    "widened": (
        operation("vim", op="add", field=TOOLS, said=5, place=PRIVATE),
        operation("vim", op="add", field=TOOLS, said=1),
        operation("vim", op="add", field=TOOLS, said=7),
        operation("vim", op="remove", field=TOOLS, said=6, place=DIRECT),
    ),
    "crowded": (
        *(operation(tool, op="add", field=PAIR, said=n) for n, tool in ((2, "b"), (3, "c"), (1, "a"))),
        operation("d", op="add", field=PAIR, said=2.5, place=PRIVATE),
    ),
    "at one moment": tuple(operation(tool, op="add", field=PAIR, said=1, message="m1") for tool in "abcd"),
}


@pytest.mark.parametrize("story", STORIES)
def test_story_is_the_same_however_it_is_learned(story: str) -> None:
    """What a member said leads to the same facts in every order of learning, and none ends before it began."""
    of = {"confirmed": LOCATION, "widened": TOOLS}.get(story, PAIR)

    histories = {after(*learned, of=of) for learned in permutations(STORIES[story])}

    assert len(histories) == 1
    assert all(fact.valid_until is None or fact.valid_until >= fact.valid_from for fact in histories.pop())
