"""The keys of members on PostgreSQL, in a schema of their own: a backup of the tables does not hold them.

Read and changed in the transaction of the unit that needs them (decision 0023), so that nobody seals with a key that
another process destroys. The same three tables as beside a SQLite file (`bot.store.sqlite_keys`).
"""

import secrets
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot import errors
from bot.store import vault
from bot.store.vault import Vault
from persona.moments import from_micros
from persona.persona import MemberKey
from persona.ports import Cell, DestroyedKey, Destruction

SCHEMA = "rapport_keys"

TABLES = """
CREATE SCHEMA IF NOT EXISTS rapport_keys;
CREATE TABLE IF NOT EXISTS rapport_keys.vault (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, proof TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rapport_keys.member_key (
    tenant TEXT COLLATE "C" NOT NULL,
    member TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    wrapped TEXT NOT NULL,
    PRIMARY KEY (tenant, member)
);
CREATE TABLE IF NOT EXISTS rapport_keys.destroyed (
    tenant TEXT COLLATE "C" NOT NULL,
    member TEXT COLLATE "C" NOT NULL,
    destroyed_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, member)
);
"""
_DESTROYED = """
    INSERT INTO rapport_keys.destroyed (tenant, member, destroyed_at, reason) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant, member) DO UPDATE SET destroyed_at = excluded.destroyed_at, reason = excluded.reason
"""
_BY_ID = "SELECT id, tenant, member, wrapped FROM rapport_keys.member_key WHERE id = ANY($1::text[])"
_OF_OWNER = "SELECT id, tenant, member, wrapped FROM rapport_keys.member_key WHERE tenant = $1 AND member = $2"
_NEW = "INSERT INTO rapport_keys.member_key (tenant, member, id, wrapped) VALUES ($1, $2, $3, $4)"

LOCK = 0x75_6E6C_6F63_6B
"""The number of the lock that one process holds at a time which looks for the vault, or makes it: "unlock"."""

MAX_AT_HAND = 1_000
"""Keys of members that are kept unwrapped, about 1 KiB each."""


async def unlock(connection: Any, *, given: bytes) -> tuple[str, Vault]:
    """The id of the vault, and the vault; a new one is made where nothing was sealed yet, by one process at a time.

    Raises:
        StoreKeyError: the keys are missing, or another database's; or the master key is not theirs.
    """
    async with connection.transaction(isolation="read_committed"):
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        return await _unlocked(connection, given)


async def _unlocked(connection: Any, given: bytes) -> tuple[str, Vault]:
    sealed_by = await connection.fetchval("SELECT id FROM vault WHERE tenant = ''")
    row = await connection.fetchrow("SELECT id, proof FROM rapport_keys.vault")
    if sealed_by is not None and (row is None or row["id"] != sealed_by):
        how = "is missing, or empty" if row is None else "belongs to another database"
        raise errors.StoreKeyError(f"the schema {SCHEMA} {how}; restore the newest copy of the one that belongs here")
    opens = Vault(given)
    if row is None:
        name = secrets.token_urlsafe(12)
        insert = "INSERT INTO rapport_keys.vault (id, proof) VALUES ($1, $2)"
        await connection.execute(insert, name, opens.new_key(("vault", name)))
        return name, opens
    if opens.cipher(row["proof"], ("vault", row["id"])) is None:
        raise errors.StoreKeyError(f"PERSONA_KEY is not the key of the database. {errors.StoreKeyError.__doc__}")
    return row["id"], opens


class Ciphers:
    """The keys that were unwrapped lately, by their ids, which are never used twice.

    Whether one still is there is asked in every unit, so that knowing it is no harm.
    """

    def __init__(self, opens: Vault) -> None:
        self._vault = opens
        self._by_id: dict[str, AESGCM] = {}

    def new(self, owner: MemberKey, key: str) -> tuple[str, AESGCM]:
        """A new key, wrapped, and what seals with it."""
        wrapped = self._vault.new_key(_cell(owner, key))
        return wrapped, self.of(owner, key, wrapped)

    def of(self, owner: MemberKey, key: str, wrapped: str) -> AESGCM:
        """What seals and opens with a key.

        Raises:
            StoreKeyError: it is not one of this vault and this owner.
        """
        known = self._by_id.get(key)
        if known is not None:
            return known
        cipher = self._vault.cipher(wrapped, _cell(owner, key))
        if cipher is None:
            raise errors.StoreKeyError("a key was altered; restore the newest copy of the keys that belong here")
        if len(self._by_id) >= MAX_AT_HAND:
            self._by_id.clear()
        self._by_id[key] = cipher
        return cipher


