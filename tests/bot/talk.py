"""A workspace in which things are said, and then nothing is: what the tests of learning are built from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from bot import errors
from bot.applying import Terms
from bot.budgets import Budgets
from bot.consent import Default
from bot.learning import Learning, Pace
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import inbox, sessions
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona import schema
from persona import store as personas
from persona.audience import RoomKind
from persona.optimizer import Optimizer
from persona.ports import StructuredReply, StructuredRequest
from tests.clock import StillClock
from tests.models import ScriptedModel

TENANT = TenantId("slack:T1")
SCHEMA = schema.load()
ANA, BO = (Member(tenant=TENANT, id=name.lower(), name=name) for name in ("Ana", "Bo"))


def room(channel: str = "C1", *, thread: str | None = None, kind: RoomKind = "public", tenant: str = TENANT) -> Room:
    return Room(tenant=TenantId(tenant), channel=channel, thread=thread, kind=kind)


class Talk:
    """A workspace with its members; what they are told in private is in `told`."""

    def __init__(self, store: SqliteStore, clock: StillClock, model: ScriptedModel) -> None:
        self.store, self.clock, self.model = store, clock, model
        self.pace = Pace(idle_after=timedelta(minutes=30))
        self.told: list[tuple[Room, Member, View]] = []
        self.is_reachable = True
        self._count = 0

    def learning(self, default: Default = "on") -> Learning:
        return Learning(
            store=self.store,
            optimizer=Optimizer(model=self.model, schema=SCHEMA),
            terms=Terms(schema=SCHEMA, default=default),
            pace=self.pace,
            clock=self.clock,
            tell=self._tell,
            budgets=Budgets(store=self.store, clock=self.clock, models={}),
        )

    async def _tell(self, where: Room, who: Member, view: View) -> bool:
        if not self.is_reachable:
            raise errors.PlatformUnreachableError
        self.told.append((where, who, view))
        return True

    async def says(self, who: Member, text: str, where: Room | None = None) -> Message:
        self._count += 1
        self.clock.advance(seconds=1)
        message = Message(
            id=MessageId(str(self._count)), room=where or room(), author=who, text=text, said_at=self.clock.now()
        )
        await self.store.write(partial(inbox.accept, message=message, now=self.clock.now()))
        return message

    async def asks(self, who: Member, text: str, where: Room | None = None) -> Message:
        """Say something that is to be learned at once."""
        message = await self.says(who, text, where)
        await self.store.write(partial(sessions.want, room=message.room))
        return message

    async def facts(self, who: Member) -> list[str]:
        persona = await self.store.read(partial(personas.read, member=who.key, at=self.clock.now()))
        return [f"{fact.field}: {fact.value}" for fact in persona.facts]


class Interrupted(ScriptedModel):
    """Lets something happen while it is asked for its first update."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]], answer: str) -> None:
        super().__init__()
        self._meanwhile = [meanwhile]
        self.updates.append(answer)

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        while self._meanwhile:
            await self._meanwhile.pop()()
        await asyncio.sleep(0)
        return await super().propose(request)


def proposes(*operations: tuple[str, str, str, str, str]) -> str:
    """An answer of the optimizer: (op, field, value, message, quote)."""
    return json.dumps(
        {
            "operations": [
                {"op": op, "field": field, "value": value, "evidence": [f"{message} {quote}"]}
                for op, field, value, message, quote in operations
            ]
        }
    )


LISBON = proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon"))


def transcripts(model: ScriptedModel) -> list[list[list[str]]]:
    """The texts of each session of each request."""
    return [
        [[text for _, _, text, *_ in session["messages"]] for session in json.loads(request.data)["sessions"]]
        for request in model.requests
    ]
