"""What holds from when until when, as the member said: stays that end by themselves, and beginnings told later."""

from dataclasses import replace
from itertools import permutations

import pytest

from persona.operations import Op, Operation
from persona.persona import Fact
from persona.projection import project
from persona.schema import Field
from tests.persona.builders import LOCATION, PLACES, PRIVATE, TOOLS, at, current, operation, spans
from tests.persona.reference import PAIR, seen, visible

LISBON = operation("Lisbon", said=1)
STAY = operation("Berlin", said=5, until=9)


def after(*operations: Operation, of: Field = LOCATION) -> tuple[Fact, ...]:
    """The facts of a field once the operations were learned in the order given."""
    return project(operations, of)


# --- Until when -----------------------------------------------------------------------------------------------------


def test_stay_ends_by_itself() -> None:
    """A member who is in Berlin until Friday is there until Friday, and then again where they were before."""
    assert spans(after(LISBON, STAY)) == [
        ("Lisbon", at(1), at(5)),
        ("Berlin", at(5), at(9)),
        ("Lisbon", at(9), None),
    ]


@pytest.mark.parametrize(("minute", "expected"), [(4, "Lisbon"), (5, "Berlin"), (8.9, "Berlin"), (9, "Lisbon")])
def test_stay_is_read_as_of_a_moment(minute: float, expected: str) -> None:
    """A moment before, in and after a stay is answered with what holds in it."""
    assert seen(after(LISBON, STAY), "public", LOCATION, minute=minute) == [expected]


def test_interrupted_value_goes_on_with_all_it_rests_on() -> None:
    """What was interrupted keeps its id before and takes another after, with the same evidence and confirmation."""
    again = operation("Lisbon", op="confirm", said=3)
    (undisturbed,) = after(LISBON, again)

    before, stay, afterwards = after(LISBON, again, STAY)

    assert before == replace(undisturbed, valid_until=at(5))
    assert afterwards == replace(undisturbed, id=afterwards.id, valid_from=at(9))
    assert len({before.id, stay.id, afterwards.id}) == 3


def test_ids_of_an_interrupted_value_are_stable() -> None:
    """The spells of a value keep their ids in whatever order they were learned, and when more is said later."""
    talk = (LISBON, STAY, operation("Oslo", said=12, until=15), operation("Lisbon", op="confirm", said=20))

    first, *others = [[fact.id for fact in after(*learned)] for learned in permutations(talk)]

    assert all(ids == first for ids in others)
    assert first[:3] == [fact.id for fact in after(LISBON, STAY)]


@pytest.mark.parametrize("op", ["set", "confirm"])
@pytest.mark.parametrize("end", [7, 9, 12])
def test_end_is_moved_by_naming_another(op: Op, end: float) -> None:
    """A member who names another end, earlier or later, is there until then, in one stay."""
    facts = after(LISBON, STAY, operation("Berlin", op=op, said=6, until=end))

    assert spans(facts) == [("Lisbon", at(1), at(5)), ("Berlin", at(5), at(end)), ("Lisbon", at(end), None)]
    assert [found.message for found in facts[1].evidence] == ["m5", "m6"]


def test_end_that_is_moved_twice_is_where_it_was_moved_last() -> None:
    """Only the end named last counts."""
    moved = (operation("Berlin", said=6, until=7), operation("Berlin", said=6.5, until=12))

    assert spans(after(LISBON, STAY, *moved))[1:] == [("Berlin", at(5), at(12)), ("Lisbon", at(12), None)]


def test_end_is_named_for_what_seemed_to_last() -> None:
    """A value that was said without an end has the one that is named for it later, and what it replaced returns."""
    facts = after(LISBON, operation("Berlin", said=5), operation("Berlin", said=6, until=9))

    assert spans(facts) == [("Lisbon", at(1), at(5)), ("Berlin", at(5), at(9)), ("Lisbon", at(9), None)]


