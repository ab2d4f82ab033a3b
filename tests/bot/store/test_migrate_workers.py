"""The tables of several workers come to a database that is in use: what was open stays open, in its order."""

import contextlib
import io
import sqlite3
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from bot.store import inbox
from bot.store.engine import Store
from bot.store.migrate import HERE, migrate
from bot.store.postgres import PostgresStore
from bot.store.postgres_migrate import migrate as migrate_postgres
from bot.store.sqlite import SqliteStore
from bot.store.workers import ALONE, Worker
from tests.bot.store.conftest import MASTER_KEY
from tests.clock import NOON
from tests.postgres import Server

BEFORE = "0011"
IN_USE = """
INSERT INTO conversation (tenant, room, channel, thread, kind, last_message_at, last_position, learned_through,
    attempts, not_before, lease_owner, lease_until, wanted_through)
  VALUES ('slack:T1','C1','C1',NULL,'public',1,3,0,0,0,NULL,0,0);
INSERT INTO message VALUES ('slack:T1','C1','a',1,'slack:T1','U1','Ana',NULL,'one',1,0);
INSERT INTO message VALUES ('slack:T1','C1','c',2,'slack:T1','U1','Ana',NULL,'two',1,0);
INSERT INTO message VALUES ('slack:T1','C1','b',3,'slack:T1','U1','Ana',NULL,'three',1,0);
INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at, settled_at)
  VALUES ('slack:T1','C1:a','C1','a','a1','answered',1,1,9), ('slack:T1','C1:b','C1','b','a3','received',0,1,NULL),
         ('slack:T1','C1:c','C1','c','a2','running',3,1,NULL);
"""


def tables_before() -> str:
    """The SQL that makes the tables of the version before there were workers."""
    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(HERE))
    command.upgrade(config, f"base:{BEFORE}", sql=True)
    return written.getvalue()


async def check(store: Store, worker: Worker) -> None:
    """Everything that was open is lined up in the order of its room, and counts on with its attempts."""
    found = await store.read(partial(inbox.unsettled, now=NOON, worker=worker))
    claim = partial(inbox.claim, now=NOON, worker=worker, is_out_of_turn=True)
    claimed = [await store.write(partial(claim, accepted=one)) for one in found]

    assert [one.id for one in found] == ["c", "b"]
    assert [(one.attempts, one.message.text) for one in claimed if isinstance(one, inbox.Claimed)] == [
        (4, "two"),
        (1, "three"),
    ]


async def test_a_sqlite_file_in_use(tmp_path: Path) -> None:
    """What an older version left open in its file is answered by this one, in order."""
    path = tmp_path / "rapport.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(tables_before() + IN_USE)

    assert migrate(path)
    store = await SqliteStore.open(path)
    try:
        await check(store, ALONE)
    finally:
        await store.close()


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_postgres_in_use(server: Server, workers: int) -> None:
    """What an older version left open in PostgreSQL is answered by whichever worker comes first, in order."""
    url = await server.empty()
    connection = await asyncpg.connect(url)
    await connection.execute(tables_before() + IN_USE)
    await connection.close()

    assert await migrate_postgres(url)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(server.drop, url)
        stores = [await PostgresStore.open(url, key=MASTER_KEY) for _ in range(workers)]
        for store in stores:
            closing.push_async_callback(store.close)
        await check(stores[-1], Worker.new())
