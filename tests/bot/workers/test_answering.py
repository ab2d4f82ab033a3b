"""Several workers answer from one inbox: each message once, each room in its order, whatever becomes of one of them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.holds import Holds
from bot.lanes import MAX_WAITING
from bot.messages import Member
from bot.ports import Post
from bot.prompt import Prompt
from bot.store.workers import Worker
from persona.ports import Usage
from tests.bot.desk import TENANT, Paper, room
from tests.bot.hall import Hall
from tests.clock import StillClock
from tests.models import ScriptedModel

ANA = Member(tenant=TENANT, id="U1", name="Ana")
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
PATIENCE_S = 10


class Gated(ScriptedModel):
    """A model that says when it is asked, and answers once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.gate = asyncio.Event(), asyncio.Event()

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        self.is_asked.set()
        await self.gate.wait()
        async for piece in super().answer(prompt):
            yield piece


class Slow(Paper):
    """A platform that says when it is handed a post, and takes it once it may; it takes posts away again."""

    def __init__(self) -> None:
        super().__init__("slack")
        self.is_handed, self.gate = asyncio.Event(), asyncio.Event()
        self.removed: list[str] = []

    async def post(self, post: Post) -> str:
        self.is_handed.set()
        await self.gate.wait()
        await super().post(post)
        return "late"

    async def remove(self, post: Post, post_id: str) -> None:
        self.removed.append(post_id)


@asynccontextmanager
async def worker(url: str, clock: StillClock, model: ScriptedModel | None = None) -> AsyncIterator[Hall]:
    """One more worker on a database. Nothing of it runs by itself: a test says when it looks."""
    async with Hall.opened(Path(), clock, model, database_url=url, persona_key=KEY) as hall:
        yield hall


async def run_out(hall: Hall) -> None:
    """Let every lease run out, as if its worker had been silent for long enough."""
    sql = "UPDATE inbox SET lease_until = 1 WHERE lease_owner IS NOT NULL"
    await hall.store.write(lambda transaction: transaction.execute(sql))


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def states(hall: Hall) -> list[str]:
    sql = "SELECT state FROM inbox WHERE settled_at IS NOT NULL ORDER BY position"
    return [row["state"] for row in await hall.store.read(lambda transaction: transaction.fetch(sql))]


def events(logged: Any) -> list[str]:
    return [line["event"] for line in logged]


async def test_a_room_keeps_its_order(url: str, clock: StillClock) -> None:
    """What comes to another worker waits for the answer before it, and then comes without anybody looking again."""
    model = Gated()
    async with worker(url, clock, model) as one, worker(url, clock) as two:
        await one.accepts(ANA, "first")
        await soon(model.is_asked)
        await two.accepts(ANA, "second")
        await two.core.lanes.drained()
        before = list(two.slack.posted)
        model.gate.set()
        await one.core.lanes.drained()

        assert before == []
        assert len(one.slack.posted) == 2
        assert await states(one) == ["answered", "answered"]


async def test_other_rooms_do_not_wait(url: str, clock: StillClock) -> None:
    """A worker answers in one room while another one is at it in the next."""
    model = Gated()
    async with worker(url, clock, model) as one, worker(url, clock) as two:
        await one.accepts(ANA, "first")
        await soon(model.is_asked)
        await two.says(ANA, "elsewhere", room("C2"))

        assert len(two.slack.posted) == 1
        model.gate.set()
        await one.core.lanes.drained()


async def test_a_dead_workers_message_is_taken_over(url: str, clock: StillClock) -> None:
    """What a worker had that died is answered by another once its lease is over, and not before; the rest follows."""
    model = Gated()
    async with worker(url, clock, model) as dead, worker(url, clock) as two:
        await dead.accepts(ANA, "first")
        await soon(model.is_asked)
        await dead.accepts(ANA, "second")
        early = await two.core.intake.take_over()
        await run_out(two)
        late = await two.core.intake.take_over()
        await two.core.lanes.drained()

        assert (early, late) == (0, 1)
        assert len(two.slack.posted) == 2


async def test_a_woken_worker_writes_nothing(url: str, clock: StillClock) -> None:
    """A worker that wakes up after another answered for it posts nothing, changes nothing, and says so in its log."""
    model = Gated()
    async with worker(url, clock, model) as zombie, worker(url, clock) as two:
        await zombie.accepts(ANA, "hello")
        await soon(model.is_asked)
        await run_out(two)
        await two.core.intake.take_over()
        await two.core.lanes.drained()
        with capture_logs() as logged:
            model.gate.set()
            await zombie.core.lanes.drained()

        assert (len(two.slack.posted), zombie.slack.posted) == (1, [])
        assert "message.lost" in events(logged)
        assert await states(two) == ["answered"]


