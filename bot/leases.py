"""Leases: what only one of several workers does at a time, and another one takes over when that one is gone.

A worker that cannot renew a lease stops what it does under it by its own clock, before anybody else may begin.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import structlog

from bot import errors
from bot.ports import Clock
from bot.store import leases
from bot.store.engine import Store, Unit
from bot.store.workers import ALONE, Worker
from bot.tasks import alongside

SCHEDULER = "scheduler"
"""Whose holder runs what is to be done once for all workers."""

Work = Callable[[str], AbstractAsyncContextManager[object]]
"""What is done under a lease of this name, from entering it to leaving it."""

_log = structlog.get_logger(__name__)


class Leases:
    """The leases of this process. Whoever is alone on a database has every one, and nothing is written for it."""

    def __init__(self, *, store: Store, clock: Clock, worker: Worker = ALONE) -> None:
        self._store = store
        self._clock = clock
        self._worker = worker
        self._held: set[str] = set()

    def holds(self, name: str) -> bool:
        """Whether the lease is ours now."""
        return self._worker.is_alone or name in self._held

    @asynccontextmanager
    async def held(self, names: Sequence[str], work: Work) -> AsyncIterator[None]:
        """Do `work` whenever one of these leases is ours, until the context is left; stand by while they are others'.

        Entering waits until the work has begun, or until it is known that others do it. What it raises when it begins,
        and whatever ends it later, is raised here.
        """
        is_known = asyncio.Event()
        async with alongside(partial(self._stand_by, names, work, is_known)):
            await is_known.wait()
            yield

    async def _stand_by(self, names: Sequence[str], work: Work, is_known: asyncio.Event) -> None:
        while True:
            since = asyncio.get_running_loop().time()
            taken = await self._taken(names)
            if taken is None:
                is_known.set()
                await asyncio.sleep(self._pause_s)
                continue
            name, token = taken
            self._held.add(name)
            try:
                async with work(name):
                    is_known.set()
                    await self._kept(name, token, ends_at=since + self._lease_s)
                _log.warning("lease.lost", lease=name)
            finally:
                self._held.discard(name)
                await self._let_go(name)

    async def _taken(self, names: Sequence[str]) -> tuple[str, int] | None:
        """The first of the leases that can be had now, with its token."""
        if self._worker.is_alone:
            return names[0], 0
        for name in names:
            try:
                token = await self._store.write(self._take(name))
            except errors.StoreError as error:
                _log.warning("lease.not_taken", lease=name, error=type(error).__name__, why=str(error))
                break
            if token is not None:
                return name, token
        return None

    async def _kept(self, name: str, token: int, *, ends_at: float) -> None:
        """Renew a lease at a third of its length; returns once it is lost."""
        loop = asyncio.get_running_loop()
        if self._worker.is_alone:
            await loop.create_future()  # until cancelled
        while True:
            await asyncio.sleep(self._pause_s)
            since = loop.time()
            try:
                async with asyncio.timeout_at(max(ends_at, since + self._pause_s / 2)):
                    if await self._store.write(self._take(name)) != token:
                        return
                ends_at = since + self._lease_s
            except TimeoutError:
                return
            except errors.StoreError as error:
                _log.warning("lease.not_renewed", lease=name, error=type(error).__name__, why=str(error))
                if loop.time() >= ends_at:
                    return

    async def _let_go(self, name: str) -> None:
        if self._worker.is_alone:
            return
        try:
            await self._store.write(partial(leases.let_go, name=name, worker=self._worker))
        except errors.StoreError as error:  # then it runs out
            _log.info("lease.not_let_go", lease=name, error=type(error).__name__)

    def _take(self, name: str) -> Unit[int | None]:
        return partial(leases.take, name=name, worker=self._worker, now=self._clock.now())

    @property
    def _lease_s(self) -> float:
        return self._worker.lease.total_seconds()

    @property
    def _pause_s(self) -> float:
        return self._lease_s / 3