def test_stay_that_is_over_is_not_called_back_by_the_next_one() -> None:
    """Two stays in one place are two, with what holds otherwise in between."""
    facts = after(LISBON, STAY, operation("Berlin", said=12, until=15))

    assert spans(facts) == [
        ("Lisbon", at(1), at(5)),
        ("Berlin", at(5), at(9)),
        ("Lisbon", at(9), at(12)),
        ("Berlin", at(12), at(15)),
        ("Lisbon", at(15), None),
    ]


def test_stay_brings_back_nothing_that_had_ended_before() -> None:
    """After a stay there is nothing to return to for a member who had left where they lived before it."""
    facts = after(
        LISBON,
        operation("Berlin", said=2),
        operation("Berlin", op="remove", said=3),
        operation("Berlin", said=5, until=9),
    )

    assert seen(facts, "public", LOCATION, minute=6) == ["Berlin"]
    assert current(facts) == []


def test_stay_in_a_stay() -> None:
    """A shorter stay interrupts a longer one, which goes on after it."""
    facts = after(LISBON, operation("Berlin", said=5, until=20), operation("Oslo", said=8, until=12))

    assert [(fact.value, fact.valid_until) for fact in facts] == [
        ("Lisbon", at(5)),
        ("Berlin", at(8)),
        ("Oslo", at(12)),
        ("Berlin", at(20)),
        ("Lisbon", None),
    ]


def test_longer_stay_outlasts_the_one_it_replaced() -> None:
    """A stay that was replaced by a longer one does not return when its own end has passed."""
    facts = after(LISBON, STAY, operation("Oslo", said=7, until=12))

    assert [(fact.value, fact.valid_until) for fact in facts] == [
        ("Lisbon", at(5)),
        ("Berlin", at(7)),
        ("Oslo", at(12)),
        ("Lisbon", None),
    ]


@pytest.mark.parametrize("value", ["Lyon", "Lisbon", "Berlin"])
def test_what_is_said_without_an_end_during_a_stay_lasts(value: str) -> None:
    """A statement that names no end, made during a stay, holds from then on: elsewhere, back home, or for good."""
    facts = after(LISBON, STAY, operation(value, said=7))

    assert seen(facts, "public", LOCATION, minute=7) == seen(facts, "public", LOCATION, minute=9) == [value]
    assert current(facts) == [value]


def test_stay_that_is_taken_back_ends_there() -> None:
    """A member who says during a stay that they have left is again where they were before it."""
    facts = after(LISBON, STAY, operation("Berlin", op="remove", said=7))

    assert spans(facts) == [("Lisbon", at(1), at(5)), ("Berlin", at(5), at(7)), ("Lisbon", at(7), None)]


def test_move_that_is_taken_back_leads_nowhere() -> None:
    """A member who has left where they had moved for good is not taken to be where they lived before."""
    facts = after(LISBON, operation("Berlin", said=5), operation("Berlin", op="remove", said=7))

    assert current(facts) == []


def test_what_a_stay_interrupted_can_be_taken_back_during_it() -> None:
    """A member who gives up their home while they are away is nowhere known of afterwards."""
    facts = after(LISBON, STAY, operation("Lisbon", op="remove", said=7))

    assert spans(facts) == [("Lisbon", at(1), at(5)), ("Berlin", at(5), at(9))]


def test_list_holds_a_value_until_its_end() -> None:
    """A value of a list that was to end ends by itself, and touches no other."""
    facts = after(
        operation("vim", op="add", field=TOOLS, said=1),
        operation("zsh", op="add", field=TOOLS, said=2, until=9),
        of=TOOLS,
    )

    assert spans(facts) == [("vim", at(1), None), ("zsh", at(2), at(9))]


