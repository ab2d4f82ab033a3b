"""Freezing: what was learned where we are no longer. It is kept, without effect, until that place is back or erased.

What is frozen is left out of every projection, like what was undone: nothing reads it by accident, and what it had
replaced holds meanwhile. Each function does a portion of the work, so that others can write in between.
Tables: those of `persona.rows`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from persona import audit
from persona.audit import Actor, Entry
from persona.persona import MemberKey
from persona.ports import Row, Transaction, Value
from persona.schema import Schema
from persona.store import reproject

Parameters = dict[str, Value]

_WITHIN = """
    ({one}.room_tenant = :origin_tenant
     AND (:whole = 1 OR {one}.room = :origin_room OR substr({one}.room, 1, :length) = :beginning))
"""
_FREEZABLE = f"""
    operation.frozen_by IS NULL
    AND (:whole = 1 OR operation.audience LIKE :of_room OR operation.audience LIKE :of_outsiders)
    AND NOT EXISTS (
        SELECT 1 FROM evidence AS other
        WHERE other.tenant = operation.tenant AND other.member = operation.member AND other.operation = operation.id
          AND NOT {_WITHIN.format(one="other")})
"""  # noqa: S608 - our own words, here and below
_TO_FREEZE = f"""
    SELECT DISTINCT operation.tenant, operation.member FROM evidence
    JOIN operation ON operation.tenant = evidence.tenant AND operation.member = evidence.member
     AND operation.id = evidence.operation
    WHERE {_WITHIN.format(one="evidence")} AND {_FREEZABLE}
    LIMIT :most
"""  # noqa: S608
_FREEZE = f"""
    UPDATE operation SET frozen_by = :origin
    WHERE tenant = :tenant AND member = :member AND {_FREEZABLE}
      AND id IN (
        SELECT operation FROM evidence
        WHERE evidence.tenant = :tenant AND evidence.member = :member AND {_WITHIN.format(one="evidence")})
    RETURNING id, field
"""  # noqa: S608
_FROZEN = """
    SELECT DISTINCT tenant, member FROM operation
    WHERE frozen_by = CAST(:origin_tenant AS TEXT) || '/' || :origin_room LIMIT :most
"""
_THAW = """
    UPDATE operation SET frozen_by = NULL
    WHERE tenant = :tenant AND member = :member AND frozen_by = :origin
    RETURNING id, field
"""
_ERASE_EVIDENCE = """
    DELETE FROM evidence WHERE tenant = :tenant AND member = :member AND operation IN (
        SELECT id FROM operation WHERE tenant = :tenant AND member = :member AND frozen_by = :origin)
"""
_ERASE = """
    DELETE FROM operation WHERE tenant = :tenant AND member = :member AND frozen_by = :origin RETURNING id, field
"""
_QUOTED = "SELECT DISTINCT tenant, member FROM evidence WHERE room_tenant = :origin_tenant LIMIT :most"
_UNQUOTE = "DELETE FROM evidence WHERE tenant = :tenant AND member = :member AND room_tenant = :origin_tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where words were said: a room with the threads in it, or all rooms of a tenant."""

    tenant: str
    room: str = ""
    """Empty for the whole tenant."""

    @property
    def name(self) -> str:
        """What it is called on what it froze."""
        return f"{self.tenant}/{self.room}"


async def freeze(transaction: Transaction, origin: Origin, *, schema: Schema, most: int, now: datetime) -> int:
    """Freeze what rests on words from `origin` alone, of at most `most` members. Returns of how many it was.

    Of a room that is what its readers alone may know; what was said in public outlives the room it was said in.
    """
    within = _within(origin)
    members = _members(await transaction.fetch(_TO_FREEZE, **within, most=most))
    for member in members:
        rows = await transaction.fetch(_FREEZE, **within, tenant=member.tenant, member=member.id, origin=origin.name)
        await reproject(transaction, member, {row["field"] for row in rows}, schema)
        await _record(transaction, member, origin, "freeze", rows, now=now)
    return len(members)


async def thaw(transaction: Transaction, origin: Origin, *, schema: Schema, most: int, now: datetime) -> int:
    """Let what `origin` froze hold again, of at most `most` members. Returns of how many it was."""
    members = _members(
        await transaction.fetch(_FROZEN, origin_tenant=origin.tenant, origin_room=origin.room, most=most)
    )
    for member in members:
        rows = await transaction.fetch(_THAW, tenant=member.tenant, member=member.id, origin=origin.name)
        await reproject(transaction, member, {row["field"] for row in rows}, schema)
        await _record(transaction, member, origin, "thaw", rows, now=now)
    return len(members)


async def erase(
    transaction: Transaction, origin: Origin, *, most: int, now: datetime, actor: Actor = audit.BY_SYSTEM
) -> int:
    """Erase what `origin` froze, of at most `most` members. Returns of how many it was.

    Of a whole tenant its words go as well where something else is said of the same elsewhere.
    """
    members = _members(
        await transaction.fetch(_FROZEN, origin_tenant=origin.tenant, origin_room=origin.room, most=most)
    )
    for member in members:
        owner: Parameters = {"tenant": member.tenant, "member": member.id, "origin": origin.name}
        await transaction.execute(_ERASE_EVIDENCE, **owner)
        rows = await transaction.fetch(_ERASE, **owner)
        await _record(transaction, member, origin, "purge", rows, now=now, actor=actor, is_erasure=True)
    if members or origin.room:
        return len(members)
    members = _members(await transaction.fetch(_QUOTED, origin_tenant=origin.tenant, most=most))
    for member in members:
        await transaction.execute(_UNQUOTE, tenant=member.tenant, member=member.id, origin_tenant=origin.tenant)
    return len(members)


async def _record(
    transaction: Transaction,
    member: MemberKey,
    origin: Origin,
    action: str,
    rows: Iterable[Row],
    *,
    now: datetime,
    actor: Actor = audit.BY_SYSTEM,
    is_erasure: bool = False,
) -> None:
    entries = [
        Entry(
            actor=actor,
            action=action,
            field=row["field"],
            operation=row["id"],
            reason="a room" if origin.room else "a tenant",
            is_erasure=is_erasure,
        )
        for row in sorted(rows, key=lambda row: (row["field"], row["id"]))
    ]
    await audit.record(transaction, member, *entries, now=now)


def _within(origin: Origin) -> Parameters:
    beginning = f"{origin.room}/"
    return {
        "origin_tenant": origin.tenant,
        "origin_room": origin.room,
        "whole": int(not origin.room),
        "length": len(beginning),
        "beginning": beginning,
        "of_room": "room:%",
        "of_outsiders": "external:%",
    }


def _members(rows: Iterable[Row]) -> list[MemberKey]:
    return [MemberKey(tenant=row["tenant"], id=row["member"]) for row in rows]
