"""Purging: an admin has erased what was said in a tenant that we stay in, and all that follows from it.

That it was asked for is in the database: a process that dies in the middle goes on with the next sweep.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import structlog

from bot.messages import TenantId
from bot.ports import Clock
from bot.store import erasing, purging, rules
from bot.store.engine import Store, exhaust
from bot.store.purging import MEMBERS_AT_ONCE, ROWS_AT_ONCE
from persona import audit, freezing
from persona.freezing import Origin
from persona.ports import Transaction
from persona.schema import Schema

_log = structlog.get_logger(__name__)


class Purging:
    """Erases tenants on an admin's word. What members decided, and had forgotten before, is theirs and stays."""

    def __init__(self, *, store: Store, schema: Schema, clock: Clock) -> None:
        self._store = store
        self._schema = schema
        self._clock = clock

    async def purge(self, tenant: TenantId, shown: datetime) -> bool:
        """Erase what was said in a tenant, and all that follows from it. Nothing is left when this returns.

        False if that was done since the button was `shown`.
        """
        begin = partial(rules.begin_purge, tenant=tenant, shown=shown, now=self._clock.now())
        if not await self._store.write(begin):
            return False
        await self._go_on(tenant)
        return True

    async def sweep(self) -> int:
        """Finish what was begun. Returns how many tenants that were."""
        begun = await self._store.read(rules.purging)
        for tenant in begun:
            await self._go_on(tenant)
        return len(begun)

    async def _go_on(self, tenant: TenantId) -> None:
        """Each step looks whether there is still something to do: a sweep may have begun to help meanwhile."""
        now = self._clock.now()
        rests = partial(freezing.freeze, schema=self._schema, most=MEMBERS_AT_ONCE, now=now)
        goes = partial(freezing.erase, most=MEMBERS_AT_ONCE, now=now, actor=audit.BY_ADMIN)
        await self._store.write(partial(_if_purging, tenant=tenant, erase=purging.let_go))
        for step in (rests, goes, partial(purging.purge_personas, most=ROWS_AT_ONCE)):
            await exhaust(self._store, partial(_if_purging, tenant=tenant, erase=step))
        if await self._store.write(partial(_if_purging, tenant=tenant, erase=partial(_end, now=now))):
            await self._store.scrub()
            _log.warning("tenant.purged", tenant=tenant)


async def _if_purging(transaction: Transaction, *, tenant: TenantId, erase: Callable[..., Awaitable[int]]) -> int:
    decided = await rules.read(transaction, tenant)
    return await erase(transaction, Origin(tenant=tenant)) if decided.is_purging else 0


async def _end(transaction: Transaction, origin: Origin, *, now: datetime) -> int:
    """The last step, all at once: no backup shows what is gone, and nobody does it again."""
    await erasing.renew_keys(transaction, origin, now=now)
    await rules.end_purge(transaction, TenantId(origin.tenant))
    await purging.record(transaction, origin, actor=audit.BY_ADMIN, now=now)
    return 1
