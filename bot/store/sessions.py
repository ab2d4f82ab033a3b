"""Sessions: which conversations have something to learn, who is learning them now, and how far they are learned.

A conversation is due once it fell silent with messages beyond its cursor. Whoever claims it holds a lease; a worker
that dies lets it run out, and the conversation comes due again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import MessageId, Room
from bot.store.conversations import MAX_ATTEMPTS, Line, lines_from, room_from
from persona.moments import to_micros
from persona.persona import MemberKey
from persona.ports import Row, Transaction, Value

_IN_BATCH = """
    EXISTS (SELECT 1 FROM batch_request
            WHERE batch_request.tenant = conversation.tenant AND batch_request.id = conversation.lease_owner)
"""
_IS_THERE = """
    frozen_by IS NULL
    AND tenant NOT IN (SELECT left_one.tenant FROM origin AS left_one
                       WHERE left_one.room = '' AND left_one.state IN ('going', 'gone'))
"""
_CLAIM_DUE = f"""
    UPDATE conversation SET lease_owner = :owner, lease_until = :lease_until
    WHERE (tenant, room) IN (
        SELECT tenant, room FROM (SELECT tenant, room FROM (
            SELECT tenant, room FROM conversation
            WHERE last_position > learned_through AND last_message_at <= :idle_since
              AND not_before <= :now AND lease_until <= :now AND attempts < :max_attempts AND {_IS_THERE}
            ORDER BY last_message_at LIMIT :most /* skip locked */) AS idle
        UNION ALL
        SELECT tenant, room FROM (
            SELECT tenant, room FROM conversation
            WHERE wanted_through > learned_through AND not_before <= :now
              AND (lease_until <= :now OR {_IN_BATCH}) AND attempts < :max_attempts AND {_IS_THERE}
            ORDER BY last_message_at LIMIT :most /* skip locked */) AS wanted) AS due)
    RETURNING *
"""  # noqa: S608 - our own words, here and below
_WANT = "UPDATE conversation SET wanted_through = last_position, not_before = 0 WHERE tenant = :tenant AND room = :room"
_PUT_OFF = """
    UPDATE conversation SET not_before = :until, lease_owner = NULL, lease_until = 0
    WHERE tenant = :tenant AND room = :room AND lease_owner = :owner
"""
_HAND_OVER = """
    UPDATE conversation SET lease_owner = :request, lease_until = :until,
        wanted_through = CASE WHEN wanted_through > :last_position THEN wanted_through ELSE learned_through END
    WHERE tenant = :tenant AND room = :room AND lease_owner = :owner
"""
_HELD = "SELECT * FROM conversation WHERE tenant = :tenant AND room = :room AND lease_owner = :owner"
_OF_MEMBER = f"""
    last_position > learned_through AND last_message_at <= :idle_since AND attempts = 0 AND NOT {_IN_BATCH}
    AND EXISTS (
        SELECT 1 FROM message
        WHERE message.tenant = conversation.tenant AND message.room = conversation.room
          AND message.position > conversation.learned_through
          AND message.author_tenant = :member_tenant AND message.author = :member)
"""  # noqa: S608
_WAITING_OF = f"""
    WITH said AS (
        SELECT message.*,
               CASE WHEN message.said_at - lag(message.said_at) OVER of_room < :idle THEN 0 ELSE 1 END AS begins
        FROM message
        JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
        WHERE {_OF_MEMBER} AND message.position > conversation.learned_through
        WINDOW of_room AS (PARTITION BY message.tenant, message.room ORDER BY message.position)
    ), numbered AS (
        SELECT tenant, room, author_tenant, author,
               sum(begins) OVER (PARTITION BY tenant, room ORDER BY position) AS session
        FROM said
    )
    SELECT count(*) AS number FROM (
        SELECT DISTINCT tenant, room, session FROM numbered
        WHERE author_tenant = :member_tenant AND author = :member) AS theirs
"""  # noqa: S608 - our own words
_CALL_BACK = f"UPDATE conversation SET wanted_through = last_position, not_before = 0 WHERE {_OF_MEMBER}"  # noqa: S608
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

_IS_WAITING = """
    SELECT 1 AS one FROM message
    JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
    WHERE message.tenant = :tenant AND message.room = :room AND message.id = :message
      AND message.position > conversation.learned_through AND conversation.lease_until <= :now
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
    is_wanted: bool
    """Whether it is to be learned at once: somebody asked for it, or enough else waits of somebody who spoke."""


