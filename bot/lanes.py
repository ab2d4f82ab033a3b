"""Lanes: one thing at a time in each room, in order of arrival, and only so many waiting."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Self
from weakref import WeakValueDictionary

MAX_WAITING = 20
"""Messages waiting in one room behind the one being answered. Beyond, a member hears that it is full instead of an
answer in an hour."""

MAX_RUNNING = 64
"""Rooms being answered at the same moment: each holds a model call and its memory."""

MAX_RUNNING_OF_ONE = 8
"""Of them, those in which one member is answered: however many rooms they write into, others find room."""

GRACE_S = 10.0
"""How long a stop waits for answers that are being written; platforms kill a process after 30 seconds or less."""

Job = Callable[[], Awaitable[None]]


class Lanes:
    """Runs jobs serially within a lane and side by side across lanes.

    Use as an async context manager; leaving it drains. Jobs must not raise.
    """

    def __init__(
        self,
        *,
        max_waiting: int = MAX_WAITING,
        max_running: int = MAX_RUNNING,
        max_running_of_one: int = MAX_RUNNING_OF_ONE,
    ) -> None:
        self._max_waiting = max_waiting
        self._slots = asyncio.Semaphore(max_running)
        self._max_running_of_one = max_running_of_one
        self._shares: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._lanes: dict[str, deque[tuple[Hashable, Hashable, Job]]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._emptied = asyncio.Event()
        """Set, and replaced by a new one, whenever a lane has nothing left to do."""
        self._is_closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.drain()

    async def drain(self) -> None:
        """Take no more jobs, give the running ones `GRACE_S` seconds to finish, then cancel them.

        What waited or was cancelled is in the inbox and comes back at the next start.
        """
        self._is_closing = True
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def is_full(self, lane: str) -> bool:
        """Whether as much waits in the lane as may; what is being done does not wait."""
        return len(self._lanes.get(lane, ())) > self._max_waiting

    def holds(self, lane: str, name: Hashable) -> bool:
        """Whether a job of this name waits or runs in the lane."""
        return any(name == known for known, *_ in self._lanes.get(lane, ()))

    def submit(self, lane: str, name: Hashable, job: Job, *, whose: Hashable = None) -> None:
        """Run `job` once everything submitted to the lane before it is done. Never waits, never refuses.

        Of all lanes together only so many jobs of `whose` run at once; None is nobody's.
        """
        if self._is_closing:
            return
        if lane in self._lanes:
            self._lanes[lane].append((name, whose, job))
            return
        self._lanes[lane] = deque([(name, whose, job)])
        task = asyncio.create_task(self._run(lane))  # noqa: TID251 - owned here, awaited by drain()
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drained(self, lane: str | None = None) -> None:
        """Wait until the lane, or every lane, has nothing left to do."""
        while lane in self._lanes if lane else self._lanes:
            await self._emptied.wait()

    async def _run(self, lane: str) -> None:
        jobs = self._lanes[lane]
        try:
            while jobs:
                _, whose, job = jobs[0]
                async with self._share(whose), self._slots:  # whoever waits for their own holds up nobody
                    if self._is_closing:
                        return
                    await job()
                jobs.popleft()
        finally:  # without a wait in between, or a job submitted meanwhile would be lost with the lane
            del self._lanes[lane]
            self._emptied.set()
            self._emptied = asyncio.Event()

    def _share(self, whose: Hashable) -> AbstractAsyncContextManager[None]:
        if whose is None:
            return nullcontext()
        share = self._shares.get(whose)
        if share is None:
            share = self._shares[whose] = asyncio.Semaphore(self._max_running_of_one)
        return share
