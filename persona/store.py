"""How personas are kept: read by who may know, learned, projected. Every function takes a transaction.

Operations with their evidence are the truth; facts are their projection, kept so that a prompt costs one indexed
query. Reading by audience happens in that query, so that no later code ever holds a fact the room may not know
(design principle 4). What the rows hold is in `persona.rows`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from persona import audit, editing, rows
from persona.audience import FORM, SPECIAL, Audience, Place, covers, known_in
from persona.audit import Actor
from persona.moments import to_micros
from persona.operations import Operation, UpdateId
from persona.persona import Fact, MemberKey, Persona
from persona.ports import Transaction
from persona.projection import project
from persona.rows import Logged
from persona.schema import Field, Schema

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
_LEARNED_SINCE = """
    SELECT count(*) AS number FROM operation
    WHERE tenant = :tenant AND member = :member AND learned_at >= :since
"""


async def read(transaction: Transaction, member: MemberKey, *, at: datetime, place: Place | None = None) -> Persona:
    """What holds of `member` at a moment, as far as every reader of `place` may know it; all of it if that is None.

    `at` is now, or earlier: what the member has told by today about that day. Values without evidence, in the order
    they began to hold.
    """
    return await _read(transaction, member, at=at, known=None if place is None else known_in(place))


async def read_style(transaction: Transaction, member: MemberKey, *, at: datetime) -> Persona:
    """What shapes answers to `member` anywhere, and holds at a moment; nothing that could be spoken."""
    return await _read(transaction, member, at=at, known=frozenset({FORM}))


async def _read(
    transaction: Transaction, member: MemberKey, *, at: datetime, known: frozenset[Audience] | None
) -> Persona:
    found = await transaction.fetch(
        _CURRENT,
        tenant=member.tenant,
        member=member.id,
        at=to_micros(at),
        everything=int(known is None),
        **_labels(known),
    )
    return Persona(member=member, at=at, facts=tuple(await rows.facts(transaction, found)))


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
    operations = await rows.operations(transaction, member)
    parked = dict.fromkeys(one.field for one in operations if one.field not in schema.by_name)
    fields = [*schema.fields, *(Field(section=PARKED, name=name, type="list", description="") for name in parked)]
    facts = [
        fact for field in fields for fact in project((one for one in operations if one.field == field.name), field)
    ]
    return Persona(member=member, at=at, facts=tuple(facts))


async def read_log(transaction: Transaction, member: MemberKey) -> list[Logged]:
    """Every operation kept of `member`, undone and frozen ones included, in the order they were learned."""
    return sorted(await rows.log(transaction, member), key=lambda one: (one.learned_at, one.operation.said_at, one.id))


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
    kept = [operation for operation in operations if await rows.keep(transaction, operation, update, now=now)]
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


async def reproject(
    transaction: Transaction, member: MemberKey, names: Collection[str], schema: Schema
) -> tuple[Fact, ...]:
    """Bring the facts of some fields in line with their operations, and write only what is different then.

    Returns the facts as they were, in no order and without their evidence.
    """
    if not names:
        return ()
    known = await rows.projected(transaction, member, names)
    before = tuple(fact for fact in known.values() if fact is not None)
    outdated = set(known)
    told: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in await rows.operations(transaction, member, names, with_quotes=False):
        told[operation.field].append(operation)
    for name, operations in told.items():
        field = schema.by_name.get(name)
        for fact in project(operations, field) if field is not None else ():
            outdated.discard(fact.id)
            if known.get(fact.id) != replace(fact, evidence=()):
                await rows.put(transaction, member, fact)
    for gone in outdated:
        await rows.drop(transaction, member, gone)
    return before
