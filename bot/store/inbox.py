"""The inbox: what was accepted, what was decided about it, and when it was settled.

A row a post; its text is in the conversation, once. `state` runs received → running → answered, failed or cancelled;
the last three are decisions, and `settled_at` says that the platform shows the decision.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import Accepted, Message
from bot.store import conversations, outbox
from persona.moments import to_micros
from persona.ports import Transaction

Outcome = Literal["answered", "failed", "cancelled"]
"""An answer · an honest sentence that there is none · nothing, since the message was deleted first."""

_INSERT = """
    INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at, settled_at)
    VALUES (:tenant, :key, :room, :message, :answer, :state, :attempts, :received_at, :settled_at)
    ON CONFLICT (tenant, key) DO NOTHING
"""
_CLAIM = """
    UPDATE inbox SET attempts = attempts + 1, state = CASE WHEN state = 'received' THEN 'running' ELSE state END
    WHERE tenant = :tenant AND key = :key AND settled_at IS NULL
    RETURNING state, attempts
"""
_OPEN = """
    SELECT inbox.message, conversation.* FROM inbox
    JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.room = inbox.room
    LEFT JOIN message ON message.tenant = inbox.tenant AND message.room = inbox.room AND message.id = inbox.message
    WHERE inbox.settled_at IS NULL ORDER BY inbox.received_at, message.position
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
    is_off_record: bool = False


async def accept(transaction: Transaction, message: Message, *, now: datetime) -> bool:
    """Store a message and its conversation's growth. False, and nothing stored, if the post is known already."""
    if not await _insert(transaction, message, now=now, is_settled=False):
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
    return await _insert(transaction, accepted, now=now, is_settled=True)


async def _insert(transaction: Transaction, accepted: Accepted, *, now: datetime, is_settled: bool) -> bool:
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
    )
    return bool(inserted)


async def unsettled(transaction: Transaction) -> list[Accepted]:
    """Everything accepted that is not settled, in order of arrival."""
    rows = await transaction.fetch(_OPEN)
    return [Accepted(id=row["message"], room=conversations.room_from(row)) for row in rows]


async def claim(transaction: Transaction, accepted: Accepted, *, now: datetime) -> Claimed | Accepted | None:
    """Begin, or begin again, to answer a message. None if it is settled.

    One that was deleted is cancelled: settled here, or, if some of a reply may be showing, returned without its words.

    The room of `accepted` is taken as it is: its kind may be known better now than when the message came.
    """
    row = await transaction.fetch_one(_CLAIM, tenant=accepted.room.tenant, key=accepted.key)
    if row is None:
        return None
    line = await conversations.find(transaction, accepted.room, accepted.id)
    if line is None:
        return None if await cancel(transaction, accepted, now=now) else accepted
    return Claimed(
        message=conversations.as_message(accepted.room, line),
        position=line.position,
        attempts=row["attempts"],
        is_decided=row["state"] != "running",
        is_off_record=line.is_off_record,
    )


async def cancel(transaction: Transaction, accepted: Accepted, *, now: datetime) -> bool:
    """A deleted message needs no answer. False if some of a reply may be showing, which has to be replaced first."""
    await decide(transaction, accepted, "cancelled")
    if await outbox.parts(transaction, accepted.room.tenant, accepted.answer):
        return False
    await settle(transaction, accepted, now=now)
    return True


async def decide(transaction: Transaction, accepted: Accepted, outcome: Outcome) -> None:
    """Record how a message will end."""
    await transaction.execute(
        "UPDATE inbox SET state = :state WHERE tenant = :tenant AND key = :key AND settled_at IS NULL",
        tenant=accepted.room.tenant,
        key=accepted.key,
        state=outcome,
    )


async def settle(transaction: Transaction, accepted: Accepted, *, now: datetime) -> Outcome | None:
    """Record that the decision is shown, and return it; None if that was recorded before."""
    row = await transaction.fetch_one(
        "UPDATE inbox SET settled_at = :now"
        " WHERE tenant = :tenant AND key = :key AND settled_at IS NULL RETURNING state",
        tenant=accepted.room.tenant,
        key=accepted.key,
        now=to_micros(now),
    )
    return None if row is None else row["state"]
