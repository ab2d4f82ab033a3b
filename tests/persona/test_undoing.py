"""What was learned is taken back: one operation, or all of an update."""

from dataclasses import replace
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import undoing
from persona.forgetting import Forgotten, forget, has_field
from persona.operations import Operation, OperationId, UpdateId
from persona.persona import MemberKey
from persona.projection import project
from persona.schema import Schema
from tests.persona.builders import (
    ANN,
    BO,
    LOCATION,
    PRIVATE,
    PUBLIC,
    TALK,
    TENANT,
    TOOLS,
    WORKPLACE,
    at,
    held,
    history,
    known,
    learn,
    operation,
    retract,
    rows,
    values,
)

NAMESAKE = MemberKey(tenant="slack:T2", id=ANN.id)
"""Another tenant's member with the same id."""
WITHOUT_LOCATION = Schema(name="other", fields=tuple(field for field in WORKPLACE.fields if field != LOCATION))
"""A schema that a field has left."""

BERLIN = operation("Berlin", said=1)
LYON = operation("Lyon", said=5)


async def undo(
    store: SqliteStore, change: Operation, *, member: MemberKey = ANN, schema: Schema = WORKPLACE, now: float = 60
) -> int:
    return await store.write(
        partial(undoing.undo_operation, member=member, operation=change.id, schema=schema, now=at(now))
    )


async def undo_update(store: SqliteStore, update: str, *, member: MemberKey = ANN, now: float = 60) -> int:
    return await store.write(
        partial(undoing.undo_update, member=member, update=UpdateId(update), schema=WORKPLACE, now=at(now))
    )


async def last_update(store: SqliteStore, *, member: MemberKey = ANN) -> UpdateId | None:
    return await store.read(partial(undoing.last_update, member=member))


async def updated(store: SqliteStore) -> None:
    """Two updates about Ann, in two fields, and what was learned of others with them."""
    others = [operation("Bern", member=BO), operation("Rome", member=NAMESAKE)]
    await learn(store, BERLIN, operation("vim", op="add", field=TOOLS, said=2), *others, update="u1", now=at(10))
    await learn(store, LYON, operation("zsh", op="add", field=TOOLS, said=6), update="u2", now=at(20))


# --- One operation --------------------------------------------------------------------------------------------------

UNDONE = {
    "a value": ([], LYON, []),
    "a value that replaced another": ([BERLIN], LYON, ["Berlin"]),
    "a value that was replaced": ([LYON], BERLIN, ["Lyon"]),
    "a removal": ([BERLIN], operation("Berlin", op="remove", said=5), ["Berlin"]),
    "a confirmation": ([BERLIN], operation("Berlin", op="confirm", said=5), ["Berlin"]),
    "what was confirmed": ([operation("Berlin", op="confirm", said=5)], BERLIN, ["Berlin"]),
    "a stay": ([BERLIN], operation("Lyon", said=5, until=99), ["Berlin"]),
    "an end": ([BERLIN], operation("Berlin", said=5, until=9), ["Berlin"]),
    "a beginning": ([BERLIN], operation("Lyon", said=5, since=0), ["Berlin"]),
    "what a room was told": ([BERLIN], operation("Oslo", said=5, place=PRIVATE), ["Berlin"]),
    "what ended what a room was told": ([operation("Oslo", said=1, place=PRIVATE)], LYON, ["Oslo"]),
}


@pytest.mark.parametrize("case", UNDONE)
async def test_what_was_replaced_holds_again(store: SqliteStore, case: str) -> None:
    """Undoing an operation leaves what would hold had it never been learned, dates and evidence included."""
    others, change, then = UNDONE[case]
    await learn(store, *others, change)

    assert await undo(store, change) == 1

    rest = project(others, LOCATION)
    assert values(await known(store)) == then
    assert (await known(store)).facts == held(rest)
    assert (await history(store)).facts == rest


async def test_undoing_twice_does_nothing(store: SqliteStore) -> None:
    """A button pressed a second time takes nothing more back, and leaves when it was undone."""
    await learn(store, BERLIN, LYON)
    await undo(store, LYON, now=60)
    before = await rows(store)

    assert await undo(store, LYON, now=70) == 0
    assert await rows(store) == before


