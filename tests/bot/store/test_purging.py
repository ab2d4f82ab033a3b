"""Erasing all rows of a tenant or a room: every table, in portions, and nobody else's."""

import contextlib
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import inbox, origins, outbox, purging
from bot.store.engine import Store
from bot.store.purging import KEYS
from persona.freezing import Origin
from persona.ports import Transaction
from tests.clock import StillClock

T1, T2 = TenantId("slack:T1"), TenantId("slack:T2")
REMEMBERS = {"origin", "vault", "alembic_version", "audit", "audit_head", "lease", "timer"}
"""What holds nothing of anybody."""


def columns(database: Path, table: str) -> list[tuple[str, int]]:
    """The columns of a table, each with its place in the primary key, from 1."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [(row[1], row[5]) for row in connection.execute(f"PRAGMA table_info({table})")]


def tables(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_every_table_is_purged(database: Path) -> None:
    """A table that is added and not purged with its tenant would keep what members said."""
    assert tables(database) - REMEMBERS == set(KEYS)


@pytest.mark.parametrize("table", KEYS)
def test_rows_are_named_by_their_primary_key(database: Path, table: str) -> None:
    """A portion erases the rows it picked and no others: it names them by tenant and the rest of the key."""
    key = [name for name, place in sorted(columns(database, table), key=lambda one: one[1]) if place]

    assert key == ["tenant", *KEYS[table].split(", ")]


async def fill(store: Store, database: Path, tenant: TenantId, number: int) -> None:
    """Put so many rows of a tenant into every table, whatever they are."""
    names = {table: columns(database, table) for table in KEYS}

    async def insert(transaction: Transaction) -> None:
        for table, those in names.items():
            for count in range(number):
                row = {name: tenant if name == "tenant" else count for name, _ in those}
                values = ", ".join(f":{name}" for name in row)
                await transaction.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", **row)  # noqa: S608

    await store.write(insert)


async def counted(store: Store, tenant: TenantId) -> set[int]:
    """How many rows of a tenant the tables hold."""

    async def count(transaction: Transaction) -> set[int]:
        found = set()
        for table in KEYS:
            sql = f"SELECT count(*) AS number FROM {table} WHERE tenant = :tenant"  # noqa: S608 - our own names
            row = await transaction.fetch_one(sql, tenant=tenant)
            assert row is not None
            found.add(int(row["number"]))
        return found

    return await store.read(count)


async def test_a_tenant_goes_in_portions(store: Store, database: Path) -> None:
    """No transaction erases more of a table than it may; in the end nothing of the tenant is left."""
    await fill(store, database, T1, 5)
    await fill(store, database, T2, 5)
    purge = partial(purging.purge_tenant, origin=Origin(tenant=T1), most=3)
    portions = [(await store.write(purge), await counted(store, T1)) for _ in range(3)]

    assert portions == [(3 * len(KEYS), {2}), (2 * len(KEYS), {0}), (0, {0})]
    assert await counted(store, T2) == {5}


async def say(
    store: Store,
    clock: StillClock,
    room: Room,
    id: str,  # noqa: A002 - its name everywhere
    *,
    parts: int = 1,
) -> Message:
    author = Member(tenant=room.tenant, id="U1")
    message = Message(id=MessageId(id), room=room, author=author, text="words", said_at=clock.now())
    await store.write(partial(inbox.accept, message=message, now=clock.now()))
    ready = partial(outbox.make_ready, tenant=room.tenant, answer=message.answer, texts=["reply"] * parts)
    await store.write(partial(ready, owner=author.key))
    return message


async def rooms(store: Store, table: str) -> list[str]:
    found = await store.read(lambda transaction: transaction.fetch(f"SELECT room FROM {table} ORDER BY room"))  # noqa: S608
    return [row["room"] for row in found]


async def test_a_closed_room_goes_with_its_threads(store: Store, clock: StillClock) -> None:
    """What was said in a closed room and answered there goes, a few rows at a time; other rooms keep theirs."""
    closed = Room(tenant=T1, channel="C1", kind="private")
    thread, other = (
        Room(tenant=T1, channel="C1", thread="5.0", kind="private"),
        Room(tenant=T1, channel="C10", kind="private"),
    )
    for number, room in enumerate([closed, thread, other]):
        await say(store, clock, room, f"{number}.0")
    await store.write(partial(origins.close_room, room=closed, now=clock.now()))
    purge = partial(purging.purge_room, origin=Origin(tenant=T1, room="C1"), most=1)
    portions = [await store.write(purge) for _ in range(3)]

    assert portions == [3, 3, 0]
    assert [await rooms(store, table) for table in ("message", "inbox", "conversation")] == [["C10"]] * 3
    (part,) = await store.read(lambda transaction: transaction.fetch("SELECT count(*) AS number FROM outbox"))
    assert part["number"] == 1


async def test_a_long_reply_goes_with_its_question(store: Store, clock: StillClock) -> None:
    """However many parts a reply has, and however small the portions are, none stays behind in a closed room."""
    closed = Room(tenant=T1, channel="C1", kind="private")
    for number in range(3):
        await say(store, clock, closed, f"{number}.0", parts=4)
    await store.write(partial(origins.close_room, room=closed, now=clock.now()))
    purge = partial(purging.purge_room, origin=Origin(tenant=T1, room="C1"), most=2)
    while await store.write(purge):
        pass

    (part,) = await store.read(lambda transaction: transaction.fetch("SELECT count(*) AS number FROM outbox"))
    assert part["number"] == 0
