"""Tidying: a rare sweep that ends duplicates and what nobody said for ages, a week after something was learned."""

import uuid

import structlog

from bot import consent
from bot.applying import TIDY_AFTER, Terms
from bot.messages import TenantId
from bot.ports import Clock
from bot.store import members, tidying
from bot.store.engine import Store
from persona import audit, consolidation
from persona import store as personas
from persona.operations import Operation, UpdateId
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.undoing import TIDYING

MAX_MEMBERS = 20
"""Personas tidied in one sweep: each is read whole, and nobody waits for it."""

_log = structlog.get_logger(__name__)


class Tidying:
    """Tidies personas. What it does is an update like any other: in the history, and undone as one."""

    def __init__(self, *, store: Store, terms: Terms, clock: Clock) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock

    async def sweep(self) -> int:
        """Tidy the personas whose time has come. Returns how many values ended."""
        done = await self._store.write(self._tidy)
        for member, ended in done:
            _log.info("persona.tidied", tenant=member.tenant, ended=ended)
        return sum(ended for _, ended in done)

    async def _tidy(self, transaction: Transaction) -> list[tuple[MemberKey, int]]:
        due = await tidying.take(transaction, now=self._clock.now(), most=MAX_MEMBERS)
        ended = [(member, len(await self._tidy_one(transaction, member))) for member in due]
        return [(member, number) for member, number in ended if number]

    async def _tidy_one(self, transaction: Transaction, member: MemberKey) -> tuple[Operation, ...]:
        now, schema = self._clock.now(), self._terms.schema
        held = await consent.holding(transaction, TenantId(member.tenant), self._terms.default)
        if not held.is_on(await members.consent(transaction, member)):
            return ()
        persona = await personas.read_history(transaction, member, schema=schema, at=now)
        removals = consolidation.tidied(persona, schema)
        ended = await personas.learn(
            transaction,
            removals,
            schema=schema,
            update=UpdateId(f"{TIDYING}{uuid.uuid4().hex}"),
            now=now,
            actor=audit.BY_TIDYING,
        )
        if ended:  # there may be more than one run is allowed to end
            await tidying.put(transaction, member, due_at=now + TIDY_AFTER)
        end = consolidation.next_end(persona, schema)
        if end is not None:
            await tidying.put(transaction, member, due_at=max(end, now) + TIDY_AFTER)
        return ended
