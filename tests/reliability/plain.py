"""The database as it is, read with plain drivers: what judges trusts nothing of the product."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import asyncpg


async def rows(url: str, sql: str) -> list[Sequence[Any]]:
    """What a query without parameters finds in the database at `url`, as DATABASE_URL takes it."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()
    connected = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connected.fetch(sql)]
    finally:
        await connected.close()
