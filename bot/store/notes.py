"""Notes to ourselves: small values that have to survive a restart, such as the hash of registered commands."""

from persona.ports import Transaction

_SET = """
    INSERT INTO note (tenant, name, value) VALUES (:tenant, :name, :value)
    ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value
"""


async def read(transaction: Transaction, tenant: str, name: str) -> str | None:
    """The value of a note, or None."""
    row = await transaction.fetch_one(
        "SELECT value FROM note WHERE tenant = :tenant AND name = :name", tenant=tenant, name=name
    )
    return None if row is None else row["value"]


async def write(transaction: Transaction, tenant: str, name: str, value: str) -> None:
    """Keep a note."""
    await transaction.execute(_SET, tenant=tenant, name=name, value=value)
