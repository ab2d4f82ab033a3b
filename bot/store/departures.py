"""Departures: members who left, or fell silent. What is known of them rests, and is erased unless they decide anew."""

from datetime import datetime

from bot.messages import TenantId
from bot.store import used
from persona import special
from persona.moments import from_micros, maybe_from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction, Value

_SEEN = """
    INSERT INTO member (tenant, id, consent, consent_at, seen_at) VALUES (:tenant, :id, 'off', NULL, :now)
    ON CONFLICT (tenant, id) DO UPDATE SET seen_at = excluded.seen_at
    WHERE member.seen_at IS NULL OR member.seen_at < :a_day_ago
"""
_SEE_ALL = "UPDATE member SET seen_at = :now WHERE seen_at IS NULL"
_LEFT_AT = "SELECT left_at FROM departure WHERE tenant = :tenant AND member = :id"
_ASK_AGAIN = """
    UPDATE member SET consent = 'off', consent_at = NULL WHERE tenant = :tenant AND id = :id AND consent = 'paused'
"""
_KNOWN = """
    SELECT 1 AS one FROM member WHERE tenant = :tenant AND id = :id
    UNION SELECT 1 AS one FROM operation WHERE tenant = :tenant AND member = :id
"""
_PAUSE = """
    INSERT INTO member (tenant, id, consent, consent_at) VALUES (:tenant, :id, 'paused', :now)
    ON CONFLICT (tenant, id) DO UPDATE SET consent = excluded.consent, consent_at = excluded.consent_at
    WHERE member.consent <> 'withdrawn'
"""
_DEPART = """
    INSERT INTO departure (tenant, member, left_at) VALUES (:tenant, :id, :now)
    ON CONFLICT (tenant, member) DO NOTHING
"""
_SILENT = """
    SELECT tenant, id FROM member
    WHERE seen_at < :before AND (consent_at IS NULL OR consent_at < :before) AND consent <> 'withdrawn'
      AND NOT EXISTS (
        SELECT 1 FROM departure WHERE departure.tenant = member.tenant AND departure.member = member.id)
    LIMIT :most
"""
_DUE = "SELECT tenant, member FROM departure WHERE left_at < :before ORDER BY left_at LIMIT :most"
_RETURN = "DELETE FROM departure WHERE tenant = :tenant AND member = :id"
_DEPART_ALL = """
    INSERT INTO departure (tenant, member, left_at)
    SELECT tenant, id, CAST(:now AS BIGINT) FROM member WHERE tenant = :tenant AND consent = 'on'
    ON CONFLICT (tenant, member) DO NOTHING
"""
_ASK_ALL = """
    UPDATE member SET consent = 'off', consent_at = NULL
    WHERE consent IN ('on', 'asked')
      AND (tenant = :tenant OR EXISTS (
        SELECT 1 FROM evidence
        WHERE evidence.room_tenant = :tenant AND evidence.tenant = member.tenant AND evidence.member = member.id))
"""
_ROWS = (
    "DELETE FROM message WHERE author_tenant = :tenant AND author = :id",
    "DELETE FROM usage WHERE member_tenant = :tenant AND member = :id",
    "DELETE FROM off_record WHERE member_tenant = :tenant AND member = :id",
    "DELETE FROM link WHERE (tenant = :tenant AND member = :id) OR (other_tenant = :tenant AND other = :id)",
    "DELETE FROM link_code WHERE tenant = :tenant AND member = :id",
    "DELETE FROM link_guess WHERE tenant = :tenant AND member = :id",
    "DELETE FROM fingerprint WHERE tenant = :tenant AND member = :id",
    "DELETE FROM member WHERE tenant = :tenant AND id = :id AND consent <> 'withdrawn'",
    _RETURN,
)

_DAY_US = 86_400_000_000


async def seen(transaction: Transaction, member: MemberKey, *, now: datetime, is_asked: bool) -> None:
    """Note that a member spoke, to the day. Whoever had left is asked again, if members are asked here at all."""
    moment = to_micros(now)
    await transaction.execute(_SEEN, **_of(member), now=moment, a_day_ago=moment - _DAY_US)
    if is_asked and await left_at(transaction, member) is not None:
        await transaction.execute(_ASK_AGAIN, **_of(member))


async def leave(transaction: Transaction, member: MemberKey, *, now: datetime) -> bool:
    """Let what is known of a member rest. False for somebody we never met."""
    if await transaction.fetch_one(_KNOWN, **_of(member)) is None:
        return False
    await transaction.execute(_PAUSE, **_of(member), now=to_micros(now))
    await transaction.execute(_DEPART, **_of(member), now=to_micros(now))
    return True


async def leave_silent(transaction: Transaction, *, now: datetime, since: datetime, most: int) -> int:
    """Let members rest who said and decided nothing since a moment, at most `most`. Returns how many."""
    await transaction.execute(_SEE_ALL, now=to_micros(now))
    rows = await transaction.fetch(_SILENT, before=to_micros(since), most=most)
    for row in rows:
        await leave(transaction, MemberKey(tenant=row["tenant"], id=row["id"]), now=now)
    return len(rows)


async def ask_all(transaction: Transaction, tenant: TenantId, *, now: datetime) -> None:
    """Let every decision in favour lapse that a removed tenant may have meant to end; no is still no.

    Members whose accounts live there count as departed until they decide. An account that lives elsewhere, as on
    Discord, is only asked again: what it said in other places is not the tenant's to have erased. Agreements to special
    categories end: a yes to being remembered brings none of them back.
    """
    await special.lapse(transaction, tenant, now=now)
    await transaction.execute(_DEPART_ALL, tenant=tenant, now=to_micros(now))
    await transaction.execute(_ASK_ALL, tenant=tenant)


async def due(transaction: Transaction, *, before: datetime, most: int) -> list[MemberKey]:
    """Who left before a moment, longest gone first, at most `most`."""
    rows = await transaction.fetch(_DUE, before=to_micros(before), most=most)
    return [MemberKey(tenant=row["tenant"], id=row["member"]) for row in rows]


async def left_at(transaction: Transaction, member: MemberKey) -> datetime | None:
    """Since when a member counts as gone; None if they do not."""
    row = await transaction.fetch_one(_LEFT_AT, **_of(member))
    return None if row is None else from_micros(row["left_at"])


async def seen_at(transaction: Transaction, member: MemberKey) -> datetime | None:
    """When a member last spoke, to the day; None for somebody who never did."""
    row = await transaction.fetch_one(
        "SELECT seen_at FROM member WHERE tenant = :tenant AND id = :id", tenant=member.tenant, id=member.id
    )
    return None if row is None else maybe_from_micros(row["seen_at"])


async def come_back(transaction: Transaction, member: MemberKey) -> None:
    """A member who decided in favour is no longer gone."""
    await transaction.execute(_RETURN, **_of(member))


async def erase(transaction: Transaction, member: MemberKey) -> None:
    """Erase what is left of a member after `erasing.erase`: words that wait for an answer, usage, decisions.

    Who withdrew stays known as that, so that nobody asks them again.
    """
    for statement in _ROWS:
        await transaction.execute(statement, **_of(member))
    await used.erase(transaction, member)


def _of(member: MemberKey) -> dict[str, Value]:
    return {"tenant": member.tenant, "id": member.id}
