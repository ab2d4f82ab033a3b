"""How personas are kept: the statements, and nothing of any database. Every function takes a transaction.

Operations with their evidence are the truth; facts are their projection, kept so that a prompt costs one indexed
query. Reading by audience happens in that query, so that no later code ever holds a fact the room may not know
(design principle 4). Tables: operation, evidence, fact (bot/store/migrations).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from persona import audit, editing
from persona.audience import FORM, SPECIAL, Audience, Place, covers, known_in
from persona.audit import Actor
from persona.moments import from_micros, maybe_from_micros, maybe_to_micros, to_micros
from persona.operations import Operation, OperationId, UpdateId
from persona.persona import Evidence, Fact, FactId, MemberKey, Persona
from persona.ports import Row, Transaction, Value
from persona.projection import project
from persona.schema import Field, Schema

Parameters = dict[str, Value]
Stored = tuple[Any, ...]
"""A row by the place of its columns."""

PARKED = "parked"
"""The section of what was learned for fields that the schema no longer has."""

_CURRENT = """
    SELECT * FROM fact
    WHERE tenant = :tenant AND member = :member
      AND valid_from <= :at AND (valid_until IS NULL OR valid_until > :at)
      AND (audience IN (:form, :tenant_wide, :room_only) OR (:everything = 1 AND (audience <> :special OR EXISTS (
            SELECT 1 FROM agreement
            WHERE agreement.tenant = fact.tenant AND agreement.member = fact.member
              AND agreement.category = fact.field AND agreement.state = 'agreed' AND agreement.until > :at))))
    ORDER BY valid_from, id
"""
_OPERATIONS = """
    SELECT operation.id, operation.value, evidence.number, evidence.quote, operation.op, operation.field,
           operation.audience, operation.kind, operation.since, operation.until, operation.session,
           evidence.room_tenant, evidence.room, evidence.message, evidence.said_at, operation.update_id,
           operation.learned_at, operation.undone_at, operation.frozen_by
    FROM operation
    JOIN evidence ON evidence.tenant = operation.tenant AND evidence.member = operation.member
     AND evidence.operation = operation.id
    WHERE operation.tenant = :tenant AND operation.member = :member{only}
    ORDER BY operation.id, evidence.number
"""
_IN_EFFECT = " AND undone_at IS NULL AND frozen_by IS NULL"
_FACTS = "SELECT * FROM fact WHERE tenant = :tenant AND member = :member{only}"
_LEARNED_SINCE = """
    SELECT count(*) AS number FROM operation
    WHERE tenant = :tenant AND member = :member AND learned_at >= :since
"""
_INSERT_OPERATION = """
    INSERT INTO operation (tenant, member, id, field, op, value, kind, audience, said_at, since, until, session,
                           update_id, learned_at, undone_at)
    VALUES (:tenant, :member, :id, :field, :op, :value, :kind, :audience, :said_at, :since, :until, :session,
            :update_id, :learned_at, NULL)
    ON CONFLICT (tenant, member, id) DO NOTHING
"""
_INSERT_EVIDENCE = """
    INSERT INTO evidence (tenant, member, operation, number, room_tenant, room, message, quote, said_at)
    VALUES (:tenant, :member, :operation, :number, :room_tenant, :room, :message, :quote, :said_at)
"""
_PUT_FACT = """
    INSERT INTO fact (tenant, member, id, section, field, value, kind, audience,
                      confirmed_at, valid_from, valid_until)
    VALUES (:tenant, :member, :id, :section, :field, :value, :kind, :audience,
            :confirmed_at, :valid_from, :valid_until)
    ON CONFLICT (tenant, member, id) DO UPDATE SET
        section = excluded.section, value = excluded.value, kind = excluded.kind, audience = excluded.audience,
        confirmed_at = excluded.confirmed_at, valid_from = excluded.valid_from, valid_until = excluded.valid_until
"""
_DELETE_FACT = "DELETE FROM fact WHERE tenant = :tenant AND member = :member AND id = :id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An operation as it is kept."""

    id: OperationId
    """What it is kept under, also once evidence is taken from it, unlike `operation.id`."""
    operation: Operation
    update: UpdateId
    learned_at: datetime
    undone_at: datetime | None
    """When it was taken back; it is without effect then."""
    is_frozen: bool
    """Whether it rests, since the room or tenant it comes from is gone: without effect as well."""


