"""Rapport at work, with paper for a platform: what is posted is on `posted`, what one member alone saw on `slipped`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bot import errors
from bot.applying import Terms
from bot.budgets import Budgets
from bot.commands.registry import COMMANDS
from bot.commands.spoken import Spoken
from bot.consent import Default
from bot.delivery import Delivery
from bot.intake import Intake
from bot.lanes import Lanes
from bot.learning import Learning, Pace
from bot.messages import Edit, Member, Message, MessageId, Platform, Room, TenantId
from bot.notices import Notices
from bot.offering import Offers
from bot.ports import Adapter, History, Post
from bot.responder import Responder
from bot.store.engine import Store, Unit
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona.audience import RoomKind
from persona.optimizer import Optimizer
from persona.ports import Row, Transaction, Value
from tests.bot.commands.members import WORKPLACE, commands
from tests.clock import StillClock
from tests.models import ScriptedModel

T = TypeVar("T")

TENANT = TenantId("slack:T1")
SONNET = "claude-sonnet-5-5"
DISCORD_ANA = Member(tenant=TenantId("discord:accounts"), id="41", name="Ana")


def room(channel: str = "C1", *, thread: str | None = None, kind: RoomKind = "public", tenant: str = TENANT) -> Room:
    return Room(tenant=TenantId(tenant), channel=channel, thread=thread, kind=kind)


DIRECT = room("D1", kind="direct")


class Paper:
    """See `bot.ports.Adapter`: shows everything at once, and forgets nothing."""

    grow_every_s: float | None = None
    lag_s = 0.0
    streams = ("paper",)

    def __init__(self, platform: Platform) -> None:
        self.platform: Platform = platform
        self.posted: list[tuple[Room, str]] = []
        self.slipped: list[tuple[Room, Member, View]] = []
        self.locales: dict[str, str] = {}
        self.is_reachable = True
        self.is_down = False
        """Whether it takes no post."""
        self.found: str | None = None
        """The id of a post that may have been taken, as far as it is found."""

    def serves(self, room: Room) -> bool:
        return True

    async def classified(self, room: Room) -> Room:
        return room

    def parts(self, text: str) -> list[str]:
        return [text]

    async def post(self, post: Post) -> str:
        if self.is_down:
            raise errors.PlatformUnreachableError
        self.posted.append((post.room, post.text))
        return f"r{len(self.posted)}"

    async def edit(self, post: Post, post_id: str) -> str:
        assert post_id == self.found
        return post_id

    async def remove(self, post: Post, post_id: str) -> None:
        raise AssertionError(post_id)

    async def find(self, post: Post) -> str | None:
        return self.found

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        yield

    async def locale(self, member: Member) -> str | None:
        return self.locales.get(member.id)

    def listed_in(self, room: Room, message: MessageId) -> Room:
        return room

    async def hears(self) -> bool:
        return True

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        return list(known)

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        if not self.is_reachable:
            raise errors.PlatformUnreachableError
        self.slipped.append((room, member, view))
        return True


class Counted:
    """See `persona.ports.Transaction`; counts the statements."""

    def __init__(self, inner: Transaction, count: list[str]) -> None:
        self.inner, self.count = inner, count
        self.seal, self.unseal = inner.seal, inner.unseal
        self.destroy_key, self.destroyed_keys, self.key_owners = (
            inner.destroy_key,
            inner.destroyed_keys,
            inner.key_owners,
        )

    async def execute(self, sql: str, **parameters: Value) -> int:
        self.count.append(sql)
        return await self.inner.execute(sql, **parameters)

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        self.count.append(sql)
        return await self.inner.fetch(sql, **parameters)

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        self.count.append(sql)
        return await self.inner.fetch_one(sql, **parameters)


class CountingStore:
    """See `bot.store.engine.Store`; says which statements the writes ran."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.statements: list[str] = []
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close

    async def write(self, unit: Unit[T]) -> T:
        async def counted(transaction: Transaction) -> T:
            return await unit(Counted(transaction, self.statements))

        return await self._store.write(counted)


class Desk:
    """Open it with `opened`."""

    def __init__(
        self,
        store: SqliteStore,
        clock: StillClock,
        lanes: Lanes,
        *,
        default: Default,
        model: ScriptedModel,
        turns: Store,
    ) -> None:
        self.store, self.clock, self.model, self._lanes = store, clock, model, lanes
        self.slack, self.discord = Paper("slack"), Paper("discord")
        adapters: dict[Platform, Adapter] = {"slack": self.slack, "discord": self.discord}
        delivery = Delivery(store=store, adapters=adapters, clock=clock)
        self.commands = commands(store, clock, default=default)
        self.budgets = Budgets(store=store, clock=clock, models={"answer": SONNET, "learn": SONNET})
        self.learning = Learning(
            store=store,
            optimizer=Optimizer(model=self.model, schema=WORKPLACE),
            terms=Terms(schema=WORKPLACE, default=default),
            pace=Pace(idle_after=timedelta(minutes=30)),
            clock=clock,
            tell=delivery.tell,
            budgets=self.budgets,
        )
        self.offers = Offers(store=store, schema=WORKPLACE, default=default, clock=clock, tell=delivery.tell)
        self.responder = Responder(
            store=turns,
            model=self.model,
            delivery=delivery,
            schema=WORKPLACE,
            default=default,
            clock=clock,
            budgets=self.budgets,
            learn_soon=partial(lanes.submit, "learning", "learning", self.learning.at_once),
            ask=Notices(store=store, delivery=delivery, default=default, clock=clock).ask,
            offer=lambda message: lanes.submit("offering", message.key, partial(self.offers.consider, message)),
        )
        self.intake = Intake(
            store=store,
            lanes=lanes,
            adapters=adapters,
            schema=WORKPLACE,
            clock=clock,
            default=default,
            answer=self.responder.answer,
            turn_away=self.responder.turn_away,
            command=Spoken(self.commands, delivery).answer,
            verbs=COMMANDS,
        )
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        store: SqliteStore,
        clock: StillClock,
        *,
        default: Default = "on",
        model: ScriptedModel | None = None,
        turns: Store | None = None,
    ) -> AsyncIterator[Desk]:
        """`turns` is the store as the responder sees it, if that is another one."""
        async with Lanes() as lanes:
            yield cls(store, clock, lanes, default=default, model=model or ScriptedModel(), turns=turns or store)

    async def says(self, who: Member, text: str, where: Room | None = None) -> Message:
        """Say something to Rapport and wait until it is dealt with."""
        self._count += 1
        self.clock.advance(seconds=1)
        message = Message(
            id=MessageId(f"{self._count}.0"), room=where or room(), author=who, text=text, said_at=self.clock.now()
        )
        await self.intake.accept(message)
        await self._lanes.drained()
        return message

    async def edits(self, message: Message, text: str) -> None:
        await self.intake.edit(Edit(room=message.room, message=message.id, author=message.author, text=text))

    async def idles(self) -> None:
        """Let everything fall idle, and be learned."""
        self.clock.advance(hours=1)
        await self.learning.sweep()

    async def drained(self) -> None:
        await self._lanes.drained()

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async def select(transaction: Any) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await transaction.fetch(sql)]

        return await self.store.read(select)
