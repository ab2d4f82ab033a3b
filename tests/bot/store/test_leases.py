"""Leases and timers: one holder at a time, and each slot taken once."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from bot.store import leases, timers
from bot.store.engine import Store
from bot.store.timers import Slot
from bot.store.workers import Worker
from tests.clock import NOON

ONE, TWO = Worker.new(), Worker.new()
MINUTE = timedelta(minutes=1)
MINUTE_MICROS = 60_000_000


async def take(store: Store, by: Worker, name: str = "scheduler") -> int | None:
    return await store.write(partial(leases.take, name=name, worker=by, now=NOON))


async def run(store: Store, sql: str) -> None:
    await store.write(lambda transaction: transaction.execute(sql))


async def test_one_holds_it(store: Store) -> None:
    """A lease is one worker's, who may renew it; another name is another lease."""
    taken = [await take(store, ONE), await take(store, TWO), await take(store, ONE), await take(store, TWO, "other")]

    assert taken == [1, None, 1, 1]


async def test_one_of_many_gets_it(store: Store) -> None:
    """Of workers that reach for a lease at the same moment exactly one gets it."""
    tokens = await asyncio.gather(*(take(store, Worker.new()) for _ in range(10)))

    assert [token for token in tokens if token] == [1]


async def test_it_is_taken_over_when_it_ran_out(store: Store) -> None:
    """A lease that is not renewed is another's, under a higher token, and the former holder is refused."""
    await take(store, ONE)
    await run(store, "UPDATE lease SET until = 1")

    assert [await take(store, TWO), await take(store, ONE)] == [2, None]


async def test_it_is_let_go_at_once(store: Store) -> None:
    """Whoever stops lets the next one have the lease without a wait; whoever lost it lets go of nothing."""
    await take(store, ONE)
    await store.write(partial(leases.let_go, name="scheduler", worker=ONE))
    taken = await take(store, TWO)
    await store.write(partial(leases.let_go, name="scheduler", worker=ONE))

    assert (taken, await take(store, ONE)) == (2, None)


# -- timers -----------------------------------------------------------------------------------------------------------


async def slot(store: Store, every: timedelta = MINUTE, name: str = "sweep") -> Slot | None:
    return await store.write(partial(timers.take, name=name, every=every, now=NOON))


async def finish(store: Store, taken: Slot) -> None:
    await store.write(partial(timers.finish, name="sweep", slot=taken.at))


async def test_a_slot_is_taken_once(store: Store) -> None:
    """Whoever comes first in a slot has it; other timers have slots of their own."""
    every = timedelta(days=30)  # so that it does not end while we look
    taken = await asyncio.gather(*(slot(store, every) for _ in range(10)))

    assert [one is not None for one in taken].count(True) == 1
    assert await slot(store, every, "other") is not None


async def test_the_next_slot_is_another(store: Store) -> None:
    """Once a slot is over the next one is to be had, and nothing was missed if it was finished."""
    first = await slot(store)
    assert first
    await finish(store, first)
    await run(store, f"UPDATE timer SET slot = slot - {MINUTE_MICROS}, done = done - {MINUTE_MICROS}")  # noqa: S608
    second = await slot(store)

    assert second
    assert (first.missed, second.missed) == (0, 0)


@pytest.mark.parametrize(("was_finished", "missed"), [(True, 4), (False, 5)])
async def test_missed_slots_are_counted(store: Store, was_finished: bool, missed: int) -> None:  # noqa: FBT001 - a parameter
    """Slots in which nobody woke up, and one that was begun and not finished, are known to the next."""
    first = await slot(store)
    assert first
    if was_finished:
        await finish(store, first)
    await run(store, f"UPDATE timer SET slot = slot - {5 * MINUTE_MICROS}, done = done - {5 * MINUTE_MICROS}")  # noqa: S608
    later = await slot(store)

    assert later
    assert later.missed == missed


async def test_a_clock_that_was_put_back_a_little(store: Store) -> None:
    """Slots that come a second time are not taken a second time."""
    await slot(store)
    await run(store, f"UPDATE timer SET slot = slot + {30 * MINUTE_MICROS}")  # noqa: S608

    assert await slot(store) is None


async def test_a_clock_that_had_been_far_ahead(store: Store) -> None:
    """A clock that had been wrong by hours stops no timer for hours."""
    await slot(store)
    await run(store, f"UPDATE timer SET slot = slot + {600 * MINUTE_MICROS}, done = slot + {600 * MINUTE_MICROS}")  # noqa: S608
    again = await slot(store)

    assert again
    assert again.missed < 0


async def test_a_late_end_changes_nothing(store: Store) -> None:
    """Whoever finishes a slot after the next one was taken does not say that the next one is done."""
    first = await slot(store)
    assert first
    await finish(store, Slot(at=first.at - MINUTE_MICROS, missed=0))
    await run(store, f"UPDATE timer SET slot = slot - {MINUTE_MICROS}, done = done - {MINUTE_MICROS}")  # noqa: S608
    second = await slot(store)

    assert second
    assert second.missed == 1