async def read(transaction: Transaction, member: MemberKey, *, at: datetime, place: Place | None = None) -> Persona:
    """What holds of `member` at a moment, as far as every reader of `place` may know it; all of it if that is None.

    `at` is now, or earlier: what the member has told by today about that day. Values without evidence, in the order
    they began to hold.
    """
    known = None if place is None else known_in(place)
    rows = await transaction.fetch(
        _CURRENT,
        tenant=member.tenant,
        member=member.id,
        at=to_micros(at),
        everything=int(known is None),
        **_labels(known),
    )
    return Persona(member=member, at=at, facts=tuple(await _facts(transaction, rows)))


async def read_style(transaction: Transaction, member: MemberKey, *, at: datetime) -> Persona:
    """What shapes answers to `member` anywhere, and holds at a moment; nothing that could be spoken."""
    scope: Parameters = {"tenant": member.tenant, "member": member.id, "at": to_micros(at)}
    rows = await transaction.fetch(_CURRENT, **scope, everything=0, **_labels(frozenset({FORM})))
    return Persona(member=member, at=at, facts=tuple(await _facts(transaction, rows)))


def _labels(known: frozenset[Audience] | None) -> dict[str, str]:
    """The audiences as parameters of the query; an unused one matches nothing."""
    labels = known or frozenset()
    return {
        "special": SPECIAL,
        "form": next((label for label in labels if label == "form"), ""),
        "tenant_wide": next((label for label in labels if label.startswith("tenant:")), ""),
        "room_only": next((label for label in labels if label.startswith(("room:", "external:"))), ""),
    }


async def read_history(transaction: Transaction, member: MemberKey, *, schema: Schema, at: datetime) -> Persona:
    """Everything kept of `member`, past values included, with its evidence: for the member alone.

    What belongs to a field the schema no longer has is kept and shown, but used nowhere; its section is `PARKED`.
    """
    operations = await _operations(transaction, member)
    parked = dict.fromkeys(one.field for one in operations if one.field not in schema.by_name)
    fields = [*schema.fields, *(Field(section=PARKED, name=name, type="list", description="") for name in parked)]
    facts = [
        fact for field in fields for fact in project((one for one in operations if one.field == field.name), field)
    ]
    return Persona(member=member, at=at, facts=tuple(facts))


async def read_log(transaction: Transaction, member: MemberKey) -> list[Logged]:
    """Every operation kept of `member`, undone and frozen ones included, in the order they were learned."""
    rows = await transaction.fetch(_OPERATIONS.format(only=""), tenant=member.tenant, member=member.id)
    log = [_logged(operation, row) for operation, row in await _opened(transaction, rows, member)]
    return sorted(log, key=lambda one: (one.learned_at, one.operation.said_at, one.id))


async def learn(
    transaction: Transaction,
    operations: Iterable[Operation],
    *,
    schema: Schema,
    update: UpdateId,
    now: datetime,
    actor: Actor = audit.BY_SYSTEM,
) -> tuple[Operation, ...]:
    """Keep the operations that were never kept before, as one update of `actor`, and return those.

    Keeping the same operations again changes nothing, nor does keeping one that was undone: their ids are unique.
    """
    kept = [operation for operation in operations if await _keep(transaction, operation, update, now)]
    changed: defaultdict[MemberKey, list[Operation]] = defaultdict(list)
    for operation in kept:
        changed[operation.member].append(operation)
    for member, theirs in changed.items():
        before = await reproject(transaction, member, {operation.field for operation in theirs}, schema)
        held = [fact for fact in before if fact.holds(now)]
        await audit.record(transaction, member, *(_entry(one, held, actor) for one in theirs), now=now)
    return tuple(kept)


