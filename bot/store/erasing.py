"""Erasing a member: nothing they said, and nothing known of them, can be read again, in whatever copy.

Why that takes a key for each member, in a file beside the database: decision 0013.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.messages import Accepted, AnswerId, RoomId, TenantId
from bot.store import conversations, departures, links, members, outbox, sealing, used
from bot.store.conversations import Line
from persona import audit, forgetting
from persona.audit import Actor
from persona.freezing import Origin
from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Destruction, Row, Transaction, Value
from persona.schema import Schema

COMPACT_EVERY = timedelta(days=1)

_AT_ONCE = 500

_OUTBOX = """
    DELETE FROM outbox WHERE (tenant, answer) IN (
        SELECT inbox.tenant, inbox.answer FROM message
        JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
        JOIN inbox ON inbox.tenant = message.tenant AND inbox.key = conversation.channel || ':' || message.id
        WHERE message.author_tenant = :tenant AND message.author = :member AND inbox.settled_at IS NOT NULL)
"""  # by the key of a post, which is indexed (`Accepted.key`); its room and message are not
_REPLIES = """
    DELETE FROM message WHERE author IS NULL
      AND (tenant, room) IN (SELECT tenant, room FROM message WHERE author_tenant = :tenant AND author = :member)
"""  # to others as well: what they were answered in the same room may repeat the member
_LATER_REPLIES = """
    DELETE FROM message WHERE author IS NULL
      AND (tenant, room) IN (SELECT tenant, room FROM inbox WHERE author_tenant = :tenant AND author = :member)
"""  # where what the member said outlived its use already; two statements, since one would read every message
_OPEN = """
    SELECT message.*, inbox.answer FROM message
    JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
    JOIN inbox ON inbox.tenant = message.tenant AND inbox.key = conversation.channel || ':' || message.id
    WHERE message.author_tenant = :tenant AND message.author = :member AND inbox.settled_at IS NULL
"""
_MESSAGES = """
    DELETE FROM message WHERE author_tenant = :tenant AND author = :member
      AND (tenant, room, id) NOT IN (SELECT tenant, room, message FROM inbox WHERE settled_at IS NULL)
"""
_TIDYING = "DELETE FROM tidying WHERE tenant = :tenant AND member = :member"
_VAULT = "SELECT erased_through, compacted_at FROM vault WHERE tenant = ''"
_REACHED = "UPDATE vault SET erased_through = :at WHERE tenant = ''"
_COMPACTED = "UPDATE vault SET compacted_at = :now WHERE tenant = ''"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A message that waits for its answer, with what there is of that."""

    tenant: TenantId
    room: RoomId
    line: Line
    answer: AnswerId
    parts: Sequence[outbox.Part]


async def erase(
    transaction: Transaction,
    member: MemberKey,
    *,
    schema: Schema,
    reason: Destruction,
    now: datetime,
    actor: Actor = audit.BY_MEMBER,
) -> forgetting.Forgotten:
    """Forget everything about a member, what they said and what was answered included, and destroy their key.

    What waits for its answer is answered all the same: it is sealed anew, and goes once it is answered (`settled`).
    Returns what was known of them.
    """
    forgotten = await _remove(transaction, member, schema=schema, now=now, actor=actor)
    waiting = await _waiting(transaction, member)
    await _destroy(transaction, [member], reason=reason, now=now)
    for one in waiting:
        await conversations.reseal(transaction, one.line, tenant=one.tenant, room=one.room)
        await outbox.reseal(transaction, one.tenant, one.answer, one.parts, owner=member)
    return forgotten


async def destroy_keys(transaction: Transaction, origin: Origin, *, now: datetime, most: int) -> int:
    """Destroy keys of a purged tenant's members, at most `most`: no backup shows what was theirs. Returns how many."""
    owners = await transaction.key_owners(origin.tenant, most=most)
    await _destroy(transaction, owners, reason="forgotten", now=now)
    return len(owners)


async def renew_keys(transaction: Transaction, origin: Origin, *, now: datetime) -> None:
    """Destroy the keys of a purged tenant's members, and seal anew what is kept of them: what arrived meanwhile.

    In one transaction, so that nobody's words are without their key in between; after a purge they are few.
    """
    kept = await sealing.open_all(transaction, origin.tenant)
    while owners := await transaction.key_owners(origin.tenant, most=_AT_ONCE):
        await _destroy(transaction, owners, reason="forgotten", now=now)
    await sealing.seal_again(transaction, kept)


