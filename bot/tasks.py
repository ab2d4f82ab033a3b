"""Running something beside something else, with one owner and plain errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def alongside(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run `work` while the body of the context runs, and end it with the body.

    If `work` raises, the body is cancelled and that error is raised instead. Unlike a task group, what the body raises
    stays as it is: these contexts are entered by hosts that are not ours.
    """
    body = asyncio.current_task()
    assert body is not None
    failed: list[Exception] = []

    async def watched() -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - raised again below
            failed.append(error)
            body.cancel()

    task = asyncio.create_task(watched())  # noqa: TID251 - awaited below
    try:
        yield
    except asyncio.CancelledError:
        if not failed:
            raise
        body.uncancel()
        raise failed[0] from None
    finally:
        task.cancel()
        await asyncio.wait([task])
