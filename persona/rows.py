"""Operations, their evidence and facts, as rows hold them: what members said is sealed in each.

Nothing here decides anything. Tables: operation, evidence, fact (bot/store/migrations).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

from persona.audience import Audience
from persona.moments import from_micros, maybe_from_micros, maybe_to_micros, to_micros
from persona.operations import Operation, OperationId, UpdateId
from persona.persona import Evidence, Fact, FactId, MemberKey
from persona.ports import Row, Transaction, Value

Parameters = dict[str, Value]
Stored = tuple[Any, ...]
"""A row by the place of its columns."""

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


async def operations(
    transaction: Transaction, member: MemberKey, names: Collection[str] | None = None, *, with_quotes: bool = True
) -> list[Operation]:
    """What is in effect of some fields of a member, or of all: neither undone nor frozen; in no order."""
    only, scope = _scope(member, names)
    rows = await transaction.fetch(_OPERATIONS.format(only=f"{_IN_EFFECT}{only}"), **scope)
    return [operation for operation, _ in await _opened(transaction, rows, member, with_quotes=with_quotes)]


async def log(transaction: Transaction, member: MemberKey) -> list[Logged]:
    """Every operation kept of a member, undone and frozen ones included; in no order."""
    rows = await transaction.fetch(_OPERATIONS.format(only=""), tenant=member.tenant, member=member.id)
    return [_logged(operation, row) for operation, row in await _opened(transaction, rows, member)]


async def projected(transaction: Transaction, member: MemberKey, names: Collection[str]) -> dict[FactId, Fact | None]:
    """The facts of some fields as they are kept, without their evidence; None for one that cannot be opened."""
    only, scope = _scope(member, names)
    rows = await transaction.fetch(_FACTS.format(only=only), **scope)
    known = {fact.id: fact for fact in await facts(transaction, rows)}
    return {FactId(row["id"]): known.get(FactId(row["id"])) for row in rows}


async def drop(transaction: Transaction, member: MemberKey, fact: FactId) -> None:
    """Take away what follows from nothing any more."""
    await transaction.execute(_DELETE_FACT, tenant=member.tenant, member=member.id, id=fact)


async def put(transaction: Transaction, member: MemberKey, fact: Fact) -> None:
    """Write a fact, or what is new of one; its evidence is that of its operations."""
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


async def keep(transaction: Transaction, operation: Operation, update: UpdateId, *, now: datetime) -> bool:
    """Keep an operation and its evidence, as one of an update. False if one of its id is kept, be it undone."""
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


async def open_quotes(transaction: Transaction, rows: Iterable[Row]) -> list[str | None]:
    """The words in rows of `evidence`; None for those that cannot be opened any more."""
    return await transaction.unseal(
        [
            (row["quote"], ("evidence.quote", row["tenant"], row["member"], row["operation"], str(row["number"])))
            for row in rows
        ]
    )


async def facts(transaction: Transaction, rows: Sequence[Row]) -> list[Fact]:
    """The facts in rows of `fact`, without those that cannot be opened any more."""
    values = await transaction.unseal(
        [(row["value"], ("fact.value", row["tenant"], row["member"], row["id"])) for row in rows]
    )
    return [_fact(row, value) for row, value in zip(rows, values, strict=True) if value is not None]


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
