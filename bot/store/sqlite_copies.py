"""Copies of a SQLite file: made while somebody writes it, and put back while nobody does.

A copy holds every commit up to one moment and none after it. Keys are in a file of their own, which is copied apart.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from bot import errors
from bot.store import copies, sqlite_keys
from bot.store.migrate import VERSIONS
from bot.store.sqlite import own
from bot.store.sqlite_errors import translated

BUSY_TIMEOUT_S = 30.0
"""The key file is locked for moments, by whoever learns of a new member."""


def copy(database: Path, target: Path) -> None:
    """Copy a database; blocks. What was copied is checked before it gets its name.

    Raises:
        StoreError: it cannot be read, or the copy not be written; there is no copy then.
    """
    _check_there(database)
    with copies.written(target) as unfinished:
        _vacuum_into(database, unfinished)
        examined(unfinished)


def copy_keys(database: Path, target: Path) -> None:
    """Copy the key file of a database over the last copy: an older one would bring back what was erased. Blocks."""
    keys = sqlite_keys.file_of(database)
    _check_there(keys)
    with copies.written(target, replaces=True) as unfinished:
        _vacuum_into(keys, unfinished)
        _check_whole(unfinished)


def put_back(source: Path, database: Path) -> Path | None:
    """Put a copy in the place of a database; blocks. Returns where the replaced one is, if there was one.

    Raises:
        StoreBusyError: Rapport runs on it.
        StoreKeyError: the key file is missing, or another database's.
        StoreError: the copy is of no use; the database is as it was.
    """
    _check_there(source)
    sealed_by = examined(source)
    with closing(own(database)):
        _check_keys(database, sealed_by)
        replaced = database.with_name(f"{database.name}.replaced")
        if database.exists() and replaced.exists():
            raise errors.StoreError(f"{str(replaced)!r} is there from the last restore; move it away first")
        with copies.written(database, replaces=True) as unfinished:
            shutil.copyfile(source, unfinished)
            kept = _set_aside(database, replaced)
    return kept


def examined(path: Path) -> str | None:
    """Look whether a file is a whole copy of a database that this version can use; blocks.

    Returns the id of the vault that sealed it, or None if nothing in it is sealed.

    Raises:
        StoreDamagedError: it is damaged, or no database of ours.
        StoreNewerError: a newer version wrote it.
    """
    _check_whole(path)
    try:
        with closing(_reading(path)) as connection:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            if version is None or version[0] not in VERSIONS:
                raise errors.StoreNewerError(
                    f"{str(path)!r} has tables of version {version and version[0]}. {errors.StoreNewerError.__doc__}"
                )
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'vault'").fetchone():
                return None
            sealed = connection.execute("SELECT id FROM vault WHERE tenant = ''").fetchone()
    except sqlite3.Error as error:
        raise errors.StoreDamagedError(f"{str(path)!r} is no database of Rapport ({error})") from error
    return None if sealed is None else str(sealed[0])


def _vacuum_into(source: Path, target: Path) -> None:
    try:
        with closing(_reading(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise translated(error, source) from error


def _check_whole(path: Path) -> None:
    try:
        with closing(_reading(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    if found[0] != "ok":
        raise errors.StoreDamagedError(f"{str(path)!r}: {found[0]}. {errors.StoreDamagedError.__doc__}")


def _reading(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing into the file and checkpoints nothing: one process alone does (finding 11)."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise errors.StoreError(f"{str(path)!r} is not there")


def _check_keys(database: Path, sealed_by: str | None) -> None:
    """Whether the key file beside the database opens the copy; before anything is changed."""
    if sealed_by is None:
        return
    path, row = sqlite_keys.file_of(database), None
    if path.is_file():
        with suppress(sqlite3.Error), closing(_reading(path)) as keys:
            row = keys.execute("SELECT id FROM vault").fetchone()
    if row is None or row[0] != sealed_by:
        how = "is missing, or empty" if row is None else "belongs to another database"
        raise errors.StoreKeyError(f"{str(path)!r} {how}; put back the newest copy of the key file first")


def _set_aside(database: Path, replaced: Path) -> Path | None:
    """Keep what is about to be replaced, with its write-ahead log: that must not be played onto another file."""
    if not database.exists():
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:  # one that is damaged is kept so
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        beside = database.with_name(f"{database.name}{suffix}")
        if beside.exists():
            beside.replace(replaced.with_name(f"{replaced.name}{suffix}"))
    os.link(database, replaced)  # so that at no moment there is none
    return replaced