@pytest.mark.parametrize("end", [4, 15])
def test_end_of_a_value_of_a_list_is_moved(end: float) -> None:
    """A value of a list ends when the member said last that it does."""
    facts = after(
        operation("zsh", op="add", field=TOOLS, said=2, until=9),
        operation("zsh", op="add", field=TOOLS, said=3, until=end),
        of=TOOLS,
    )

    assert spans(facts) == [("zsh", at(2), at(end))]


def test_known_value_of_a_list_gets_an_end() -> None:
    """A value of a list that seemed to last ends when its end is named, and is not there without one afterwards."""
    facts = after(
        operation("vim", op="add", field=TOOLS, said=1),
        operation("vim", op="confirm", field=TOOLS, said=2, until=9),
        of=TOOLS,
    )

    assert spans(facts) == [("vim", at(1), at(9))]


def test_value_that_ended_leaves_room_in_a_full_list() -> None:
    """A value that ended by itself takes no place any more; one that was let go for it stays away."""
    said = [
        operation(tool, op="add", field=PAIR, said=n, until=until)
        for n, tool, until in ((1, "a", None), (2, "b", None), (3, "c", 5))
    ]

    assert current(after(*said, of=PAIR)) == ["b"]
    assert current(after(*said, operation("d", op="add", field=PAIR, said=6), of=PAIR)) == ["b", "d"]


# --- Since when -----------------------------------------------------------------------------------------------------


def test_value_holds_since_the_member_said() -> None:
    """A member who says that they have lived in Lyon since May lived elsewhere until May, whenever they say so."""
    facts = after(operation("Berlin", said=1), operation("Lyon", said=9, since=5))

    assert spans(facts) == [("Berlin", at(1), at(5)), ("Lyon", at(5), None)]
    assert facts[1].confirmed_at == at(9)


@pytest.mark.parametrize("since", [0, 1])
def test_value_that_never_held_is_no_fact(since: float) -> None:
    """A value that another had replaced by the time it was said held at no time, and vanishes."""
    facts = after(operation("Berlin", said=1), operation("Lyon", said=9, since=since))

    assert spans(facts) == [("Lyon", at(since), None)]


def test_what_is_said_of_the_past_leaves_the_present() -> None:
    """A member who was elsewhere for a while is known for it in that time alone."""
    facts = after(operation("Berlin", said=1), operation("Lyon", said=9, since=3, until=5))

    assert spans(facts) == [("Berlin", at(1), at(3)), ("Lyon", at(3), at(5)), ("Berlin", at(5), None)]


def test_later_statement_holds_against_an_earlier_beginning() -> None:
    """What was said last counts, also for a time that something said before it had spoken of."""
    facts = after(operation("Lyon", said=5), operation("Berlin", said=9, since=1), operation("Oslo", said=7))

    assert spans(facts) == [("Berlin", at(1), None)]


def test_known_value_turns_out_to_be_older() -> None:
    """A value that is confirmed with a beginning holds since then, as one fact on both messages."""
    (kept,) = after(operation("Berlin", said=5), operation("Berlin", op="confirm", said=9, since=1))

    assert (kept.valid_from, kept.confirmed_at) == (at(1), at(9))
    assert [found.message for found in kept.evidence] == ["m5", "m9"]


def test_beginning_closes_a_gap() -> None:
    """A value that was taken back and is said to have held all along has no gap."""
    facts = after(
        operation("Berlin", said=1), operation("Berlin", op="remove", said=3), operation("Berlin", said=9, since=1)
    )

    assert spans(facts) == [("Berlin", at(1), None)]


@pytest.mark.parametrize("of", [LOCATION, TOOLS])
def test_value_ended_when_the_member_said(of: Field) -> None:
    """A value that is taken back as of an earlier day ended on that day."""
    facts = after(operation("x", field=of, said=1), operation("x", op="remove", field=of, said=9, since=5), of=of)

    assert spans(facts) == [("x", at(1), at(5))]


