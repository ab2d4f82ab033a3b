"""Usage: what every call of a model consumed and cost, and for whom.

A call for several members is several rows, which add up to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import TenantId
from persona.moments import to_micros
from persona.persona import MemberKey
from persona.ports import Row, Transaction, Usage

Purpose = Literal["answer", "learn"]

_INSERT = """
    INSERT INTO usage (tenant, call, member_tenant, member, purpose, model, is_batch,
                       input_tokens, cached_tokens, written_tokens, output_tokens, cost, used_at)
    VALUES (:tenant, :call, :member_tenant, :member, :purpose, :model, :is_batch,
            :input_tokens, :cached_tokens, :written_tokens, :output_tokens, :cost, :used_at)
    ON CONFLICT (tenant, call, member_tenant, member) DO NOTHING
"""
_TOTALS = """
    SELECT purpose, count(DISTINCT call) AS calls, sum(input_tokens) AS input_tokens,
           sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
           sum(cost) AS cost, count(*) - count(cost) AS unpriced
    FROM usage
    WHERE tenant = :tenant AND used_at >= :since
      AND (CAST(:member AS TEXT) IS NULL OR (member_tenant = :member_tenant AND member = :member))
    GROUP BY purpose ORDER BY purpose
"""
_SPENT = "SELECT sum(cost) AS cost FROM usage WHERE tenant = :tenant AND used_at >= :since"
_SPENT_ON = """
    SELECT sum(cost) AS cost FROM usage
    WHERE tenant = :tenant AND member_tenant = :member_tenant AND member = :member AND used_at >= :since
      AND purpose = 'answer'
"""
_TOTALS_OF = """
    SELECT tenant, purpose, model, count(*) AS calls, sum(input_tokens) AS input_tokens,
           sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
           sum(cost) AS cost, count(*) - count(cost) AS unpriced
    FROM usage WHERE member_tenant = :member_tenant AND member = :member
    GROUP BY tenant, purpose, model ORDER BY tenant, purpose, model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What calls of one purpose consumed together."""

    purpose: Purpose
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: int
    """Micro-dollars, of the calls whose price is known."""
    unpriced: int
    """Rows of models whose price is not known."""


async def record(
    transaction: Transaction,
    tenant: TenantId,
    call: str,
    usage: Usage,
    *,
    purpose: Purpose,
    shares: Mapping[MemberKey, int],
    cost: int | None,
    now: datetime,
) -> None:
    """Record a call, once, in proportion to `shares`: how much of it was for each member."""
    weights = list(shares.values())
    columns = {
        "input_tokens": split(usage.input_tokens, weights),
        "cached_tokens": split(usage.cached_tokens, weights),
        "written_tokens": split(usage.written_tokens + usage.written_hour_tokens, weights),
        "output_tokens": split(usage.output_tokens, weights),
    }
    costs: Sequence[int | None] = [None] * len(weights) if cost is None else split(cost, weights)
    for number, member in enumerate(shares):
        await transaction.execute(
            _INSERT,
            tenant=tenant,
            call=call,
            member_tenant=member.tenant,
            member=member.id,
            purpose=purpose,
            model=usage.model,
            is_batch=int(usage.is_batch),
            cost=costs[number],
            used_at=to_micros(now),
            **{name: parts[number] for name, parts in columns.items()},
        )


async def totals(
    transaction: Transaction, tenant: TenantId, *, since: datetime, member: MemberKey | None = None
) -> list[Total]:
    """What a tenant, or one member there, consumed since a moment, by purpose."""
    rows = await transaction.fetch(
        _TOTALS,
        tenant=tenant,
        since=to_micros(since),
        member_tenant=member.tenant if member else None,
        member=member.id if member else None,
    )
    return [_total(row) for row in rows]


async def spent(transaction: Transaction, tenant: TenantId, *, since: datetime) -> int:
    """What a tenant's calls cost since a moment, in micro-dollars, as far as prices are known."""
    row = await transaction.fetch_one(_SPENT, tenant=tenant, since=to_micros(since))
    return 0 if row is None else row["cost"] or 0


async def spent_on(transaction: Transaction, tenant: TenantId, member: MemberKey, *, since: datetime) -> int:
    """What the answers to one member cost in a tenant since a moment, in micro-dollars, as far as prices are known."""
    row = await transaction.fetch_one(
        _SPENT_ON, tenant=tenant, member_tenant=member.tenant, member=member.id, since=to_micros(since)
    )
    return 0 if row is None else row["cost"] or 0


async def totals_of(transaction: Transaction, member: MemberKey) -> list[tuple[TenantId, str, Total]]:
    """What was consumed for a member, wherever and whenever: the tenant, the model, and how much."""
    rows = await transaction.fetch(_TOTALS_OF, member_tenant=member.tenant, member=member.id)
    return [(TenantId(row["tenant"]), row["model"], _total(row)) for row in rows]


def _total(row: Row) -> Total:
    return Total(
        purpose=row["purpose"],
        calls=row["calls"],
        input_tokens=row["input_tokens"],
        cached_tokens=row["cached_tokens"],
        output_tokens=row["output_tokens"],
        cost=row["cost"] or 0,
        unpriced=row["unpriced"],
    )


def split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts as nearly in proportion to `weights` as can be; the parts add up to it."""
    whole = sum(weights)
    if whole == 0:
        return split(total, [1] * len(weights)) if weights else []
    ends, passed = [], 0
    for weight in weights:
        passed += weight
        ends.append(total * passed // whole)
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
