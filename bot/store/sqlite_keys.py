"""The keys of members, in a SQLite file of their own: a backup of the database does not hold them (decision 0013).

A key that is destroyed leaves when and why, so that a restored backup can be told.
"""

import secrets
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot import errors
from bot.store import master_key, vault
from bot.store.sqlite_errors import translated
from bot.store.sqlite_pragmas import set_up
from bot.store.vault import Vault
from persona.moments import from_micros
from persona.persona import MemberKey
from persona.ports import Cell, DestroyedKey, Destruction

_TABLES = """
CREATE TABLE IF NOT EXISTS vault (id TEXT NOT NULL PRIMARY KEY, proof TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS member_key (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (tenant, member)
);
CREATE TABLE IF NOT EXISTS destroyed (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    destroyed_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, member)
);
"""
_DESTROYED = """
    INSERT INTO destroyed (tenant, member, destroyed_at, reason) VALUES (:tenant, :member, :at, :reason)
    ON CONFLICT (tenant, member) DO UPDATE SET destroyed_at = excluded.destroyed_at, reason = excluded.reason
"""
_WRITER: dict[str, str | int] = {"journal_mode": "delete", "synchronous": 3, "secure_delete": 1, "mmap_size": 0}
"""No write-ahead log: one small file to copy, and a key that was destroyed is in none beside it. EXTRA, so that the
journal is durably gone before anybody is told."""
_READER: dict[str, str | int] = {"query_only": 1, "mmap_size": 0}

MAX_AT_HAND = 1_000
"""Keys of members that are kept unwrapped, about 1 KiB each."""
MAX_TEXTS = 4_000
"""Words that are kept opened, about 0.5 KiB each: a conversation is read again with every message in it."""
MAX_TEXT_CHARS = 1_000
"""Longer ones are opened each time: they are rare."""


def file_of(database: Path) -> Path:
    """Where the keys of a database are."""
    return database.with_name(f"{database.name}-keys")


def connect(database: Path, *, timeout_ms: int, is_writer: bool) -> sqlite3.Connection:
    """Open the key file of a database; the writer makes it if it is not there.

    Raises:
        StoreError: it cannot be used; the message names it.
    """
    path = file_of(database)
    connection: sqlite3.Connection | None = None
    try:
        if is_writer:
            path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        set_up(connection, _WRITER if is_writer else _READER, busy_timeout_ms=timeout_ms)
        if is_writer:
            connection.executescript(_TABLES)
    except (sqlite3.Error, errors.StoreError, OSError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, OSError):
            raise errors.StoreReadOnlyError(f"{str(path)!r} cannot be written ({error.strerror})") from error
        raise translated(error, path) from error
    return connection


def unlock(
    keys: sqlite3.Connection, database: Path, *, sealed_by: str | None, given: bytes | None
) -> tuple[str, Vault]:
    """The id of the vault in a key file, and the vault; a new one is made where nothing was sealed yet.

    `sealed_by` is the id of the vault that the database was sealed with, if it was.

    Raises:
        StoreKeyError: the key file or the master key is missing, or another one than the database's.
    """
    path = file_of(database)
    row = keys.execute("SELECT id, proof FROM vault").fetchone()
    if sealed_by is not None and (row is None or row[0] != sealed_by):
        how = "is missing, or empty" if row is None else "belongs to another database"
        raise errors.StoreKeyError(f"{str(path)!r} {how}; restore the copy that belongs to {str(database)!r}")
    master = given or master_key.read(database)
    if row is not None:
        if master is None:
            file = str(master_key.file_of(database))
            raise errors.StoreKeyError(f"{file!r} is missing; restore it, or set PERSONA_KEY to what it held")
        name, opens = row[0], Vault(master)
        if opens.cipher(row[1], ("vault", name)) is None:
            source = "PERSONA_KEY" if given else repr(str(master_key.file_of(database)))
            raise errors.StoreKeyError(f"{source} is not the key of {str(path)!r}. {errors.StoreKeyError.__doc__}")
        return name, opens
    name, opens = secrets.token_urlsafe(12), Vault(master or master_key.make(database))
    keys.execute("INSERT INTO vault (id, proof) VALUES (?, ?)", (name, opens.new_key(("vault", name))))
    return name, opens