@pytest.mark.parametrize("update", ["u1", "u9"])
async def test_undone_operation_is_not_learned_again(store: SqliteStore, update: str) -> None:
    """The same words teach nothing a second time once that was undone, by whichever update they come."""
    await learn(store, BERLIN, LYON)
    await undo(store, LYON)
    before = await rows(store)

    assert await learn(store, LYON, update=update, now=at(90)) == ()
    assert await rows(store) == before


async def test_undone_value_can_be_said_again(store: SqliteStore) -> None:
    """A member who says again what was undone is known for it, from then on."""
    await learn(store, LYON)
    await undo(store, LYON)

    await learn(store, operation("Lyon", said=9))

    (fact,) = (await history(store)).facts
    assert (fact.valid_from, [found.message for found in fact.evidence]) == (at(9), ["m9"])


@pytest.mark.parametrize(
    ("member", "change"),
    [(BO, LYON), (NAMESAKE, LYON), (ANN, operation("Lyon", said=9)), (ANN, operation("Oslo", said=5))],
    ids=["another member", "another tenant", "another message", "another value"],
)
async def test_only_the_operation_named_is_undone(store: SqliteStore, member: MemberKey, change: Operation) -> None:
    """What is not there for the very member is not undone."""
    await learn(store, BERLIN, LYON)
    before = await rows(store)

    assert await undo(store, change, member=member) == 0
    assert await rows(store) == before


async def test_no_operation_has_no_name(store: SqliteStore) -> None:
    """Nothing is undone by an empty name, neither as an operation nor as an update."""
    await learn(store, LYON)
    unnamed = partial(undoing.undo_operation, member=ANN, operation=OperationId(""), schema=WORKPLACE, now=at(60))

    assert [await store.write(unnamed), await undo_update(store, "")] == [0, 0]


async def test_undone_observation_bears_nothing_out(store: SqliteStore) -> None:
    """An observed value is gone when one of the three observations it needs is undone."""
    seen = [
        replace(operation("vim", op="add", field=TOOLS, said=n, session=f"s{n}"), kind="observed") for n in range(3)
    ]
    await learn(store, *seen)
    before = values(await known(store))

    await undo(store, seen[1])

    assert before == ["vim"]
    assert (await history(store)).facts == ()


async def test_operation_of_a_field_the_schema_no_longer_has(store: SqliteStore) -> None:
    """What was learned before its field left the schema can be undone all the same."""
    await learn(store, BERLIN, LYON)

    assert await undo(store, LYON, schema=WITHOUT_LOCATION) == 1
    assert values(await history(store, schema=WITHOUT_LOCATION)) == ["Berlin"]


# --- One update -----------------------------------------------------------------------------------------------------


async def test_update_is_undone_as_a_whole(store: SqliteStore) -> None:
    """Undoing an update takes back everything it taught about the member, in every field, and leaves other updates."""
    await updated(store)

    assert await undo_update(store, "u2") == 2
    assert values(await known(store)) == values(await history(store)) == ["Berlin", "vim"]


async def test_earlier_update_is_undone_alone(store: SqliteStore) -> None:
    """What was learned since an update stays when that is undone."""
    await updated(store)

    assert await undo_update(store, "u1") == 2
    assert values(await known(store)) == values(await history(store)) == ["Lyon", "zsh"]


async def test_undoing_touches_no_other_member(store: SqliteStore) -> None:
    """What the same update taught about others, and about the member of the same id elsewhere, stays."""
    await updated(store)

    await undo_update(store, "u1")

    assert [values(await known(store, member)) for member in (BO, NAMESAKE)] == [["Bern"], ["Rome"]]
    assert (await undo_update(store, "u1", member=BO), values(await known(store, BO))) == (1, [])


async def test_update_is_undone_once(store: SqliteStore) -> None:
    """Undoing an update again, or one that is not there, does nothing."""
    await updated(store)
    await undo_update(store, "u2")
    before = await rows(store)

    assert [await undo_update(store, update) for update in ("u2", "u9")] == [0, 0]
    assert await rows(store) == before


