"""What was done with personas: rows in a chain that shows when one of them was changed or taken out.

No value, no words, no name: members, values and messages stand in it as hashes with a salt, and whatever is erased
takes its salt along. So the log may outlive what it tells of (SECURITY.md, section Audit log).
Tables: audit, audit_head, audit_salt.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NewType

from persona.audience import Audience
from persona.moments import from_micros, to_micros
from persona.operations import OperationId
from persona.persona import Evidence, MemberKey
from persona.ports import Row, Transaction, Value

LIFE = timedelta(days=365)

Actor = NewType("Actor", str)
"""Who did it: one of the constants below, or `optimizer:<digest of its instructions>`."""

BY_MEMBER = Actor("member")
"""The member the persona belongs to."""
BY_ADMIN = Actor("admin")
BY_TIDYING = Actor("tidying")
BY_SYSTEM = Actor("system")
"""What Rapport does by itself, or because of what happened on a platform."""

_COLUMNS = (
    *("tenant", "number", "at", "actor", "subject", "action", "field", "operation"),
    *("audience", "evidence", "old", "new", "reason", "previous"),
)
"""All but the hash, which is of these in this order."""

_PER_PAGE = 500

_INSERT = f"""
    INSERT INTO audit ({", ".join(_COLUMNS)}, hash) VALUES ({", ".join(f":{name}" for name in _COLUMNS)}, :hash)
"""  # noqa: S608 - our own words

_HEAD = """
    INSERT INTO audit_head (tenant, number, hash, cut_number, cut_hash) VALUES (:tenant, 0, '', 0, '')
    ON CONFLICT (tenant) DO UPDATE SET number = audit_head.number
    RETURNING number, hash
"""
"""Reads the head and holds it, so that two transactions cannot write the same row of a chain."""
_MOVE = "UPDATE audit_head SET number = :number, hash = :hash WHERE tenant = :tenant"
_SALTS = "SELECT field, salt FROM audit_salt WHERE tenant = :tenant AND member = :member"
_ADD_SALT = "INSERT INTO audit_salt (tenant, member, field, salt) VALUES (:tenant, :member, :field, :salt)"
_SHED = "DELETE FROM audit_salt WHERE tenant = :tenant AND member = :member AND (:every = 1 OR field = :field)"
_TENANTS = "SELECT tenant FROM audit_head UNION SELECT tenant FROM audit ORDER BY tenant"
_PAGE = "SELECT * FROM audit WHERE tenant = :tenant AND number > :after ORDER BY number LIMIT :most"
_OF_SUBJECT = "SELECT * FROM audit WHERE tenant = :tenant AND subject = :subject ORDER BY number"
_OUTLIVED = "SELECT DISTINCT tenant FROM audit WHERE at < :before"
_FIRST_KEPT = "SELECT min(number) AS number FROM audit WHERE tenant = :tenant AND at >= :before"
_LAST_CUT = """
    SELECT number, hash FROM audit WHERE tenant = :tenant AND number < :first_kept ORDER BY number DESC LIMIT 1
