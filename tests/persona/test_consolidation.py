"""Tidying a persona: what ends is a duplicate or outlived, little at a time, and everything can be undone."""

from datetime import timedelta
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import consolidation, undoing
from persona import store as personas
from persona.audience import Place
from persona.operations import Operation, UpdateId
from persona.persona import Persona
from persona.projection import project
from tests.clock import NOON
from tests.persona.builders import (
    ANN,
    DIRECT,
    LOCATION,
    PRIVATE,
    TOOLS,
    WORKPLACE,
    at,
    history,
    learn,
    operation,
    values,
)

YEAR = 365 * 24 * 60
INTERESTS = WORKPLACE.by_name["interests"]
FORMAT = WORKPLACE.by_name["format"]


def persona(*operations: Operation) -> Persona:
    """The persona that follows, read with its evidence now."""
    facts = [
        fact
        for field in WORKPLACE.fields
        for fact in project([one for one in operations if one.field == field.name], field)
    ]
    return Persona(member=ANN, at=NOON, facts=tuple(facts))


def filler(number: int) -> list[Operation]:
    """So many facts that nothing is to be done about."""
    fields = [field for field in WORKPLACE.fields if field.is_list and not field.choices]
    return [
        operation(f"thing {count}", op="add", field=fields[count % len(fields)], said=-100 - count)
        for count in range(number)
    ]


def ended(*operations: Operation) -> list[tuple[str, str]]:
    return [(one.op, one.value) for one in consolidation.tidied(persona(*operations), WORKPLACE)]


@pytest.mark.parametrize(
    ("older", "newer"),
    [("VS Code", "vscode"), ("type-script", "TypeScript"), ("Node.js", "NodeJS"), ("post gres", "Postgres")],
)
def test_the_same_in_another_spelling_ends(older: str, newer: str) -> None:
    """Of two values of a list that differ in spaces and signs alone, the one said last stays."""
    told = [operation(older, op="add", field=TOOLS, said=-2), operation(newer, op="add", field=TOOLS, said=-1)]

    assert ended(*told, *filler(20)) == [("remove", older)]


@pytest.mark.parametrize(
    ("one", "other"), [("C", "C++"), ("C#", "C"), ("R", "Rust"), ("Go", "Golang"), ("Vim", "Neovim")]
)
def test_what_only_looks_alike_stays(one: str, other: str) -> None:
    """Values that differ in letters, or in the signs that make them another thing, are two."""
    told = [operation(one, op="add", field=TOOLS, said=-2), operation(other, op="add", field=TOOLS, said=-1)]

    assert ended(*told, *filler(20)) == []


@pytest.mark.parametrize("place", [DIRECT, PRIVATE])
@pytest.mark.parametrize(("years", "is_over"), [(1.9, False), (2.1, True)])
def test_what_was_said_in_private_ends_with_its_life(place: Place, years: float, *, is_over: bool) -> None:
    """A value that only the member or a room's readers know is given up after one life of its field, not three."""
    told = [operation("Lisbon", field=LOCATION, said=-years * YEAR, place=place)]

    assert ended(*told) == ([("remove", "Lisbon")] if is_over else [])


def test_all_that_was_said_in_private_ends_at_once() -> None:
    """That a run ends little does not keep what was said in private: of that everything outlived goes."""
    told = [
        operation(f"thing {count}", op="add", field=INTERESTS, said=-3 * YEAR - count, place=DIRECT)
        for count in range(5)
    ]

    assert len(ended(*told)) == 5


def test_what_has_no_life_is_kept_in_private_too() -> None:
    """A field whose values do not age, such as a name, keeps them until they are forgotten."""
    name = WORKPLACE.by_name["preferred_name"]

    assert ended(operation("Ann", field=name, said=-30 * YEAR, place=DIRECT)) == []


def test_the_next_end_is_that_of_the_oldest_private_value() -> None:
    """When a persona has to be looked at again follows from what was said in private; the rest has time."""
    told = [
        operation("Lisbon", field=LOCATION, said=-YEAR, place=DIRECT),
        operation("Vim", op="add", field=TOOLS, said=-10, place=DIRECT),
        operation("Rust", op="add", field=TOOLS, said=-2 * YEAR),
    ]

    assert consolidation.next_end(persona(*told), WORKPLACE) == at(-10) + timedelta(days=365)
    assert consolidation.next_end(persona(told[-1]), WORKPLACE) is None


def test_what_was_told_to_different_readers_stays() -> None:
    """A value said in private is no duplicate of one said in public: their readers differ."""
    told = [
        operation("VS Code", op="add", field=TOOLS, said=-2, place=DIRECT),
        operation("vscode", op="add", field=TOOLS, said=-1),
    ]

    assert ended(*told, *filler(20)) == []


@pytest.mark.parametrize(("years", "is_over"), [(5.9, False), (6.1, True)])
def test_what_nobody_said_for_ages_ends(years: float, is_over: bool) -> None:  # noqa: FBT001 - a parameter
    """A value is given up once nobody said it again for three times its field's life."""
    told = [operation("Lisbon", field=LOCATION, said=-years * YEAR)]

    assert ended(*told, *filler(20)) == ([("remove", "Lisbon")] if is_over else [])


def test_what_has_no_life_stays_for_ever() -> None:
    """A field without a life is never given up."""
    name = WORKPLACE.by_name["preferred_name"]

    assert ended(operation("Annie", field=name, said=-50 * YEAR), *filler(20)) == []


@pytest.mark.parametrize(("others", "most"), [(0, 0), (5, 0), (6, 1), (16, 2), (40, 4)])
def test_a_run_takes_a_tenth_at_most(others: int, most: int) -> None:
    """However much there is to tidy, a tenth of what is known ends in one run, and of little nothing."""
    fields = ("tools", "projects", "skills", "routines")
    old = [
        operation(f"old {count}", op="add", field=WORKPLACE.by_name[name], said=-10 * YEAR - count)
        for count, name in enumerate(fields)
    ]

    assert len(ended(*old, *filler(others))) == most


def test_nothing_is_confirmed_or_invented() -> None:
    """Only removals of values that are there come out, resting on what the member said of them."""
    told = [operation("VS Code", op="add", field=TOOLS, said=-2), operation("vscode", op="add", field=TOOLS, said=-1)]
    (removal,) = consolidation.tidied(persona(*told, *filler(20)), WORKPLACE)

    assert removal.evidence == told[0].evidence
    assert (removal.member, removal.audience, removal.begins_at) == (ANN, told[0].audience, NOON)


async def test_a_run_is_undone_as_one(store: SqliteStore) -> None:
    """Undoing a run brings back everything it ended, and it does not end the same again."""
    told = [operation("VS Code", op="add", field=TOOLS, said=-2), operation("vscode", op="add", field=TOOLS, said=-1)]
    await learn(store, *told, *filler(20))
    before = values(await history(store))
    removals = consolidation.tidied(await history(store), WORKPLACE)
    run = UpdateId("tidy")

    kept = await store.write(partial(personas.learn, operations=removals, schema=WORKPLACE, update=run, now=at(0)))
    tidy = [fact.value for fact in (await history(store)).current]
    undone = await store.write(partial(undoing.undo_update, member=ANN, update=run, schema=WORKPLACE, now=at(1)))
    again = await store.write(partial(personas.learn, operations=removals, schema=WORKPLACE, update=run, now=at(2)))

    assert (len(kept), undone, again) == (1, 1, ())
    assert "VS Code" not in tidy
    assert values(await history(store)) == before
