"""The clock that wakes the sweeps: APScheduler, in memory, nothing more.

What is due is in the database; a tick that is missed or comes twice changes nothing. APScheduler never stores a job:
its stores must not be shared, and unpickle what they read (reliability finding 12).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, timedelta
from functools import partial

import structlog

from bot import errors
from bot.tasks import alongside

Sweep = Callable[[], Awaitable[object]]

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def every(interval: timedelta, *sweeps: Sweep) -> AsyncIterator[None]:
    """Run each of `sweeps` every `interval`, one run of each at a time, until the context is left.

    A sweep that raises is logged and runs again at the next tick; one that runs when the context is left is cancelled.
    """
    from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 - a tenth of a second, off the start

    scheduler = AsyncIOScheduler(timezone=UTC)  # or it asks the machine for a zone, which may not be one
    async with AsyncExitStack() as running:
        for sweep in sweeps:
            is_due = asyncio.Event()
            await running.enter_async_context(alongside(partial(_run, sweep, is_due)))
            scheduler.add_job(
                _ring,
                "interval",
                args=[is_due],
                seconds=interval.total_seconds(),
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )
        scheduler.start()
        running.callback(scheduler.shutdown, wait=False)
        yield


async def _ring(is_due: asyncio.Event) -> None:
    is_due.set()


async def _run(sweep: Sweep, is_due: asyncio.Event) -> None:
    while True:
        await is_due.wait()
        is_due.clear()
        try:
            await sweep()
        except errors.StoreError as error:  # the store tells of its own trouble, once
            _log.info("sweep.failed", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the outer edge: the next tick tries again
            _log.error("sweep.failed", error=type(error).__name__)
