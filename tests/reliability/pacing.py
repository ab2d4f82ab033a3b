"""Load at a steady rate, by the event loop's clock, and how late that clock is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

LOOKED_EVERY_S = 0.02
"""How often lag is looked at: more often would be a load of its own."""


async def paced(count: int, *, per_second: float) -> AsyncIterator[int]:
    """The numbers from 0, each at its moment. What is late comes at once, so that the rate holds over the whole run."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(began + number / per_second - loop.time())
        yield number


@asynccontextmanager
async def lagging() -> AsyncIterator[list[float]]:
    """How much later than asked for this event loop woke up, in seconds, as long as the context lasts."""
    late: list[float] = []
    task = asyncio.create_task(_look(late))  # noqa: TID251 - awaited below
    try:
        yield late
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _look(late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        asked = loop.time() + LOOKED_EVERY_S
        await asyncio.sleep(LOOKED_EVERY_S)
        late.append(max(0.0, loop.time() - asked))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent of the values lie; 0 if there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def milliseconds(values: Sequence[float], percent: float) -> float:
    """That percentile of seconds, in milliseconds with one digit, as a figure."""
    return round(percentile(values, percent) * 1000, 1)
