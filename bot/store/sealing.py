"""The words in a database from before there were seals, sealed at the first start that has them. Over all tenants."""

from collections.abc import Sequence
from dataclasses import dataclass

from persona.persona import MemberKey
from persona.ports import Row, Transaction, Value

NOBODY = MemberKey(tenant="", id="")
"""Whose our own sentences are: what Rapport says of itself, and repeats no member."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table with words in it."""

    name: str
    key: Sequence[str]
    """Its primary key, which is also the rest of the cell."""
    columns: Sequence[str]
    rows: str
    """A query for its rows, with `owner_tenant` and `owner`: whose words they are."""


_TABLES = (
    _Table(
        name="message",
        key=("tenant", "room", "id"),
        columns=("text", "author_name"),
        rows="""
            SELECT message.*, coalesce(message.author_tenant, asked.author_tenant) AS owner_tenant,
                   coalesce(message.author, asked.author) AS owner
            FROM message
            LEFT JOIN message AS asked
              ON asked.tenant = message.tenant AND asked.room = message.room AND asked.id = message.reply_to
        """,
    ),
    _Table(
        name="outbox",
        key=("tenant", "answer", "part"),
        columns=("text",),
        rows="""
            SELECT outbox.*, message.author_tenant AS owner_tenant, message.author AS owner
            FROM outbox
            LEFT JOIN inbox ON inbox.tenant = outbox.tenant AND inbox.answer = outbox.answer
            LEFT JOIN message
              ON message.tenant = inbox.tenant AND message.room = inbox.room AND message.id = inbox.message
        """,
    ),
    _Table(
        name="operation",
        key=("tenant", "member", "id"),
        columns=("value",),
        rows="SELECT operation.*, tenant AS owner_tenant, member AS owner FROM operation",
    ),
    _Table(
        name="evidence",
        key=("tenant", "member", "operation", "number"),
        columns=("quote",),
        rows="SELECT evidence.*, tenant AS owner_tenant, member AS owner FROM evidence",
    ),
    _Table(
        name="fact",
        key=("tenant", "member", "id"),
        columns=("value",),
        rows="SELECT fact.*, tenant AS owner_tenant, member AS owner FROM fact",
    ),
)


async def seal_all(transaction: Transaction, *, vault: str) -> int:
    """Seal every row that is not, once, and note which vault did it. Returns how many rows that were.

    All in one transaction: in between, nothing could tell words from what is sealed.
    """
    row = await transaction.fetch_one("SELECT id FROM vault WHERE tenant = ''")
    if row is not None:
        return 0
    insert = "INSERT INTO vault (tenant, id, erased_through, compacted_at) VALUES ('', :id, 0, 0)"
    await transaction.execute(insert, id=vault)
    return sum([await _seal_table(transaction, table) for table in _TABLES])


async def _seal_table(transaction: Transaction, table: _Table) -> int:
    key = [f"{table.name}.{column}" for column in table.key]
    after = ", ".join(f":{column}" for column in table.key)
    beyond = f" WHERE ({', '.join(key)}) > ({after})"
    order = f" ORDER BY {', '.join(key)} LIMIT {_AT_ONCE}"
    number, rows = 0, await transaction.fetch(table.rows + order)
    while rows:
        for row in rows:
            await _seal_row(transaction, table, row)
        number += len(rows)
        rows = await transaction.fetch(table.rows + beyond + order, **_key(table, rows[-1]))
    return number


async def _seal_row(transaction: Transaction, table: _Table, row: Row) -> None:
    owner = NOBODY if row["owner"] is None else MemberKey(tenant=row["owner_tenant"], id=row["owner"])
    key = _key(table, row)
    sealed: dict[str, Value] = {
        column: await transaction.seal(
            row[column], owner=owner, cell=(f"{table.name}.{column}", *map(str, key.values()))
        )
        for column in table.columns
    }
    to = ", ".join(f"{column} = :{column}" for column in table.columns)
    where = " AND ".join(f"{column} = :{column}" for column in table.key)
    await transaction.execute(f"UPDATE {table.name} SET {to} WHERE {where}", **key, **sealed)  # noqa: S608 - our own words


def _key(table: _Table, row: Row) -> dict[str, Value]:
    return {column: row[column] for column in table.key}
