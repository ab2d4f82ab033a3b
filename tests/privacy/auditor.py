"""The auditor of what is erased (reliability B24): judges from raw files, what was seen, and the ledger.

It imports nothing of what it judges, and knows tables and columns by their names alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.privacy.ledger import Place, Who

Row = Mapping[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows(database: Path, sql: str, **values: object) -> list[dict[str, Any]]:
    """What a file holds; nothing is changed in it."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, values)]


def copied(database: Path, to: Path) -> Path:
    """A copy of a database that is in use, as a backup makes it."""
    to.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def columns(database: Path) -> dict[str, set[str]]:
    """Every table with its columns."""
    tables = [row["name"] for row in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: {row["name"] for row in rows(database, f"PRAGMA table_info({table})")} for table in tables}


OWN = "tenant = :tenant AND member = :member"
SPOKEN = "author_tenant = :tenant AND author = :member"
ANSWERED = f"""
    author IS NULL AND (tenant, room, reply_to) IN (SELECT tenant, room, id FROM message WHERE {SPOKEN})
"""  # noqa: S608 - our own words
"""What is true of the rows of `:tenant` and `:member`: theirs, what they said, what they were answered."""


# -- what is gone -----------------------------------------------------------------------------------------------------

WORDS = {
    "message": (SPOKEN, ANSWERED),
    **dict.fromkeys(("operation", "evidence", "fact", "refusal", "agreement", "tidying", "audit_salt"), (OWN,)),
}
"""Rows that an erasure must leave none of. What may stay holds nothing a member told: decisions, fences, costs."""
WHEN = {"message": "said_at", "operation": "learned_at", "evidence": "said_at", "refusal": "refused_at"}


def left_of(database: Path, who: Who, *, until: datetime) -> list[str]:
    """Rows of an erased member that tell something from before a moment, that included."""
    scope = {"tenant": who[0], "member": who[1], "until": (until - EPOCH) // timedelta(microseconds=1)}
    left = []
    for table, conditions in WORDS.items():
        for condition in conditions:
            sql = f"SELECT * FROM {table} WHERE ({condition})"  # noqa: S608 - our own words
            sql += f" AND {WHEN[table]} <= :until" if table in WHEN else ""
            found = rows(database, sql, **scope)
            left += [f"{table} of {who}: {len(found)} rows"] if found else []
    return left


def answers_left(database: Path, who: Who, posts: Iterable[Place]) -> list[str]:
    """Our answers to posts of an erased member, as they wait to be shown, or were."""
    asked = {(row["tenant"], row["answer"]): row for row in rows(database, "SELECT * FROM inbox")}
    kept = {(row["tenant"], row["answer"]) for row in rows(database, "SELECT tenant, answer FROM outbox")}
    theirs = set(posts)
    left = [
        row for name, row in asked.items() if name in kept and (row["tenant"], row["room"], row["message"]) in theirs
    ]
    return [f"outbox of {who}: {len(left)} rows"] if left else []


def resting_on(database: Path, posts: Iterable[Place]) -> list[str]:
    """Messages that were deleted and are stored still, and evidence in them."""
    stored = {(row["tenant"], row["room"], row["id"]) for row in rows(database, "SELECT tenant, room, id FROM message")}
    cited = {(row["room_tenant"], row["room"], row["message"]) for row in rows(database, "SELECT * FROM evidence")}
    return [f"{post} is deleted and rested on" for post in posts if post in stored or post in cited]


# -- tenants ----------------------------------------------------------------------------------------------------------

STAYING = {"origin": "that we were there", "audit": "hashes, for their time", "audit_head": "where its chain stands"}
"""Tables that may hold rows of a tenant from where we were removed."""


_RESTING = """
    SELECT DISTINCT operation.* FROM operation JOIN evidence
      ON evidence.tenant = operation.tenant AND evidence.member = operation.member
     AND evidence.operation = operation.id
    WHERE evidence.room_tenant = :tenant
"""


def of_tenant(database: Path, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that names a tenant, by table and column, and the operations that rest on what was said there."""
    naming = {
        f"{table}.{column}": f"SELECT * FROM {table} WHERE {column} = :tenant"  # noqa: S608 - the file's own names
        for table, names in columns(database).items()
        for column in sorted(names)
        if column.endswith("tenant")
    }
    naming["operations that rest on it"] = _RESTING
    return {
        name: sorted((tuple(row.values()) for row in rows(database, sql, tenant=tenant)), key=repr)
        for name, sql in naming.items()
    }


def not_frozen(database: Path, tenant: str) -> list[str]:
    """That a tenant we were removed from is not known as gone, or something from there is not frozen."""
    states = [row["state"] for row in rows(database, "SELECT * FROM origin WHERE tenant = :t AND room = ''", t=tenant)]
    warm = [row for row in rows(database, _RESTING, tenant=tenant) if row["frozen_by"] is None]
    return ([] if states == ["gone"] else [f"{tenant} is {states}"]) + [f"{one['id']} is not frozen" for one in warm]


def accepted(database: Path, tenant: str) -> int:
    """How many messages of a tenant were accepted, and are remembered."""
    return len(rows(database, "SELECT key FROM inbox WHERE tenant = :tenant", tenant=tenant))


# -- keys -------------------------------------------------------------------------------------------------------------


def key_ids(database: Path, members: Iterable[Who]) -> list[str]:
    """The ids of members' keys: they stand in front of whatever is sealed with them."""
    keys = database.with_name(f"{database.name}-keys")
    ids = {(row["tenant"], row["member"]): row["id"] for row in rows(keys, "SELECT * FROM member_key")}
    return [ids[who] for who in members]


def being_learned(database: Path, posts: Iterable[Place]) -> int:
    """How many posts stand in conversations that somebody has claimed."""
    claimed = rows(database, "SELECT tenant, room FROM conversation WHERE lease_owner IS NOT NULL")
    rooms = {(row["tenant"], row["room"]) for row in claimed}
    return sum(post[:2] in rooms for post in posts)


def keys_left(folder: Path, ids: Iterable[str]) -> list[str]:
    """Where something is left that was sealed with keys that are destroyed."""
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [
        f"the key {one} stands in {name}"
        for one in ids
        for name, content in contents.items()
        if one.encode() in content
    ]