def _entry(operation: Operation, held: Iterable[Fact], actor: Actor) -> audit.Entry:
    """An operation for the audit log; `held` is what was known of its field before."""
    replaced = [one for one in held if one.field == operation.field and covers(operation.audience, one.audience)]
    latest = max(replaced, key=lambda fact: (fact.valid_from, fact.id)).value if replaced else None
    is_removal, said = operation.op == "remove", operation.evidence[-1]
    is_by_hand = actor == audit.BY_MEMBER and editing.is_by_hand(said)  # tidying ends what was entered by hand, too
    return audit.Entry(
        actor=actor,
        action=operation.op,
        field=operation.field,
        operation=operation.id,
        audience=operation.audience,
        evidence=operation.evidence,
        old=operation.value if is_removal else latest if operation.op == "set" else None,
        new=None if is_removal else operation.value,
        reason=f"by hand: {editing.act_of(said)}" if is_by_hand else "",
    )


async def learned_since(transaction: Transaction, member: MemberKey, since: datetime) -> int:
    """How many operations on a member's persona were learned since a moment, undone ones included."""
    row = await transaction.fetch_one(_LEARNED_SINCE, tenant=member.tenant, member=member.id, since=to_micros(since))
    assert row is not None
    number: int = row["number"]
    return number


async def _keep(transaction: Transaction, operation: Operation, update: UpdateId, now: datetime) -> bool:
    owned = (operation.member.tenant, operation.member.id)
    owner: Parameters = {"tenant": operation.member.tenant, "member": operation.member.id}
    name = operation.id
    is_new = await transaction.execute(
        _INSERT_OPERATION,
        **owner,
        id=name,
        field=operation.field,
        op=operation.op,
        value=await transaction.seal(operation.value, owner=operation.member, cell=("operation.value", *owned, name)),
        kind=operation.kind,
        audience=operation.audience,
        said_at=to_micros(operation.said_at),
        since=maybe_to_micros(operation.since),
        until=maybe_to_micros(operation.until),
        session=operation.session,
        update_id=update,
        learned_at=to_micros(now),
    )
    if not is_new:
        return False
    for number, evidence in enumerate(operation.evidence):
        await transaction.execute(
            _INSERT_EVIDENCE,
            **owner,
            operation=name,
            number=number,
            room_tenant=evidence.tenant,
            room=evidence.room,
            message=evidence.message,
            quote=await transaction.seal(
                evidence.quote,
                owner=operation.member,
                cell=("evidence.quote", *owned, name, str(number)),
            ),
            said_at=to_micros(evidence.said_at),
        )
    return True


async def reproject(
    transaction: Transaction, member: MemberKey, names: Collection[str], schema: Schema
) -> tuple[Fact, ...]:
    """Bring the facts of some fields in line with their operations, and write only what is different then.

    Returns the facts as they were, in no order and without their evidence.
    """
    if not names:
        return ()
    only, scope = _scope(member, names)
    rows = await transaction.fetch(_FACTS.format(only=only), **scope)
    before = tuple(await _facts(transaction, rows))
    known = {fact.id: fact for fact in before}
    outdated = {row["id"] for row in rows}
    told: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in await _operations(transaction, member, names, with_quotes=False):
        told[operation.field].append(operation)
    for name, operations in told.items():
        field = schema.by_name.get(name)
        for fact in project(operations, field) if field is not None else ():
            outdated.discard(fact.id)
            if known.get(fact.id) != replace(fact, evidence=()):
                await _put(transaction, member, fact)
    for gone in outdated:
        await transaction.execute(_DELETE_FACT, tenant=member.tenant, member=member.id, id=gone)
    return before


async def _put(transaction: Transaction, member: MemberKey, fact: Fact) -> None:
    await transaction.execute(
        _PUT_FACT,
        tenant=member.tenant,
        member=member.id,
        id=fact.id,
        section=fact.section,
        field=fact.field,
        value=await transaction.seal(fact.value, owner=member, cell=("fact.value", member.tenant, member.id, fact.id)),
        kind=fact.kind,
        audience=fact.audience,
        confirmed_at=to_micros(fact.confirmed_at),
        valid_from=to_micros(fact.valid_from),
        valid_until=maybe_to_micros(fact.valid_until),
    )


async def _operations(
    transaction: Transaction, member: MemberKey, names: Collection[str] | None = None, *, with_quotes: bool = True
) -> list[Operation]:
    """What is in effect of some fields of a member, or of all: neither undone nor frozen; in no order."""
    only, scope = _scope(member, names)
    rows = await transaction.fetch(_OPERATIONS.format(only=f"{_IN_EFFECT}{only}"), **scope)
    return [operation for operation, _ in await _opened(transaction, rows, member, with_quotes=with_quotes)]


