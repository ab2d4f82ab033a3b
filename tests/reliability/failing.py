"""A database that cannot take some messages: a full disk, an outage of a moment."""

from functools import partial
from random import Random
from typing import Any, TypeVar, cast

from bot import errors
from bot.store.engine import Store, Unit
from persona.ports import Transaction
from tests.reliability.points import ACCEPT, names

T = TypeVar("T")


def failing(store: Store, share: float, chance: Random) -> Store:
    """A store that keeps nothing of this share of the messages that are to be accepted."""
    return cast("Store", _Failing(store, share, chance))


class _Failing:
    def __init__(self, store: Store, share: float, chance: Random) -> None:
        self._store = store
        self._share = share
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        if ACCEPT in names(unit) and self._chance.random() < self._share:
            return await self._store.write(partial(_refuse, unit))
        return await self._store.write(unit)


async def _refuse(unit: Unit[T], transaction: Transaction) -> T:
    """Write, and find out at the end that it cannot be kept."""
    await unit(transaction)
    raise errors.StoreFullError("the bench says that the disk is full")
