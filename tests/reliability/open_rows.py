"""What the database says is still owed: read without the product, by plain drivers."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg

_ROWS = "SELECT state, CASE WHEN settled_at IS NULL THEN 0 ELSE 1 END AS is_settled FROM inbox"


async def outcomes(url: str) -> list[tuple[str, bool]]:
    """The state of every message that was accepted, and whether it is settled."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return [(state, bool(settled)) for state, settled in connection.execute(_ROWS)]
    opened = await asyncpg.connect(url)
    try:
        return [(row["state"], bool(row["is_settled"])) for row in await opened.fetch(_ROWS)]
    finally:
        await opened.close()
