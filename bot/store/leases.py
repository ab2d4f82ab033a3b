"""Leases: who of several workers does what only one may do. They are no tenant's, so their tenant is empty."""

from datetime import datetime

from bot.store.workers import Worker
from persona.moments import to_micros
from persona.ports import Transaction

_TAKE = """
    INSERT INTO lease (tenant, name, owner, until, token) VALUES ('', :name, :owner, :database_now + :length, 1)
    ON CONFLICT (tenant, name) DO UPDATE SET owner = excluded.owner, until = excluded.until,
        token = lease.token + CASE WHEN lease.owner = excluded.owner THEN 0 ELSE 1 END
    WHERE lease.owner = excluded.owner OR lease.until <= :database_now
    RETURNING token
"""
_LET_GO = "UPDATE lease SET until = 0 WHERE tenant = '' AND name = :name AND owner = :owner"


async def take(transaction: Transaction, name: str, *, worker: Worker, now: datetime) -> int | None:
    """Hold a lease, or go on holding it. Returns its token, which rises with each owner; None if it is another's."""
    row = await transaction.fetch_one(
        _TAKE, name=name, owner=worker.id, length=worker.lease_micros, database_now=to_micros(now)
    )
    return None if row is None else row["token"]


async def let_go(transaction: Transaction, name: str, *, worker: Worker) -> None:
    """Let the next one have a lease at once; nothing if it is another's by now."""
    await transaction.execute(_LET_GO, name=name, owner=worker.id)
