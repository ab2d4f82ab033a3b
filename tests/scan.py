"""Looks for words in the bytes of files, where what is erased must be in none; and in rows, once they are opened."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bot.store import master_key, sealing, sqlite_keys
from bot.store.sqlite_keys import Keys
from bot.store.vault import Vault
from persona.persona import MemberKey
from persona.ports import Row, Transaction

_TABLES = {table.name: table for table in sealing._TABLES}


def found(folder: Path, words: Iterable[str]) -> dict[str, list[str]]:
    """Which of `words` stand in which files under a folder, as they are or as JSON escapes them."""
    contents = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hits = {
        word: [name for name, content in contents.items() if _is_in(word, content)] for word in dict.fromkeys(words)
    }
    return {word: names for word, names in hits.items() if names}


def key_ids(database: Path) -> dict[MemberKey, str]:
    """The id of each member's key, which stands in front of everything that is sealed with it."""
    with closing(sqlite3.connect(sqlite_keys.file_of(database))) as connection:
        rows = connection.execute("SELECT tenant, member, id FROM member_key").fetchall()
    return {MemberKey(tenant=tenant, id=member): key for tenant, member, key in rows}


async def as_said(transaction: Transaction, table: str, row: Row) -> dict[str, object]:
    """A whole row by its columns, with its words as they were said: sealed twice, the same words are not the same."""
    values: dict[str, object] = dict(row)
    if table in _TABLES:
        key = [str(row[part]) for part in _TABLES[table].key]
        for column in _TABLES[table].columns:
            (values[column],) = await transaction.unseal([(row[column], (f"{table}.{column}", *key))])
    return values


def _is_in(word: str, content: bytes) -> bool:
    return word.encode() in content or word.encode("unicode_escape") in content


def content(path: Path) -> bytes:
    """What a file holds."""
    return path.read_bytes()


def opened(database: Path, table: str, key: str) -> list[str]:
    """The rows of a table with its words as they were said; `key` is its primary key after the tenant."""
    master = master_key.read(database)
    assert master is not None
    with (
        closing(sqlite3.connect(database)) as connection,
        closing(sqlite_keys.connect(database, timeout_ms=1_000, is_writer=False)) as keys,
    ):
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own names
        return [str(_opened(row, Keys(keys, Vault(master)), table, ["tenant", *key.split(", ")])) for row in rows]


def _opened(row: sqlite3.Row, keys: Keys, table: str, key: list[str]) -> list[object]:
    cell = [str(row[part]) for part in key]
    return [
        keys.unseal([(row[name], (f"{table}.{name}", *cell))]) if str(row[name]).startswith("v1.") else row[name]
        for name in row.keys()  # noqa: SIM118 - a row iterates over its values
    ]
