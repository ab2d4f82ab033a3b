"""Which accounts are linked, each with at most one other; the codes that wait to be typed; and wrong guesses."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from persona import audit
from persona.audit import Entry
from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction

CODE_LIFE = timedelta(minutes=10)
GUESSES_COUNT = timedelta(hours=1)
"""For how long a wrong code counts against who typed it."""

_PUT_CODE = """
    INSERT INTO link_code (tenant, member, digest, expires_at) VALUES (:tenant, :member, :digest, :expires_at)
    ON CONFLICT (tenant, member) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at
"""
_GUESSES = """
    SELECT count(*) AS number FROM link_guess
    WHERE tenant = :tenant AND member = :member AND guessed_at > :since
"""
_GUESSED = """
    INSERT INTO link_guess (tenant, member, id, guessed_at) VALUES (:tenant, :member, :id, :guessed_at)
"""
_JOIN = """
    INSERT INTO link (tenant, member, other_tenant, other, linked_at)
    VALUES (:tenant, :member, :other_tenant, :other, :linked_at)
"""
_UNLINK = """
    DELETE FROM link WHERE (tenant = :tenant AND member = :member) OR (other_tenant = :tenant AND other = :member)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The other account of a member."""

    other: MemberKey
    linked_at: datetime


async def put_code(transaction: Transaction, member: MemberKey, *, digest: str, now: datetime) -> None:
    """Let a code wait to be typed elsewhere; an earlier one of the same member is void."""
    expires_at = to_micros(now + CODE_LIFE)
    await transaction.execute(_PUT_CODE, tenant=member.tenant, member=member.id, digest=digest, expires_at=expires_at)


async def owner(transaction: Transaction, *, digest: str, now: datetime) -> MemberKey | None:
    """Who was shown a code that may still be typed."""
    row = await transaction.fetch_one(
        "SELECT tenant, member FROM link_code WHERE digest = :digest AND expires_at > :now",
        digest=digest,
        now=to_micros(now),
    )
    return None if row is None else MemberKey(tenant=row["tenant"], id=row["member"])


async def guesses(transaction: Transaction, member: MemberKey, *, now: datetime) -> int:
    """How many wrong codes a member typed lately."""
    row = await transaction.fetch_one(
        _GUESSES, tenant=member.tenant, member=member.id, since=to_micros(now - GUESSES_COUNT)
    )
    assert row is not None
    number: int = row["number"]
    return number


async def guessed(transaction: Transaction, member: MemberKey, *, now: datetime) -> None:
    """Count a wrong code against who typed it."""
    await transaction.execute(
        _GUESSED, tenant=member.tenant, member=member.id, id=uuid.uuid4().hex, guessed_at=to_micros(now)
    )


async def expiry(transaction: Transaction, member: MemberKey) -> datetime | None:
    """Until when the code that a member was shown may be typed."""
    row = await transaction.fetch_one(
        "SELECT expires_at FROM link_code WHERE tenant = :tenant AND member = :member",
        tenant=member.tenant,
        member=member.id,
    )
    return None if row is None else from_micros(row["expires_at"])


async def guess_times(transaction: Transaction, member: MemberKey) -> list[datetime]:
    """When a member typed wrong codes, oldest first."""
    rows = await transaction.fetch(
        "SELECT guessed_at FROM link_guess WHERE tenant = :tenant AND member = :member ORDER BY guessed_at",
        tenant=member.tenant,
        member=member.id,
    )
    return [from_micros(row["guessed_at"]) for row in rows]


async def link_of(transaction: Transaction, member: MemberKey) -> Link | None:
    """The account a member is linked with."""
    row = await transaction.fetch_one(
        "SELECT * FROM link WHERE tenant = :tenant AND member = :member", tenant=member.tenant, member=member.id
    )
    if row is None:
        return None
    other = MemberKey(tenant=row["other_tenant"], id=row["other"])
    return Link(other=other, linked_at=from_micros(row["linked_at"]))


async def join(transaction: Transaction, one: MemberKey, other: MemberKey, *, now: datetime) -> None:
    """Link two members, neither of whom is linked, and use up the codes of both."""
    for member, linked in ((one, other), (other, one)):
        await transaction.execute(
            _JOIN,
            tenant=member.tenant,
            member=member.id,
            other_tenant=linked.tenant,
            other=linked.id,
            linked_at=to_micros(now),
        )
        await _drop_code(transaction, member)
        await audit.record(transaction, member, Entry(actor=audit.BY_MEMBER, action="link"), now=now)


async def unlink(transaction: Transaction, member: MemberKey, *, now: datetime) -> bool:
    """End a member's link for both, and void a code that waits. False if there was no link."""
    await _drop_code(transaction, member)
    link = await link_of(transaction, member)
    if link is None:
        return False
    await transaction.execute(_UNLINK, tenant=member.tenant, member=member.id)
    for one in (member, link.other):
        await audit.record(transaction, one, Entry(actor=audit.BY_MEMBER, action="unlink"), now=now)
    return True


async def _drop_code(transaction: Transaction, member: MemberKey) -> None:
    await transaction.execute(
        "DELETE FROM link_code WHERE tenant = :tenant AND member = :member", tenant=member.tenant, member=member.id
    )


async def erase_old(transaction: Transaction, *, now: datetime) -> int:
    """Erase codes that ran out and guesses that do not count any more. Returns how many rows went."""
    erased = await transaction.execute("DELETE FROM link_code WHERE expires_at <= :now", now=to_micros(now))
    before = to_micros(now - GUESSES_COUNT)
    return erased + await transaction.execute("DELETE FROM link_guess WHERE guessed_at <= :before", before=before)