def test_value_that_was_wrong_from_the_start_replaced_nothing() -> None:
    """A value that is taken back as of before it was said never held, and what it seemed to replace still does."""
    facts = after(LISBON, operation("Berlin", said=5), operation("Berlin", op="remove", said=9, since=4))

    assert facts == after(LISBON)


# --- Until when, in several rooms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["direct", "private", "external"])
@pytest.mark.parametrize("op", ["set", "confirm"])
@pytest.mark.parametrize("value", ["Berlin", "Lisbon"])
def test_stay_that_was_told_in_private_shows_nowhere_else(op: Op, value: str, place: str) -> None:
    """Readers of public rooms notice neither the beginning nor the end of a stay they were not told of."""
    facts = after(LISBON, operation(value, op=op, said=5, since=0, until=9, place=PLACES[place]))

    assert visible(facts, "public") == after(LISBON)


def test_room_that_was_told_of_a_stay_returns_to_what_everybody_knows() -> None:
    """A room knows where the member is until they are back, and then what everybody knows."""
    facts = after(LISBON, operation("Berlin", said=5, until=9, place=PRIVATE))

    assert seen(facts, "private", LOCATION, minute=6) == seen(facts, "direct", LOCATION, minute=6) == ["Berlin"]
    assert seen(facts, "public", LOCATION, minute=6) == seen(facts, "group", LOCATION, minute=6) == ["Lisbon"]
    assert [seen(facts, place, LOCATION) for place in PLACES] == [["Lisbon"]] * 4 + [[]]


@pytest.mark.parametrize("place", ["direct", "private"])
def test_public_stay_interrupts_what_a_room_knew(place: str) -> None:
    """What was told to fewer holds again for them when a stay that everybody heard of is over."""
    facts = after(operation("Lisbon", said=1, place=PLACES[place]), STAY)

    assert [seen(facts, place, LOCATION, minute=minute) for minute in (4, 6, 9)] == [["Lisbon"], ["Berlin"], ["Lisbon"]]
    assert [seen(facts, "public", LOCATION, minute=minute) for minute in (4, 6, 9)] == [[], ["Berlin"], []]


def test_public_stay_does_not_reach_outsiders() -> None:
    """Readers of a room with outsiders, who do not hear the public ones, go on with what they know."""
    told_outside = operation("Lisbon", said=1, place=PLACES["external"])

    assert visible(after(told_outside, STAY), "external") == after(told_outside)


def test_public_end_ends_what_a_room_was_told() -> None:
    """A room that was told a value without an end hears the end that is named publicly."""
    facts = after(
        operation("vim", op="add", field=TOOLS, said=1, place=PRIVATE),
        operation("vim", op="add", field=TOOLS, said=5, until=9),
        of=TOOLS,
    )

    assert seen(facts, "private", TOOLS, minute=6) == ["vim"]
    assert seen(facts, "private", TOOLS, minute=9) == []


@pytest.mark.parametrize("op", ["add", "remove"])
def test_end_that_a_room_was_told_leaves_the_public_value(op: Op) -> None:
    """A value that everybody knows without an end stays known, also in a room that was told one."""
    known = operation("vim", op="add", field=TOOLS, said=1)

    facts = after(known, operation("vim", op=op, field=TOOLS, said=5, until=9, place=PRIVATE), of=TOOLS)

    assert visible(facts, "public") == after(known, of=TOOLS)
    assert seen(facts, "private", TOOLS, minute=9) == ["vim"]


def test_stay_taken_back_publicly_ends_where_it_was_told() -> None:
    """A stay that a room was told of ends when the public, which that room hears, is told so."""
    facts = after(
        LISBON, operation("Berlin", said=5, until=20, place=PRIVATE), operation("Berlin", op="remove", said=7)
    )

    assert [seen(facts, "private", LOCATION, minute=minute) for minute in (6, 7, 20)] == [
        ["Berlin"],
        ["Lisbon"],
        ["Lisbon"],
    ]
    assert visible(facts, "public") == after(LISBON)
