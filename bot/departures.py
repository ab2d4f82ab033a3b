"""Departures: what follows when a tenant, a room or a member is gone, and when they come back.

From the event on nothing of it is read, learned or answered; what is known rests, and is erased in its time. What is
due is in the database: a process that dies in the middle of any of it goes on with the next sweep.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from bot import consent
from bot.applying import Terms
from bot.messages import Member, Room, TenantId
from bot.ports import Clock
from bot.store import conversations, departures, erasing, members, origins, purging
from bot.store.engine import Store, exhaust
from bot.store.origins import State
from bot.store.purging import MEMBERS_AT_ONCE, ROWS_AT_ONCE
from persona import audit, freezing
from persona.freezing import Origin
from persona.persona import MemberKey
from persona.ports import Transaction

AFTERCARE = timedelta(days=1)
"""How long after a purge whatever a late call still wrote is erased too: no call or batch takes longer."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """How long what rests is kept."""

    tenant: timedelta = timedelta(hours=72)
    """After we were removed from it."""
    departed: timedelta = timedelta(days=30)
    """After a room was closed, or a member left."""
    silent: timedelta = timedelta(days=365)
    """After which a member who says nothing counts as one who left."""


class Departures:
    """Hears of what is gone and what is back. Every method may be called again for the same event."""

    def __init__(self, *, store: Store, terms: Terms, lives: Lives, clock: Clock) -> None:
        self._store = store
        self._terms = terms
        self._lives = lives
        self._clock = clock

    # -- tenants ------------------------------------------------------------------------------------------------------

    async def removed(self, tenant: TenantId) -> None:
        """We were removed from a tenant: stop, and erase everything of it after a while."""
        if await self._store.write(partial(origins.leave_tenant, tenant=tenant, now=self._clock.now())):
            _log.warning("tenant.gone", tenant=tenant, erased_after_s=self._lives.tenant.total_seconds())
        await self._advance(Origin(tenant=tenant))

    async def installed(self, *tenants: TenantId, account: str) -> None:
        """We are in these tenants, under a name no other bot has. Where we had been removed, members decide anew."""
        for tenant in await self._store.write(partial(self._enter, tenants=tenants, account=account)):
            _log.warning("tenant.back", tenant=tenant)
            await self._advance(Origin(tenant=tenant))

    async def _enter(self, transaction: Transaction, *, tenants: Collection[TenantId], account: str) -> list[TenantId]:
        now, back = self._clock.now(), []
        for tenant in tenants:
            await origins.name_account(transaction, tenant, account, now=now)
            if await origins.enter_tenant(transaction, tenant, now=now):
                await departures.ask_all(transaction, tenant, now=now)
                back.append(tenant)
        return back

    async def found(self, tenants: Collection[TenantId], *, account: str) -> None:
        """These are all the tenants we are in: from every other that we knew by this name we were removed unheard."""
        known = await self._store.read(partial(origins.tenants_of, account=account))
        unheard = [tenant for tenant in tenants if (tenant, "here") not in known]
        if unheard:
            await self.installed(*unheard, account=account)
        for tenant, state in known:
            if tenant not in tenants and state in {"here", "returning"}:
                await self.removed(tenant)

    # -- rooms --------------------------------------------------------------------------------------------------------

    async def closed(self, room: Room) -> None:
        """A room was archived or deleted: what only its readers knew rests, and is erased after a while."""
        located = await self._store.read(partial(conversations.locate, room=room))
        if await self._store.write(partial(origins.close_room, room=located, now=self._clock.now())):
            _log.info("room.gone", tenant=room.tenant)
        await self._advance(Origin(tenant=located.tenant, room=located.id))

    async def opened(self, room: Room) -> None:
        """A room is open again."""
        for origin in await self._store.write(partial(origins.open_room, room=room, now=self._clock.now())):
            await self._advance(origin)

    # -- members ------------------------------------------------------------------------------------------------------

    async def left(self, member: Member) -> None:
        """A member left or was deactivated: what is known of them rests, and is erased unless they decide anew."""
        await self._store.write(partial(departures.leave, member=member.key, now=self._clock.now()))

    # -- what follows -------------------------------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Finish what was begun, and erase what is due. Returns how much was erased: origins and members."""
        now, done = self._clock.now(), 0
        for known in await self._store.read(origins.moving):
            life = self._lives.departed if known.origin.room else self._lives.tenant
            if known.state != "gone":
                await self._advance(known.origin)
            elif now - known.since >= life:
                await self._erase(known.origin)
                done += 1
                if known.origin.room or now - known.since >= life + AFTERCARE:
                    await self._store.write(partial(self._if_gone, origin=known.origin, erase=origins.drop))
        silent = partial(departures.leave_silent, now=now, since=now - self._lives.silent, most=MEMBERS_AT_ONCE)
        await self._store.write(silent)
        return done + await self._store.write(self._erase_members)

    async def _advance(self, origin: Origin) -> None:
        """Freeze or thaw what was learned at an origin, all of it."""
        state = await self._store.read(partial(origins.state, origin=origin))
        if state in {"going", "returning"}:
            await exhaust(self._store, partial(self._advance_some, origin=origin, state=state))

    async def _advance_some(self, transaction: Transaction, *, origin: Origin, state: State) -> int:
        if await origins.state(transaction, origin) != state:
            return 0
        move = freezing.freeze if state == "going" else freezing.thaw
        moved = await move(transaction, origin, schema=self._terms.schema, most=MEMBERS_AT_ONCE, now=self._clock.now())
        if not moved and state == "returning" and origin.room:
            await origins.drop(transaction, origin)
        elif not moved:
            await origins.arrive(transaction, origin, before=state, after="gone" if state == "going" else "here")
        return moved

    async def _erase(self, origin: Origin) -> None:
        """Erase everything of an origin, as long as it does not come back."""
        learned = partial(freezing.erase, most=MEMBERS_AT_ONCE, now=self._clock.now())
        said = partial(purging.purge_room if origin.room else purging.purge_tenant, most=ROWS_AT_ONCE)
        keys = partial(erasing.destroy_keys, now=self._clock.now(), most=MEMBERS_AT_ONCE)
        steps = (learned, said) if origin.room else (learned, said, keys)  # with its key whatever is left is lost
        erased = [await exhaust(self._store, partial(self._if_gone, origin=origin, erase=erase)) for erase in steps]
        if any(erased):
            await self._store.write(
                partial(purging.record, origin=origin, actor=audit.BY_SYSTEM, now=self._clock.now())
            )

    async def _if_gone(self, transaction: Transaction, *, origin: Origin, erase: Callable[..., Awaitable[int]]) -> int:
        return await erase(transaction, origin) if await origins.state(transaction, origin) == "gone" else 0

    async def _erase_members(self, transaction: Transaction) -> int:
        now = self._clock.now()
        due = await departures.due(transaction, before=now - self._lives.departed, most=MEMBERS_AT_ONCE)
        return sum([await self._erase_member(transaction, member) for member in due])

    async def _erase_member(self, transaction: Transaction, member: MemberKey) -> bool:
        """Erase a member who left, unless they decided in favour meanwhile."""
        now = self._clock.now()
        decision = await members.consent(transaction, member)
        held = await consent.holding(transaction, TenantId(member.tenant), self._terms.default)
        if decision.state == "on" or held.is_on(decision):
            await departures.come_back(transaction, member)
            return False
        schema = self._terms.schema
        await erasing.erase(transaction, member, schema=schema, reason="left", now=now, actor=audit.BY_SYSTEM)
        await departures.erase(transaction, member)
        return True
