"""The inbox: what was accepted, what was decided about it, and when it was settled.

A row a post; its text is in the conversation, once. `state` runs received → running → answered, failed or cancelled;
the last three are decisions, and `settled_at` says that the platform shows the decision.

Several workers may share it (decision 0024). `lease_owner` is who accepted a message, and then who answers it, as long
as `lease_until` is not over; nobody is once a try has failed, until the next sweep. Each claim raises `token`, and what
is written under an older one is refused.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot import errors
from bot.messages import Accepted, AnswerId, Message, Room
from bot.store import conversations, outbox
from bot.store.workers import ALONE, Worker
from persona.moments import to_micros
from persona.ports import Transaction

Outcome = Literal["answered", "failed", "cancelled"]
"""An answer · an honest sentence that there is none · nothing, since the message was deleted first."""

_INSERT = """
    INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at, settled_at,
                       position, lease_owner, lease_until)
    VALUES (:tenant, :key, :room, :message, :answer, :state, :attempts, :received_at, :settled_at,
            1 + coalesce((SELECT last_position FROM conversation WHERE tenant = :tenant AND room = :room), 0),
            :owner, :database_now + :lease)
    ON CONFLICT (tenant, key) DO NOTHING
"""
_NO_EARLIER = """
    NOT EXISTS (SELECT 1 FROM inbox AS earlier
                WHERE earlier.tenant = inbox.tenant AND earlier.room = inbox.room AND earlier.settled_at IS NULL
                  AND earlier.position < inbox.position AND earlier.lease_owner IS NOT NULL)
"""
_CLAIM = f"""
    UPDATE inbox SET attempts = attempts + 1, state = CASE WHEN state = 'received' THEN 'running' ELSE state END,
        lease_owner = :owner, lease_until = :database_now + :lease, token = token + 1
    WHERE tenant = :tenant AND key = :key AND settled_at IS NULL
      AND (lease_owner IS NULL OR lease_owner = :owner OR attempts = 0 OR lease_until <= :database_now)
      AND (:out_of_turn = 1 OR {_NO_EARLIER})
    RETURNING state, attempts, token
"""  # noqa: S608 - our own words, here and below
_HELD = "SELECT 1 AS one FROM inbox WHERE tenant = :tenant AND key = :key AND token = :token AND settled_at IS NULL"
_RELEASE = """
    UPDATE inbox SET lease_owner = NULL, lease_until = 0
    WHERE tenant = :tenant AND key = :key AND token = :token AND settled_at IS NULL
"""
_RENEW = """
    UPDATE inbox SET lease_until = :database_now + :lease
    WHERE lease_owner = :owner AND settled_at IS NULL AND attempts > 0
    RETURNING answer, token
"""
_DECIDE = """
    UPDATE inbox SET state = :state
    WHERE tenant = :tenant AND key = :key AND settled_at IS NULL AND token = coalesce(:token, token)
"""
_SETTLE = """
    UPDATE inbox SET settled_at = :now
    WHERE tenant = :tenant AND key = :key AND settled_at IS NULL AND token = coalesce(:token, token)
    RETURNING state
"""
_TO_DO = """
    SELECT inbox.message, conversation.* FROM inbox
    JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.room = inbox.room
    WHERE inbox.settled_at IS NULL
"""
_OPEN = f"""
    {_TO_DO} AND (inbox.lease_owner IS NULL OR inbox.lease_owner = :owner
                  OR (inbox.lease_until <= :database_now AND {_NO_EARLIER}))
    ORDER BY inbox.received_at, inbox.position
"""
_ABANDONED = f"""
    {_TO_DO} AND inbox.lease_owner <> :owner AND inbox.lease_until <= :database_now AND {_NO_EARLIER}
    ORDER BY inbox.received_at, inbox.position
"""
_NEXT = f"""
    {_TO_DO} AND inbox.tenant = :tenant AND inbox.room = :room AND {_NO_EARLIER}
      AND (inbox.lease_owner = :owner OR (inbox.lease_owner IS NOT NULL AND inbox.attempts = 0)
           OR (inbox.lease_owner IS NOT NULL AND inbox.lease_until <= :database_now))
    ORDER BY inbox.position LIMIT 1
"""
_WAITING = """
    SELECT count(*) AS number FROM inbox
    WHERE tenant = :tenant AND room = :room AND settled_at IS NULL AND attempts = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message to answer now."""

    message: Message
    position: int
    """Where it stands in its conversation."""
    attempts: int
    """Counting this one, from 1."""
    is_decided: bool
    """Whether the reply is stored already and only has to be shown."""
    token: int
    """Which claim this is: what is written under an older one is refused."""
    is_off_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A deleted message some of whose reply may be showing."""

    accepted: Accepted
    token: int
    """As of `Claimed`."""


async def accept(transaction: Transaction, message: Message, *, now: datetime, worker: Worker = ALONE) -> bool:
    """Store a message and its conversation's growth. False, and nothing stored, if the post is known already."""
    if not await _insert(transaction, message, now=now, is_settled=False, worker=worker):
        return False
    await conversations.append(
        transaction,
        message.room,
        message=message.id,
        author=message.author,
        text=message.text,
        said_at=message.said_at,
    )
    return True


async def take(transaction: Transaction, accepted: Accepted, *, now: datetime) -> bool:
    """Store that a post was taken, and that nothing is owed for it any more. False if the post is known already."""
    return await _insert(transaction, accepted, now=now, is_settled=True, worker=ALONE)


