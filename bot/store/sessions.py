"""Sessions: which conversations have something to learn, who is learning them now, and how far they are learned.

A conversation is due once it fell silent with messages beyond its cursor. Whoever claims it holds a lease; a worker
that dies lets it run out, and the conversation comes due again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import Room
from bot.store.conversations import MAX_ATTEMPTS, Line, line_from, room_from
from persona.moments import to_micros
from persona.ports import Transaction

_CLAIM_DUE = """
    UPDATE conversation SET lease_owner = :owner, lease_until = :lease_until
    WHERE (tenant, room) IN (
        SELECT tenant, room FROM conversation
        WHERE last_position > learned_through AND last_message_at <= :idle_since
          AND not_before <= :now AND lease_until <= :now AND attempts < :max_attempts
        ORDER BY last_message_at LIMIT :most)
    RETURNING *
"""
_UNLEARNED = """
    SELECT * FROM message WHERE tenant = :tenant AND room = :room AND position > :through
    ORDER BY position LIMIT :most
"""
_LEARNED = """
    UPDATE conversation SET learned_through = :through, attempts = 0, not_before = 0,
        lease_owner = NULL, lease_until = 0
    WHERE tenant = :tenant AND room = :room AND lease_owner = :owner AND learned_through < :through
"""
_FAILED = """
    UPDATE conversation SET attempts = :attempts, not_before = :not_before, lease_owner = NULL, lease_until = 0
    WHERE tenant = :tenant AND room = :room AND lease_owner = :owner
"""

_UNPARK = """
    UPDATE conversation SET attempts = 0, not_before = 0
    WHERE last_position > learned_through AND attempts >= :max_attempts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A conversation that is ours to learn until `lease_until`."""

    room: Room
    learned_through: int
    last_position: int
    attempts: int


async def claim_due(
    transaction: Transaction, *, owner: str, idle_since: datetime, now: datetime, lease: timedelta, most: int
) -> list[Claimed]:
    """Take the conversations silent since `idle_since` that hold something not yet learned, longest idle first."""
    rows = await transaction.fetch(
        _CLAIM_DUE,
        owner=owner,
        idle_since=to_micros(idle_since),
        now=to_micros(now),
        lease_until=to_micros(now + lease),
        max_attempts=MAX_ATTEMPTS,
        most=most,
    )
    return [
        Claimed(
            room=room_from(row),
            learned_through=row["learned_through"],
            last_position=row["last_position"],
            attempts=row["attempts"],
        )
        for row in sorted(rows, key=lambda row: row["last_message_at"])
    ]


async def unlearned(transaction: Transaction, claimed: Claimed, *, most: int) -> list[Line]:
    """The messages beyond the cursor, in order, at most `most`."""
    room = claimed.room
    rows = await transaction.fetch(
        _UNLEARNED, tenant=room.tenant, room=room.id, through=claimed.learned_through, most=most
    )
    return [line_from(row) for row in rows]


async def learned(transaction: Transaction, room: Room, *, owner: str, through: int) -> bool:
    """Move the cursor and give the lease back. False if the lease was lost meanwhile: nothing may be kept then."""
    return bool(await transaction.execute(_LEARNED, tenant=room.tenant, room=room.id, owner=owner, through=through))


async def failed(transaction: Transaction, room: Room, *, owner: str, attempts: int, not_before: datetime) -> None:
    """Give the lease back and let the conversation come due again at `not_before`."""
    await transaction.execute(
        _FAILED,
        tenant=room.tenant,
        room=room.id,
        owner=owner,
        attempts=attempts,
        not_before=to_micros(not_before),
    )


async def unpark(transaction: Transaction) -> int:
    """Let what was parked come due again: a new start may have what they failed for mended. Returns how many."""
    return await transaction.execute(_UNPARK, max_attempts=MAX_ATTEMPTS)