async def claim_due(
    transaction: Transaction, *, owner: str, idle_since: datetime, now: datetime, lease: timedelta, most: int
) -> list[Claimed]:
    """Take the conversations silent since `idle_since` that hold something not yet learned, longest idle first.

    One that somebody wants to be learned at once is taken even from a batch, whose result then comes too late.
    """
    rows = await transaction.fetch(
        _CLAIM_DUE,
        owner=owner,
        idle_since=to_micros(idle_since),
        now=to_micros(now),
        lease_until=to_micros(now + lease),
        max_attempts=MAX_ATTEMPTS,
        most=most,
    )
    by_age = sorted(rows, key=lambda row: (row["last_message_at"], row["tenant"], row["room"]))
    return [_claimed(row) for row in by_age]


async def hand_over(transaction: Transaction, claimed: Claimed, *, owner: str, request: str, until: datetime) -> bool:
    """Let a request hold what `owner` holds, until a moment. False if the lease was lost meanwhile.

    What was wanted of it is on its way then; a wish that comes later takes it back.
    """
    room = claimed.room
    return bool(
        await transaction.execute(
            _HAND_OVER,
            tenant=room.tenant,
            room=room.id,
            last_position=claimed.last_position,
            owner=owner,
            request=request,
            until=to_micros(until),
        )
    )


async def held(transaction: Transaction, room: Room, *, owner: str) -> Claimed | None:
    """The conversation, as long as nobody took it from `owner`."""
    row = await transaction.fetch_one(_HELD, tenant=room.tenant, room=room.id, owner=owner)
    return None if row is None else _claimed(row)


async def unlearned(transaction: Transaction, claimed: Claimed, *, most: int) -> list[Line]:
    """The messages beyond the cursor, in order, at most `most`."""
    room = claimed.room
    rows = await transaction.fetch(
        _UNLEARNED, tenant=room.tenant, room=room.id, through=claimed.learned_through, most=most
    )
    return await lines_from(transaction, rows)


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


async def want(transaction: Transaction, room: Room) -> None:
    """Let what was said in a conversation so far come due at once, without going idle first."""
    await transaction.execute(_WANT, tenant=room.tenant, room=room.id)


async def put_off(transaction: Transaction, room: Room, *, owner: str, until: datetime) -> None:
    """Give the lease back and wait for more to be said, at most until a moment."""
    await transaction.execute(_PUT_OFF, tenant=room.tenant, room=room.id, owner=owner, until=to_micros(until))


async def waiting_of(transaction: Transaction, member: MemberKey, *, now: datetime, idle_after: timedelta) -> int:
    """In how many sessions that went idle a member said something that is not learned yet.

    A room that fell silent several times meanwhile, such as a direct one, holds several.
    """
    idle = idle_after // timedelta(microseconds=1)
    row = await transaction.fetch_one(_WAITING_OF, **_of(member, now - idle_after), idle=idle)
    assert row is not None
    number: int = row["number"]
    return number


async def call_back(transaction: Transaction, member: MemberKey, *, idle_since: datetime) -> None:
    """Let everything that waits of a member's idle conversations come due at once."""
    await transaction.execute(_CALL_BACK, **_of(member, idle_since))


def _claimed(row: Row) -> Claimed:
    return Claimed(
        room=room_from(row),
        learned_through=row["learned_through"],
        last_position=row["last_position"],
        attempts=row["attempts"],
        is_wanted=row["wanted_through"] > row["learned_through"],
    )


def _of(member: MemberKey, idle_since: datetime) -> dict[str, Value]:
    return {"member_tenant": member.tenant, "member": member.id, "idle_since": to_micros(idle_since)}


async def is_waiting(transaction: Transaction, room: Room, message: MessageId, *, now: datetime) -> bool:
    """Whether a message is still to be learned, and nobody is learning it already."""
    row = await transaction.fetch_one(
        _IS_WAITING, tenant=room.tenant, room=room.id, message=message, now=to_micros(now)
    )
    return row is not None