class Keys:
    """The keys as one unit of work sees them."""

    def __init__(self, connection: Any, ciphers: Ciphers) -> None:
        self._connection = connection
        self._ciphers = ciphers
        self._of_owner: dict[MemberKey, tuple[str, AESGCM]] = {}
        self._by_id: dict[str, AESGCM | None] = {}
        self.unreadable: list[str] = []
        """For each value that could not be opened, the id of its key."""

    async def seal(self, text: str, *, owner: MemberKey, cell: Cell) -> str:
        """See `persona.ports.Transaction.seal`."""
        if not text:
            return ""
        key, cipher = self._of_owner.get(owner) or await self._of(owner)
        return vault.sealed(cipher, text, key=key, cell=cell)

    async def unseal(self, sealed: Iterable[tuple[str, Cell]]) -> list[str | None]:
        """See `persona.ports.Transaction.unseal`: one question for all keys, however many values there are."""
        values = [(*vault.parts(stored), stored, cell) for stored, cell in sealed]
        unknown = {key for key, _, stored, _ in values if stored and key not in self._by_id}
        if unknown:
            self._by_id |= dict.fromkeys(unknown)
            for row in await self._connection.fetch(_BY_ID, sorted(unknown)):
                self._keep(row)
        return [self._opened(key, content, cell) if stored else "" for key, content, stored, cell in values]

    async def destroy(self, owner: MemberKey, *, at: int, reason: Destruction) -> None:
        """See `persona.ports.Transaction.destroy_key`."""
        delete = "DELETE FROM rapport_keys.member_key WHERE tenant = $1 AND member = $2"
        await self._connection.execute(delete, owner.tenant, owner.id)
        await self._connection.execute(_DESTROYED, owner.tenant, owner.id, at, reason)
        self._of_owner.clear()
        self._by_id.clear()

    async def owners(self, tenant: str, *, most: int) -> list[MemberKey]:
        """See `persona.ports.Transaction.key_owners`."""
        sql = "SELECT member FROM rapport_keys.member_key WHERE tenant = $1 ORDER BY member LIMIT $2"
        return [MemberKey(tenant=tenant, id=row["member"]) for row in await self._connection.fetch(sql, tenant, most)]

    async def destroyed(self, *, after: int) -> list[DestroyedKey]:
        """See `persona.ports.Transaction.destroyed_keys`."""
        sql = "SELECT * FROM rapport_keys.destroyed WHERE destroyed_at > $1 ORDER BY destroyed_at"
        return [
            DestroyedKey(
                owner=MemberKey(tenant=row["tenant"], id=row["member"]),
                at=from_micros(row["destroyed_at"]),
                reason=row["reason"],
            )
            for row in await self._connection.fetch(sql, after)
        ]

    async def _of(self, owner: MemberKey) -> tuple[str, AESGCM]:
        row = await self._connection.fetchrow(_OF_OWNER, owner.tenant, owner.id)
        if row is not None:
            return self._keep(row)
        key = secrets.token_urlsafe(12)
        wrapped, cipher = self._ciphers.new(owner, key)
        await self._connection.execute(_NEW, owner.tenant, owner.id, key, wrapped)
        self._by_id[key] = cipher
        self._of_owner[owner] = (key, cipher)
        return key, cipher

    def _keep(self, row: Any) -> tuple[str, AESGCM]:
        owner = MemberKey(tenant=row["tenant"], id=row["member"])
        cipher = self._ciphers.of(owner, row["id"], row["wrapped"])
        self._by_id[row["id"]] = cipher
        self._of_owner[owner] = (row["id"], cipher)
        return row["id"], cipher

    def _opened(self, key: str, content: str, cell: Cell) -> str | None:
        cipher = self._by_id[key]
        text = None if cipher is None else vault.opened(cipher, content, cell)
        if text is None:
            self.unreadable.append(key)
        return text


def _cell(owner: MemberKey, key: str) -> Cell:
    return "member_key", owner.tenant, owner.id, key
