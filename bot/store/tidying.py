"""Whose persona is to be tidied, and when: members who learned something, a while later."""

from datetime import datetime

from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction

_PUT = """
    INSERT INTO tidying (tenant, member, due_at) VALUES (:tenant, :member, :due_at)
    ON CONFLICT (tenant, member) DO UPDATE SET due_at = excluded.due_at WHERE excluded.due_at < tidying.due_at
"""
_TAKE = """
    DELETE FROM tidying WHERE (tenant, member) IN (
        SELECT tenant, member FROM tidying WHERE due_at <= :now ORDER BY due_at LIMIT :most)
    RETURNING tenant, member
"""


async def put(transaction: Transaction, member: MemberKey, *, due_at: datetime) -> None:
    """Let a member's persona be tidied at `due_at`, unless it is to be sooner already."""
    await transaction.execute(_PUT, tenant=member.tenant, member=member.id, due_at=to_micros(due_at))


async def due_at(transaction: Transaction, member: MemberKey) -> datetime | None:
    """When a member's persona is to be tidied, if it is."""
    row = await transaction.fetch_one(
        "SELECT due_at FROM tidying WHERE tenant = :tenant AND member = :member", tenant=member.tenant, member=member.id
    )
    return None if row is None else from_micros(row["due_at"])


async def take(transaction: Transaction, *, now: datetime, most: int) -> list[MemberKey]:
    """The members whose time has come, at most `most`; they are taken off the list."""
    rows = await transaction.fetch(_TAKE, now=to_micros(now), most=most)
    return [MemberKey(tenant=row["tenant"], id=row["member"]) for row in rows]
