"""What an operation is: which are the same, and when they were said."""

from dataclasses import replace

import pytest

from persona.operations import Operation
from tests.persona.builders import ANN, BO, PRIVATE, PUBLIC, WORKPLACE, at, evidence, operation


def test_same_operation_has_the_same_id() -> None:
    """An operation proposed twice is noticed, also when the model spells its value in another case."""
    assert operation("Berlin").id == operation("berlin").id
    twice = replace(operation("Berlin"), evidence=(*operation("Berlin").evidence, *operation("Berlin").evidence))
    assert twice.id == operation("Berlin").id, "a message that is quoted twice is one source"


@pytest.mark.parametrize(
    "other",
    [
        operation("Lyon"),
        operation("Berlin", op="remove"),
        operation("Berlin", field=WORKPLACE.by_name["team"]),
        operation("Berlin", member=BO),
        operation("Berlin", member=replace(ANN, tenant="slack:T2")),
        operation("Berlin", message="m9"),
        operation("Berlin", place=PRIVATE),
        replace(operation("Berlin"), evidence=(evidence("m0", place=replace(PUBLIC, tenant="slack:T2")),)),
        replace(operation("Berlin"), evidence=(evidence("m0"), evidence("m1"))),
    ],
    ids=["value", "op", "field", "member", "tenant", "message", "room", "tenant of the room", "evidence"],
)
def test_another_operation_has_another_id(other: Operation) -> None:
    """Operations that differ in member, field, value, kind or message are told apart."""
    assert other.id != operation("Berlin").id


def test_said_at_is_the_last_time_it_was_said() -> None:
    """An operation that rests on several messages was said when the last of them was."""
    change = replace(operation("Berlin"), evidence=(evidence("m1", said=1), evidence("m2", said=7)))

    assert change.said_at == at(7)


@pytest.mark.parametrize(
    "again",
    [
        replace(operation("Berlin"), kind="observed"),
        replace(operation("Berlin"), session="another"),
        replace(operation("Berlin"), since=at(-5)),
        replace(operation("Berlin"), until=at(5)),
    ],
    ids=["kind", "session", "since", "until"],
)
def test_same_words_teach_the_same_once(again: Operation) -> None:
    """What a message says of a value is one operation, however a model reads its kind and dates the second time."""
    assert again.id == operation("Berlin").id


@pytest.mark.parametrize(("since", "begins"), [(None, 7), (-5, -5)])
def test_operation_begins_when_the_member_said_so(since: float | None, begins: float) -> None:
    """An operation speaks of the value from when the member said it began, or else from when they said it."""
    assert operation("Berlin", said=7, since=since).begins_at == at(begins)
