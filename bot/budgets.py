"""Budgets: what a tenant may spend on models in a month, and a member on answers in a day (both UTC), looked at before
each call.

What was spent is the sum of the usage rows, so a crash forgets nothing. A call begins if the budget is not used up,
even should all that run already cost the most they can; else it waits for one of them. So a budget is passed by one
call at most. That holds within a process: several on one database may pass it by a call each (decision 0026).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from bot import prices
from bot.errors import BudgetSpentError, MemberBudgetSpentError
from bot.messages import TenantId
from bot.models.anthropic_requests import MAX_ANSWER_TOKENS
from bot.ports import Clock
from bot.prompt import Prompt
from bot.store import batches, rules, usage
from bot.store.engine import Store
from bot.store.usage import Purpose
from persona.optimizer import MAX_TOKENS
from persona.persona import MemberKey
from persona.ports import Transaction

LEARNING_SHARE = 0.8
"""Of a budget: beyond it nothing is learned, so that what is left is there for answers."""

MAX_UPDATE_BYTES = 100_000
"""More than any question of the optimizer has, with instructions and personas (`due.MAX_BYTES`, reliability B18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Where a tenant stands this month, in micro-dollars."""

    spent: int
    """As far as prices are known."""
    batched: int
    """How many requests are out in batches, not paid for yet."""
    limit: int | None
    """What holds: the installation's or the tenant's own, the lower of them."""
    goes_on: datetime
    """When the next month begins."""

    def is_spent(self, share: float = 1, *, besides: int = 0) -> bool:
        """Whether a share of the budget is used up, by what was spent and by what is asked `besides`."""
        return self.limit is not None and self.spent + besides >= self.limit * share


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """When the month of a moment began, and when the next one does."""
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    is_last = begin.month == 12
    return begin, begin.replace(year=begin.year + is_last, month=1 if is_last else begin.month + 1)


async def spending(transaction: Transaction, tenant: TenantId, *, monthly: int | None, now: datetime) -> Spending:
    """Where a tenant stands, where `monthly` is the installation's budget for each tenant."""
    return await _within(transaction, tenant, await limit_of(transaction, tenant, monthly=monthly), now)


async def limit_of(transaction: Transaction, tenant: TenantId, *, monthly: int | None) -> int | None:
    """The most a tenant may spend in a month: what is the installation's or its own, the lower of them."""
    own = (await rules.read(transaction, tenant)).budget
    return min((limit for limit in (monthly, own) if limit is not None), default=None)


async def _within(transaction: Transaction, tenant: TenantId, limit: int | None, now: datetime) -> Spending:
    begin, end = month_of(now)
    return Spending(
        spent=await usage.spent(transaction, tenant, since=begin),
        batched=await batches.outstanding(transaction, tenant),
        limit=limit,
        goes_on=end,
    )


class _Running:
    """The calls that run at the cost of one tenant, or of one member."""

    def __init__(self) -> None:
        self.most = 0
        """What they can cost together."""
        self.calls = 0
        self.changed = asyncio.Condition()


IsRoom = Callable[[_Running], Awaitable[bool]]
"""Whether a call may begin beside those that run; False while they may yet use up what is left."""


class Budgets:
    """Lets calls begin, or says that the budget is used up."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        models: Mapping[Purpose, str],
        monthly: int | None = None,
        daily: int | None = None,
    ) -> None:
        self.monthly = monthly
        """The most each tenant may spend in a month, in micro-dollars; None for no limit."""
        self.daily = daily
        """The most the answers to one member of a tenant may cost in a day; likewise."""
        self.models = models
        self._store = store
        self._clock = clock
        self._running: WeakValueDictionary[Hashable, _Running] = WeakValueDictionary()
        most = partial(prices.most, models.get("learn", ""), max_bytes=MAX_UPDATE_BYTES, max_tokens=MAX_TOKENS)
        self._most_update = most()
        self._most_batched = most(is_batch=True)

    async def is_limited(self, transaction: Transaction, tenant: TenantId) -> bool:
        """Whether there is a budget at all, for callers that are at the database anyway."""
        return await limit_of(transaction, tenant, monthly=self.monthly) is not None

    @asynccontextmanager
    async def answering(
        self, tenant: TenantId, member: MemberKey, prompt: Prompt, *, is_limited: bool = True
    ) -> AsyncIterator[None]:
        """Keep a place for an answer to a member; stay in it until what it cost is recorded.

        Where it is known that the tenant has no budget, `is_limited` spares each answer the question. Whoever waits for
        their own answers to end keeps no place among those of the tenant.

        Raises:
            MemberBudgetSpentError: the member's budget is used up.
            BudgetSpentError: the tenant's is.
        """
        said = (prompt.instructions, prompt.persona or "", *(turn.text for turn in (*prompt.history, prompt.question)))
        size = sum(len(text.encode("utf-8", "replace")) for text in said)
        most = prices.most(self.models.get("answer", ""), max_bytes=size, max_tokens=MAX_ANSWER_TOKENS)
        of_member = partial(self._has_room_of_their_own, tenant, member) if self.daily is not None else None
        of_tenant = partial(self._has_room, tenant, share=1) if is_limited else None
        async with self._place((tenant, member), most, of_member), self._place(tenant, most, of_tenant):
            yield

    @asynccontextmanager
    async def learning(self, tenant: TenantId) -> AsyncIterator[None]:
        """Keep a place for an update; as `answering`, but only `LEARNING_SHARE` of the budget is for it.

        Raises:
            BudgetSpentError: that share is used up.
        """
        async with self._place(tenant, self._most_update, partial(self._has_room, tenant, share=LEARNING_SHARE)):
            yield

    async def check_batch(self, tenant: TenantId, *, others: int) -> None:
        """Whether one more update may go into a batch beside `others` of this tenant.

        Raises:
            BudgetSpentError: it may not.
        """
        now = await self._store.read(partial(self._limited, tenant=tenant))
        running = self._running.get(tenant)
        reserved = others * self._most_batched + (running.most if running else 0)
        if now is not None and now.is_spent(LEARNING_SHARE, besides=self._batched(now) + reserved):
            raise BudgetSpentError(until=now.goes_on)

    @asynccontextmanager
    async def _place(self, whose: Hashable, most: int, is_room: IsRoom | None) -> AsyncIterator[None]:
        """A place among the calls of a tenant or a member; where `is_room` is None there is no limit."""
        running = self._running.setdefault(whose, _Running())
        async with running.changed:
            while is_room is not None and not await is_room(running):
                await running.changed.wait()
            running.most += most
            running.calls += 1
        try:
            yield
        finally:
            async with running.changed:
                running.most -= most
                running.calls -= 1
                running.changed.notify_all()

    async def _has_room(self, tenant: TenantId, running: _Running, *, share: float) -> bool:
        """See `IsRoom`; raises where a share of the tenant's budget is used up."""
        now = await self._store.read(partial(self._limited, tenant=tenant))
        if now is None:
            return True
        if now.is_spent(share, besides=self._batched(now)):
            raise BudgetSpentError(until=now.goes_on)
        return not running.calls or not now.is_spent(share, besides=self._batched(now) + running.most)

    async def _has_room_of_their_own(self, tenant: TenantId, member: MemberKey, running: _Running) -> bool:
        """See `IsRoom`; raises where the member's own budget is used up."""
        assert self.daily is not None
        day = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        spent = await self._store.read(partial(usage.spent_on, tenant=tenant, member=member, since=day))
        if spent >= self.daily:
            raise MemberBudgetSpentError(until=day + timedelta(days=1))
        return not running.calls or spent + running.most < self.daily

    def _batched(self, now: Spending) -> int:
        """What is out in batches, at the most it can cost."""
        return now.batched * self._most_batched

    async def _limited(self, transaction: Transaction, *, tenant: TenantId) -> Spending | None:
        """Where a tenant stands; None, and nothing is added up, where there is no limit."""
        limit = await limit_of(transaction, tenant, monthly=self.monthly)
        return None if limit is None else await _within(transaction, tenant, limit, self._clock.now())
