"""A workspace that learns by batch: a real file, the real SDK, the twin of its API; it can be killed at any step."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bot.applying import Terms
from bot.budgets import Budgets
from bot.learning import Learning, Pace
from bot.messages import Member, Message, MessageId, Room
from bot.models.anthropic import AnthropicModel, Deadlines
from bot.outcomes import Swept
from bot.ports import BatchModel, BatchResult
from bot.store import inbox, sessions
from bot.store.engine import Store, Unit
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona import store as personas
from persona.optimizer import Optimizer
from persona.ports import StructuredRequest
from tests.bot.talk import SCHEMA
from tests.clock import StillClock
from tests.twins.anthropic import AnthropicTwin
from tests.twins.anthropic.batches import Batch

T = TypeVar("T")

BATCHES = "/v1/messages/batches"
_STATED = {"location": re.compile(r"I live in (\w+)"), "preferred_name": re.compile(r"[Cc]all me (\w+)")}


class KilledError(BaseException):
    """The process is gone. No handler of ours catches it."""


async def _die() -> None:
    raise KilledError


class Fuse:
    """Kills at one of the steps, or lets something else happen: even numbers before it takes effect, odd ones after."""

    def __init__(self, at: int | None = None, event: Callable[[], Awaitable[None]] = _die) -> None:
        self._at = at
        self._event = event
        self.passed = 0

    async def step(self, act: Callable[[], Awaitable[T]]) -> T:
        await self._tick()
        result = await act()
        await self._tick()
        return result

    async def _tick(self) -> None:
        self.passed += 1
        if self.passed - 1 == self._at:
            await self._event()


class FusedStore:
    """See `bot.store.engine.Store`; every write is a step."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close

    async def write(self, unit: Unit[T]) -> T:
        return await self._fuse.step(partial(self._store.write, unit))


class FusedBatches:
    """See `bot.ports.BatchModel`; every call is a step."""

    def __init__(self, model: BatchModel, fuse: Fuse) -> None:
        self._model = model
        self._fuse = fuse

    async def submit(self, questions: Mapping[str, StructuredRequest]) -> str:
        return await self._fuse.step(partial(self._model.submit, questions))

    async def ended(self, batches: Collection[str]) -> set[str]:
        return await self._fuse.step(partial(self._model.ended, batches))

    async def results(self, batch: str) -> list[BatchResult]:
        return await self._fuse.step(partial(self._model.results, batch))

    async def discard(self, batch: str) -> None:
        return await self._fuse.step(partial(self._model.discard, batch))


