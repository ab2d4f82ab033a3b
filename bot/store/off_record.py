"""Who is off the record in which room, since when and until when; and the mark on what is said then.

A room here is a conversation: a thread is its own, a direct message is one with all its threads. Times are those of
the platform's own clock, as messages have them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import MessageId, Room
from persona.moments import from_micros, maybe_from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction, Value

ENDED_LIFE = timedelta(days=7)
"""How long an end is remembered: far longer than any platform takes to deliver what was said before it."""

_OF = "tenant = :tenant AND room = :room AND member_tenant = :member_tenant AND member = :member"
_BEGIN = """
    INSERT INTO off_record (tenant, room, member_tenant, member, since, until)
    VALUES (:tenant, :room, :member_tenant, :member, :since, NULL)
    ON CONFLICT (tenant, room, member_tenant, member, since) DO UPDATE SET until = NULL
"""
_END = f"UPDATE off_record SET until = :until WHERE {_OF} AND until IS NULL"  # noqa: S608 - our own words, also below
_HOLDS = f"""
    SELECT 1 AS one FROM off_record
    WHERE {_OF} AND (until IS NULL OR (since <= :said_at AND :said_at < until)) LIMIT 1
"""  # noqa: S608
_IS_OPEN = f"SELECT 1 AS one FROM off_record WHERE {_OF} AND until IS NULL LIMIT 1"  # noqa: S608
_PERIODS = """
    SELECT * FROM off_record WHERE member_tenant = :member_tenant AND member = :member ORDER BY since, tenant, room
"""
_MARK = """
    UPDATE message SET off_record = 1 WHERE tenant = :tenant AND room = :room AND (id = :id OR reply_to = :id)
"""
_SAID_SINCE = """
    SELECT message.room, message.id FROM message
    JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
    WHERE message.tenant = :tenant AND author_tenant = :member_tenant AND author = :member AND said_at >= :since
      AND (message.room = :room OR (conversation.kind = 'direct' AND conversation.channel = :room))
"""


async def begin(transaction: Transaction, room: Room, member: MemberKey, *, since: datetime) -> None:
    """Put a member off the record in a room. What they said since that moment and arrived before is so as well."""
    scope = _scope(room, member)
    if not await is_open(transaction, room, member):
        await transaction.execute(_BEGIN, **scope, since=to_micros(since))
    for row in await transaction.fetch(_SAID_SINCE, **scope, since=to_micros(since)):
        await transaction.execute(_MARK, tenant=room.tenant, room=row["room"], id=row["id"])


async def end(transaction: Transaction, room: Room, member: MemberKey, *, until: datetime) -> None:
    """Put a member on the record again."""
    await transaction.execute(_END, **_scope(room, member), until=to_micros(until))


async def holds(transaction: Transaction, room: Room, member: MemberKey, *, said_at: datetime) -> bool:
    """Whether what a member said at a moment is off the record; anything is, as long as they are."""
    row = await transaction.fetch_one(_HOLDS, **_scope(room, member), said_at=to_micros(said_at))
    return row is not None


async def is_open(transaction: Transaction, room: Room, member: MemberKey) -> bool:
    """Whether a member is off the record now."""
    return await transaction.fetch_one(_IS_OPEN, **_scope(room, member)) is not None


async def mark(transaction: Transaction, room: Room, message: MessageId) -> None:
    """Let a stored message be off the record, for good, with our reply to it."""
    await transaction.execute(_MARK, tenant=room.tenant, room=room.id, id=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """When a member was off the record in a room."""

    tenant: str
    room: str
    since: datetime
    until: datetime | None
    """None while they are."""


async def periods(transaction: Transaction, member: MemberKey) -> list[Period]:
    """Where and when a member was off the record, as far as that is still kept; oldest first."""
    rows = await transaction.fetch(_PERIODS, member_tenant=member.tenant, member=member.id)
    return [
        Period(
            tenant=row["tenant"],
            room=row["room"],
            since=from_micros(row["since"]),
            until=maybe_from_micros(row["until"]),
        )
        for row in rows
    ]


async def erase_old(transaction: Transaction, *, now: datetime) -> int:
    """Erase what ended long ago. Returns how many rows went."""
    return await transaction.execute("DELETE FROM off_record WHERE until < :before", before=to_micros(now - ENDED_LIFE))


def _scope(room: Room, member: MemberKey) -> dict[str, Value]:
    return {
        "tenant": room.tenant,
        "room": room.channel if room.kind == "direct" else room.id,
        "member_tenant": member.tenant,
        "member": member.id,
    }
