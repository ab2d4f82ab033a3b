"""The auditor of what is exported (reliability B24): everything that is stored of a member is in their export.

Like `tests.privacy.auditor` it imports nothing of what it judges. It knows tables and columns by their names alone,
and one that it was never told of is a finding, so that what is added later cannot be left out unnoticed.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.privacy.auditor import ANSWERED, EPOCH, OWN, SPOKEN, Row, columns, rows
from tests.privacy.ledger import Ledger, Who

Export = Mapping[str, Any]

WHOSE = frozenset({"tenant", "member", "author_tenant", "author", "member_tenant"})
TIMES = frozenset({"at", "since", "until", "valid_from", "valid_until"})
"""Columns with times, besides those that say so: microseconds in a table, ISO 8601 in an export."""
TRUTHS = frozenset({"observed", "offers", "off_record", "frozen_by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Rows about members, and where an export has them, one by one."""

    table: str
    whose: str
    """What is true of the rows of `:tenant` and `:member`."""
    shown: Callable[[Export], Iterable[Row]]
    """The items of an export."""
    names: Mapping[str, str]
    """What an item calls each column."""
    left_out: frozenset[str] = frozenset()
    """Columns that tell nothing of the member, or are sealed: those are compared by their canaries."""


def _same(*names: str, **others: str) -> dict[str, str]:
    return {name: name for name in names} | others


def _one(**item: object) -> list[Row]:
    """The item, unless there is nothing in it."""
    return [item] if any(value is not None for value in item.values()) else []


KEPT = (
    Kept(
        table="member",
        whose="tenant = :tenant AND id = :member",
        shown=lambda export: [{**export, **export["consent"]}],
        names=_same("observed", "offers", "offered_at", "seen_at", consent="state", consent_at="since"),
        left_out=frozenset({"id"}),
    ),
    Kept(
        table="operation",
        whose=OWN,
        shown=lambda export: export["operations"],
        names=_same(
            *("id", "field", "op", "kind", "audience", "since", "until", "session", "learned_at", "undone_at"),
            update_id="update",
            frozen_by="frozen",
        ),
        left_out=frozenset({"value", "said_at"}),  # said_at is that of its latest evidence
    ),
    Kept(
        table="evidence",
        whose=OWN,
        shown=lambda export: [
            {**evidence, "operation": operation["id"]}
            for operation in export["operations"]
            for evidence in operation["evidence"]
        ],
        names=_same("operation", "room", "message", "said_at", room_tenant="tenant"),
        left_out=frozenset({"number", "quote"}),
    ),
    Kept(
        table="fact",
        whose=OWN,
        shown=lambda export: export["facts"],
        names=_same("id", "section", "field", "kind", "audience", "confirmed_at", "valid_from", "valid_until"),
        left_out=frozenset({"value"}),
    ),
    Kept(
        table="message",
        whose=SPOKEN,
        shown=lambda export: export["messages"],
        names=_same("room", "id", "said_at", "off_record"),
        left_out=frozenset({"position", "author_name", "reply_to", "text"}),
    ),
    Kept(
        table="message",
        whose=ANSWERED,
        shown=lambda export: export.get("replies", []),
        names=_same("room", "id", "said_at", "reply_to"),
        left_out=frozenset({"position", "author_name", "text", "off_record"}),
    ),
    Kept(
        table="inbox",
        whose=f"{SPOKEN} AND facts IS NOT NULL",
        shown=lambda export: export["answers"],
        names=_same("room", "facts", received_at="asked_at"),
        left_out=frozenset(
            {
                "lease_owner",
                "lease_until",
                "position",
                "token",
                "key",
                "message",
                "answer",
                "state",
                "attempts",
                "settled_at",
            }
        ),
    ),
    Kept(
        table="fence",
        whose=OWN,
        shown=lambda export: [{"field": name, "at": at} for name, at in export["forgotten"]["fields"].items()],
        names=_same("field", raised_at="at"),
    ),
    Kept(
        table="fingerprint",
        whose=OWN,
        shown=lambda export: [{"mark": mark} for mark in export["forgotten"]["marks"]],
        names=_same("mark"),
        left_out=frozenset({"salt"}),
    ),
    Kept(
        table="refusal",
        whose=OWN,
        shown=lambda export: export["refused"],
        names=_same("field", "reason", "refused_at"),
        left_out=frozenset({"id"}),
    ),
    Kept(
        table="tidying",
        whose=OWN,
        shown=lambda export: _one(at=export["tidied_at"]),
        names={"due_at": "at"},
    ),
    Kept(
        table="departure",
        whose=OWN,
        shown=lambda export: _one(at=export["left_at"]),
        names={"left_at": "at"},
    ),
    Kept(
        table="off_record",
        whose="member_tenant = :tenant AND member = :member",
        shown=lambda export: export["off_record"],
        names=_same("room", "since", "until"),
    ),
    Kept(
        table="link",
        whose=OWN,
        shown=lambda export: [export["link"]] if export["link"] else [],
        names=_same("linked_at", other_tenant="tenant", other="id"),
    ),
    Kept(
        table="link_code",
        whose=OWN,
        shown=lambda export: _one(at=export["link_code_expires_at"]),
        names={"expires_at": "at"},
        left_out=frozenset({"digest"}),
    ),
    Kept(
        table="link_guess",
        whose=OWN,
        shown=lambda export: [{"at": at} for at in export["wrong_codes"]],
        names={"guessed_at": "at"},
        left_out=frozenset({"id"}),
    ),
    Kept(
        table="agreement",
        whose=OWN,
        shown=lambda export: export["agreements"],
        names=_same("category", "state", "decided_at", "since", "until", "room", "message"),
    ),
    Kept(
        table="audit_salt",
        whose=OWN,
        shown=lambda export: [{"field": name, "salt": salt} for name, salt in export["audit"]["salts"].items()],
        names=_same("field", "salt"),
    ),
)

