"""Rapport with a defect: what the auditor has to find. Switched on in its own test alone."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from bot.store.engine import Store, Unit
from persona.ports import Row, Transaction, Value
from tests.privacy.mutants import mutated

T = TypeVar("T")

LEFT_OUT: Mapping[str, Sequence[str]] = {
    "double post": ("FROM outbox", "UPDATE inbox SET state"),
    "loss": ("WHERE inbox.settled_at IS NULL ORDER BY",),
    "unlearned": ("INSERT INTO operation",),
}
"""By the defect, what the statements have in them that never reach the database: a reply is not remembered, what an
earlier process left open is not looked for, and what was learned is not written down."""


TRUSTED = "SELECT 1 AS one FROM inbox"
"""What asks whether a claim still is the newest one."""


def with_defect(store: Store, defect: str) -> Store:
    """The store, without the statements that a defect leaves out, or taking every claim for the newest one."""
    if defect == "stale lease":
        return cast("Store", _Trusting(store))
    parts = LEFT_OUT[defect]
    return mutated(store, leaves_out=lambda sql: any(part in sql for part in parts))


class _Trusting:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        return await self._store.write(partial(_trusting, unit))


async def _trusting(unit: Unit[T], transaction: Transaction) -> T:
    return await unit(cast("Transaction", _Credulous(transaction)))


class _Credulous:
    """A transaction in which whoever had a claim still has it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        return {"one": 1} if TRUSTED in sql else await self._transaction.fetch_one(sql, **parameters)
