"""Origins: which tenants and rooms are there, and which are gone. Words from what is gone are neither read nor learned.

An origin is on its way (`going`, `returning`) until all that was learned there is frozen, or thawed, portion by
portion; a process that dies in between goes on where it was. A room without a row is simply there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import Room, TenantId
from persona.freezing import Origin
from persona.moments import from_micros, to_micros
from persona.ports import Transaction

State = Literal["here", "going", "gone", "returning"]

_GO = """
    INSERT INTO origin (tenant, room, state, since, account) VALUES (:tenant, :room, 'going', :now, NULL)
    ON CONFLICT (tenant, room) DO UPDATE SET state = excluded.state, since = excluded.since
    WHERE origin.state IN ('here', 'returning')
"""
_COME = """
    UPDATE origin SET state = 'returning', since = :now
    WHERE tenant = :tenant AND room = :room AND state IN ('going', 'gone')
"""
_NAMED = """
    INSERT INTO origin (tenant, room, state, since, account) VALUES (:tenant, '', 'here', :now, :account)
    ON CONFLICT (tenant, room) DO UPDATE SET account = excluded.account
"""
_MOVED = "UPDATE origin SET state = :state WHERE tenant = :tenant AND room = :room AND state = :before"
_IS_GONE = "SELECT 1 AS one FROM origin WHERE tenant = :tenant AND room = '' AND state IN ('going', 'gone')"
_CLOSED = """
    SELECT room FROM origin
    WHERE tenant = :tenant AND room IN (:channel, :room) AND room <> '' AND state IN ('going', 'gone')
"""
_OF_ROOM = """
    tenant = :tenant AND (room = :room OR channel = :room OR substr(room, 1, :length) = :beginning)
"""
_FREEZE_ROOMS = f"""
    UPDATE conversation SET frozen_by = :origin, lease_owner = NULL, lease_until = 0
    WHERE frozen_by IS NULL AND {_OF_ROOM}
"""  # noqa: S608 - our own words
_THAW_ROOMS = "UPDATE conversation SET frozen_by = NULL WHERE frozen_by = :origin"
_DROP_LEASES = "UPDATE conversation SET lease_owner = NULL, lease_until = 0 WHERE tenant = :tenant"
_CANCEL = "UPDATE inbox SET state = 'cancelled', settled_at = :now WHERE tenant = :tenant AND settled_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An origin, and what became of it."""

    origin: Origin
    state: State
    since: datetime


async def name_account(transaction: Transaction, tenant: TenantId, account: str, *, now: datetime) -> None:
    """Remember as what we are in a tenant: a later start can tell then which tenants it should find."""
    await transaction.execute(_NAMED, tenant=tenant, account=account, now=to_micros(now))


async def tenants_of(transaction: Transaction, account: str) -> list[tuple[TenantId, State]]:
    """The tenants we were in under a name, and whether we still are."""
    rows = await transaction.fetch("SELECT * FROM origin WHERE room = '' AND account = :account", account=account)
    return [(TenantId(row["tenant"]), row["state"]) for row in rows]


async def is_gone(transaction: Transaction, tenant: TenantId) -> bool:
    """Whether we were removed from a tenant."""
    return await transaction.fetch_one(_IS_GONE, tenant=tenant) is not None


async def leave_tenant(transaction: Transaction, tenant: TenantId, *, now: datetime) -> bool:
    """Let a tenant be gone, from this moment on: nothing of it is answered or learned. False if it was already.

    What is being learned loses its lease, so that a model's late answer finds nobody to keep it.
    """
    if not await transaction.execute(_GO, tenant=tenant, room="", now=to_micros(now)):
        return False
    await transaction.execute(_DROP_LEASES, tenant=tenant)
    await transaction.execute(_CANCEL, tenant=tenant, now=to_micros(now))
    return True


async def enter_tenant(transaction: Transaction, tenant: TenantId, *, now: datetime) -> bool:
    """Let a tenant be there again. False if it never was gone."""
    return bool(await transaction.execute(_COME, tenant=tenant, room="", now=to_micros(now)))


async def close_room(transaction: Transaction, room: Room, *, now: datetime) -> bool:
    """Let a room be gone, with the threads in it. False if nothing was said there, or it was gone already."""
    origin = Origin(tenant=room.tenant, room=room.id)
    beginning = f"{room.id}/"
    frozen = await transaction.execute(
        _FREEZE_ROOMS,
        origin=origin.name,
        tenant=room.tenant,
        room=room.id,
        beginning=beginning,
        length=len(beginning),
    )
    return bool(frozen and await transaction.execute(_GO, tenant=room.tenant, room=room.id, now=to_micros(now)))


async def open_room(transaction: Transaction, room: Room, *, now: datetime) -> list[Origin]:
    """Let a room be there again, and the channel it is in: somebody says so, or speaks there. Returns what is back."""
    rows = await transaction.fetch(_CLOSED, tenant=room.tenant, room=room.id, channel=room.channel)
    origins = [Origin(tenant=room.tenant, room=row["room"]) for row in rows]
    for origin in origins:
        await transaction.execute(_COME, tenant=origin.tenant, room=origin.room, now=to_micros(now))
        await transaction.execute(_THAW_ROOMS, origin=origin.name)
    return origins


async def state(transaction: Transaction, origin: Origin) -> State:
    """What became of an origin."""
    row = await transaction.fetch_one(
        "SELECT state FROM origin WHERE tenant = :tenant AND room = :room", tenant=origin.tenant, room=origin.room
    )
    return "here" if row is None else row["state"]


async def arrive(transaction: Transaction, origin: Origin, *, before: State, after: State) -> None:
    """Note that an origin is all gone, or all back; nothing if it turned round meanwhile."""
    place = {"tenant": origin.tenant, "room": origin.room}
    await transaction.execute(_MOVED, **place, before=before, state=after)


async def moving(transaction: Transaction) -> list[Known]:
    """Every origin that is not simply there, longest in its state first."""
    rows = await transaction.fetch("SELECT * FROM origin WHERE state <> 'here' ORDER BY since")
    return [
        Known(
            origin=Origin(tenant=row["tenant"], room=row["room"]),
            state=row["state"],
            since=from_micros(row["since"]),
        )
        for row in rows
    ]


async def drop(transaction: Transaction, origin: Origin) -> int:
    """Forget that an origin ever was. Returns how many were known."""
    return await transaction.execute(
        "DELETE FROM origin WHERE tenant = :tenant AND room = :room", tenant=origin.tenant, room=origin.room
    )
