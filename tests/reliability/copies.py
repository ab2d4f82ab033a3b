"""Reading a copy of the database from outside: plain drivers, plain programs, nothing of the product."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests import postgres

_SEEN = "SELECT value FROM note WHERE tenant = 'soak'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a copy holds."""

    numbers: frozenset[int]
    """The writes in it; each wrote its number."""
    faults: tuple[str, ...]
    """What the database's own checks say."""


def of_file(path: Path) -> Contents:
    """What a SQLite file holds."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        checked = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        broken = [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
        numbers = frozenset(int(row[0]) for row in connection.execute(_SEEN))
    return Contents(numbers=numbers, faults=tuple([line for line in checked if line != "ok"] + broken))


def column(path: Path, sql: str) -> set[str]:
    """The first column of what a SQLite file answers."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {str(row[0]) for row in connection.execute(sql)}


async def of_dump(path: Path, url: str) -> Contents:
    """What a dump holds, put into a database of its own beside the one at `url`."""
    parts = urlsplit(url)
    name = f"copy_{path.name.replace('-', '_').replace('.', '_')}"
    beside = urlunsplit(parts._replace(path=f"/{name}"))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        status, said = await ran("pg_restore", "--no-owner", f"--dbname={beside}", str(path))
        numbers = await _numbers(beside) if status == 0 else frozenset()
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
    return Contents(numbers=numbers, faults=() if status == 0 else (said,))


async def _numbers(url: str) -> frozenset[int]:
    connection = await asyncpg.connect(url)
    try:
        return frozenset(int(row[0]) for row in await connection.fetch(_SEEN))
    finally:
        await connection.close()


def programs() -> str:
    """PATH with PostgreSQL's programs on it."""
    return f"{postgres.programs()}:{os.environ['PATH']}"


async def ran(program: str, *arguments: str) -> tuple[int, str]:
    """The status of one of PostgreSQL's programs, and what it complained of."""
    running = await asyncio.create_subprocess_exec(
        str(postgres.programs() / program), *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, trouble = await running.communicate()
    return running.returncode or 0, trouble.decode(errors="replace")
