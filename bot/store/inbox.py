"""The inbox: what was accepted, what was decided about it, and when it was settled.

A row a post; its text is in the conversation, once. `state` runs received → running → answered, failed or cancelled;
the last three are decisions, and `settled_at` says that the platform shows the decision.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import Message, Room, TenantId
from bot.store import conversations
from persona.moments import to_micros
from persona.ports import Transaction

Outcome = Literal["answered", "failed", "cancelled"]
"""An answer · an honest sentence that there is none · nothing, since the message was deleted first."""

_INSERT = """
    INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at, settled_at)
    VALUES (:tenant, :key, :room, :message, :answer, 'received', 0, :received_at, NULL)
    ON CONFLICT (tenant, key) DO NOTHING
"""
_CLAIM = """
    UPDATE inbox SET attempts = attempts + 1, state = CASE WHEN state = 'received' THEN 'running' ELSE state END
    WHERE tenant = :tenant AND key = :key AND settled_at IS NULL
    RETURNING message, state, attempts
"""
_OPEN = """
    SELECT inbox.key, conversation.* FROM inbox
    JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.room = inbox.room
    WHERE inbox.settled_at IS NULL ORDER BY inbox.received_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Names one accepted message, and the room whose lane it belongs to."""

    room: Room
    key: str

    @property
    def tenant(self) -> TenantId:
        """Whose it is."""
        return self.room.tenant


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


async def accept(transaction: Transaction, message: Message, *, now: datetime) -> bool:
    """Store a message and its conversation's growth. False, and nothing stored, if the post is known already."""
    inserted = await transaction.execute(
        _INSERT,
        tenant=message.room.tenant,
        key=message.key,
        room=message.room.id,
        message=message.id,
        answer=message.answer,
        received_at=to_micros(now),
    )
    if not inserted:
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


async def open_entries(transaction: Transaction) -> list[Entry]:
    """Everything accepted that is not settled, in order of arrival."""
    rows = await transaction.fetch(_OPEN)
    return [Entry(room=conversations.room_from(row), key=row["key"]) for row in rows]


async def claim(transaction: Transaction, entry: Entry, *, now: datetime) -> Claimed | None:
    """Begin, or begin again, to answer a message. None if it is settled; one that was deleted is settled here.

    The room of `entry` is taken as it is: its kind may be known better now than when the message came.
    """
    row = await transaction.fetch_one(_CLAIM, tenant=entry.tenant, key=entry.key)
    if row is None:
        return None
    line = await conversations.find(transaction, entry.room, row["message"])
    if line is None:
        await _decide(transaction, entry.tenant, entry.key, "cancelled")
        await _settle(transaction, entry.tenant, entry.key, now=now)
        return None
    return Claimed(
        message=conversations.as_message(entry.room, line),
        position=line.position,
        attempts=row["attempts"],
        is_decided=row["state"] != "running",
    )


async def decide(transaction: Transaction, message: Message, outcome: Outcome) -> None:
    """Record how the message will end."""
    await _decide(transaction, message.room.tenant, message.key, outcome)


async def settle(transaction: Transaction, message: Message, *, now: datetime) -> Outcome | None:
    """Record that the decision is shown, and return it; None if that was recorded before."""
    return await _settle(transaction, message.room.tenant, message.key, now=now)


async def _decide(transaction: Transaction, tenant: TenantId, key: str, outcome: Outcome) -> None:
    await transaction.execute(
        "UPDATE inbox SET state = :state WHERE tenant = :tenant AND key = :key AND settled_at IS NULL",
        tenant=tenant,
        key=key,
        state=outcome,
    )


async def _settle(transaction: Transaction, tenant: TenantId, key: str, *, now: datetime) -> Outcome | None:
    row = await transaction.fetch_one(
        "UPDATE inbox SET settled_at = :now"
        " WHERE tenant = :tenant AND key = :key AND settled_at IS NULL RETURNING state",
        tenant=tenant,
        key=key,
        now=to_micros(now),
    )
    return None if row is None else row["state"]
