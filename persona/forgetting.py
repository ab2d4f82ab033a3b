"""How what is known of a member is taken away again: when they ask for it, or take back the words it rests on.

Tables: fence, and those of `persona.rows`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from persona import audit, editing, fingerprints, quarantine, special
from persona.audience import Audience
from persona.audit import Actor, Entry
from persona.canonical import comparable, is_quoted
from persona.moments import from_micros, to_micros
from persona.operations import Operation
from persona.persona import Evidence, Fact, FactId, MemberKey
from persona.ports import Row, Transaction, Value
from persona.projection import project
from persona.rows import Logged, open_quotes
from persona.schema import Schema
from persona.store import learn, read_history, read_log, reproject

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
    SELECT evidence.tenant, evidence.member, evidence.operation, evidence.number, evidence.quote, evidence.room_tenant,
           evidence.room, evidence.message, evidence.said_at, operation.field, operation.audience
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
          AND evidence.operation = operation.id AND evidence.room <> :by_hand)
"""
_DROP_OPERATION = "DELETE FROM operation WHERE tenant = :tenant AND member = :member AND id = :operation"
_DROP_ALL_EVIDENCE = "DELETE FROM evidence WHERE tenant = :tenant AND member = :member AND operation = :operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many values forgetting removed, as `read_history` had them."""

    current: int
    past: int


async def has_field(transaction: Transaction, member: MemberKey, *, field: str) -> bool:
    """Whether anything is kept of `member` under a field, in the schema or not."""
    return await transaction.fetch_one(_HAS_FIELD, tenant=member.tenant, member=member.id, field=field) is not None


async def forget(
    transaction: Transaction,
    member: MemberKey,
    *,
    field: str | None,
    schema: Schema,
    now: datetime,
    actor: Actor = audit.BY_MEMBER,
    is_fenced: bool = True,
) -> Forgotten:
    """Remove everything about one field, or about all fields, past values included, and fence what was said so far.

    The fence keeps messages said before `now` from teaching it again, a session that is due already included. Where
    something else does, and a fence would only tell that there was something, `is_fenced` is False.
    """
    history = await read_history(transaction, member, schema=schema, at=now)
    removed = [fact for fact in history.facts if field in {None, fact.field}]
    owner: Parameters = {"tenant": member.tenant, "member": member.id}
    scope: Parameters = {**owner, "every": int(field is None), "field": field or "*"}
    if is_fenced:
        await transaction.execute(_RAISE_FENCE, **owner, field=field or "*", raised_at=to_micros(now))
    for statement in (_FORGET_EVIDENCE, _FORGET_OPERATIONS, _FORGET_FACTS):
        await transaction.execute(statement, **scope)
    await quarantine.erase(transaction, member, field=field)
    if field is None:
        await special.erase(transaction, member)
    entry = Entry(actor=actor, action="forget", field=field or "", is_erasure=True)
    await audit.record(transaction, member, entry, now=now)
    current = sum(fact.holds(now) for fact in removed)
    return Forgotten(current=current, past=len(removed) - current)


async def forget_fact(
    transaction: Transaction, member: MemberKey, fact: FactId, *, schema: Schema, command: editing.Command, salt: str
) -> tuple[Fact, ...]:
    """Remove one value of a field with everything that was ever said of it, whoever may know it.

    The messages it was learned from cannot teach that field again; others can. What it had replaced does not hold
    again: that it is over was no secret. `salt` is for a member who forgets something for the first time. Returns the
    facts that went, the one that was named first; none if there is no such fact of the member.
    """
    before = await read_history(transaction, member, schema=schema, at=command.now)
    named = next((one for one in before.facts if one.id == fact), None)
    if named is None:
        return ()
    gone = [one for one in await read_log(transaction, member) if _says(one, named)]
    await _remove(transaction, member, gone, schema=schema, salt=salt, why="one fact", now=command.now)
    removals = await _keep_over(transaction, member, before.facts, named, schema=schema, command=command)
    await learn(transaction, removals, schema=schema, update=command.update, now=command.now, actor=audit.BY_MEMBER)
    alike = (one for one in before.facts if one.id != fact and _is_alike(one, named))
    return named, *alike


async def forget_message(
    transaction: Transaction,
    member: MemberKey,
    messages: Iterable[Evidence],
    *,
    schema: Schema,
    now: datetime,
    salt: str,
) -> tuple[Fact, ...]:
    """Remove what messages taught of a member, as if they had been deleted; they cannot teach those fields again.

    The member's own facts only; what holds for other reasons as well stays. Returns the facts that went.
    """
    named = {_message(one) for one in messages}
    before = await read_history(transaction, member, schema=schema, at=now)
    gone = [one for one in await read_log(transaction, member) if named & set(map(_message, one.operation.evidence))]
    await _remove(transaction, member, gone, schema=schema, salt=salt, why="one message", now=now)
    after = await read_history(transaction, member, schema=schema, at=now)
    return tuple(one for one in before.facts if not any(_is_alike(one, left) for left in after.facts))


def _says(logged: Logged, fact: Fact) -> bool:
    operation = logged.operation
    return operation.field == fact.field and comparable(operation.value) == comparable(fact.value)


def _is_alike(one: Fact, other: Fact) -> bool:
    return one.field == other.field and comparable(one.value) == comparable(other.value)


def _message(evidence: Evidence) -> tuple[str, str, str]:
    return evidence.tenant, evidence.room, evidence.message


