"""Taking back what was learned: one operation, or all of one update. What it had replaced holds again.

An operation that was undone is kept, without effect, so that the same words cannot teach it again.
"""

from datetime import datetime

from persona import audit
from persona.audience import Audience
from persona.audit import Entry
from persona.moments import to_micros
from persona.operations import OperationId, UpdateId
from persona.persona import MemberKey
from persona.ports import Transaction, Value
from persona.schema import Schema
from persona.store import reproject

TIDYING = "tidy-"
"""What the names of updates begin with that tidied a persona."""

_FINAL = "forget-"
"""Likewise of those that keep over what was over when something was forgotten: that is for good."""

_UNDO = """
    UPDATE operation SET undone_at = :now
    WHERE tenant = :tenant AND member = :member AND undone_at IS NULL
      AND (id = :operation OR update_id = :update)
    RETURNING id, field, audience
"""
_LAST_UPDATE = """
    SELECT update_id FROM operation
    WHERE tenant = :tenant AND member = :member AND undone_at IS NULL AND update_id NOT LIKE :final
    ORDER BY learned_at DESC, said_at DESC LIMIT 1
"""


async def undo_operation(
    transaction: Transaction, member: MemberKey, operation: OperationId, *, schema: Schema, now: datetime
) -> int:
    """Take back one operation. Returns how many were: 0 if it is not there, or undone already."""
    return await _undo(transaction, member, {"operation": operation, "update": None}, schema=schema, now=now)


async def undo_update(
    transaction: Transaction, member: MemberKey, update: UpdateId, *, schema: Schema, now: datetime
) -> int:
    """Take back everything one update taught about the member. Returns how many operations that were."""
    return await _undo(transaction, member, {"operation": None, "update": update}, schema=schema, now=now)


async def last_update(transaction: Transaction, member: MemberKey) -> UpdateId | None:
    """The update that changed something about the member last and was not undone; forgetting stays as it is."""
    row = await transaction.fetch_one(_LAST_UPDATE, tenant=member.tenant, member=member.id, final=f"{_FINAL}%")
    return None if row is None else UpdateId(row["update_id"])


def is_tidying(update: UpdateId) -> bool:
    """Whether an update tidied a persona."""
    return update.startswith(TIDYING)


def is_final(update: UpdateId) -> bool:
    """Whether an update cannot be taken back."""
    return update.startswith(_FINAL)


async def _undo(
    transaction: Transaction, member: MemberKey, which: dict[str, Value], *, schema: Schema, now: datetime
) -> int:
    rows = await transaction.fetch(_UNDO, tenant=member.tenant, member=member.id, now=to_micros(now), **which)
    await reproject(transaction, member, {row["field"] for row in rows}, schema)
    entries = (
        Entry(
            actor=audit.BY_MEMBER,
            action="undo",
            field=row["field"],
            operation=row["id"],
            audience=Audience(row["audience"]),
        )
        for row in rows
    )
    await audit.record(transaction, member, *entries, now=now)
    return len(rows)