async def test_what_a_woken_worker_paid_is_counted(url: str, clock: StillClock) -> None:
    """The model's answer that comes too late costs money all the same, and is in the books."""
    model = Gated()
    async with worker(url, clock, model) as zombie, worker(url, clock) as two:
        await zombie.accepts(ANA, "hello")
        await soon(model.is_asked)
        await run_out(two)
        await two.core.intake.take_over()
        await two.core.lanes.drained()
        model.gate.set()
        await zombie.core.lanes.drained()

        sql = "SELECT count(DISTINCT call) AS number FROM usage"
        (row,) = await two.store.read(lambda transaction: transaction.fetch(sql))
        assert row["number"] == 2


async def test_a_woken_workers_post_is_taken_away(url: str, clock: StillClock) -> None:
    """A post that was on its way when its worker was stopped, and came beside another worker's, is removed again."""
    slow = Slow()
    async with worker(url, clock) as zombie, worker(url, clock) as two:
        zombie.core.adapters["slack"] = slow
        await zombie.accepts(ANA, "hello")
        await soon(slow.is_handed)
        await run_out(two)
        await two.core.intake.take_over()
        await two.core.lanes.drained()
        slow.gate.set()
        await zombie.core.lanes.drained()

        assert (len(two.slack.posted), slow.removed) == (1, ["late"])


async def test_a_post_that_was_adopted_stays(url: str, clock: StillClock) -> None:
    """What another worker found and went on with is the reply: whoever posted it leaves it alone."""
    slow = Slow()
    async with worker(url, clock) as zombie, worker(url, clock) as two:
        zombie.core.adapters["slack"] = slow
        await zombie.accepts(ANA, "hello")
        await soon(slow.is_handed)
        await run_out(two)
        two.slack.found = "late"
        await two.core.intake.take_over()
        await two.core.lanes.drained()
        slow.gate.set()
        await zombie.core.lanes.drained()

        assert (two.slack.posted, slow.removed) == ([], [])
        assert await states(two) == ["answered"]


async def test_a_full_room_is_full_for_every_worker(url: str, clock: StillClock) -> None:
    """However the messages of a room are spread over workers, as many wait as may, and the next one is turned away."""
    model = Gated()
    async with worker(url, clock, model) as one, worker(url, clock) as two:
        await one.accepts(ANA, "first")
        await soon(model.is_asked)
        for number in range(MAX_WAITING):
            await (one, two)[number % 2].accepts(ANA, f"more {number}")
        await two.core.lanes.drained()
        before = list(two.slack.posted)
        await two.accepts(ANA, "too much")
        await two.core.lanes.drained()

        assert before == []
        assert ["skip this one" in text for _, text in two.slack.posted] == [True]
        model.gate.set()
        await one.core.lanes.drained()


async def test_a_renewed_lease_is_not_taken_over(url: str, clock: StillClock) -> None:
    """A model that takes minutes is waited for: what is being answered is renewed, and no other worker takes it."""
    model = Gated()
    async with worker(url, clock, model) as one, worker(url, clock) as two:
        await one.accepts(ANA, "hello")
        await soon(model.is_asked)
        await run_out(two)
        await one.core.holds.renew()

        assert await two.core.intake.take_over() == 0
        model.gate.set()
        await one.core.lanes.drained()
        assert len(one.slack.posted) == 1


async def test_a_lost_lease_is_known_before_anything_is_posted(url: str, clock: StillClock) -> None:
    """A renewal that does not bring a message back means that another worker has it: nothing is posted any more."""
    model = Gated()
    async with worker(url, clock, model) as one, worker(url, clock) as two:
        message = await one.accepts(ANA, "hello")
        await soon(model.is_asked)
        one.core.holds.check(message.answer)
        await run_out(two)
        await two.core.intake.take_over()
        await two.core.lanes.drained()
        await one.core.holds.renew()

        with pytest.raises(errors.LeaseLostError):
            one.core.holds.check(message.answer)
        model.gate.set()
        await one.core.lanes.drained()


async def test_a_lease_ends_by_ones_own_clock(url: str, clock: StillClock) -> None:
    """A worker that could not renew stops posting when its lease is over, without asking anybody."""
    async with worker(url, clock) as hall:
        message = await hall.accepts(ANA, "hello")
        await hall.core.lanes.drained()
        holds = Holds(store=hall.store, clock=clock, worker=Worker.new(lease=timedelta(seconds=10)))
        now = asyncio.get_running_loop().time()
        with holds.holding(message, token=1, since=now - 5):
            holds.check(message.answer)
        with holds.holding(message, token=1, since=now - 10), pytest.raises(errors.LeaseLostError):
            holds.check(message.answer)


async def test_a_try_that_failed_is_given_back(url: str, clock: StillClock) -> None:
    """A message whose try failed is tried again by whichever worker sweeps next, and holds up no other meanwhile."""
    async with worker(url, clock) as one, worker(url, clock) as two:
        one.slack.is_down = True
        await one.accepts(ANA, "first")
        await one.core.lanes.drained()
        await two.accepts(ANA, "second")
        await two.core.lanes.drained()
        second = len(two.slack.posted)
        recovered = await two.core.intake.recover()
        await two.core.lanes.drained()

        assert (second, recovered, len(two.slack.posted)) == (1, 1, 2)
