"""What was learned where we are no longer: kept without effect, brought back, or erased, portion by portion."""

from dataclasses import replace
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import audit, forgetting, freezing
from persona.audience import Place
from persona.freezing import Origin
from persona.operations import Operation
from persona.persona import MemberKey
from tests.persona.builders import (
    ANN,
    BO,
    DIRECT,
    EXTERNAL,
    LATER,
    LOCATION,
    PRIVATE,
    PUBLIC,
    TENANT,
    TONE,
    TOOLS,
    WORKPLACE,
    evidence,
    known,
    learn,
    operation,
    rows,
    values,
)

ROOM = Origin(tenant=TENANT, room=PRIVATE.room)
WHOLE = Origin(tenant=TENANT)
ELSEWHERE = Place(tenant="slack:T2", room=PRIVATE.room, kind="private")
THREAD = replace(PRIVATE, room=f"{PRIVATE.room}/17.5")


async def freeze(store: SqliteStore, origin: Origin = ROOM, *, most: int = 50) -> int:
    return await store.write(partial(freezing.freeze, origin=origin, schema=WORKPLACE, most=most, now=LATER))


async def thaw(store: SqliteStore, origin: Origin = ROOM, *, most: int = 50) -> int:
    return await store.write(partial(freezing.thaw, origin=origin, schema=WORKPLACE, most=most, now=LATER))


async def erase(store: SqliteStore, origin: Origin = ROOM, *, most: int = 50) -> int:
    return await store.write(partial(freezing.erase, origin=origin, most=most, now=LATER))


def in_thread(value: str) -> Operation:
    """Something said in a thread of the private room: its evidence is the thread's, its audience the room's."""
    return replace(operation(value, place=PRIVATE), evidence=(evidence(quote=value, place=THREAD),))


async def test_what_only_its_readers_knew_rests_with_a_room(store: SqliteStore) -> None:
    """A private room's facts hold no more, its threads' included; nothing that was said elsewhere changes."""
    await learn(store, operation("Vim", op="add", field=TOOLS, place=PRIVATE), in_thread("Porto"))
    await learn(store, operation("Rust", op="add", field=TOOLS, place=EXTERNAL, said=1))

    assert await freeze(store) == 1
    assert values(await known(store)) == ["Rust"]


@pytest.mark.parametrize("place", [PUBLIC, DIRECT, ELSEWHERE, replace(PRIVATE, room="P11")])
async def test_what_others_may_know_stays(store: SqliteStore, place: Place) -> None:
    """What was said in public, in another room, or in a room of the same name in another tenant, is not touched."""
    await learn(store, operation("Lisbon", place=place))

    assert await freeze(store) == 0
    assert values(await known(store)) == ["Lisbon"]


async def test_style_does_not_rest_with_a_room(store: SqliteStore) -> None:
    """How answers should sound is no secret of a room's readers; it goes with the tenant."""
    await learn(store, operation("formal", field=TONE, place=PRIVATE))

    assert await freeze(store) == 0
    assert await freeze(store, WHOLE) == 1
    assert values(await known(store)) == []


async def test_what_was_replaced_holds_meanwhile(store: SqliteStore) -> None:
    """Without what was said in the room, what was known before it is what is known."""
    await learn(store, operation("Lisbon", place=PUBLIC))
    await learn(store, operation("Porto", place=PRIVATE, said=1))
    everything = values(await known(store, place=PRIVATE))
    await freeze(store)

    assert everything != values(await known(store, place=PRIVATE)) == ["Lisbon"]


async def test_thawing_brings_everything_back(store: SqliteStore) -> None:
    """A room that opens again changes nothing of what was known before it was closed."""
    await learn(store, operation("Lisbon"), operation("Vim", op="add", field=TOOLS, place=PRIVATE))
    before = await rows(store)
    await freeze(store)

    assert await rows(store) != before
    assert [await thaw(store), await thaw(store)] == [1, 0]
    assert await rows(store) == before


async def test_a_tenant_comes_back_without_its_closed_rooms(store: SqliteStore) -> None:
    """What rested with a room before its tenant went rests on when the tenant is back."""
    await learn(store, operation("Lisbon"), operation("Vim", op="add", field=TOOLS, place=PRIVATE))
    await freeze(store)
    await freeze(store, WHOLE)
    gone = values(await known(store))
    await thaw(store, WHOLE)

    assert (gone, values(await known(store))) == ([], ["Lisbon"])


