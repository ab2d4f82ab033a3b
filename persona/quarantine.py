"""What the guard refused, for a while: so that an operator can count the reasons and a member can see them.

No words are kept here: only that something was refused, of which field, and why.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from persona.guard import Refusal
from persona.moments import from_micros, to_micros
from persona.operations import Operation
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.refusals import Reason

LIFE = timedelta(days=14)

_INSERT = """
    INSERT INTO refusal (tenant, member, id, field, reason, refused_at)
    VALUES (:tenant, :member, :id, :field, :reason, :refused_at)
    ON CONFLICT (tenant, member, id) DO NOTHING
"""


async def keep(transaction: Transaction, refusals: Iterable[Refusal], *, now: datetime) -> None:
    """Keep what was refused, under the member whose words it rested on; what rested on nobody's is only counted."""
    for refusal in refusals:
        member, proposal = refusal.author, refusal.proposal
        if member is not None:
            row = (proposal.op, proposal.field, proposal.value, refusal.reason)
            await _insert(transaction, member, *row, messages=refusal.messages, now=now)


async def keep_surplus(transaction: Transaction, operations: Iterable[Operation], *, now: datetime) -> None:
    """Keep what the guard let through and a member's quota did not."""
    for one in operations:
        messages = [evidence.message for evidence in one.evidence]
        await _insert(transaction, one.member, one.op, one.field, one.value, "quota", messages=messages, now=now)


async def _insert(  # noqa: PLR0917 - the columns of a row
    transaction: Transaction,
    member: MemberKey,
    op: str,
    field: str,
    value: str,
    reason: Reason,
    *,
    messages: Iterable[str],
    now: datetime,
) -> None:
    what = "\x1e".join([op, field, value, reason, *messages])
    await transaction.execute(
        _INSERT,
        tenant=member.tenant,
        member=member.id,
        id=hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()[:24],
        field="" if reason == "unknown field" else field,  # a name that a model made up can be anything
        reason=reason,
        refused_at=to_micros(now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """That something was refused: of which field, if it is one, why, and when."""

    field: str
    reason: Reason
    refused_at: datetime


async def read(transaction: Transaction, member: MemberKey) -> list[Refused]:
    """Everything kept here of a member, oldest first."""
    rows = await transaction.fetch(
        "SELECT field, reason, refused_at FROM refusal WHERE tenant = :tenant AND member = :member"
        " ORDER BY refused_at, id",
        tenant=member.tenant,
        member=member.id,
    )
    return [
        Refused(field=row["field"], reason=row["reason"], refused_at=from_micros(row["refused_at"])) for row in rows
    ]


async def counts(transaction: Transaction, member: MemberKey) -> dict[Reason, int]:
    """How much of what `member` said was refused lately, by reason, most frequent first."""
    rows = await transaction.fetch(
        "SELECT reason, count(*) AS number FROM refusal WHERE tenant = :tenant AND member = :member"
        " GROUP BY reason ORDER BY number DESC, reason",
        tenant=member.tenant,
        member=member.id,
    )
    return {row["reason"]: row["number"] for row in rows}


async def erase(transaction: Transaction, member: MemberKey, *, field: str | None) -> None:
    """Erase what was refused of one field of a member, or of all: they had it forgotten."""
    await transaction.execute(
        "DELETE FROM refusal WHERE tenant = :tenant AND member = :member AND (:every = 1 OR field = :field)",
        tenant=member.tenant,
        member=member.id,
        every=int(field is None),
        field=field or "",
    )


async def erase_old(transaction: Transaction, *, now: datetime) -> int:
    """Erase what is older than `LIFE`. Returns how many."""
    return await transaction.execute("DELETE FROM refusal WHERE refused_at < :before", before=to_micros(now - LIFE))