async def withdraw(transaction: Transaction, member: MemberKey, *, now: datetime) -> None:
    """Keep that a member does not want to be remembered, and end what crosses from their other account."""
    await members.set_consent(transaction, member, "withdrawn", now=now)
    await links.unlink(transaction, member, now=now)


async def settled(transaction: Transaction, accepted: Accepted, asked: Line, *, heard: Iterable[MemberKey]) -> bool:
    """Whether a reply that is shown now may become part of its conversation.

    Not if whoever asked had everything erased since: then their message goes as well. Nor if one of `heard` had, whose
    words the model was given.
    """
    assert asked.author is not None
    if await _has_left(transaction, asked.author.key, since=asked.said_at):
        await conversations.remove(transaction, accepted.room, accepted.id)
        await outbox.erase(transaction, accepted.room.tenant, accepted.answer)
        return False
    return not any([await _has_left(transaction, member, since=asked.said_at) for member in heard])


async def catch_up(transaction: Transaction, *, schema: Schema) -> int:
    """Erase again what was erased after this copy of the database was made. Returns how many members that were.

    Whoever had withdrawn has withdrawn, whoever had left is not known. Their keys are gone, so nothing of theirs could
    be read before this either.
    """
    through = from_micros((await _vault(transaction))["erased_through"])
    missed = await transaction.destroyed_keys(after=through)
    for key in missed:
        if key.reason == "withdrawn":
            await withdraw(transaction, key.owner, now=key.at)
        await _remove(transaction, key.owner, schema=schema, now=key.at, actor=audit.BY_SYSTEM)
        if key.reason == "left":
            await departures.erase(transaction, key.owner)
    if missed:
        await _reached(transaction, missed[-1].at)
        _log.warning("erasures.repeated", members=len(missed))
    elif not await transaction.destroyed_keys(after=through - timedelta(microseconds=1)) and to_micros(through):
        _log.warning(
            "keys.outdated", advice="the key file is older than the database: keys that were destroyed are back"
        )
    return len(missed)


async def is_compaction_due(transaction: Transaction, *, now: datetime) -> bool:
    """Whether somebody was erased since the file was last written anew, and that is a day ago."""
    row = await _vault(transaction)
    return row["erased_through"] > row["compacted_at"] and from_micros(row["compacted_at"]) + COMPACT_EVERY <= now


async def compacted(transaction: Transaction, *, now: datetime) -> None:
    """The file was written anew."""
    await transaction.execute(_COMPACTED, now=to_micros(now))


async def _remove(
    transaction: Transaction, member: MemberKey, *, schema: Schema, now: datetime, actor: Actor
) -> forgetting.Forgotten:
    forgotten = await forgetting.forget(transaction, member, field=None, schema=schema, now=now, actor=actor)
    for statement in (_OUTBOX, _REPLIES, _LATER_REPLIES, _MESSAGES, _TIDYING):
        await transaction.execute(statement, **_scope(member))
    await used.erase(transaction, member)  # the replies are found by it
    return forgotten


async def _waiting(transaction: Transaction, member: MemberKey) -> list[_Waiting]:
    rows = await transaction.fetch(_OPEN, **_scope(member))
    return [
        _Waiting(
            tenant=row["tenant"],
            room=row["room"],
            line=line,
            answer=row["answer"],
            parts=await outbox.parts(transaction, row["tenant"], row["answer"]),
        )
        for row, line in await conversations.opened(transaction, rows)
    ]


def _scope(member: MemberKey) -> dict[str, Value]:
    return {"tenant": member.tenant, "member": member.id}


async def _has_left(transaction: Transaction, member: MemberKey, *, since: datetime) -> bool:
    """Whether a member had everything erased since something was said, that included."""
    fence = (await forgetting.fences(transaction, [member]))[member].get("*")
    return fence is not None and fence >= since


async def _vault(transaction: Transaction) -> Row:
    row = await transaction.fetch_one(_VAULT)
    assert row is not None, "an open store has its row"
    return row


async def _destroy(
    transaction: Transaction, owners: Sequence[MemberKey], *, reason: Destruction, now: datetime
) -> None:
    """Destroy keys, each at a moment of its own: by the last one a restored backup knows what it missed."""
    at = from_micros((await _vault(transaction))["erased_through"])
    for owner in owners:
        at = max(now, at + timedelta(microseconds=1))
        await transaction.destroy_key(owner, at=at, reason=reason)
    await _reached(transaction, at)


async def _reached(transaction: Transaction, at: datetime) -> None:
    await transaction.execute(_REACHED, at=to_micros(at))