async def _opened(
    transaction: Transaction, rows: Sequence[Row], member: MemberKey, *, with_quotes: bool = True
) -> list[tuple[Operation, Stored]]:
    """The operations that rows of `_OPERATIONS` hold, each with the first of its rows.

    Left out is what cannot be opened any more: an operation with its value, or with the last words it rests on. Facts
    follow from values and dates: for them, the quotes stay sealed.
    """
    tenant, owner = member.tenant, member.id
    groups = [list(group) for _, group in groupby(map(tuple, rows), key=itemgetter(0))]
    values = await transaction.unseal(
        [(first[1], ("operation.value", tenant, owner, first[0])) for first, *_ in groups]
    )
    quotes: Iterator[str | None] = repeat("")
    if with_quotes:
        every = [row for group in groups for row in group]
        cells = [("evidence.quote", tenant, owner, row[0], str(row[2])) for row in every]
        quotes = iter(await transaction.unseal([(row[3], cell) for row, cell in zip(every, cells, strict=True)]))
    read = [(_operation(group, member, value, quotes), group[0]) for group, value in zip(groups, values, strict=True)]
    return [(operation, row) for operation, row in read if operation is not None]


def _scope(member: MemberKey, names: Collection[str] | None) -> tuple[str, Parameters]:
    """The condition for some fields of a member, and the parameters of a statement with it."""
    scope: Parameters = {"tenant": member.tenant, "member": member.id}
    if names is None:
        return "", scope
    fields = {f"field_{number}": name for number, name in enumerate(sorted(names))}
    return f" AND field IN ({', '.join(f':{key}' for key in fields)})", scope | fields


def _operation(
    rows: Sequence[Stored], member: MemberKey, value: str | None, quotes: Iterator[str | None]
) -> Operation | None:
    """An operation, from its rows: one for each piece of evidence, whose quotes are the next ones.

    By place, as `_OPERATIONS` has its columns: to look them up by name costs more than the rest of reading them.
    """
    evidence = tuple(
        Evidence(tenant=tenant, room=room, message=message, quote=quote, said_at=from_micros(said_at))
        for (*_, tenant, room, message, said_at, _, _, _, _), quote in zip(rows, quotes, strict=False)
        if quote is not None
    )
    if value is None or not evidence:
        return None
    _, _, _, _, op, field, audience, kind, since, until, session, *_ = rows[0]
    return Operation(
        member=member,
        op=op,
        field=field,
        value=value,
        evidence=evidence,
        audience=Audience(audience),
        kind=kind,
        since=maybe_from_micros(since),
        until=maybe_from_micros(until),
        session=session,
    )


def _logged(operation: Operation, row: Stored) -> Logged:
    name, *_, update, learned_at, undone_at, frozen_by = row
    return Logged(
        id=OperationId(name),
        operation=operation,
        update=UpdateId(update),
        learned_at=from_micros(learned_at),
        undone_at=maybe_from_micros(undone_at),
        is_frozen=frozen_by is not None,
    )


async def open_quotes(transaction: Transaction, rows: Iterable[Row]) -> list[str | None]:
    """The words in rows of `evidence`; None for those that cannot be opened any more."""
    return await transaction.unseal(
        [
            (row["quote"], ("evidence.quote", row["tenant"], row["member"], row["operation"], str(row["number"])))
            for row in rows
        ]
    )


async def _facts(transaction: Transaction, rows: Sequence[Row]) -> list[Fact]:
    """The facts in rows of `fact`, without those that cannot be opened any more."""
    values = await transaction.unseal(
        [(row["value"], ("fact.value", row["tenant"], row["member"], row["id"])) for row in rows]
    )
    return [_fact(row, value) for row, value in zip(rows, values, strict=True) if value is not None]


def _fact(row: Row, value: str) -> Fact:
    return Fact(
        id=FactId(row["id"]),
        section=row["section"],
        field=row["field"],
        value=value,
        kind=row["kind"],
        audience=Audience(row["audience"]),
        confirmed_at=from_micros(row["confirmed_at"]),
        valid_from=from_micros(row["valid_from"]),
        valid_until=maybe_from_micros(row["valid_until"]),
    )
