"""Learning: idle conversations become persona updates, each message learned exactly once.

Whatever a sweep has to know is in the database, so a restart changes nothing: a crash before the commit costs a
repeated call, after it nothing (design section 7).
"""

import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import applying, due, errors, steps
from bot.applying import Terms
from bot.batches import Batches
from bot.budgets import Budgets
from bot.due import Due
from bot.outcomes import Outcomes, Swept, Tell
from bot.ports import BatchModel, Clock
from bot.store import sessions
from bot.store.engine import Store
from persona.errors import ProposalError
from persona.operations import UpdateId
from persona.optimizer import Optimizer
from persona.ports import Transaction

LEASE = timedelta(minutes=10)
"""Longer than a call may take with all its tries; a worker that dies holds a conversation no longer than this."""

MAX_CLAIMED = 50

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When what is idle is learned."""

    idle_after: timedelta = timedelta(minutes=30)
    every: int = 1
    """After how many sessions of one member."""
    within: timedelta = timedelta(hours=24)
    """What was said waits no longer than this for more sessions of its members, once they are idle."""
    by_batch: bool = False
    """Whether what nobody waits for is asked in batches, within a day and at half the price."""


class Learning:
    """Turns what fell idle into updates. Sweeps may run side by side, in one process or several."""

    def __init__(
        self,
        *,
        store: Store,
        optimizer: Optimizer,
        terms: Terms,
        pace: Pace,
        clock: Clock,
        tell: Tell,
        budgets: Budgets,
        batch_model: BatchModel | None = None,
    ) -> None:
        self._store = store
        self._optimizer = optimizer
        self._terms = terms
        self._pace = pace
        self._clock = clock
        self._budgets = budgets
        self._outcomes = Outcomes(store=store, optimizer=optimizer, terms=terms, clock=clock, tell=tell)
        self._batches = None
        if batch_model is not None:
            self._batches = Batches(
                store=store,
                optimizer=optimizer,
                model=batch_model,
                terms=terms,
                clock=clock,
                outcomes=self._outcomes,
                budgets=budgets,
            )

    async def sweep(self) -> Swept:
        """Learn every conversation that is due, at most `MAX_CLAIMED`, and say what was done.

        A conversation that fails comes due again later; its failure is logged and counted, never raised.
        """
        done = await self._batches.collect() if self._batches else Swept()
        owner = uuid.uuid4().hex
        claimed = await self._store.write(partial(self._claim, owner=owner, now=self._clock.now()))
        done += Swept(sessions=len(claimed))
        later = self._batches if self._pace.by_batch else None
        direct = [one for one in claimed if later is None or one.claimed.is_wanted]
        for batch in [[one] for one in claimed if not one.session.speakers] + due.together(direct):
            done += await self._learn(batch, owner=owner)
        if later is not None:
            can_wait = [one for one in claimed if not one.claimed.is_wanted]
            done += await later.submit(due.together(can_wait), owner=owner)
        return done

    async def at_once(self) -> None:
        """Sweep because somebody asked for it. Records what goes wrong and does not raise."""
        try:
            await self.sweep()
        except Exception as error:  # noqa: BLE001 - the outer edge: the next sweep tries again
            _log.error("sweep.failed", error=type(error).__name__)

    async def _claim(self, transaction: Transaction, *, owner: str, now: datetime) -> list[Due]:
        """Take what is due; where a member has enough sessions waiting, those that were put off come with it."""
        claimed = await self._read_due(transaction, owner=owner, now=now)
        if self._pace.every == 1:
            return claimed
        ready = await self._paced(transaction, claimed, owner=owner, now=now)
        called_back = await self._read_due(transaction, owner=owner, now=now) if ready else []
        return ready + [
            replace(one, claimed=replace(one.claimed, is_wanted=False))  # nobody asked: it only comes along
            for one in await self._paced(transaction, called_back, owner=owner, now=now)
        ]

    async def _read_due(self, transaction: Transaction, *, owner: str, now: datetime) -> list[Due]:
        claimed = await sessions.claim_due(
            transaction, owner=owner, idle_since=now - self._pace.idle_after, now=now, lease=LEASE, most=MAX_CLAIMED
        )
        return [await due.read(transaction, one, default=self._terms.default, now=now) for one in claimed]

    async def _paced(self, transaction: Transaction, read: Sequence[Due], *, owner: str, now: datetime) -> list[Due]:
        """Of what is idle, what may not wait for more sessions of its members; the rest is put off."""
        ready = []
        for one in read:
            if await self._is_ready(transaction, one, now):
                ready.append(one)
            else:
                until = one.session.lines[0].said_at + self._pace.within
                await sessions.put_off(transaction, one.claimed.room, owner=owner, until=until)
        return ready

    async def _is_ready(self, transaction: Transaction, one: Due, now: datetime) -> bool:
        """Whether a session is learned now: it cannot wait, or a member who speaks in it has enough of them."""
        is_urgent = one.claimed.is_wanted or one.claimed.attempts or not one.session.speakers
        if is_urgent or now - one.session.lines[0].said_at >= self._pace.within:
            return True
        for member in one.session.speakers:
            waiting = await sessions.waiting_of(transaction, member, now=now, idle_after=self._pace.idle_after)
            if waiting >= self._pace.every:
                await sessions.call_back(transaction, member, idle_since=now - self._pace.idle_after)
                return True
        return False

    @steps.taking("learning", told=lambda done: {"operations": done.operations, "failures": done.failures})
    async def _learn(self, batch: Sequence[Due], *, owner: str) -> Swept:
        spoken = [one.session for one in batch if one.session.speakers]  # none, or all of the batch
        asked, call, reply = Swept(), UpdateId(uuid.uuid4().hex), None
        async with AsyncExitStack() as paying:  # its place in the budget is kept until what it cost is recorded
            try:
                if spoken:
                    await paying.enter_async_context(self._budgets.learning(batch[0].claimed.room.tenant))
                    asked = Swept(calls=1)
                    reply = await self._optimizer.ask(spoken)
                return asked + await self._outcomes.keep(batch, reply, owner=owner, call=call)
            except (errors.ModelError, errors.StoreError, ProposalError, errors.LeaseLostError) as error:
                if isinstance(error, errors.ModelError) and error.is_away:
                    await self._outcomes.put_off(batch, error, owner=owner, call=call)
                    return Swept()
                if reply is not None and isinstance(error, errors.LeaseLostError):  # paid for all the same
                    charge = partial(applying.charge, batch=batch, used=reply.usage, call=call)
                    await self._store.write(partial(charge, now=self._clock.now()))
                return asked + await self._outcomes.postpone(batch, error, owner=owner, call=call)
