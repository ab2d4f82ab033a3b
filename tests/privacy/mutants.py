"""Stores with a defect: what the auditor has to notice."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from bot.store.engine import Store, Unit
from persona.persona import MemberKey
from persona.ports import DestroyedKey, Destruction, Row, Transaction, Value

T = TypeVar("T")


def mutated(
    store: Store,
    *,
    leaves_out: Callable[[str], bool] = lambda _sql: False,
    keeps_keys: bool = False,
    forgets_erasures: bool = False,
) -> Store:
    """The store, without some statements; or one that destroys no key; or knows nothing of earlier erasures."""

    def defective(transaction: Transaction) -> Transaction:
        made = _Defective(transaction, leaves_out=leaves_out, keeps_keys=keeps_keys, forgets_erasures=forgets_erasures)
        return cast("Transaction", made)

    return cast("Store", _Mutated(store, defective))


class _Mutated:
    def __init__(self, store: Store, defective: Callable[[Transaction], Transaction]) -> None:
        self._store = store
        self._defective = defective

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        return await self._store.write(self._with_defect(unit))

    async def read(self, unit: Unit[T]) -> T:
        return await self._store.read(self._with_defect(unit))

    def _with_defect(self, unit: Unit[T]) -> Unit[T]:
        async def run(transaction: Transaction) -> T:
            return await unit(self._defective(transaction))

        return run


class _Defective:
    def __init__(
        self,
        transaction: Transaction,
        *,
        leaves_out: Callable[[str], bool],
        keeps_keys: bool,
        forgets_erasures: bool,
    ) -> None:
        self._transaction = transaction
        self._leaves_out = leaves_out
        self._keeps_keys = keeps_keys
        self._forgets_erasures = forgets_erasures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def execute(self, sql: str, **parameters: Value) -> int:
        return 0 if self._leaves_out(sql) else await self._transaction.execute(sql, **parameters)

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        return [] if self._leaves_out(sql) else await self._transaction.fetch(sql, **parameters)

    async def destroy_key(self, owner: MemberKey, *, at: datetime, reason: Destruction) -> None:
        if not self._keeps_keys:
            await self._transaction.destroy_key(owner, at=at, reason=reason)

    async def destroyed_keys(self, *, after: datetime) -> Sequence[DestroyedKey]:
        return [] if self._forgets_erasures else await self._transaction.destroyed_keys(after=after)
