"""Which facts the prompt of each answer held: their ids, for as long as the inbox knows the answer's message."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.messages import Accepted, Room
from persona.moments import from_micros, to_micros
from persona.persona import FactId, MemberKey
from persona.ports import Row, Transaction

_EVER = 2**62
"""A moment after all others, in microseconds."""

_RECORD = """
    UPDATE inbox SET author_tenant = :author_tenant, author = :author, facts = :facts
    WHERE tenant = :tenant AND key = :key AND state = 'running'
"""
_LAST = """
    SELECT inbox.tenant, inbox.room, inbox.facts, inbox.received_at,
           CASE WHEN inbox.tenant = :tenant AND inbox.room = :room THEN 0
                WHEN inbox.tenant = :tenant AND conversation.channel = :channel THEN 1 ELSE 2 END AS distance
    FROM inbox
    JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.room = inbox.room
    WHERE inbox.author_tenant = :author_tenant AND inbox.author = :author
      AND inbox.state = 'answered' AND inbox.settled_at IS NOT NULL
      AND inbox.received_at BETWEEN :since AND :until
    ORDER BY distance, inbox.received_at DESC LIMIT 1
"""
_EVERY = """
    SELECT tenant, room, facts, received_at FROM inbox
    WHERE author_tenant = :author_tenant AND author = :author ORDER BY received_at, key
"""
_ERASE = """
    UPDATE inbox SET author_tenant = NULL, author = NULL, facts = NULL
    WHERE author_tenant = :author_tenant AND author = :author
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What an answer was written with."""

    tenant: str
    room: str
    facts: tuple[FactId, ...]
    asked_at: datetime
    """When the message it answers was accepted."""
    is_from_here: bool = False
    """Whether it was given in the room that was asked about, or in its channel."""


async def record(transaction: Transaction, accepted: Accepted, *, author: MemberKey, facts: Iterable[FactId]) -> None:
    """Keep which facts the prompt holds with which a message is being answered; a later try replaces it.

    An answer that is decided was written with what an earlier try recorded: nothing is changed then.
    """
    await transaction.execute(
        _RECORD,
        tenant=accepted.room.tenant,
        key=accepted.key,
        author_tenant=author.tenant,
        author=author.id,
        facts=json.dumps(list(facts)),
    )


async def last(
    transaction: Transaction, member: MemberKey, *, room: Room | None, asked_at: datetime | None = None
) -> Used | None:
    """What a member's last answer in a room was written with; else their last one in its channel, or anywhere.

    With `asked_at` only an answer to what was asked then. None if there is no such answer that is still known.
    """
    row = await transaction.fetch_one(
        _LAST,
        author_tenant=member.tenant,
        author=member.id,
        tenant=room.tenant if room else "",
        room=room.id if room else "",
        channel=room.channel if room else "",
        since=to_micros(asked_at) if asked_at else 0,
        until=to_micros(asked_at) if asked_at else _EVER,
    )
    if row is None:
        return None
    return replace(_used(row), is_from_here=row["distance"] < 2)


async def every(transaction: Transaction, member: MemberKey) -> list[Used]:
    """What all answers to a member were written with that are still known, and those being written; oldest first."""
    return [_used(row) for row in await transaction.fetch(_EVERY, author_tenant=member.tenant, author=member.id)]


async def erase(transaction: Transaction, member: MemberKey) -> None:
    """Lose all traces of what answers to a member were written with."""
    await transaction.execute(_ERASE, author_tenant=member.tenant, author=member.id)


def _used(row: Row) -> Used:
    return Used(
        tenant=row["tenant"],
        room=row["room"],
        facts=tuple(json.loads(row["facts"])),
        asked_at=from_micros(row["received_at"]),
    )
