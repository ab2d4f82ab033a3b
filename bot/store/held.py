"""What is held of messages, or rests on them: whatever has to go when a platform shows a message no longer."""

from dataclasses import dataclass
from datetime import datetime

from bot.messages import Member, MessageId, Platform, Room, TenantId
from bot.store import conversations
from persona.moments import from_micros, to_micros
from persona.ports import Transaction

HERE = """
    substr(conversation.tenant, 1, :length) = :beginning AND conversation.frozen_by IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM origin
        WHERE origin.tenant = conversation.tenant AND origin.room = '' AND origin.state IN ('going', 'gone'))
"""
"""Of a conversation: on one platform, neither closed nor in a tenant that removed us."""

_HELD = f"""
    SELECT conversation.tenant, conversation.channel, conversation.thread, conversation.kind,
           message.id AS message, message.author_tenant, message.author, message.said_at
    FROM message
    JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
    WHERE message.author IS NOT NULL AND message.said_at BETWEEN :text_since AND :until AND {HERE}
    UNION
    SELECT conversation.tenant, conversation.channel, conversation.thread, conversation.kind,
           evidence.message, evidence.tenant AS author_tenant, evidence.member AS author, evidence.said_at
    FROM evidence
    JOIN conversation ON conversation.tenant = evidence.room_tenant AND conversation.room = evidence.room
    WHERE evidence.said_at BETWEEN :evidence_since AND :until AND {HERE}
    ORDER BY said_at DESC, message DESC LIMIT :most
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A member's message whose text is kept, or on which something rests that is known of them."""

    room: Room
    message: MessageId
    author: Member
    said_at: datetime


async def messages(
    transaction: Transaction,
    platform: Platform,
    *,
    text_since: datetime,
    evidence_since: datetime,
    until: datetime,
    most: int,
) -> list[Held]:
    """What is held of messages said on a platform, newest first, at most `most`; over all its tenants.

    Texts that were said from `text_since` on, and evidence from `evidence_since` on, both until `until`. Nothing of
    tenants that removed us or of rooms that were closed: what comes from there rests already.
    """
    beginning = f"{platform}:"
    rows = await transaction.fetch(
        _HELD,
        beginning=beginning,
        length=len(beginning),
        text_since=to_micros(text_since),
        evidence_since=to_micros(evidence_since),
        until=to_micros(until),
        most=most,
    )
    return [
        Held(
            room=conversations.room_from(row),
            message=MessageId(row["message"]),
            author=Member(tenant=TenantId(row["author_tenant"]), id=row["author"]),
            said_at=from_micros(row["said_at"]),
        )
        for row in rows
    ]
