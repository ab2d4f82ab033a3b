"""How what is known of a member is taken away again: when they ask for it, or take back the words it rests on.

Tables: fence, and those of `persona.store`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from persona import quarantine
from persona.canonical import is_quoted
from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Row, Transaction, Value
from persona.schema import Schema
from persona.store import read_history, reproject

Parameters = dict[str, Value]

_HAS_FIELD = "SELECT 1 AS one FROM operation WHERE tenant = :tenant AND member = :member AND field = :field LIMIT 1"
_RAISE_FENCE = """
    INSERT INTO fence (tenant, member, field, raised_at) VALUES (:tenant, :member, :field, :raised_at)
    ON CONFLICT (tenant, member, field) DO UPDATE SET
        raised_at = CASE WHEN excluded.raised_at > fence.raised_at THEN excluded.raised_at ELSE fence.raised_at END
"""
_FORGET_EVIDENCE = """
    DELETE FROM evidence WHERE tenant = :tenant AND member = :member AND operation IN (
        SELECT id FROM operation WHERE tenant = :tenant AND member = :member AND (:every = 1 OR field = :field))
"""
_FORGET_OPERATIONS = """
    DELETE FROM operation WHERE tenant = :tenant AND member = :member AND (:every = 1 OR field = :field)
"""
_FORGET_FACTS = "DELETE FROM fact WHERE tenant = :tenant AND member = :member AND (:every = 1 OR field = :field)"
_FORGET_OBSERVED_EVIDENCE = """
    DELETE FROM evidence WHERE tenant = :tenant AND member = :member AND operation IN (
        SELECT id FROM operation WHERE tenant = :tenant AND member = :member AND kind = 'observed')
"""
_FORGET_OBSERVED = """
    DELETE FROM operation WHERE tenant = :tenant AND member = :member AND kind = 'observed' RETURNING field
"""
_RESTING_ON = """
    SELECT evidence.tenant, evidence.member, evidence.operation, evidence.quote, operation.field
    FROM evidence
    JOIN operation ON operation.tenant = evidence.tenant AND operation.member = evidence.member
     AND operation.id = evidence.operation
    WHERE evidence.room_tenant = :room_tenant AND evidence.room = :room AND evidence.message = :message
"""
_DROP_EVIDENCE = """
    DELETE FROM evidence
    WHERE tenant = :tenant AND member = :member AND operation = :operation
      AND room_tenant = :room_tenant AND room = :room AND message = :message
"""
_DROP_UNSUPPORTED = """
    DELETE FROM operation WHERE tenant = :tenant AND member = :member AND id = :operation AND NOT EXISTS (
        SELECT 1 FROM evidence
        WHERE evidence.tenant = operation.tenant AND evidence.member = operation.member
          AND evidence.operation = operation.id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many values forgetting removed, as `read_history` had them."""

    current: int
    past: int


async def has_field(transaction: Transaction, member: MemberKey, *, field: str) -> bool:
    """Whether anything is kept of `member` under a field, in the schema or not."""
    return await transaction.fetch_one(_HAS_FIELD, tenant=member.tenant, member=member.id, field=field) is not None


async def forget(
    transaction: Transaction, member: MemberKey, *, field: str | None, schema: Schema, now: datetime
) -> Forgotten:
    """Remove everything about one field, or about all fields, past values included, and fence what was said so far.

    The fence keeps messages said before `now` from teaching it again, a session that is due already included.
    """
    history = await read_history(transaction, member, schema=schema, at=now)
    removed = [fact for fact in history.facts if field in {None, fact.field}]
    owner: Parameters = {"tenant": member.tenant, "member": member.id}
    scope: Parameters = {**owner, "every": int(field is None), "field": field or "*"}
    await transaction.execute(_RAISE_FENCE, **owner, field=field or "*", raised_at=to_micros(now))
    for statement in (_FORGET_EVIDENCE, _FORGET_OPERATIONS, _FORGET_FACTS):
        await transaction.execute(statement, **scope)
    await quarantine.erase(transaction, member, field=field)
    current = sum(fact.holds(now) for fact in removed)
    return Forgotten(current=current, past=len(removed) - current)


async def forget_observed(transaction: Transaction, member: MemberKey, *, schema: Schema, now: datetime) -> int:
    """Remove everything that was only observed of a member. Returns how many values that held went."""
    before = await read_history(transaction, member, schema=schema, at=now)
    owner: Parameters = {"tenant": member.tenant, "member": member.id}
    await transaction.execute(_FORGET_OBSERVED_EVIDENCE, **owner)
    rows = await transaction.fetch(_FORGET_OBSERVED, **owner)
    await reproject(transaction, member, {row["field"] for row in rows}, schema)
    return sum(fact.kind == "observed" for fact in before.current)


async def fences(transaction: Transaction, members: Iterable[MemberKey]) -> dict[MemberKey, dict[str, datetime]]:
    """When each of `members` last had a field forgotten, by field; `*` stands for all fields."""
    return {member: await _fences(transaction, member) for member in members}


async def _fences(transaction: Transaction, member: MemberKey) -> dict[str, datetime]:
    rows = await transaction.fetch(
        "SELECT field, raised_at FROM fence WHERE tenant = :tenant AND member = :member",
        tenant=member.tenant,
        member=member.id,
    )
    return {row["field"]: from_micros(row["raised_at"]) for row in rows}


async def retract(
    transaction: Transaction, *, tenant: str, room: str, message: str, text: str | None, schema: Schema
) -> int:
    """Drop the evidence in a message that was deleted (`text` is None) or edited, where a quote is gone.

    An operation that rested on it alone is taken back, and what it had replaced holds again. Works long after the
    message itself is erased. Returns how many operations were taken back.
    """
    source: Parameters = {"room_tenant": tenant, "room": room, "message": message}
    rows = await transaction.fetch(_RESTING_ON, **source)
    gone = {_operation(row): row for row in rows if text is None or not is_quoted(row["quote"], text)}
    taken_back = 0
    for operation in gone.values():
        owner: Parameters = {"tenant": operation["tenant"], "member": operation["member"]}
        await transaction.execute(_DROP_EVIDENCE, **owner, operation=operation["operation"], **source)
        taken_back += await transaction.execute(_DROP_UNSUPPORTED, **owner, operation=operation["operation"])
    for member in {_member(row) for row in gone.values()}:
        fields = {row["field"] for row in gone.values() if _member(row) == member}
        await reproject(transaction, member, fields, schema)
    return taken_back


def _operation(row: Row) -> tuple[str, str, str]:
    return row["tenant"], row["member"], row["operation"]


def _member(row: Row) -> MemberKey:
    return MemberKey(tenant=row["tenant"], id=row["member"])
