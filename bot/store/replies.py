"""Replies to a member, as far as they are stored: what we wrote to somebody is kept of them, too."""

from dataclasses import dataclass

from bot.messages import TenantId
from bot.store import conversations
from bot.store.conversations import Line
from persona.persona import MemberKey
from persona.ports import Transaction

_TO = """
    SELECT message.* FROM message
    JOIN message AS asked
      ON asked.tenant = message.tenant AND asked.room = message.room AND asked.id = message.reply_to
    WHERE message.author IS NULL AND asked.author_tenant = :author_tenant AND asked.author = :author
    ORDER BY message.said_at, message.tenant, message.room, message.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A stored reply."""

    tenant: TenantId
    room: str
    line: Line


async def to(transaction: Transaction, member: MemberKey) -> list[Reply]:
    """Every stored reply to a member, oldest first; one that cannot be opened any more is left out."""
    rows = await transaction.fetch(_TO, author_tenant=member.tenant, author=member.id)
    return [
        Reply(tenant=row["tenant"], room=row["room"], line=line)
        for row, line in await conversations.opened(transaction, rows)
    ]