async def _insert(
    transaction: Transaction, accepted: Accepted, *, now: datetime, is_settled: bool, worker: Worker
) -> bool:
    moment = to_micros(now)
    inserted = await transaction.execute(
        _INSERT,
        tenant=accepted.room.tenant,
        key=accepted.key,
        room=accepted.room.id,
        message=accepted.id,
        answer=accepted.answer,
        state="answered" if is_settled else "received",
        attempts=int(is_settled),
        received_at=moment,
        settled_at=moment if is_settled else None,
        owner=worker.id,
        lease=worker.lease_micros,
        database_now=moment,
    )
    return bool(inserted)


async def unsettled(transaction: Transaction, *, now: datetime, worker: Worker = ALONE) -> list[Accepted]:
    """What is accepted and not settled, in order of arrival, without what another worker sees to.

    Of what another one had and let run out, the first of each room: the rest of the room follows it.
    """
    rows = await transaction.fetch(_OPEN, owner=worker.id, database_now=to_micros(now))
    return [Accepted(id=row["message"], room=conversations.room_from(row)) for row in rows]


async def abandoned(transaction: Transaction, *, now: datetime, worker: Worker) -> list[Accepted]:
    """What other workers had and let run out, the first of each room, in order of arrival."""
    rows = await transaction.fetch(_ABANDONED, owner=worker.id, database_now=to_micros(now))
    return [Accepted(id=row["message"], room=conversations.room_from(row)) for row in rows]


async def following(transaction: Transaction, room: Room, *, now: datetime, worker: Worker) -> Accepted | None:
    """The message of a room whose turn it is, whoever accepted it; None while another worker answers one.

    One whose last try failed waits for the next sweep.
    """
    row = await transaction.fetch_one(
        _NEXT, tenant=room.tenant, room=room.id, owner=worker.id, database_now=to_micros(now)
    )
    return None if row is None else Accepted(id=row["message"], room=conversations.room_from(row))


async def waiting(transaction: Transaction, room: Room) -> int:
    """How many messages of a room nobody began to answer yet, whoever accepted them."""
    row = await transaction.fetch_one(_WAITING, tenant=room.tenant, room=room.id)
    assert row is not None
    number: int = row["number"]
    return number


async def claim(
    transaction: Transaction,
    accepted: Accepted,
    *,
    now: datetime,
    worker: Worker = ALONE,
    is_out_of_turn: bool = False,
) -> Claimed | Withdrawn | None:
    """Begin, or begin again, to answer a message. None if it is settled, or not ours to answer now.

    That is as long as another worker has it, or an earlier one of its room is still to be answered, unless this one
    `is_out_of_turn`. One whose last try failed holds up no other.

    One that was deleted is cancelled: settled here, or, if some of a reply may be showing, returned without its words.

    The room of `accepted` is taken as it is: its kind may be known better now than when the message came.
    """
    row = await transaction.fetch_one(
        _CLAIM,
        tenant=accepted.room.tenant,
        key=accepted.key,
        owner=worker.id,
        lease=worker.lease_micros,
        out_of_turn=int(is_out_of_turn),
        database_now=to_micros(now),
    )
    if row is None:
        return None
    token: int = row["token"]
    line = await conversations.find(transaction, accepted.room, accepted.id)
    if line is None:
        is_settled = await cancel(transaction, accepted, now=now, token=token)
        return None if is_settled else Withdrawn(accepted=accepted, token=token)
    return Claimed(
        message=conversations.as_message(accepted.room, line),
        position=line.position,
        attempts=row["attempts"],
        is_decided=row["state"] != "running",
        token=token,
        is_off_record=line.is_off_record,
    )


async def check(transaction: Transaction, accepted: Accepted, *, token: int) -> None:
    """Let a unit go on only as long as the claim holds under which it writes. Raises as `decide` does."""
    if await transaction.fetch_one(_HELD, tenant=accepted.room.tenant, key=accepted.key, token=token) is None:
        raise errors.LeaseLostError


async def release(transaction: Transaction, accepted: Accepted, *, token: int) -> None:
    """Give a message back after a try that failed: the next sweep begins again, and nothing waits for it until then."""
    await transaction.execute(_RELEASE, tenant=accepted.room.tenant, key=accepted.key, token=token)


async def renew(transaction: Transaction, *, now: datetime, worker: Worker) -> Collection[tuple[AnswerId, int]]:
    """Hold on to everything that a worker is answering: the answer's id and the token of each."""
    rows = await transaction.fetch(_RENEW, owner=worker.id, lease=worker.lease_micros, database_now=to_micros(now))
    return {(row["answer"], row["token"]) for row in rows}


async def cancel(transaction: Transaction, accepted: Accepted, *, now: datetime, token: int | None = None) -> bool:
    """A deleted message needs no answer. False if some of a reply may be showing, which has to be replaced first.

    Raises as `decide` does.
    """
    await decide(transaction, accepted, "cancelled", token=token)
    if await outbox.parts(transaction, accepted.room.tenant, accepted.answer):
        return False
    await settle(transaction, accepted, now=now, token=token)
    return True


async def decide(transaction: Transaction, accepted: Accepted, outcome: Outcome, *, token: int | None = None) -> None:
    """Record how a message will end. Without a `token`, whoever has it; what is settled keeps its outcome then.

    Raises:
        LeaseLostError: the message was claimed anew since, or is settled.
    """
    decided = await transaction.execute(
        _DECIDE, tenant=accepted.room.tenant, key=accepted.key, state=outcome, token=token
    )
    if token is not None and not decided:
        raise errors.LeaseLostError


async def settle(
    transaction: Transaction, accepted: Accepted, *, now: datetime, token: int | None = None
) -> Outcome | None:
    """Record that the decision is shown, and return it; None if that was recorded before. Raises as `decide` does."""
    row = await transaction.fetch_one(
        _SETTLE, tenant=accepted.room.tenant, key=accepted.key, now=to_micros(now), token=token
    )
    if token is not None and row is None:
        raise errors.LeaseLostError
    return None if row is None else row["state"]