async def test_undoing_the_rest_of_an_update(store: SqliteStore) -> None:
    """An update of which one operation was undone already loses the others."""
    await updated(store)
    await undo(store, LYON)

    assert await undo_update(store, "u2") == 1
    assert values(await known(store)) == ["Berlin", "vim"]


async def test_operation_belongs_to_the_update_that_learned_it_first(store: SqliteStore) -> None:
    """An update that brought nothing new has nothing to undo."""
    await learn(store, BERLIN, update="u1")
    await learn(store, BERLIN, update="u2")

    assert [await undo_update(store, "u2"), await undo_update(store, "u1")] == [0, 1]


async def test_last_update_is_the_newest_that_still_counts(store: SqliteStore) -> None:
    """A member can undo step by step: the last update, then the one before it, until nothing is left."""
    await updated(store)

    steps = [await last_update(store)]
    for update in ("u2", "u1"):
        await undo_update(store, update)
        steps.append(await last_update(store))

    assert steps == ["u2", "u1", None]
    assert await last_update(store, member=BO) == "u1"


async def test_last_update_of_nobody(store: SqliteStore) -> None:
    """A member of whom nothing was learned has no last update."""
    assert await last_update(store) is None


@pytest.mark.parametrize("update", ["u1", "u2"])
async def test_every_order_of_undoing_ends_with_nothing(store: SqliteStore, update: str) -> None:
    """When everything was undone nothing is known, whatever was undone first, and all of it is still remembered."""
    await learn(store, *TALK[:4], update="u1")
    await learn(store, *TALK[4:], update="u2")
    kept = len((await rows(store))["operation"])

    for name in (update, "u1", "u2"):
        await undo_update(store, name)

    assert (await history(store)).facts == (await known(store)).facts == ()
    assert len((await rows(store))["operation"]) == kept


# --- Together with forgetting and retracting ------------------------------------------------------------------------


async def test_forgetting_takes_what_was_undone_along(store: SqliteStore) -> None:
    """No row is left of what was undone once its field is forgotten, and nothing of it is counted."""
    await learn(store, operation("canary", said=1), LYON)
    await undo(store, operation("canary", said=1))

    forgotten = await store.write(partial(forget, member=ANN, field="location", schema=WORKPLACE, now=at(60)))

    assert forgotten == Forgotten(current=1, past=0)
    assert await rows(store, "operation", "evidence", "fact") == {"operation": [], "evidence": [], "fact": []}
    assert await undo(store, LYON) == 0


async def test_field_of_which_all_was_undone_can_be_forgotten(store: SqliteStore) -> None:
    """What was undone is still kept, so that the member can name it, and have it forgotten."""
    await learn(store, LYON)
    await undo(store, LYON)

    assert await store.read(partial(has_field, member=ANN, field="location"))


async def test_deleted_message_takes_what_was_undone_along(store: SqliteStore) -> None:
    """No word of a deleted message is left, also of what was learned from it and undone."""
    await learn(store, BERLIN, operation("canary", said=5))
    await undo(store, operation("canary", said=5))

    await retract(store, "m5", room=PUBLIC.room, tenant=TENANT)

    assert "canary" not in repr(await rows(store))
    assert values(await known(store)) == ["Berlin"]


async def test_undone_operation_stays_undone_when_a_message_is_deleted(store: SqliteStore) -> None:
    """Deleting what replaced an undone value does not bring that back."""
    await learn(store, BERLIN, LYON)
    await undo(store, BERLIN)

    await retract(store, "m5")

    assert (await history(store)).facts == ()


async def test_edit_that_keeps_the_words_leaves_them_undone(store: SqliteStore) -> None:
    """An edit that still says what was undone does not teach it."""
    await learn(store, LYON)
    await undo(store, LYON)

    assert await retract(store, "m5", text="in Lyon, as I said") == 0
    assert await learn(store, LYON) == ()
    assert (await history(store)).facts == ()
