"""Checking the audit log of a database, for an operator who asks whether somebody changed it."""

from pathlib import Path

from bot.store import migrate
from bot.store.sqlite import SqliteStore
from persona import audit
from persona.audit import Verdict
from persona.ports import Transaction


async def verified(path: Path, *, key: bytes | None = None) -> dict[str, Verdict]:
    """Walk the chain of every tenant in the SQLite file at `path`, which is brought up to date first.

    Without a `key` the one in the file beside it opens it.

    Raises:
        StoreError: the database cannot be used, or is in use.
    """
    migrate.migrate(path)
    store = await SqliteStore.open(path, key=key)
    try:
        return await store.read(_walked)
    finally:
        await store.close()


async def _walked(transaction: Transaction) -> dict[str, Verdict]:
    return {tenant: await audit.verify(transaction, tenant) for tenant in await audit.tenants(transaction)}
