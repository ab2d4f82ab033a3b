"""What the tables of a database hold, on either engine, seen from outside: with the drivers alone, nothing of ours."""

from pathlib import Path
from typing import Any

import asyncpg

from tests.reliability import files

SQLITE = "sqlite:///"


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    if url.startswith(SQLITE):
        return files.rows(Path(url.removeprefix(SQLITE)), sql)
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row.values()) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def damage(url: str) -> list[str]:
    """What the engine itself finds wrong with it, where it can be asked."""
    return files.damage(Path(url.removeprefix(SQLITE))) if url.startswith(SQLITE) else []
