"""Figures: counts of one tenant for its admins. No statement here reads a value, a field or a name."""

from dataclasses import dataclass
from datetime import datetime

from bot.messages import TenantId
from bot.store.conversations import MAX_ATTEMPTS
from persona.moments import maybe_from_micros, to_micros
from persona.ports import Transaction

_DECISIONS = """
    SELECT coalesce(member.consent, 'off') AS consent, count(*) AS number
    FROM (SELECT DISTINCT member_tenant, member AS id FROM usage WHERE tenant = :tenant AND member <> '') AS met
    LEFT JOIN member ON member.tenant = met.member_tenant AND member.id = met.id
    GROUP BY coalesce(member.consent, 'off')
"""
_LEARNED = """
    SELECT count(*) AS number FROM (
        SELECT DISTINCT evidence.tenant, evidence.member, evidence.operation FROM evidence
        JOIN operation ON operation.tenant = evidence.tenant AND operation.member = evidence.member
         AND operation.id = evidence.operation
        WHERE evidence.room_tenant = :tenant AND operation.undone_at IS NULL AND operation.frozen_by IS NULL) AS kept
"""
_WAITING = """
    SELECT count(*) AS waiting,
           sum(CASE WHEN attempts > 0 AND attempts < :most THEN 1 ELSE 0 END) AS failing,
           sum(CASE WHEN attempts >= :most THEN 1 ELSE 0 END) AS parked
    FROM conversation WHERE tenant = :tenant AND last_position > learned_through AND frozen_by IS NULL
"""
_LAST_UPDATE = "SELECT max(used_at) AS moment FROM usage WHERE tenant = :tenant AND purpose = 'learn'"
_ACTS = """
    SELECT actor = 'admin' AS is_admins, action, count(*) AS number,
           sum(CASE WHEN at >= :lately THEN 1 ELSE 0 END) AS lately
    FROM audit WHERE tenant = :tenant AND at >= :since
    GROUP BY actor = 'admin', action ORDER BY actor = 'admin', action
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How learning is getting on."""

    waiting: int
    """Conversations with something that is not learned yet."""
    failing: int
    """Of them, those that failed and are tried again."""
    parked: int
    """Of them, those that failed for good."""
    last: datetime | None
    """When a model was last asked for an update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """How often something was done."""

    action: str
    """As in the audit log."""
    is_admins: bool
    number: int
    lately: int
    """Of them, since the later of two moments."""


async def decisions(transaction: Transaction, tenant: TenantId) -> dict[str, int]:
    """How many of the members whom a model answered here decided what; "off" for those who decided nothing."""
    rows = await transaction.fetch(_DECISIONS, tenant=tenant)
    return {row["consent"]: row["number"] for row in rows}


async def learned(transaction: Transaction, tenant: TenantId) -> int:
    """How many things that members said here are kept."""
    row = await transaction.fetch_one(_LEARNED, tenant=tenant)
    return 0 if row is None else row["number"]


async def learning(transaction: Transaction, tenant: TenantId) -> Learning:
    """How learning is getting on here."""
    row = await transaction.fetch_one(_WAITING, tenant=tenant, most=MAX_ATTEMPTS)
    last = await transaction.fetch_one(_LAST_UPDATE, tenant=tenant)
    assert row is not None
    assert last is not None
    return Learning(
        waiting=row["waiting"],
        failing=row["failing"] or 0,
        parked=row["parked"] or 0,
        last=maybe_from_micros(last["moment"]),
    )


async def acts(transaction: Transaction, tenant: TenantId, *, since: datetime, lately: datetime) -> list[Act]:
    """What was done since a moment, and how much of it since a later one."""
    rows = await transaction.fetch(_ACTS, tenant=tenant, since=to_micros(since), lately=to_micros(lately))
    return [
        Act(action=row["action"], is_admins=bool(row["is_admins"]), number=row["number"], lately=row["lately"])
        for row in rows
    ]
