"""What a SQLite file is in, seen from outside: with the standard library's driver, and nothing of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

BUSY_TIMEOUT_S = 5.0


@contextmanager
def looked_at(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = 1")
        yield connection


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds in it."""
    with looked_at(path) as connection:
        return connection.execute(sql).fetchall()


def damage(path: Path) -> list[str]:
    """What SQLite itself finds wrong with it, each in a sentence."""
    with looked_at(path) as connection:
        torn = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = [f"integrity_check of {path.name} says: {words}" for words in torn if words != "ok"]
    return found + [f"foreign_key_check of {path.name} finds {len(loose)} rows" for _ in loose[:1]]


def is_free(path: Path) -> bool:
    """Whether somebody else can begin to write, so that nobody left a transaction open."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True


def copied(path: Path, into: Path) -> None:
    """Write a whole copy of it, as a backup does."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(into),))
