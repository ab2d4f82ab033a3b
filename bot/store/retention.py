"""Retention: what is erased once it is no longer needed (design section 5). Statements over all tenants."""

from datetime import datetime, timedelta

from bot.store import conversations, links, off_record
from persona import audit, quarantine
from persona.moments import to_micros
from persona.ports import Transaction

REPLY_LIFE = timedelta(hours=24)
"""How long the text of a reply is kept in the outbox after its message was settled, unless a setting says so."""

KEY_LIFE = timedelta(days=7)
"""How long a settled message is known as a duplicate: far longer than any platform delivers again."""

USAGE_LIFE = timedelta(days=400)
"""How long what calls cost is kept: a year to compare with, and a month to look at it."""

REQUEST_LIFE = timedelta(days=29)
"""How long the results of a batch can be read (anthropic sheet 1.4); nobody asked for them that long."""

PARKED_LIFE = timedelta(days=30)
"""How long a session that could not be learned waits for somebody to mend what it failed for."""

_MESSAGES = """
    DELETE FROM message
    WHERE said_at < :before
      AND EXISTS (
        SELECT 1 FROM conversation
        WHERE conversation.tenant = message.tenant AND conversation.room = message.room
          AND (conversation.learned_through >= message.position
               OR (conversation.attempts >= :max_attempts AND conversation.last_message_at < :parked_before)))
      AND (tenant, room, id) NOT IN (SELECT tenant, room, message FROM inbox WHERE settled_at IS NULL)
"""
_REPLIES = """
    DELETE FROM outbox WHERE (tenant, answer) IN (SELECT tenant, answer FROM inbox WHERE settled_at < :before)
"""
_KEYS = "DELETE FROM inbox WHERE settled_at < :before"
_REQUESTS = "DELETE FROM batch_request WHERE created_at < :before"
_USAGE = "DELETE FROM usage WHERE used_at < :before"


async def erase_old(
    transaction: Transaction, *, now: datetime, message_life: timedelta, reply_life: timedelta = REPLY_LIFE
) -> int:
    """Erase what outlived its use: learned messages, shown replies, old keys. Returns how many rows went.

    A message nobody learned from yet, or that still waits for its answer, is kept, however old; one of a parked
    session for `PARKED_LIFE`.
    """
    erased = await transaction.execute(
        _MESSAGES,
        before=to_micros(now - message_life),
        parked_before=to_micros(now - PARKED_LIFE),
        max_attempts=conversations.MAX_ATTEMPTS,
    )
    erased += await transaction.execute(_REPLIES, before=to_micros(now - reply_life))
    erased += await transaction.execute(_KEYS, before=to_micros(now - KEY_LIFE))
    erased += await transaction.execute(_REQUESTS, before=to_micros(now - REQUEST_LIFE))
    erased += await transaction.execute(_USAGE, before=to_micros(now - USAGE_LIFE))
    erased += await audit.erase_old(transaction, now=now)
    erased += await off_record.erase_old(transaction, now=now)
    erased += await links.erase_old(transaction, now=now)
    return erased + await quarantine.erase_old(transaction, now=now)
