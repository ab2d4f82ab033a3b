"""Lanes: in each room one thing at a time and in order, across rooms side by side, and an end that waits a little."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot import lanes
from bot.lanes import Job, Lanes

PATIENCE_S = 2
"""What takes longer hangs."""


class Work:
    """Jobs that say when they begin and end, and wait until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

    def job(self, name: str, *, waits: bool = True) -> Job:
        gate = self._gates.setdefault(name, asyncio.Event())
        if not waits:
            gate.set()

        async def job() -> None:
            self._note(self.begun, name)
            try:
                await gate.wait()
            except asyncio.CancelledError:
                self._note(self.cancelled, name)
                raise
            self._note(self.ended, name)

        return job

    def _note(self, where: list[str], name: str) -> None:
        where.append(name)
        self._changed.set()

    def release(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def soon(awaited: Awaitable[None]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await awaited


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a job that never ends."""
    monkeypatch.setattr(lanes, "GRACE_S", 0.02)


@pytest.fixture
async def running() -> AsyncIterator[Lanes]:
    async with Lanes(max_waiting=3, max_running=4) as opened:
        yield opened


# -- order ------------------------------------------------------------------------------------------------------------


async def test_one_at_a_time_in_order(running: Lanes, work: Work) -> None:
    """In one lane a job begins when the one before it ended, in the order they were submitted."""
    for name in "abc":
        running.submit("room", name, work.job(name))
    await settle()
    steps = [list(work.begun)]
    for name in "abc":
        work.release(name)
        await settle()
        steps.append(list(work.begun))

    assert steps == [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]
    assert work.ended == ["a", "b", "c"]


async def test_many_jobs_in_one_lane(running: Lanes, work: Work) -> None:
    """However many are submitted, each is run once and in order."""
    names = [str(number) for number in range(100)]
    for name in names:
        running.submit("room", name, work.job(name, waits=False))
    await soon(running.drained("room"))

    assert work.ended == names


async def test_lanes_run_side_by_side(running: Lanes, work: Work) -> None:
    """A room that waits for its answer holds up no other room."""
    running.submit("slow", "a", work.job("a"))
    running.submit("quick", "b", work.job("b", waits=False))
    await soon(running.drained("quick"))

    assert (work.begun, work.ended) == (["a", "b"], ["b"])


async def test_a_job_may_submit_the_next(running: Lanes, work: Work) -> None:
    """A job submitted by a running one in its own lane is run after it."""

    async def first() -> None:
        running.submit("room", "b", work.job("b", waits=False))
        work.ended.append("a")

    running.submit("room", "a", first)
    await soon(running.drained("room"))

    assert work.ended == ["a", "b"]


async def test_a_lane_can_be_used_again(running: Lanes, work: Work) -> None:
    """A lane that ran empty takes jobs as before."""
    for name in "ab":
        running.submit("room", name, work.job(name, waits=False))
        await soon(running.drained("room"))

    assert work.ended == ["a", "b"]


async def test_a_job_submitted_at_the_very_end_is_run(running: Lanes, work: Work) -> None:
    """A job submitted while the lane's last one ends, at whatever step of it, is not lost."""
    for steps in range(6):
        running.submit("room", f"a{steps}", work.job(f"a{steps}", waits=False))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.submit("room", f"b{steps}", work.job(f"b{steps}", waits=False))
        await soon(running.drained("room"))

    assert work.ended == [f"{letter}{steps}" for steps in range(6) for letter in "ab"]


async def test_only_so_many_rooms_at_once(running: Lanes, work: Work) -> None:
    """Beyond the bound a room waits for another to be done, and is then served; first come, first served."""
    for name in "abcdef":
        running.submit(f"room {name}", name, work.job(name))
    await settle()
    at_first = list(work.begun)
    work.release("b")
    await settle()
    then = list(work.begun)
    work.release(*"acdef")
    await settle()

    assert (at_first, then) == (list("abcd"), list("abcde"))
    assert sorted(work.ended) == list("abcdef")


async def test_one_member_takes_only_their_share(work: Work) -> None:
    """However many rooms one member writes into, only two of four are answered at once, and others find room."""
    async with Lanes(max_running=4, max_running_of_one=2) as opened:
        for name in "abcdef":
            opened.submit(f"room {name}", name, work.job(name), whose="greedy")
        for name in "xyz":
            opened.submit(f"room {name}", name, work.job(name), whose=name)
        await settle()
        at_first = set(work.begun)
        work.release("a")
        await settle()
        then = set(work.begun)
        work.release(*"bcdefxyz")
        await soon(opened.drained())

    assert (at_first, then) == (set("abxy"), set("abxyz"))
    assert sorted(work.ended) == list("abcdefxyz")


async def test_nobodys_jobs_have_no_share(work: Work) -> None:
    """What is done for nobody, such as a sweep, is bounded by the rooms alone."""
    async with Lanes(max_running=4, max_running_of_one=1) as opened:
        for name in "abcd":
            opened.submit(f"room {name}", name, work.job(name))
        await settle()
        begun = list(work.begun)
        work.release(*"abcd")

    assert begun == list("abcd")


# -- how much waits ---------------------------------------------------------------------------------------------------


async def test_a_lane_says_when_it_is_full(running: Lanes, work: Work) -> None:
    """A lane in which as much waits as may is full, no other is, and it is not once something was done."""
    before = running.is_full("room")
    for name in "abcd":
        running.submit("room", name, work.job(name))
    await settle()
    during, elsewhere = running.is_full("room"), running.is_full("other")
    work.release(*"abcd")
    await soon(running.drained("room"))

    assert (before, during, elsewhere, running.is_full("room")) == (False, True, False, False)


async def test_what_runs_does_not_wait(running: Lanes, work: Work) -> None:
    """The job that is being worked on is not one of those that wait: three may wait beside it."""
    fullness = []
    for name in "abcd":
        running.submit("room", name, work.job(name))
        await settle()
        fullness.append(running.is_full("room"))
    work.release(*"abcd")
    await soon(running.drained("room"))

    assert fullness == [False, False, False, True]


async def test_a_full_lane_still_takes_jobs(running: Lanes, work: Work) -> None:
    """The bound is the caller's to keep: what is submitted is run."""
    for number in range(10):
        running.submit("room", number, work.job(str(number), waits=False))
    await soon(running.drained("room"))

    assert len(work.ended) == 10


async def test_a_lane_knows_what_it_holds(running: Lanes, work: Work) -> None:
    """A job is known by its name while it waits and while it runs, in its lane alone, and not afterwards."""
    running.submit("room", "a", work.job("a"))
    running.submit("room", "b", work.job("b"))
    await settle()
    held = [running.holds("room", "a"), running.holds("room", "b")]
    not_held = [running.holds("room", "c"), running.holds("other", "a")]
    work.release("a", "b")
    await soon(running.drained("room"))

    assert (held, not_held) == ([True, True], [False, False])
    assert not running.holds("room", "a")


# -- waiting for a lane -----------------------------------------------------------------------------------------------


async def test_an_empty_lane_is_drained(running: Lanes) -> None:
    """Nobody waits for a lane in which nothing is to be done."""
    await soon(running.drained("room"))


async def test_everybody_waiting_for_a_lane_is_woken(running: Lanes, work: Work) -> None:
    """All who wait for a lane go on when its last job ended, and not before."""
    running.submit("room", "a", work.job("a"))
    running.submit("room", "b", work.job("b"))
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(soon(running.drained("room"))) for _ in range(3)]
        work.release("a")
        await settle()
        early = [task.done() for task in waiting]
        work.release("b")

    assert early == [False] * 3
    assert work.ended == ["a", "b"]


async def test_all_lanes_can_be_waited_for(running: Lanes, work: Work) -> None:
    """Whoever waits for every lane goes on when the last job of the last one ended."""
    running.submit("room", "a", work.job("a"))
    running.submit("other", "b", work.job("b"))
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(soon(running.drained()))
        work.release("a")
        await settle()
        early = waiting.done()
        work.release("b")

    assert not early
    assert sorted(work.ended) == ["a", "b"]


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_leaving_lets_running_jobs_end(work: Work) -> None:
    """An answer that is being written when the process stops is finished."""
    async with Lanes() as opened:
        opened.submit("room", "a", work.job("a"))
        await settle()
        asyncio.get_running_loop().call_soon(work.release, "a")

    assert work.ended == ["a"]


async def test_leaving_does_not_begin_what_waits(work: Work) -> None:
    """What waits when the process stops is not begun: it is in the inbox and comes back."""
    async with Lanes() as opened:
        opened.submit("room", "a", work.job("a"))
        opened.submit("room", "b", work.job("b", waits=False))
        await settle()
        asyncio.get_running_loop().call_soon(work.release, "a")

    assert (work.begun, work.ended) == (["a"], ["a"])


async def test_leaving_does_not_begin_a_waiting_room(work: Work) -> None:
    """A room that waits for its turn when the process stops does not begin a call that nobody will wait for."""
    async with Lanes(max_running=1) as opened:
        opened.submit("room", "a", work.job("a"))
        opened.submit("other", "b", work.job("b"))
        await settle()
        asyncio.get_running_loop().call_soon(work.release, "a")

    assert (work.begun, work.ended) == (["a"], ["a"])


async def test_leaving_cancels_what_does_not_end(work: Work) -> None:
    """A job that does not end within the grace is cancelled, and has cleaned up when the lanes are left."""
    async with Lanes() as opened:
        opened.submit("room", "a", work.job("a"))
        opened.submit("other", "b", work.job("b"))
        await settle()

    assert sorted(work.cancelled) == ["a", "b"]
    assert work.ended == []


async def test_leaving_empty_lanes_takes_no_time(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    """Where nothing runs, a stop does not wait for the grace to pass."""
    monkeypatch.setattr(lanes, "GRACE_S", 3_600)
    async with asyncio.timeout(PATIENCE_S), Lanes() as opened:
        opened.submit("room", "a", work.job("a", waits=False))
        await opened.drained("room")

    assert work.ended == ["a"]


async def test_nothing_is_taken_after_the_end(work: Work) -> None:
    """A job submitted after the lanes were drained is left to the next start."""
    async with Lanes() as opened:
        await opened.drain()
        opened.submit("room", "a", work.job("a", waits=False))
        await settle()
        holds = opened.holds("room", "a")

    assert (work.begun, holds) == ([], False)


async def test_draining_twice_is_harmless(work: Work) -> None:
    """Lanes that were drained already, as at every stop, are left like others."""
    async with Lanes() as opened:
        opened.submit("room", "a", work.job("a"))
        await settle()
        await opened.drain()
        await opened.drain()

    assert work.cancelled == ["a"]


async def test_nobody_waits_for_a_cancelled_lane(work: Work) -> None:
    """Whoever waits for a lane goes on when its job was cancelled at the end."""
    async with Lanes() as opened:
        opened.submit("room", "a", work.job("a"))
        await settle()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(soon(opened.drained("room")))
            await opened.drain()

    assert waiting.done()


async def test_an_error_in_the_body_is_raised(work: Work) -> None:
    """When the body of the context raises, jobs get their grace all the same and the error goes on as it is."""

    async def body() -> None:
        async with Lanes() as opened:
            opened.submit("room", "a", work.job("a"))
            await settle()
            asyncio.get_running_loop().call_soon(work.release, "a")
            raise LookupError

    with pytest.raises(LookupError):
        await body()

    assert work.ended == ["a"]


async def test_a_cancelled_body_is_cancelled(work: Work) -> None:
    """When whoever runs the lanes is cancelled, running jobs get their grace all the same."""

    async def body() -> None:
        async with Lanes() as opened:
            opened.submit("room", "a", work.job("a"))
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(body())
        await settle()
        asyncio.get_running_loop().call_soon(work.release, "a")
        task.cancel()

    assert task.cancelled()
    assert work.ended == ["a"]


async def test_a_job_that_raises_does_not_close_its_room(running: Lanes, work: Work) -> None:
    """Jobs must not raise; one that does all the same spoils neither its room for later jobs nor other rooms."""

    async def broken() -> None:
        raise LookupError

    running.submit("room", "a", broken)
    running.submit("other", "b", work.job("b", waits=False))
    await settle()
    running.submit("room", "c", work.job("c", waits=False))
    await soon(running.drained())

    assert work.ended == ["b", "c"]
