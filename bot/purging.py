"""Purging: an admin has erased what was said in a tenant that we stay in, and all that follows from it.

That it was asked for is in the database: a process that dies in the middle goes on with the next sweep.
"""

from datetime import datetime
from functools import partial

import structlog

from bot.messages import TenantId
from bot.ports import Clock
from bot.store import purging, rules
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

    async def purge(self, tenant: TenantId) -> None:
        """Erase what was said in a tenant, and all that follows from it. Nothing is left when this returns."""
        await self._store.write(partial(rules.begin_purge, tenant=tenant, now=self._clock.now()))
        await self._go_on(tenant)

    async def sweep(self) -> int:
        """Finish what was begun. Returns how many tenants that were."""
        begun = await self._store.read(rules.purging)
        for tenant in begun:
            await self._go_on(tenant)
        return len(begun)

    async def _go_on(self, tenant: TenantId) -> None:
        origin, now = Origin(tenant=tenant), self._clock.now()
        await self._store.write(partial(purging.let_go, origin=origin))
        rests = partial(freezing.freeze, schema=self._schema, most=MEMBERS_AT_ONCE, now=now)
        goes = partial(freezing.erase, most=MEMBERS_AT_ONCE, now=now, actor=audit.BY_ADMIN)
        for step in (rests, goes, partial(purging.purge_personas, most=ROWS_AT_ONCE)):
            await exhaust(self._store, partial(step, origin=origin))
        await self._store.write(partial(_end, tenant=tenant, now=now))
        await self._store.scrub()
        _log.warning("tenant.purged", tenant=tenant)


async def _end(transaction: Transaction, *, tenant: TenantId, now: datetime) -> None:
    await rules.end_purge(transaction, tenant)
    await purging.record(transaction, Origin(tenant=tenant), actor=audit.BY_ADMIN, now=now)
