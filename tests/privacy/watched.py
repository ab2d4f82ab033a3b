"""A store that shows every statement to a test before it runs; what the test raises, the unit raises."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from bot.store.engine import Store, Unit
from persona.ports import Row, Transaction, Value

T = TypeVar("T")

Watch = Callable[[str, Mapping[str, Value]], None]
"""Gets the words of a statement and what is bound in it."""


def watched(store: Store, watch: Watch) -> Store:
    """The store, with `watch` before every statement; whatever else it can do it does as before."""
    return cast("Store", _Watched(store, watch))


class _Watched:
    def __init__(self, store: Store, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        return await self._store.write(self._shown(unit))

    async def read(self, unit: Unit[T]) -> T:
        return await self._store.read(self._shown(unit))

    def _shown(self, unit: Unit[T]) -> Unit[T]:
        async def run(transaction: Transaction) -> T:
            return await unit(cast("Transaction", _Shown(transaction, self._watch)))

        return run


class _Shown:
    def __init__(self, transaction: Transaction, watch: Watch) -> None:
        self._transaction = transaction
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def execute(self, sql: str, **parameters: Value) -> int:
        self._watch(sql, parameters)
        return await self._transaction.execute(sql, **parameters)

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        self._watch(sql, parameters)
        return await self._transaction.fetch(sql, **parameters)

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        self._watch(sql, parameters)
        return await self._transaction.fetch_one(sql, **parameters)