"""
_ANCHOR = "UPDATE audit_head SET cut_number = :number, cut_hash = :hash WHERE tenant = :tenant"
_CUT = "DELETE FROM audit WHERE tenant = :tenant AND number <= :number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done, in clear; only hashes of `operation`, `evidence`, `old` and `new` are kept."""

    actor: Actor
    action: str
    """An operation (`set`, `add`, …) or a decision (`consent:on`, `forget`, `undo`, `link`, …): our own words."""
    field: str = ""
    """Empty for what is about the persona as a whole."""
    operation: OperationId | None = None
    """The operation it is about, under one hash from being learned to being undone or taken back."""
    audience: Audience | None = None
    """Only its kind is kept: a label may name a room."""
    evidence: tuple[Evidence, ...] = ()
    old: str | None = None
    """The value that was, if it is known here."""
    new: str | None = None
    """The value that is, if there is one."""
    reason: str = ""
    """Our own words."""
    is_erasure: bool = False
    """Whether what it is about is gone for good. Then no hash of the field, or of all, can be tried out any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What walking a chain found."""

    rows: int
    """How many follow from the anchor, in order."""
    broken_at: int | None = None
    """The number of the first row that does not; None if the chain holds."""
    why: Literal["", "a row is missing", "a row was changed", "the last rows are missing"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row as it stands in the log: hashes where it would say too much, empty where there is nothing."""

    at: datetime
    actor: Actor
    action: str
    field: str
    operation: str
    audience: str
    evidence: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What the log tells of one member since they last had everything forgotten, and what it is hashed with."""

    salts: Mapping[str, str]
    """By field, and under no name that of the member: with them a hash can be compared with what it is of."""
    rows: tuple[Recorded, ...]
    """Oldest first."""


def optimizer(instructions: str) -> Actor:
    """The optimizer as an actor: whoever changes its instructions gets another one."""
    return Actor(f"optimizer:{hashlib.sha256(instructions.encode()).hexdigest()[:16]}")


async def record(transaction: Transaction, member: MemberKey, *entries: Entry, now: datetime) -> None:
    """Add what was done with a member's persona to the chain of its tenant, in the transaction that does it."""
    if not entries:
        return
    head = await transaction.fetch_one(_HEAD, tenant=member.tenant)
    assert head is not None
    salts = await _salts(transaction, member, entries)
    number, previous = head["number"], head["hash"]
    for entry in entries:
        number += 1
        row = _row(member, entry, salts, number=number, previous=previous, now=now)
        previous = _hash(row.values())
        await transaction.execute(_INSERT, **row, hash=previous)
    await transaction.execute(_MOVE, tenant=member.tenant, number=number, hash=previous)
    for field in {entry.field for entry in entries if entry.is_erasure}:
        owner: dict[str, Value] = {"tenant": member.tenant, "member": member.id}
        await transaction.execute(_SHED, **owner, field=field, every=int(not field))


async def read(transaction: Transaction, member: MemberKey) -> Trail:
    """All that can be connected with a member; for the member alone."""
    owner: dict[str, Value] = {"tenant": member.tenant, "member": member.id}
    salts = {row["field"]: row["salt"] for row in await transaction.fetch(_SALTS, **owner)}
    if "" not in salts:
        return Trail(salts=salts, rows=())
    rows = await transaction.fetch(_OF_SUBJECT, tenant=member.tenant, subject=_hidden(member.id, salts[""]))
    return Trail(salts=salts, rows=tuple(map(_recorded, rows)))


async def tenants(transaction: Transaction) -> list[str]:
    """Every tenant that has a chain, or had one."""
    return [row["tenant"] for row in await transaction.fetch(_TENANTS)]


async def verify(transaction: Transaction, tenant: str) -> Verdict:
    """Walk a tenant's chain from where it was cut last, and say where it breaks.

    Somebody who can write everything in the database can write a new chain; whoever keeps a copy of the last hash
    elsewhere would notice.
    """
    head = await transaction.fetch_one("SELECT * FROM audit_head WHERE tenant = :tenant", tenant=tenant)
    number, previous = (head["cut_number"], head["cut_hash"]) if head is not None else (0, "")
    rows = 0
    while page := await transaction.fetch(_PAGE, tenant=tenant, after=number, most=_PER_PAGE):
        for row in page:
            if row["number"] != number + 1:
                return Verdict(rows=rows, broken_at=number + 1, why="a row is missing")
            if row["previous"] != previous or row["hash"] != _hash(row[column] for column in _COLUMNS):
                return Verdict(rows=rows, broken_at=number + 1, why="a row was changed")
            number, previous, rows = row["number"], row["hash"], rows + 1
    if (number, previous) != ((head["number"], head["hash"]) if head is not None else (0, "")):
        return Verdict(rows=rows, broken_at=number + 1, why="the last rows are missing")
    return Verdict(rows=rows)


async def erase_old(transaction: Transaction, *, now: datetime) -> int:
    """Cut the rows older than `LIFE` off every chain; the rest still verifies. Returns how many went."""
    before = to_micros(now - LIFE)
    cut = 0
    for one in await transaction.fetch(_OUTLIVED, before=before):
        tenant = one["tenant"]
        kept = await transaction.fetch_one(_FIRST_KEPT, tenant=tenant, before=before)
        head = await transaction.fetch_one(_HEAD, tenant=tenant)
        assert kept is not None
        assert head is not None
        first_kept = head["number"] + 1 if kept["number"] is None else kept["number"]
        last = await transaction.fetch_one(_LAST_CUT, tenant=tenant, first_kept=first_kept)
        if last is not None:
            await transaction.execute(_ANCHOR, tenant=tenant, number=last["number"], hash=last["hash"])
            cut += await transaction.execute(_CUT, tenant=tenant, number=last["number"])
    return cut


async def _salts(transaction: Transaction, member: MemberKey, entries: Sequence[Entry]) -> dict[str, str]:
    """The salts the entries need, by field, with that of the member under no name; those that are missing are made."""
    owner: dict[str, Value] = {"tenant": member.tenant, "member": member.id}
    salts = {row["field"]: row["salt"] for row in await transaction.fetch(_SALTS, **owner)}
    for field in dict.fromkeys(["", *(entry.field for entry in entries)]):
        if field not in salts:
            salts[field] = secrets.token_hex(16)
            await transaction.execute(_ADD_SALT, **owner, field=field, salt=salts[field])
    return salts


def _row(
    member: MemberKey, entry: Entry, salts: dict[str, str], *, number: int, previous: str, now: datetime
) -> dict[str, Value]:
    """The columns of `_COLUMNS`, in their order."""
    salt = salts[entry.field]
    cited = "\x1e".join(f"{one.tenant}\x1f{one.room}\x1f{one.message}" for one in entry.evidence)
    return {
        "tenant": member.tenant,
        "number": number,
        "at": to_micros(now),
        "actor": entry.actor,
        "subject": _hidden(member.id, salts[""]),
        "action": entry.action,
        "field": entry.field,
        "operation": "" if entry.operation is None else _hidden(entry.operation, salt),
        "audience": (entry.audience or "").partition(":")[0],
        "evidence": _hidden(cited, salt) if entry.evidence else "",
        "old": "" if entry.old is None else _hidden(entry.old, salt),
        "new": "" if entry.new is None else _hidden(entry.new, salt),
        "reason": entry.reason,
        "previous": previous,
    }


def _recorded(row: Row) -> Recorded:
    return Recorded(
        at=from_micros(row["at"]),
        actor=Actor(row["actor"]),
        action=row["action"],
        field=row["field"],
        operation=row["operation"],
        audience=row["audience"],
        evidence=row["evidence"],
        old=row["old"],
        new=row["new"],
        reason=row["reason"],
    )


def _hidden(text: str, salt: str) -> str:
    """What cannot be told from a hash of something else, and not be found by trying, once the salt is gone."""
    return hmac.digest(salt.encode(), text.encode("utf-8", "replace"), "sha256").hex()[:32]


def _hash(columns: Iterable[Value]) -> str:
    return hashlib.sha256(json.dumps(list(columns), ensure_ascii=True).encode()).hexdigest()
