"""What was missed: until when a stream was heard, in which rooms we are spoken to, which messages are news."""

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.messages import Message, Platform, Room
from bot.store import conversations, notes
from bot.store.held import HERE
from persona.moments import from_micros, to_micros
from persona.ports import Transaction

_OURSELVES = ""
"""The tenant of what is about all of them."""

_ROOMS = f"""
    SELECT * FROM conversation WHERE last_message_at >= :since AND {HERE}
    ORDER BY last_message_at DESC, tenant, room LIMIT :most
"""  # noqa: S608 - our own words
_IS_KNOWN = "SELECT 1 FROM inbox WHERE tenant = :tenant AND key = :key"


async def heard_until(transaction: Transaction, streams: Collection[str]) -> datetime | None:
    """The moment up to which all that comes by these streams reached us; None if we never listened to any of them."""
    values = [await notes.read(transaction, _OURSELVES, f"heard {stream}") for stream in streams]
    return min((from_micros(int(value)) for value in values if value is not None), default=None)


async def hear(transaction: Transaction, streams: Collection[str], *, until: datetime) -> None:
    """Remember that all that came by these streams up to a moment reached us, or will not be looked for again."""
    for stream in streams:
        await notes.write(transaction, _OURSELVES, f"heard {stream}", str(to_micros(until)))


async def rooms(transaction: Transaction, platform: Platform, *, since: datetime, most: int) -> list[Room]:
    """Where we were spoken to on a platform since a moment, newest first, at most `most`; not where we are gone."""
    beginning = f"{platform}:"
    rows = await transaction.fetch(
        _ROOMS, since=to_micros(since), beginning=beginning, length=len(beginning), most=most
    )
    return [conversations.room_from(row) for row in rows]


async def news(transaction: Transaction, messages: Iterable[Message]) -> list[Message]:
    """Those of the messages that were never accepted, in their order."""
    return [
        one for one in messages if await transaction.fetch_one(_IS_KNOWN, tenant=one.room.tenant, key=one.key) is None
    ]
