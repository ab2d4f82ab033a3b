"""Bringing a PostgreSQL database up to date: whole or not at all, by one process at a time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from bot import errors
from bot.store.migrate import VERSIONS
from bot.store.postgres_migrate import migrate
from tests.postgres import Server

COLUMNS = """
    SELECT table_schema || '.' || table_name || '.' || column_name AS name, data_type, collation_name
    FROM information_schema.columns WHERE table_schema IN ('public', 'rapport_keys') AND table_name <> 'alembic_version'
"""


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The url of a new database without tables."""
    url = asyncio.run(server.empty())
    yield url
    asyncio.run(server.drop(url))


async def query(url: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_an_empty_database_gets_every_table(empty: str) -> None:
    """An empty database gets every table, and its keys in a schema of their own; a second time changes nothing."""
    assert [await migrate(empty), await migrate(empty)] == [True, False]

    names = {row["name"] for row in await query(empty, COLUMNS)}
    assert {"public.message.text", "public.rule.value", "rapport_keys.member_key.wrapped"} <= names
    (version,) = await query(empty, "SELECT version_num FROM alembic_version")
    assert version["version_num"] == VERSIONS[-1]


async def test_texts_are_compared_by_their_code_points(empty: str) -> None:
    """Texts that are compared come in the same order on every engine and every system, as ids and keys must."""
    await migrate(empty)
    columns = await query(empty, COLUMNS)

    assert {row["data_type"] for row in columns} == {"text", "bigint"}
    others = {row["name"] for row in columns if row["data_type"] == "text" and row["collation_name"] != "C"}
    assert others == {f"rapport_keys.{name}" for name in ("vault.proof", "member_key.wrapped", "destroyed.reason")}


async def test_only_one_process_migrates(empty: str) -> None:
    """Several processes that start at once run the migrations once, and every one of them goes on."""
    outcomes = await asyncio.gather(*(migrate(empty) for _ in range(4)))

    assert sorted(outcomes) == [False, False, False, True]


async def test_a_newer_database_is_refused(empty: str) -> None:
    """A database that a newer version wrote is left as it is, and that is said."""
    await migrate(empty)
    await query(empty, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(errors.StoreNewerError, match="9999"):
        await migrate(empty)


async def test_a_migration_that_breaks_leaves_nothing(empty: str) -> None:
    """When one statement of one migration is refused, none of the others is kept."""
    await query(empty, "CREATE TABLE rule (id BIGINT)")  # made last, and in the way

    with pytest.raises(errors.StoreError):
        await migrate(empty)

    assert {row["name"] for row in await query(empty, COLUMNS)} == {"public.rule.id"}


async def test_tables_without_their_keys_get_a_place_for_them(empty: str) -> None:
    """Tables that were restored alone get the empty schema, so that opening can say what is missing."""
    await migrate(empty)
    await query(empty, "DROP SCHEMA rapport_keys CASCADE")

    assert await migrate(empty)
    assert await query(empty, "SELECT * FROM rapport_keys.vault") == []