class Keys:
    """The keys as one connection sees them. Belongs to one thread.

    The changes of a unit of work are kept with it, before what they seal. Keys that were read stay at hand, and so does
    what they opened, as long as no key is destroyed: we are the only process that changes the file.
    """

    def __init__(self, connection: sqlite3.Connection, opens: Vault) -> None:
        self._connection = connection
        self._vault = opens
        self._generation = opens.generation
        self._of_owner: dict[MemberKey, tuple[str, AESGCM]] = {}
        self._by_id: dict[str, AESGCM] = {}
        self._texts: dict[str, tuple[Cell, str]] = {}
        """By how they are sealed, which is never the same twice."""
        self._has_changed = False
        self._has_destroyed = False
        self.unreadable: list[str] = []
        """For each value that could not be opened by the unit, the id of its key."""

    def begin(self) -> None:
        """A unit begins."""
        self._has_changed = False
        self.unreadable = []
        if self._generation != self._vault.generation or len(self._by_id) > MAX_AT_HAND:
            self._forget()
        if len(self._texts) > MAX_TEXTS:
            self._texts.clear()

    def seal(self, text: str, *, owner: MemberKey, cell: Cell) -> str:
        """See `persona.ports.Transaction.seal`."""
        if not text:
            return ""
        key, cipher = self._of_owner.get(owner) or self._read(owner) or self._make(owner)
        stored = vault.sealed(cipher, text, key=key, cell=cell)
        self._keep_text(stored, cell, text)
        return stored

    def unseal(self, sealed: Iterable[tuple[str, Cell]]) -> list[str | None]:
        """See `persona.ports.Transaction.unseal`."""
        return [self._opened(stored, cell) if stored else "" for stored, cell in sealed]

    def destroy(self, owner: MemberKey, *, at: int, reason: Destruction) -> None:
        """See `persona.ports.Transaction.destroy_key`."""
        self._begin()
        scope = {"tenant": owner.tenant, "member": owner.id}
        self._connection.execute("DELETE FROM member_key WHERE tenant = :tenant AND member = :member", scope)
        self._connection.execute(_DESTROYED, {**scope, "at": at, "reason": reason})
        self._has_destroyed = True
        self._forget()

    def owners(self, tenant: str, *, most: int) -> list[MemberKey]:
        """See `persona.ports.Transaction.key_owners`."""
        rows = self._connection.execute(
            "SELECT member FROM member_key WHERE tenant = ? ORDER BY member LIMIT ?", (tenant, most)
        )
        return [MemberKey(tenant=tenant, id=member) for (member,) in rows]

    def destroyed(self, *, after: int) -> list[DestroyedKey]:
        """See `persona.ports.Transaction.destroyed_keys`."""
        rows = self._connection.execute(
            "SELECT tenant, member, destroyed_at, reason FROM destroyed WHERE destroyed_at > ? ORDER BY destroyed_at",
            (after,),
        )
        return [
            DestroyedKey(owner=MemberKey(tenant=tenant, id=member), at=from_micros(at), reason=reason)
            for tenant, member, at, reason in rows
        ]

    def keep(self) -> None:
        """The unit is done."""
        if self._has_changed:
            self._connection.execute("RELEASE unit")

    def undo(self) -> None:
        """The unit failed."""
        if self._has_changed:
            self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
            self._forget()

    def commit(self) -> None:
        """Make the changes of all units so far durable."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        if self._has_destroyed:  # not before it is so: a reader would take the old key up again
            self._vault.generation += 1
            self._has_destroyed = False

    def rollback(self) -> None:
        """Undo the changes of all units so far."""
        self._forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _opened(self, stored: str, cell: Cell) -> str | None:
        known = self._texts.get(stored)
        if known is not None and known[0] == cell:
            return known[1]
        key, content = vault.parts(stored)
        cipher = self._by_id.get(key) or self._find(key)
        text = None if cipher is None else vault.opened(cipher, content, cell)
        if text is None:
            self.unreadable.append(key)
        else:
            self._keep_text(stored, cell, text)
        return text

    def _keep_text(self, stored: str, cell: Cell, text: str) -> None:
        if len(text) <= MAX_TEXT_CHARS:
            self._texts[stored] = (cell, text)

    def _begin(self) -> None:
        """Few units change keys, so only those open a transaction on their file."""
        if not self._has_changed:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("SAVEPOINT unit")
            self._has_changed = True

    def _read(self, owner: MemberKey) -> tuple[str, AESGCM] | None:
        row = self._connection.execute(
            "SELECT id, wrapped FROM member_key WHERE tenant = ? AND member = ?", (owner.tenant, owner.id)
        ).fetchone()
        if row is None:
            return None
        return self._known(owner, row[0], row[1])

    def _make(self, owner: MemberKey) -> tuple[str, AESGCM]:
        self._begin()
        key = secrets.token_urlsafe(12)
        wrapped = self._vault.new_key(_cell(owner, key))
        self._connection.execute(
            "INSERT INTO member_key (tenant, member, id, wrapped) VALUES (?, ?, ?, ?)",
            (owner.tenant, owner.id, key, wrapped),
        )
        return self._known(owner, key, wrapped)

    def _known(self, owner: MemberKey, key: str, wrapped: str) -> tuple[str, AESGCM]:
        cipher = self._vault.cipher(wrapped, _cell(owner, key))
        if cipher is None:
            raise errors.StoreKeyError(
                "a key in the key file was altered; restore the copy that belongs to the database"
            )
        self._of_owner[owner] = (key, cipher)
        self._by_id[key] = cipher
        return key, cipher

    def _find(self, key: str) -> AESGCM | None:
        row = self._connection.execute("SELECT tenant, member, wrapped FROM member_key WHERE id = ?", (key,)).fetchone()
        if row is None:
            return None
        return self._known(MemberKey(tenant=row[0], id=row[1]), key, row[2])[1]

    def _forget(self) -> None:
        """Keep no key at hand, and nothing that one opened."""
        self._of_owner.clear()
        self._by_id.clear()
        self._texts.clear()
        self._generation = self._vault.generation


def _cell(owner: MemberKey, key: str) -> Cell:
    return "member_key", owner.tenant, owner.id, key