SUMMED = ("input_tokens", "cached_tokens", "output_tokens")
APART = {
    "usage": "compared as sums",
    "audit": "compared through its hashes",
    "alembic_version": "which tables there are",
    "audit_head": "where each tenant's chain stands",
    "batch_request": "what was asked about, by the ids of messages",
    "conversation": "rooms, not members",
    "lease": "which process does what",
    "timer": "when what was last done",
    "note": "small things of ours",
    "origin": "tenants and rooms, not members",
    "rule": "what admins decided for a tenant",
    "installation": "a tenant's tokens, sealed with no member's key",
    "install_state": "which invitations to install were used",
    "outbox": "how our replies are shown; the replies themselves are messages",
    "vault": "which keys seal it",
}
"""Tables whose rows are not compared one by one, and why."""


def unknown(database: Path) -> list[str]:
    """Tables and columns that nobody told the auditor of."""
    known = {kept.table: {*kept.names, *kept.left_out, *WHOSE} for kept in KEPT}
    return [
        f"{table}.{column}"
        for table, names in columns(database).items()
        for column in sorted(names - known.get(table, set()))
        if table not in APART
    ]


@dataclass(slots=True, kw_only=True)
class Exported:
    """What comparing exports found."""

    compared: int = 0
    lacking: list[str] = field(default_factory=list)


def compare(database: Path, ledger: Ledger, who: Who, text: str) -> Exported:
    """Compare an export, as JSON, with what is stored of the member, and with what they told."""
    export, done = json.loads(text), Exported()
    scope = {"tenant": who[0], "member": who[1]}
    for kept in KEPT:
        stored = rows(database, f"SELECT * FROM {kept.table} WHERE {kept.whose}", **scope)  # noqa: S608 - our own words
        expected = Counter(_item(row, {name: name for name in kept.names}) for row in stored)
        shown = Counter(_item(item, kept.names) for item in kept.shown(export))
        done.compared += len(stored)
        done.lacking += [f"{kept.table} of {who}: {item} is not exported" for item in expected - shown]
        done.lacking += [f"{kept.table} of {who}: {item} is not stored" for item in shown - expected]
    _compare_usage(database, scope, export, done)
    _compare_audit(database, scope, export, done)
    _compare_words(database, ledger, who, export, done)
    return done


def _item(row: Row, names: Mapping[str, str]) -> tuple[object, ...]:
    return tuple(_plain(column, row[name]) if name in row else f"no {name}" for column, name in names.items())


def _plain(column: str, value: object) -> object:
    """A value as both a table and an export can be read."""
    if column == "facts":
        return tuple(json.loads(value) if isinstance(value, str) else value)  # type: ignore[arg-type]  # or a list
    if column in TRUTHS:
        return bool(value)
    if not (column.endswith("_at") or column in TIMES):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return EPOCH + timedelta(microseconds=value) if value else None  # type: ignore[arg-type]  # whole microseconds


def _compare_usage(database: Path, scope: Mapping[str, str], export: Export, done: Exported) -> None:
    """Calls of a model are exported as sums, by where, what for and which model."""
    stored = rows(database, "SELECT * FROM usage WHERE member_tenant = :tenant AND member = :member", **scope)
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for row in stored:
        total = sums.setdefault((row["tenant"], row["purpose"], row["model"]), Counter())
        total.update({"calls": 1} | {name: row[name] for name in SUMMED})
    shown = {
        (one["tenant"], one["purpose"], one["model"]): Counter({name: one[name] for name in ("calls", *SUMMED)})
        for one in export["usage"]
    }
    done.compared += len(stored)
    done.lacking += [] if shown == sums else [f"usage of {scope}: {sums} is exported as {shown}"]


def _compare_audit(database: Path, scope: Mapping[str, str], export: Export, done: Exported) -> None:
    """Rows of the audit log name their subject by a hash with a salt that the export holds."""
    salt = export["audit"]["salts"].get("")
    subject = hmac.digest(salt.encode(), scope["member"].encode(), "sha256").hex()[:32] if salt else None
    sql = "SELECT * FROM audit WHERE tenant = :tenant AND subject = :subject"
    stored = rows(database, sql, tenant=scope["tenant"], subject=subject)
    shown = export["audit"]["rows"]
    names = {name: name for name in (shown[0] if shown else ())}
    lacking = Counter(_item(row, names) for row in stored) - Counter(_item(row, names) for row in shown)
    done.compared += len(stored)
    done.lacking += [f"audit of {scope}: {item} is not exported" for item in lacking]


def _compare_words(database: Path, ledger: Ledger, who: Who, export: Export, done: Exported) -> None:
    """Words are sealed in the file: that all are exported is seen by the canaries of the messages that are stored."""
    stored = {(row["tenant"], row["room"], row["id"]) for row in rows(database, "SELECT tenant, room, id FROM message")}
    for canary in ledger.of(who):
        told = ledger.told[canary]
        if told.posts & stored:
            done.compared += 1
            said = [one["text"] for one in export["messages"]]
            done.lacking += [] if any(canary in text for text in said) else [f"{canary} of {who} is not exported"]
    quotes = [one["quote"] for operation in export["operations"] for one in operation["evidence"]]
    done.lacking += [f"a quote of {who} is empty" for quote in quotes if not quote]
    done.lacking += [f"a value of {who} is empty" for one in export["operations"] if not one["value"]]