async def _remove(
    transaction: Transaction,
    member: MemberKey,
    gone: Iterable[Logged],
    *,
    schema: Schema,
    salt: str,
    why: str,
    now: datetime,
) -> None:
    """Erase operations with their evidence, and mark the messages they were learned from."""
    gone = list(gone)
    taught = [
        (one.operation.field, evidence)
        for one in gone
        for evidence in one.operation.evidence
        if not editing.is_by_hand(evidence)
    ]
    await fingerprints.keep(transaction, member, taught, salt=salt)
    for one in gone:
        scope: Parameters = {"tenant": member.tenant, "member": member.id, "operation": one.id}
        await transaction.execute(_DROP_ALL_EVIDENCE, **scope)
        await transaction.execute(_DROP_OPERATION, **scope)
    await reproject(transaction, member, {one.operation.field for one in gone}, schema)
    forgotten = Entry(actor=audit.BY_MEMBER, action="forget", reason=why, is_erasure=True)
    entries = (replace(forgotten, field=one.operation.field, operation=one.id) for one in gone)
    await audit.record(transaction, member, *entries, now=now)


async def _keep_over(
    transaction: Transaction,
    member: MemberKey,
    before: Iterable[Fact],
    named: Fact,
    *,
    schema: Schema,
    command: editing.Command,
) -> list[Operation]:
    """What keeps over what was over before a value was forgotten that had replaced it.

    Whatever was to hold again by itself does: then the forgotten value had only interrupted it.
    """
    field, now = schema.by_name.get(named.field), command.now
    if field is None:
        return []
    known = [one for one in before if one.field == named.field]
    log = await read_log(transaction, member)
    told = [one.operation for one in log if one.operation.field == named.field and one.undone_at is None]
    removals: list[Operation] = []
    for _ in known:  # ending one may uncover what that one had replaced
        revived = [one for one in project([*told, *removals], field) if _is_revived(one, known, now)]
        if not revived:
            break
        removals += [editing.ended(command, one, since=_end(one, known, now)) for one in revived]
    return removals


def _is_revived(fact: Fact, known: Iterable[Fact], now: datetime) -> bool:
    """Whether a fact holds that was over; what was only seen had never ended, it was outweighed."""
    was_to_hold = any(_is_same(one, fact) and (one.valid_until is None or one.valid_until > now) for one in known)
    return fact.holds(now) and fact.kind == "stated" and not was_to_hold


def _end(fact: Fact, known: Iterable[Fact], now: datetime) -> datetime:
    return max((one.valid_until for one in known if _is_same(one, fact) and one.valid_until), default=now)


def _is_same(one: Fact, other: Fact) -> bool:
    return _is_alike(one, other) and one.audience == other.audience


async def forget_observed(transaction: Transaction, member: MemberKey, *, schema: Schema, now: datetime) -> int:
    """Remove everything that was only observed of a member. Returns how many values that held went."""
    before = await read_history(transaction, member, schema=schema, at=now)
    owner: Parameters = {"tenant": member.tenant, "member": member.id}
    await transaction.execute(_FORGET_OBSERVED_EVIDENCE, **owner)
    fields = {row["field"]: None for row in await transaction.fetch(_FORGET_OBSERVED, **owner)}
    await reproject(transaction, member, fields, schema)
    forgotten = Entry(actor=audit.BY_MEMBER, action="forget observed", is_erasure=True)
    await audit.record(transaction, member, *(replace(forgotten, field=field) for field in fields), now=now)
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
    transaction: Transaction,
    *,
    tenant: str,
    room: str,
    message: str,
    text: str | None,
    schema: Schema,
    now: datetime,
) -> int:
    """Drop the evidence in a message that was deleted (`text` is None) or edited, where a quote is gone.

    An operation that rested on it alone is taken back, and what it had replaced holds again; so is what the member
    then let be known more widely. Works long after the message itself is erased. Returns how many operations were
    taken back.
    """
    source: Parameters = {"room_tenant": tenant, "room": room, "message": message}
    rows = await transaction.fetch(_RESTING_ON, **source)
    quotes = await open_quotes(transaction, rows)
    gone = {
        _operation(row): row
        for row, quote in zip(rows, quotes, strict=True)
        if text is None or quote is None or not is_quoted(quote, text)
    }
    entries: dict[MemberKey, list[Entry]] = {}
    for row in gone.values():
        owner: Parameters = {"tenant": row["tenant"], "member": row["member"]}
        await transaction.execute(_DROP_EVIDENCE, **owner, operation=row["operation"], **source)
        owner["operation"] = row["operation"]
        is_back = bool(await transaction.execute(_DROP_UNSUPPORTED, **owner, by_hand=editing.BY_HAND))
        if is_back:
            await transaction.execute(_DROP_ALL_EVIDENCE, **owner)
        entries.setdefault(_member(row), []).append(_entry(row, is_back=is_back, is_deleted=text is None))
    for member, theirs in entries.items():
        await reproject(transaction, member, {entry.field for entry in theirs}, schema)
        await audit.record(transaction, member, *theirs, now=now)
    return sum(entry.is_erasure for theirs in entries.values() for entry in theirs)


def _entry(row: Row, *, is_back: bool, is_deleted: bool) -> Entry:
    """What became of an operation whose message is gone: it was taken back, or has other evidence."""
    evidence = Evidence(
        tenant=row["room_tenant"],
        room=row["room"],
        message=row["message"],
        quote="",
        said_at=from_micros(row["said_at"]),
    )
    return Entry(
        actor=audit.BY_SYSTEM,
        action="retract" if is_back else "drop evidence",
        field=row["field"],
        operation=row["operation"],
        audience=Audience(row["audience"]),
        evidence=(evidence,),
        reason=f"message {'deleted' if is_deleted else 'edited'}",
        is_erasure=is_back,
    )


def _operation(row: Row) -> tuple[str, str, str]:
    return row["tenant"], row["member"], row["operation"]


def _member(row: Row) -> MemberKey:
    return MemberKey(tenant=row["tenant"], id=row["member"])
