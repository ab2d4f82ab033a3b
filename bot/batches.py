"""Batches: what nobody waits for is asked through the model's batches, at half the price (decision 0012).

A request is stored before it is submitted and forgotten in the transaction that keeps its result, so a crash anywhere
costs at most a repeated request.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import due, errors
from bot.applying import Terms
from bot.budgets import Budgets
from bot.due import Due
from bot.messages import MessageId, TenantId
from bot.outcomes import Outcomes, Swept
from bot.ports import BatchModel, Clock
from bot.store import batches, sessions
from bot.store.batches import Asked, Request
from bot.store.engine import Store
from persona.errors import ProposalError
from persona.operations import UpdateId
from persona.optimizer import Optimizer
from persona.ports import StructuredReply, Transaction

LIFE = timedelta(hours=25)
"""How long a request may take: a batch ends within 24 hours (anthropic sheet 1.4), and the next sweep sees it."""

LOST_AFTER = timedelta(minutes=5)
"""How long a request may be without its batch's name: longer than submitting takes. Then we died in between."""

_log = structlog.get_logger(__name__)


class Batches:
    """Hands requests in and takes results out. Both may run side by side, in one process or several."""

    def __init__(
        self,
        *,
        store: Store,
        optimizer: Optimizer,
        model: BatchModel,
        terms: Terms,
        clock: Clock,
        outcomes: Outcomes,
        budgets: Budgets,
    ) -> None:
        self._store = store
        self._optimizer = optimizer
        self._model = model
        self._terms = terms
        self._clock = clock
        self._outcomes = outcomes
        self._budgets = budgets

    async def submit(self, groups: Sequence[Sequence[Due]], *, owner: str) -> Swept:
        """Ask about each of `groups`, which `owner` holds, in a request of its own, and all of them in one batch."""
        groups, done = await self._affordable(groups, owner=owner)
        if not groups:
            return done
        now = self._clock.now()
        asked = {
            Request(tenant=group[0].claimed.room.tenant, id=uuid.uuid4().hex, created_at=now): group for group in groups
        }
        try:
            await self._store.write(partial(_hand_over, asked=asked, owner=owner, until=now + LIFE))
        except errors.LeaseLostError:
            return done + Swept(failures=sum(map(len, groups)))  # they come due again once the lease has run out
        done += Swept(calls=len(asked))
        try:
            batch = await self._model.submit(
                {
                    request.id: self._optimizer.request([one.session for one in group])
                    for request, group in asked.items()
                }
            )
        except errors.ModelError as error:
            for request, group in asked.items():
                done += await self._postpone(request, group, error)
            return done
        await self._store.write(partial(batches.submitted, requests=list(asked), batch=batch))
        _log.info("batch.submitted", batch=batch, requests=len(asked), sessions=sum(map(len, groups)))
        return done

    async def _affordable(
        self, groups: Sequence[Sequence[Due]], *, owner: str
    ) -> tuple[Sequence[Sequence[Due]], Swept]:
        """The groups that their tenants' budgets have room for; the others are put off."""
        done, asked = Swept(), list[Sequence[Due]]()
        others = Counter[TenantId]()
        for group in groups:
            tenant = group[0].claimed.room.tenant
            try:
                await self._budgets.check_batch(tenant, others=others[tenant])
            except errors.BudgetSpentError as error:
                done += await self._outcomes.postpone(group, error, owner=owner, call=UpdateId(uuid.uuid4().hex))
            else:
                asked.append(group)
                others[tenant] += 1
        return asked, done

    async def collect(self) -> Swept:
        """Keep the results there are by now. What has none and never will comes due again."""
        waiting: defaultdict[str | None, list[Request]] = defaultdict(list)
        for request in await self._store.read(batches.unfinished):
            waiting[request.batch].append(request)
        lost = errors.ModelUnreachableError("a request was lost on its way into a batch")
        done = await self._give_up(waiting.pop(None, []), lost, after=LOST_AFTER)
        named = {batch: requests for batch, requests in waiting.items() if batch is not None}
        ended = await self._ended(named)
        for batch, requests in named.items():
            if batch in ended:
                done += await self._take(batch, requests)
            else:
                late = errors.ModelBusyError("a batch did not end in its time")
                done += await self._give_up(requests, late, after=LIFE)
        return done

    async def _ended(self, names: Collection[str]) -> set[str]:
        try:
            return await self._model.ended(names) if names else set()
        except errors.ModelError as error:
            _log.warning("batch.unreachable", batches=len(names), error=type(error).__name__, why=str(error))
            return set()

    async def _take(self, batch: str, requests: Sequence[Request]) -> Swept:
        """Take the results out of a batch that ended."""
        try:
            results = await self._model.results(batch)
        except errors.ModelUnknownError as error:
            return await self._give_up(requests, error)
        except errors.ModelError as error:
            _log.warning("batch.unread", batch=batch, error=type(error).__name__, why=str(error))
            return await self._give_up(requests, error, after=LIFE)
        done, missing = Swept(), {request.id: request for request in requests}
        for result in results:
            request = missing.pop(result.request, None)
            if request is not None:
                done += await self._end(request, result.outcome)
        done += await self._give_up(missing.values(), errors.ModelCutError("a batch ended without a result"))
        await self._discard(batch)
        return done

    async def _discard(self, batch: str) -> None:
        """Once nothing in a batch is waited for, leave no copy of what members said with the provider."""
        if any(request.batch == batch for request in await self._store.read(batches.unfinished)):
            return
        try:
            await self._model.discard(batch)
        except errors.ModelError as error:
            _log.warning("batch.kept", batch=batch, error=type(error).__name__, why=str(error))

    async def _end(self, request: Request, outcome: StructuredReply | Exception) -> Swept:
        """Keep what came of a request, or let its sessions come due again; nothing if that was done already."""
        group = await self._store.read(partial(self._recalled, request=request, now=self._clock.now()))
        if not group:
            return Swept()
        if isinstance(outcome, Exception):
            return await self._postpone(request, group, outcome)
        finish = partial(_finish, request=request)
        try:
            return await self._outcomes.keep(group, outcome, owner=request.id, call=UpdateId(request.id), first=finish)
        except ProposalError as error:
            return await self._postpone(request, group, error)
        except errors.LeaseLostError:
            return Swept()  # if it is not finished, the next sweep sees what is still ours

    async def _recalled(self, transaction: Transaction, *, request: Request, now: datetime) -> list[Due]:
        return [
            await due.recalled(transaction, one, owner=request.id, default=self._terms.default, now=now)
            for one in await batches.asked(transaction, request)
        ]

    async def _give_up(
        self, requests: Iterable[Request], error: Exception, *, after: timedelta = timedelta(0)
    ) -> Swept:
        """Let the sessions of requests come due again, those that are old enough for it."""
        done, now = Swept(), self._clock.now()
        for request in requests:
            if now - request.created_at >= after:
                done += await self._end(request, error)
        return done

    async def _postpone(self, request: Request, group: Sequence[Due], error: Exception) -> Swept:
        finish = partial(_finish, request=request)
        try:
            return await self._outcomes.postpone(
                group, error, owner=request.id, call=UpdateId(request.id), first=finish
            )
        except errors.LeaseLostError:
            return Swept()


async def _hand_over(
    transaction: Transaction, *, asked: Mapping[Request, Sequence[Due]], owner: str, until: datetime
) -> None:
    """Record the requests and let them hold their conversations: all of them, or none."""
    for request, group in asked.items():
        await batches.add(transaction, request, [_asked(one) for one in group])
        for one in group:
            if not await sessions.hand_over(transaction, one.claimed, owner=owner, request=request.id, until=until):
                raise errors.LeaseLostError


def _asked(one: Due) -> Asked:
    messages = tuple(MessageId(line.message) for line in one.session.lines)
    return Asked(room=one.claimed.room, through=one.through, messages=messages)


async def _finish(transaction: Transaction, *, request: Request) -> None:
    if not await batches.finish(transaction, request):
        raise errors.LeaseLostError
