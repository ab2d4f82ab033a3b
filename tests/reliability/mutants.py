"""Rapport with a defect: what the auditor has to find. Switched on in its own test alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from bot.store.engine import Store, Unit
from persona.ports import Row, Transaction, Value

T = TypeVar("T")

LEFT_OUT: Mapping[str, Sequence[str]] = {
    "double post": ("FROM outbox", "UPDATE inbox SET state"),
    "loss": ("SELECT inbox.message, conversation.*",),
    "unlearned": ("INSERT INTO operation",),
}
"""By the defect, what the statements have in them that never reach the database: a reply is not remembered, what an
earlier process left open is not looked for, and what was learned is not written down."""


TRUSTED = "SELECT 1 AS one FROM inbox"
"""What asks whether a claim still is the newest one."""


def with_defect(store: Store, defect: str) -> Store:
    """The store, without the statements that a defect leaves out, or taking every claim for the newest one."""
    if defect == "stale lease":
        return cast("Store", _Defective(store, _Credulous))
    return cast("Store", _Defective(store, partial(_Forgetful, parts=LEFT_OUT[defect])))


class _Defective:
    def __init__(self, store: Store, wrap: Callable[[Transaction], object]) -> None:
        self._store = store
        self._wrap = wrap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        return await self._store.write(partial(_within, unit, self._wrap))

    async def read(self, unit: Unit[T]) -> T:
        return await self._store.read(partial(_within, unit, self._wrap))


async def _within(unit: Unit[T], wrap: Callable[[Transaction], object], transaction: Transaction) -> T:
    return await unit(cast("Transaction", wrap(transaction)))


class _Forgetful:
    """A transaction that says of some statements that they were run."""

    def __init__(self, transaction: Transaction, *, parts: Sequence[str]) -> None:
        self._transaction = transaction
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def execute(self, sql: str, **parameters: Value) -> int:
        return 1 if self._is_left_out(sql) else await self._transaction.execute(sql, **parameters)

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        return [] if self._is_left_out(sql) else await self._transaction.fetch(sql, **parameters)

    def _is_left_out(self, sql: str) -> bool:
        return any(part in sql for part in self._parts)


class _Credulous:
    """A transaction in which whoever had a claim still has it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        return {"one": 1} if TRUSTED in sql else await self._transaction.fetch_one(sql, **parameters)