async def test_what_rests_is_not_taught_again(store: SqliteStore) -> None:
    """The same words, learned once more by a late call, stay at rest."""
    told = operation("Vim", op="add", field=TOOLS, place=PRIVATE)
    await learn(store, told)
    await freeze(store)

    assert await learn(store, told, update="u2") == ()
    assert values(await known(store)) == []


async def test_what_rests_can_be_forgotten(store: SqliteStore) -> None:
    """Forgetting reaches what rests as well."""
    await learn(store, operation("Vim", op="add", field=TOOLS, place=PRIVATE))
    await freeze(store)
    await store.write(partial(forgetting.forget, member=ANN, field=None, schema=WORKPLACE, now=LATER))

    assert await thaw(store) == 0
    assert (await rows(store, "operation", "evidence", "fact")) == {"operation": [], "evidence": [], "fact": []}


async def test_erasing_leaves_what_holds(store: SqliteStore) -> None:
    """What rested goes with its words, and nothing else does; a second time finds nothing."""
    await learn(store, operation("Lisbon"), operation("Vim", op="add", field=TOOLS, place=PRIVATE))
    await freeze(store)

    assert [await erase(store), await erase(store)] == [1, 0]
    kept = await rows(store, "operation", "evidence", "fact")
    assert [len(found) for found in kept.values()] == [1, 1, 1]
    assert "Vim" not in str(kept)


async def test_with_a_tenant_go_its_words_about_what_is_known_elsewhere(store: SqliteStore) -> None:
    """Where two tenants heard the same, the one that is gone takes its words along, and the fact stays."""
    told = operation("Lisbon", place=PUBLIC, quote="at home in Lisbon")
    both = replace(told, evidence=(*told.evidence, evidence("m9", quote="over in Lisbon", place=ELSEWHERE)))
    await learn(store, both)
    await freeze(store, WHOLE)
    while await erase(store, WHOLE):
        pass

    assert values(await known(store)) == ["Lisbon"]
    assert "at home" not in str(await rows(store, "evidence"))


async def test_a_portion_is_no_larger_than_asked(store: SqliteStore) -> None:
    """Many members are dealt with a few at a time, all of them in the end, in each of the three."""
    members = [MemberKey(tenant=TENANT, id=f"U{number}") for number in range(7)]
    for member in members:
        await learn(store, operation("Vim", op="add", field=TOOLS, place=PRIVATE, member=member))

    assert [await freeze(store, most=3) for _ in range(4)] == [3, 3, 1, 0]
    assert [await thaw(store, most=3) for _ in range(4)] == [3, 3, 1, 0]
    await freeze(store)
    assert [await erase(store, most=3) for _ in range(4)] == [3, 3, 1, 0]


async def test_members_are_kept_apart(store: SqliteStore) -> None:
    """One member's words rest without touching another's, with the same operation ids in the same field."""
    for member, place in ((ANN, PRIVATE), (BO, PUBLIC)):
        await learn(store, operation("Vim", op="add", field=TOOLS, place=place, member=member))
    await freeze(store)

    assert (values(await known(store)), values(await known(store, BO))) == ([], ["Vim"])


async def test_one_field_changes_without_the_others(store: SqliteStore) -> None:
    """Only the fields something rests of are projected anew."""
    await learn(store, operation("Lisbon", field=LOCATION), operation("Vim", op="add", field=TOOLS, place=PRIVATE))
    await freeze(store)

    assert [fact.field for fact in (await known(store)).facts] == ["location"]


async def test_what_happens_by_itself_leaves_rows(store: SqliteStore) -> None:
    """Freezing, thawing and erasing stand in the audit log, field by field, as done by the system, and it verifies."""
    await learn(store, operation("Vim", op="add", field=TOOLS, place=PRIVATE), operation("Porto", place=PRIVATE))
    await freeze(store)
    await thaw(store)
    await freeze(store, WHOLE)
    await erase(store, WHOLE)
    sql = "SELECT action, field, reason FROM audit WHERE actor = 'system' AND reason <> '' ORDER BY number"
    recorded = [tuple(row) for row in await store.read(lambda transaction: transaction.fetch(sql))]
    steps = (("freeze", "a room"), ("thaw", "a room"), ("freeze", "a tenant"), ("purge", "a tenant"))

    assert recorded == [(action, field.name, reason) for action, reason in steps for field in (LOCATION, TOOLS)]
    assert (await store.read(partial(audit.verify, tenant=TENANT))).broken_at is None
    assert "Vim" not in str(await rows(store, "audit"))
    assert [salt[2] for salt in (await rows(store, "audit_salt"))["audit_salt"]] == [""]
