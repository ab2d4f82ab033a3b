"""Checking the audit log of a database, for an operator who asks whether somebody changed it."""

from bot.store import opening
from persona import audit
from persona.audit import Verdict
from persona.ports import Transaction


async def verified(url: str, *, key: bytes | None) -> dict[str, Verdict]:
    """Walk the chain of every tenant in the database at `url`, which is brought up to date first.

    Without a `key` the one in the file beside an SQLite database opens it.

    Raises:
        StoreError: the database cannot be used, or is in use.
    """
    await opening.migrate(url)
    store = await opening.opened(url, key=key)
    try:
        return await store.read(_walked)
    finally:
        await store.close()


async def _walked(transaction: Transaction) -> dict[str, Verdict]:
    return {tenant: await audit.verify(transaction, tenant) for tenant in await audit.tenants(transaction)}
