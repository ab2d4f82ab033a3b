"""Bring a PostgreSQL database to this version's tables. Alembic is imported only when something is to be done."""

import io
import re
from typing import Any

import asyncpg

from bot import errors
from bot.store import postgres_keys
from bot.store.migrate import HERE, VERSIONS
from bot.store.postgres_errors import as_ours

TIMEOUT_S = 10.0
LOCK = 0x6D_6967_7261_7465
"""The number of the lock that one process holds at a time which migrates: "migrate"."""

_COLUMN = re.compile(r"\bTEXT\b(?!\s+COLLATE)")


async def migrate(url: str) -> bool:
    """Run the migrations that are missing from the database at `url`, all or none. Returns whether any was.

    Safe to repeat, to interrupt at any moment, and to run in several processes at once: the others wait.

    Raises:
        StoreNewerError: the database has a migration this version does not know.
        StoreError: it cannot be reached, or refuses us.
    """
    with as_ours():
        connection = await asyncpg.connect(url, timeout=TIMEOUT_S, server_settings={"application_name": "rapport"})
        try:
            async with connection.transaction(isolation="read_committed"):
                return await _migrated(connection)
        finally:
            await connection.close(timeout=TIMEOUT_S)


async def _migrated(connection: Any) -> bool:
    if await _is_up_to_date(connection):
        return False
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    if await _is_up_to_date(connection):  # somebody did it while we waited
        return False
    found = await _version(connection)
    if found != VERSIONS[-1]:
        await connection.execute(script(found))
    await connection.execute(postgres_keys.TABLES)
    return True


async def _is_up_to_date(connection: Any) -> bool:
    found = await _version(connection)
    if found is not None and found not in VERSIONS:
        raise errors.StoreNewerError(
            f"the database has tables of version {found}, this Rapport knows up to {VERSIONS[-1]}."
            f" {errors.StoreNewerError.__doc__}"
        )
    has_keys = await connection.fetchval("SELECT to_regclass('rapport_keys.destroyed')") is not None
    return found == VERSIONS[-1] and has_keys


async def _version(connection: Any) -> str | None:
    """The migration the database is at; None for one that is empty."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    return None if found is None else str(found)


def script(found: str | None) -> str:
    """The SQL that brings a database from a version to this one's.

    Alembic writes it and asyncpg runs it, so that no second driver is needed. Texts are compared by their code points,
    as SQLite does, whatever language the database speaks: an index keeps its order when the system's words change.
    """
    from alembic import command  # noqa: PLC0415 - half a second nobody should wait for at an ordinary start
    from alembic.config import Config  # noqa: PLC0415

    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    command.upgrade(config, f"{found or 'base'}:head", sql=True)
    return _COLUMN.sub('TEXT COLLATE "C"', written.getvalue())
