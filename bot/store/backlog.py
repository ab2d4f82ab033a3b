"""Backlog: how much waits to be answered and to be learned, in all tenants, and since when. Counts and times alone."""

from dataclasses import dataclass
from datetime import datetime

from bot.store.conversations import MAX_ATTEMPTS
from persona.moments import maybe_from_micros
from persona.ports import Transaction

_UNANSWERED = "SELECT count(*) AS number, min(received_at) AS since FROM inbox WHERE settled_at IS NULL"
_UNLEARNED = """
    SELECT count(*) AS number, min(last_message_at) AS since,
           sum(CASE WHEN attempts >= :most THEN 1 ELSE 0 END) AS parked
    FROM conversation WHERE last_position > learned_through AND frozen_by IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits."""

    unanswered: int
    """Messages that were accepted and have no outcome yet."""
    oldest_message: datetime | None
    """When the first of them came."""
    unlearned: int
    """Conversations with something that is not learned yet, those that are still going on included."""
    oldest_session: datetime | None
    """When the longest silent of them was last spoken in."""
    parked: int
    """Of them, those that failed for good."""


async def read(transaction: Transaction) -> Backlog:
    """What waits now."""
    unanswered = await transaction.fetch_one(_UNANSWERED)
    unlearned = await transaction.fetch_one(_UNLEARNED, most=MAX_ATTEMPTS)
    assert unanswered is not None
    assert unlearned is not None
    return Backlog(
        unanswered=unanswered["number"],
        oldest_message=maybe_from_micros(unanswered["since"]),
        unlearned=unlearned["number"],
        oldest_session=maybe_from_micros(unlearned["since"]),
        parked=unlearned["parked"] or 0,
    )
