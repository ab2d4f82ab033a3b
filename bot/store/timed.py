"""A store that says how long each unit of work took, its wait for others included."""

import time
from collections.abc import Callable
from typing import Literal, TypeVar

from bot.store.engine import Store, Unit

T = TypeVar("T")

Took = Callable[[Literal["read", "write"], float], None]
"""Hears of a unit that ended, and of its seconds."""


class TimedStore:
    """See `bot.store.engine.Store`; everything is done by the store inside."""

    def __init__(self, inside: Store, *, took: Took) -> None:
        self._inside = inside
        self._took = took

    async def write(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.write`."""
        began = time.perf_counter()
        try:
            return await self._inside.write(unit)
        finally:
            self._took("write", time.perf_counter() - began)

    async def read(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.read`."""
        began = time.perf_counter()
        try:
            return await self._inside.read(unit)
        finally:
            self._took("read", time.perf_counter() - began)

    async def scrub(self) -> None:
        """See `bot.store.engine.Store.scrub`."""
        await self._inside.scrub()

    async def compact(self, *, max_bytes: int | None = None) -> bool:
        """See `bot.store.engine.Store.compact`."""
        return await self._inside.compact(max_bytes=max_bytes)

    async def close(self) -> None:
        """See `bot.store.engine.Store.close`."""
        await self._inside.close()
