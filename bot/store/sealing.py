"""Which words there are, table by table: those from before there were seals are sealed, and others sealed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from persona.persona import MemberKey
from persona.ports import Cell, Row, Transaction, Value

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The words of one row, opened."""

    table: _Table
    row: Row
    words: Mapping[str, str]
    """By column."""


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
            LEFT JOIN inbox ON inbox.answer = outbox.answer AND inbox.tenant || '' = outbox.tenant
            LEFT JOIN message
              ON message.tenant = inbox.tenant AND message.room = inbox.room AND message.id = inbox.message
        """,  # an answer is found by its id: by its tenant alone, SQLite would read all that tenant's inbox for each
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
    _Table(
        name="installation",
        key=("tenant", "app"),
        columns=("token", "refresh_token"),
        rows="SELECT installation.*, tenant AS owner_tenant, '' AS owner FROM installation",
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


async def open_all(transaction: Transaction, tenant: str) -> list[Opened]:
    """All words that are kept of a tenant's members, wherever they were said, as far as they can be opened."""
    found: list[Opened] = []
    for table in _TABLES:
        query = f"SELECT * FROM ({table.rows}) AS kept WHERE owner_tenant = :tenant"  # noqa: S608 - our own words
        rows = await transaction.fetch(query, tenant=tenant)
        found += [opened for row in rows if (opened := await _opened(transaction, table, row)) is not None]
    return found


async def seal_again(transaction: Transaction, opened: Sequence[Opened]) -> None:
    """Seal words with the keys that their owners have now."""
    for one in opened:
        await _seal_row(transaction, one.table, one.row, one.words)


async def _opened(transaction: Transaction, table: _Table, row: Row) -> Opened | None:
    cells = [(row[column], _cell(table, row, column)) for column in table.columns]
    words = await transaction.unseal(cells)
    known = {column: text for column, text in zip(table.columns, words, strict=True) if text is not None}
    return Opened(table=table, row=row, words=known) if len(known) == len(table.columns) else None


async def _seal_table(transaction: Transaction, table: _Table) -> int:
    key = [f"{table.name}.{column}" for column in table.key]
    after = ", ".join(f":{column}" for column in table.key)
    beyond = f" WHERE ({', '.join(key)}) > ({after})"
    order = f" ORDER BY {', '.join(key)} LIMIT {_AT_ONCE}"
    number, rows = 0, await transaction.fetch(table.rows + order)
    while rows:
        for row in rows:
            await _seal_row(transaction, table, row, {column: row[column] for column in table.columns})
        number += len(rows)
        rows = await transaction.fetch(table.rows + beyond + order, **_key(table, rows[-1]))
    return number


async def _seal_row(transaction: Transaction, table: _Table, row: Row, words: Mapping[str, str]) -> None:
    owner = NOBODY if row["owner"] is None else MemberKey(tenant=row["owner_tenant"], id=row["owner"])
    key = _key(table, row)
    sealed: dict[str, Value] = {
        column: await transaction.seal(text, owner=owner, cell=_cell(table, row, column))
        for column, text in words.items()
    }
    to = ", ".join(f"{column} = :{column}" for column in table.columns)
    where = " AND ".join(f"{column} = :{column}" for column in table.key)
    await transaction.execute(f"UPDATE {table.name} SET {to} WHERE {where}", **key, **sealed)  # noqa: S608 - our own words


def _cell(table: _Table, row: Row, column: str) -> Cell:
    return f"{table.name}.{column}", *map(str, _key(table, row).values())


def _key(table: _Table, row: Row) -> dict[str, Value]:
    return {column: row[column] for column in table.key}
