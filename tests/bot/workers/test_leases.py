"""Leases at work: one worker does what only one may, another takes over, and whoever lost one stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.leases import Leases
from bot.store.postgres import PostgresStore
from bot.store.sqlite import SqliteStore
from bot.store.workers import Worker
from bot.timers import Timers
from tests.clock import NOON, StillClock

LEASE = timedelta(seconds=0.6)
PATIENCE_S = 15


class Doing:
    """Something that only one may do: says when it begins and ends, and under which lease."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[None]:
        self.now.append(name)
        self.begun.set()
        try:
            yield
        finally:
            self.now.remove(name)
            self.ended.set()


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url, key=bytes(32))
    yield opened
    await opened.close()


def leases(store: PostgresStore) -> Leases:
    return Leases(store=store, clock=StillClock(NOON), worker=Worker.new(lease=LEASE))


async def steal(store: PostgresStore) -> None:
    """Give every lease to somebody else, for long."""
    sql = "UPDATE lease SET owner = 'another', until = until + 3600000000, token = token + 1"
    await store.write(lambda transaction: transaction.execute(sql))


async def test_another_takes_over(store: PostgresStore) -> None:
    """The second one stands by, and begins as soon as the first lets go."""
    first, second = Doing(), Doing()
    async with AsyncExitStack() as later:
        async with leases(store).held(["scheduler"], first):
            await later.enter_async_context(leases(store).held(["scheduler"], second))
            during = (list(first.now), list(second.now))
        await soon(second.begun)

        assert during == (["scheduler"], [])
        assert first.now == []


async def test_a_worker_that_died_is_replaced(store: PostgresStore) -> None:
    """What nobody renews is taken over once it has run out."""
    dead = "INSERT INTO lease (tenant, name, owner, until, token) VALUES ('', 'scheduler', 'dead', :database_now, 7)"
    await store.write(lambda transaction: transaction.execute(dead))
    doing = Doing()
    async with leases(store).held(["scheduler"], doing):
        await soon(doing.begun)


async def test_whoever_lost_it_stops(store: PostgresStore) -> None:
    """A worker whose lease is another's by now stops what it did under it, and says so."""
    doing, ours = Doing(), leases(store)
    with capture_logs() as logged:
        async with ours.held(["scheduler"], doing):
            held = ours.holds("scheduler")
            await steal(store)
            await soon(doing.ended)

            assert (held, ours.holds("scheduler")) == (True, False)
    assert [line["lease"] for line in logged if line["event"] == "lease.lost"] == ["scheduler"]


async def test_a_held_lease_is_renewed(store: PostgresStore) -> None:
    """Nobody else gets a lease that is renewed, however long it is held."""
    doing, waiting = Doing(), Doing()
    async with leases(store).held(["scheduler"], doing), leases(store).held(["scheduler"], waiting):
        sql = "SELECT until FROM lease"
        (first,) = await store.read(lambda transaction: transaction.fetch(sql))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                (row,) = await store.read(lambda transaction: transaction.fetch(sql))
                if row["until"] >= first["until"] + 2 * LEASE // timedelta(microseconds=1):
                    break
                await asyncio.sleep(0.05)

        assert (doing.now, waiting.now) == (["scheduler"], [])


async def test_each_takes_one_that_is_free(store: PostgresStore) -> None:
    """Of several leases of a kind each worker takes one; when there is none left, a worker goes on without."""
    names = ["socket-0", "socket-1"]
    doings = [Doing() for _ in range(3)]
    async with AsyncExitStack() as held:
        for doing in doings:
            await held.enter_async_context(leases(store).held(names, doing))

        assert [doing.now for doing in doings] == [["socket-0"], ["socket-1"], []]


async def test_what_fails_at_the_start_is_raised(store: PostgresStore) -> None:
    """What cannot begin under a lease ends the start of its worker, and leaves the lease to the next one."""

    def failing(_name: str) -> AbstractAsyncContextManager[None]:
        raise errors.PlatformKeyError

    with pytest.raises(errors.PlatformKeyError):
        async with leases(store).held(["scheduler"], failing):
            pass
    doing = Doing()
    async with leases(store).held(["scheduler"], doing):
        assert doing.now == ["scheduler"]


async def test_whoever_is_alone_has_every_lease(database: Path) -> None:
    """Where no other process can be, everything begins at once and nothing is written for it."""
    doing = Doing()
    store = await SqliteStore.open(database)
    ours = Leases(store=store, clock=StillClock())
    async with ours.held(["scheduler"], doing):
        found = await store.read(lambda transaction: transaction.fetch("SELECT * FROM lease"))
    await store.close()

    assert (doing.ended.is_set(), found) == (True, [])


# -- timers -----------------------------------------------------------------------------------------------------------


async def test_a_timer_fires_once_a_slot(store: PostgresStore) -> None:
    """Of workers that wake up in the same slot one runs what is due; the others do nothing."""
    runs: list[int] = []

    async def sweep() -> None:
        runs.append(1)

    every = timedelta(days=30)
    sweeps = [Timers(store=store, clock=StillClock()).once("sweep", every, sweep) for _ in range(4)]
    done = await asyncio.gather(*(one() for one in sweeps))

    assert (sum(map(bool, done)), len(runs)) == (1, 1)


async def test_a_failed_slot_is_made_up_for(store: PostgresStore) -> None:
    """A slot whose run failed is said to be merged with the next one."""

    async def failing() -> None:
        raise LookupError

    async def fine() -> None: ...

    timers, every = Timers(store=store, clock=StillClock()), timedelta(minutes=1)
    with pytest.raises(LookupError):
        await timers.once("sweep", every, failing)()
    back = "UPDATE timer SET slot = slot - 60000000, done = done - 60000000"
    await store.write(lambda transaction: transaction.execute(back))
    with capture_logs() as logged:
        await timers.once("sweep", every, fine)()

    (line,) = [line for line in logged if line["event"] == "timer.merged"]
    assert (line["timer"], line["slots"]) == ("sweep", 1)
