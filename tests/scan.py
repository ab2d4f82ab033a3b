"""Looks for words in the bytes of files: what is erased must be in none, whatever the database says."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bot.store import sqlite_keys
from persona.persona import MemberKey


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


def _is_in(word: str, content: bytes) -> bool:
    return word.encode() in content or word.encode("unicode_escape") in content


def content(path: Path) -> bytes:
    """What a file holds."""
    return path.read_bytes()
