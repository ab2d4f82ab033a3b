"""Several schedulers on one database, whose timers are fired by a clock that a trial moves, and die in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from structlog.testing import capture_logs

from bot.ports import Clock
from bot.store import opening
from bot.store.engine import Store
from bot.timers import Timers

Fire = Callable[[str], Awaitable[None]]
"""What a timer of this name does; it raises `DiedError` where its process dies."""


class DiedError(Exception):
    """The process is gone in the middle of a sweep."""


class Schedulers:
    """Open it with `opened`."""

    def __init__(self, stores: list[Store], clock: Clock, every: timedelta) -> None:
        self.clock, self.every = clock, every
        self.merged: dict[str, int] = {}
        """How many slots the log says were made up for, by timer."""
        self._timers = [Timers(store=store, clock=clock) for store in stores]

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, number: int, *, clock: Clock, every: timedelta) -> AsyncIterator[Schedulers]:
        """So many on a database; on PostgreSQL each has its own connections, and the server's clock counts."""
        key = bytes(32)
        async with AsyncExitStack() as closing:
            stores = []
            for _ in range(number if opening.is_postgres(url) else 1):
                stores.append(await opening.opened(url, key=key))
                closing.push_async_callback(stores[-1].close)
            shared = stores * number if len(stores) == 1 else stores
            yield cls(shared, clock, every)

    async def wake(self, names: Sequence[str], fire: Fire) -> None:
        """Let every scheduler wake up for these timers at the same moment."""
        with capture_logs() as logged:
            outcomes = await asyncio.gather(
                *(timers.once(name, self.every, partial(fire, name))() for name in names for timers in self._timers),
                return_exceptions=True,
            )
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, DiedError):
                raise outcome
        for line in logged:
            if line["event"] == "timer.merged":
                self.merged[line["timer"]] = self.merged.get(line["timer"], 0) + line["slots"]