class Office:
    """Open it with `Office.opened`. Everything in it starts anew with `start`; the file and the API stay."""

    def __init__(self, database: Path, clock: StillClock, twin: AnthropicTwin) -> None:
        self.database, self.clock, self.twin = database, clock, twin
        self.pace = Pace(idle_after=timedelta(minutes=30), by_batch=True)
        self.told: list[Member] = []
        self.monthly: int | None = None
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: Path, clock: StillClock) -> AsyncIterator[Office]:
        async with AnthropicTwin() as twin:
            twin.default = honest
            office = cls(database, clock, twin)
            await office.start()
            await office._model.warm()  # importing the SDK takes longer than a test may wait
            yield office
            await office.stop()

    async def start(self, fuse: Fuse | None = None) -> None:
        self.store = await SqliteStore.open(self.database)
        self._model = AnthropicModel(
            key="test-key",
            base_url=self.twin.url,
            answer_model="claude-sonnet-5-5",
            persona_model="claude-haiku-5-5",
            clock=self.clock,
            deadlines=Deadlines(whole=30.0, silence=30.0),
        )
        fuse = fuse or Fuse()
        self.learning = Learning(
            store=FusedStore(self.store, fuse),
            optimizer=Optimizer(model=self._model, schema=SCHEMA),
            terms=Terms(schema=SCHEMA, default="on"),
            pace=self.pace,
            clock=self.clock,
            tell=self._tell,
            budgets=Budgets(
                store=self.store, clock=self.clock, models={"learn": "claude-haiku-5-5"}, monthly=self.monthly
            ),
            batch_model=FusedBatches(self._model.batches, fuse),
        )

    async def stop(self) -> None:
        await self._model.close()
        await self.store.close()

    async def restart(self, fuse: Fuse | None = None) -> None:
        """Lose everything that is not in the file, and begin again."""
        await self.stop()
        await self.start(fuse)

    async def _tell(self, where: Room, who: Member, view: View) -> bool:
        self.told.append(who)
        return True

    # -- what members do ----------------------------------------------------------------------------------------------

    async def says(self, who: Member, text: str, where: Room) -> Message:
        self._count += 1
        self.clock.advance(seconds=1)
        message = Message(id=MessageId(f"{self._count}.0"), room=where, author=who, text=text, said_at=self.clock.now())
        await self.store.write(partial(inbox.accept, message=message, now=self.clock.now()))
        return message

    async def asks(self, who: Member, text: str, where: Room) -> Message:
        """Say something that is to be learned at once."""
        message = await self.says(who, text, where)
        await self.store.write(partial(sessions.want, room=where))
        return message

    # -- what happens to batches --------------------------------------------------------------------------------------

    async def sweep(self) -> Swept:
        """Sweep once, an hour later, when everybody fell silent."""
        self.clock.advance(hours=1)
        return await self.learning.sweep()

    @property
    def running(self) -> list[Batch]:
        return [batch for batch in self.twin.batches.values() if batch.status != "ended"]

    async def submitted(self) -> Batch:
        """The one batch that the sweep made of everything said so far."""
        await self.sweep()
        (batch,) = self.running
        return batch

    async def finish(self) -> None:
        """End every batch that runs."""
        for batch in self.running:
            await self.twin.finish_batch(batch.id)

    async def settle(self) -> None:
        """Sweep and end batches until nothing is left to learn, at most for two days."""
        for _ in range(2 * 24 * 6):
            self.clock.advance(minutes=10)
            await self.learning.sweep()
            await self.finish()
            if not await self.left():
                return
        raise AssertionError("something is still not learned")

    # -- what came of it ----------------------------------------------------------------------------------------------

    async def facts(self, who: Member) -> list[str]:
        persona = await self.store.read(partial(personas.read, member=who.key, at=self.clock.now()))
        return sorted(f"{fact.field}: {fact.value}" for fact in persona.facts)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async def select(transaction: Any) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await transaction.fetch(sql)]

        return await self.store.read(select)

    async def left(self) -> list[tuple[Any, ...]]:
        """What is not over: conversations with something to learn, and requests without a result."""
        return [
            *await self.rows("SELECT room FROM conversation WHERE learned_through < last_position"),
            *await self.rows("SELECT id FROM batch_request"),
        ]

    async def learned(self) -> int:
        """How many calls taught something or might have: each leaves its usage behind."""
        ((number,),) = await self.rows("SELECT count(DISTINCT call) FROM usage")
        return int(number)

    @property
    def requests(self) -> list[list[dict[str, Any]]]:
        """The requests of every batch that was submitted, as the API got them."""
        calls = self.twin.calls(BATCHES, method="POST")
        return [[row["params"] for row in call.body["requests"]] for call in calls]

    def asked(self, method: str, path: str = BATCHES) -> int:
        """How many calls of the API there were."""
        return len(self.twin.calls(path, method=method))


def honest(body: dict[str, Any]) -> dict[str, Any]:
    """What a model that reads well answers: where somebody lives, and how they want to be called."""
    said = [line for session in transcript(body) for line in session]
    return {
        "operations": [
            {"op": "set", "field": field, "value": found[1], "evidence": [f"{short_id} {found[0]}"]}
            for short_id, _, text, *_ in said
            for field, pattern in _STATED.items()
            if (found := pattern.search(text))
        ]
    }


def transcript(body: dict[str, Any]) -> list[list[list[str]]]:
    """The lines of each session of a request."""
    data = json.loads(body["messages"][0]["content"])
    return [session["messages"] for session in data["sessions"]]
