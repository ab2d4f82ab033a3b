"""What only PostgreSQL has: its statements, its transactions that meet, its connections that break, its owner."""

import asyncio
import contextlib
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

import bot
import persona
from bot import errors
from bot.store import inbox, notes, sessions
from bot.store.engine import Unit
from bot.store.postgres import PostgresStore
from bot.store.postgres_errors import translated
from bot.store.postgres_sql import DATABASE_NOW, numbered
from persona.persona import MemberKey
from persona.ports import Cell, Transaction
from tests.clock import NOON
from tests.postgres import Server

KEY = bytes(32)
SECRET = "Xanadu"


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(postgres_url, key=KEY)
    yield opened
    await opened.close()


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[Any]:
    """A connection of another program to the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def keeping(name: str, value: str = "kept") -> Unit[None]:
    """A unit that keeps one note."""
    return partial(notes.write, tenant="t", name=name, value=value)


def reading(name: str) -> Unit[str | None]:
    """A unit that reads one note."""
    return partial(notes.read, tenant="t", name=name)


# -- statements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("SELECT 1", ("SELECT 1", ())),
        ("a = :a AND b = :b AND c = :a", ("a = $1 AND b = $2 AND c = $1", ("a", "b"))),
        ("'it''s :a' || :a", ("'it''s :a' || $1", ("a",))),
        ('":a" = :a -- :b\n + :c', ('":a" = $1 -- :b\n + $2', ("a", "c"))),
        ("/* :a\n:b */ :c::text", ("/* :a\n:b */ $1::text", ("c",))),
    ],
)
def test_parameters_are_numbered(named: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """Parameters get numbers, each name one; what only looks like one in a text, a name or a comment stays."""
    assert numbered(named) == expected


def statements() -> dict[str, str]:
    """Every whole statement of ours, by where it stands."""
    found = {}
    for package in (bot, persona):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if re.search(r"migrations|sqlite|postgres|__main__", module.name):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b[^{]*$", value):
                    found[f"{module.name}.{name}"] = value
    return found


async def test_every_statement_is_understood(other: Any) -> None:
    """PostgreSQL knows every table, column and type of every statement, and takes only texts and whole numbers."""
    refused = {}
    for name, sql in statements().items():
        try:
            prepared = await other.prepare(numbered(sql)[0])
        except asyncpg.PostgresError as error:
            refused[name] = str(error)
        else:
            taken = {one.name for one in prepared.get_parameters()} - {"text", "varchar", "int4", "int8"}
            refused |= {name: str(taken)} if taken else {}

    assert len(statements()) > 100
    assert refused == {}


async def test_sums_are_whole_numbers(store: PostgresStore) -> None:
    """The sum of whole numbers is one, also beyond 64 bits; PostgreSQL would make it a decimal."""
    rows = await store.read(
        lambda transaction: transaction.fetch("SELECT sum(n) AS n FROM (VALUES (9223372036854775807), (1)) AS v (n)")
    )

    assert [(row["n"], type(row["n"])) for row in rows] == [(2**63, int)]


# -- transactions that meet -------------------------------------------------------------------------------------------


class Meddling:
    """Another program that changes a note at the first statement of a unit, so that the two meet."""

    def __init__(self, store: PostgresStore, other: Any) -> None:
        self._connection = store._writer
        self._other = other
        self.is_done = False

    async def fetch(self, statement: str, *values: object) -> Any:
        rows = await self._connection.fetch(statement, *values)
        if not self.is_done:
            self.is_done = True
            await self._other.execute("UPDATE note SET value = 'theirs' WHERE name = 'n'")
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("neighbours", [0, 3])
async def test_a_unit_that_meets_another_is_run_again(store: PostgresStore, other: Any, neighbours: int) -> None:
    """What another writes between a unit's reading and its writing is not lost: the unit is run again, and sees it."""
    await store.write(keeping("n", "ours"))
    store._writer = Meddling(store, other)
    runs: list[str | None] = []

    async def adding(transaction: Transaction) -> str | None:
        found = await notes.read(transaction, "t", "n")
        runs.append(found)
        await notes.write(transaction, "t", "n", f"{found}+")
        return found

    found, *_ = await asyncio.gather(
        store.write(adding), *(store.write(keeping(str(number))) for number in range(neighbours))
    )

    assert (found, runs) == ("theirs", ["ours", "theirs"])
    assert await store.read(reading("n")) == "theirs+"
    assert [await store.read(reading(str(number))) for number in range(neighbours)] == ["kept"] * neighbours


# -- connections that break -------------------------------------------------------------------------------------------


KILL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_a_lost_connection_is_made_again(store: PostgresStore, other: Any) -> None:
    """When PostgreSQL ends every connection, the next write and the next read make new ones."""
    await store.write(keeping("a"))
    await store.read(reading("a"))
    await other.execute(KILL)
    await store.write(keeping("b"))
    await other.execute(KILL)

    assert [await store.read(reading(name)) for name in ("a", "b")] == ["kept", "kept"]


class Cut:
    """A way to PostgreSQL that breaks around a commit: before it arrives, or before its answer does."""

    def __init__(self, url: str, folder: Path, *, arrives: bool) -> None:
        (host,) = parse_qs(urlsplit(url).query)["host"]
        self._socket = Path(host) / ".s.PGSQL.5432"
        self._folder = folder
        self._arrives = arrives
        self.is_armed = False
        self.url = f"postgresql://postgres@{urlsplit(url).path}?host={folder}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self._folder / ".s.PGSQL.5432")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_unix_connection(self._socket)
        is_cut = False

        async def answer() -> None:
            while (content := await to_reader.read(65_536)) and not is_cut:
                writer.write(content)
            if not is_cut:
                writer.close()

        answering = asyncio.ensure_future(answer())
        while content := await reader.read(65_536):
            if self.is_armed and b"COMMIT" in content:
                self.is_armed, is_cut = False, True
                if self._arrives:
                    to_writer.write(content)
                    await answering  # it is there, and goes no further
                break
            to_writer.write(content)
        answering.cancel()
        for one in (to_writer, writer):
            one.transport.abort()


@pytest.fixture
def short(server: Server) -> Path:
    """A folder whose name is short enough for a socket in it."""
    folder = server.folder / "cut"
    folder.mkdir(exist_ok=True)
    (folder / ".s.PGSQL.5432").unlink(missing_ok=True)
    return folder


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("units", [1, 3])
async def test_a_commit_whose_answer_is_lost(postgres_url: str, short: Path, arrives: bool, units: int) -> None:  # noqa: FBT001 - a parameter
    """When the connection breaks while it commits, PostgreSQL is asked: every unit is kept once, and said to be."""

    async def count(transaction: Transaction) -> int:
        number = int(await notes.read(transaction, "t", "n") or 0) + 1
        await notes.write(transaction, "t", "n", str(number))
        return number

    async with AsyncExitStack() as closing:
        cut = await closing.enter_async_context(Cut(postgres_url, short, arrives=arrives))
        store = await PostgresStore.open(cut.url, key=KEY)
        closing.push_async_callback(store.close)
        await store.write(count)
        cut.is_armed = True
        numbers = await asyncio.gather(*(store.write(count) for _ in range(units)))
        found = await store.read(reading("n"))

    assert not cut.is_armed
    assert numbers == list(range(2, units + 2))
    assert found == str(units + 1)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("INSERT INTO note (tenant, name, value) VALUES ('t', :a, :b)", {"a": SECRET, "b": SECRET}),
        ("INSERT INTO note (tenant, name, value) VALUES ('t', :a, NULL)", {"a": SECRET}),
        ("INSERT INTO member (tenant, id, consent, consent_at) VALUES ('t', 'm', 'on', :a)", {"a": SECRET}),
        ("INSERT INTO note (tenant, name, value) VALUES ('t', 'n', :a)", {"a": SECRET + "\0"}),
        ("INSERT INTO note (tenant, name, value) VALUES ('t', 'n', :a)", {"a": SECRET + "\ud800"}),
    ],
    ids=["twice", "nothing", "another type", "a zero", "half a character"],
)
async def test_an_error_repeats_no_value(store: PostgresStore, sql: str, values: dict[str, str]) -> None:
    """What the driver says of a refused row quotes it; what we say, and what a traceback would show, does not."""
    await store.write(keeping(SECRET))

    with pytest.raises((errors.StoreError, UnicodeEncodeError)) as caught:
        await store.write(lambda transaction: transaction.execute(sql, **values))

    if isinstance(caught.value, errors.StoreError):
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (asyncpg.SerializationError("x"), errors.StoreBusyError, "busy"),
        (asyncpg.TooManyConnectionsError("x"), errors.StoreBusyError, "more connections"),
        (asyncpg.ReadOnlySQLTransactionError("x"), errors.StoreReadOnlyError, "the primary"),
        (asyncpg.InsufficientPrivilegeError("x"), errors.StoreReadOnlyError, "rights of its user"),
        (asyncpg.DiskFullError("x"), errors.StoreFullError, "no room left"),
        (asyncpg.DataCorruptedError("x"), errors.StoreDamagedError, "restore a backup"),
        (asyncpg.InvalidPasswordError("x"), errors.StoreError, "check the user, the password"),
        (asyncpg.InvalidCatalogNameError("x"), errors.StoreError, "the database in DATABASE_URL"),
        (asyncpg.CannotConnectNowError("x"), errors.StoreError, "cannot be reached"),
        (ConnectionRefusedError("x"), errors.StoreError, "cannot be reached"),
        (TimeoutError(), errors.StoreError, "cannot be reached"),
        (asyncpg.UniqueViolationError("x"), errors.StoreError, "The database failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_are_ours(error: Exception, kind: type[Exception], words: str) -> None:
    """Each way to fail is one of our errors, with what to do about it."""
    ours = translated(error)

    assert type(ours) is kind
    assert words in str(ours)


async def test_a_unit_that_hides_a_failure_keeps_nothing(store: PostgresStore) -> None:
    """PostgreSQL gives up a transaction in which a statement failed; nobody is told that it was kept."""

    async def hiding(transaction: Transaction) -> None:
        await notes.write(transaction, "t", "a", "half")
        with contextlib.suppress(errors.StoreError):
            await transaction.execute("INSERT INTO note (tenant, name, value) VALUES ('t', 'b', NULL)")

    with pytest.raises(errors.StoreError):
        await store.write(hiding)

    assert await store.read(reading("a")) is None


# -- opening ----------------------------------------------------------------------------------------------------------


async def outcome_of(opening: Callable[[], Awaitable[PostgresStore]]) -> Exception | None:
    """The error of an opening, if there is one."""
    try:
        opened = await opening()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    await opened.close()
    return None


async def test_several_may_have_it_open(store: PostgresStore, postgres_url: str) -> None:
    """A second process opens the same database, reads what the first wrote, and is read by it."""
    second = await PostgresStore.open(postgres_url, key=KEY)
    await store.write(keeping("first"))
    await second.write(keeping("second"))
    found = [await one.read(reading(name)) for one, name in ((second, "first"), (store, "second"))]
    await second.close()

    assert found == ["kept", "kept"]


async def test_several_may_start_at_once(postgres_url: str, other: Any) -> None:
    """Processes that open a new database at the same moment make one set of keys, and all use that."""
    opened = await asyncio.gather(*(PostgresStore.open(postgres_url, key=KEY) for _ in range(4)))
    for one in opened:
        await one.close()

    assert await other.fetchval("SELECT count(*) FROM rapport_keys.vault") == 1
    assert await other.fetchval("SELECT count(*) FROM vault") == 1


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("lease_until <= :database_now", f"lease_until <= {DATABASE_NOW}"),
        ("LIMIT 1 /* skip locked */", "LIMIT 1 FOR UPDATE SKIP LOCKED"),
        ("LIMIT 1 /* skip */ -- :database_now", "LIMIT 1 /* skip */ -- :database_now"),
    ],
)
def test_what_means_more_here(sql: str, expected: str) -> None:
    """The time of a lease is the server's, whatever a worker hands in, and rows that others hold can be passed over."""
    assert numbered(sql) == (expected, ())


@pytest.mark.parametrize(
    "statement", [inbox._OPEN, inbox._ABANDONED, inbox._NEXT, inbox._WAITING, inbox._CLAIM, inbox._RENEW]
)
async def test_open_messages_are_found_by_an_index(store: PostgresStore, other: Any, statement: str) -> None:
    """Whatever is asked about open messages reads the rows that are open, however many are settled."""
    await other.execute("""
        INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at, settled_at, position)
        SELECT 'slack:T1', i::text, 'C' || i % 50, i::text, i::text, 'answered', 1, i,
               CASE WHEN i % 1000 > 0 THEN i END, i FROM generate_series(1, 20000) i
    """)
    await other.execute("ANALYZE")
    sql, names = numbered(statement)
    values = {"tenant": "'slack:T1'", "room": "'C1'", "key": "'1000'", "owner": "'w'", "lease": "1", "out_of_turn": "0"}
    for number in reversed(range(len(names))):
        sql = sql.replace(f"${number + 1}", values[names[number]])
    plan = "\n".join(row[0] for row in await other.fetch(f"EXPLAIN {sql}"))

    assert "Seq Scan on inbox" not in plan
    assert re.search(r"Index Scan (using|on) (inbox_open|inbox_waiting|inbox_pkey)", plan)


async def test_another_master_key_is_refused(store: PostgresStore, postgres_url: str) -> None:
    """A database is opened with the master key it was sealed with, and no other."""
    await store.close()
    refused = await outcome_of(partial(PostgresStore.open, postgres_url, key=bytes(range(32))))

    assert isinstance(refused, errors.StoreKeyError)
    assert "PERSONA_KEY" in str(refused)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM rapport_keys.vault", "is missing, or empty"),
        ("UPDATE rapport_keys.vault SET id = 'x'", "belongs to another database"),
    ],
)
async def test_keys_of_another_database_are_refused(
    store: PostgresStore, postgres_url: str, other: Any, sql: str, words: str
) -> None:
    """Tables that were restored without their keys, or with another database's, are not opened."""
    await store.close()
    await other.execute(sql)
    refused = await outcome_of(partial(PostgresStore.open, postgres_url, key=KEY))

    assert isinstance(refused, errors.StoreKeyError)
    assert words in str(refused)


async def test_a_restored_backup_forgets_whom_we_forgot(
    store: PostgresStore, server: Server, postgres_url: str
) -> None:
    """A dump of the tables holds no key, so what comes back of somebody who was erased since stays sealed for good."""
    ana, bo = (MemberKey(tenant="slack:T1", id=name) for name in ("U1", "U2"))
    cell = ("note.value", "t", "n")
    for owner in (ana, bo):
        stored = await store.write(partial(sealing, owner=owner, cell=cell))
        await store.write(keeping(owner.id, stored))
    backup = server.program("pg_dump", "--exclude-schema=rapport_keys", postgres_url)
    await store.write(lambda transaction: transaction.destroy_key(ana, at=NOON, reason="forgotten"))
    await store.close()

    server.program("psql", "-q", "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public", postgres_url)
    server.program("psql", "-q", "-v", "ON_ERROR_STOP=1", postgres_url, text=backup)
    again = await PostgresStore.open(postgres_url, key=KEY)
    kept = [await again.read(reading(owner.id)) for owner in (ana, bo)]
    words = await again.read(lambda transaction: transaction.unseal([(str(one), cell) for one in kept]))
    gone = await again.read(lambda transaction: transaction.destroyed_keys(after=NOON - timedelta(days=1)))
    await again.close()

    assert words == [None, SECRET]
    assert [(one.owner, one.reason) for one in gone] == [(ana, "forgotten")]
    assert not any(word in backup for word in (SECRET, "wrapped"))


async def sealing(transaction: Transaction, *, owner: MemberKey, cell: Cell) -> str:
    return await transaction.seal(SECRET, owner=owner, cell=cell)


async def test_writing_anew(store: PostgresStore, other: Any) -> None:
    """Compacting gives back the space of rows that are gone, unless there is more than may be written anew."""
    await store.write(keeping("n", "x" * 1_000_000))
    await other.execute(
        "INSERT INTO note SELECT 't', 'n' || i, repeat(md5(i::text), 30) FROM generate_series(1, 2000) i"
    )
    await store.write(lambda transaction: transaction.execute("DELETE FROM note"))
    size = "SELECT pg_total_relation_size('note')"
    before = await other.fetchval(size)

    assert not await store.compact(max_bytes=1_000)
    assert await other.fetchval(size) == before
    assert await store.compact()
    assert await other.fetchval(size) < before / 10


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """What cannot be reached is said in a sentence, without the address, which may hold a password."""
    refused = await outcome_of(partial(PostgresStore.open, f"postgresql://me:sesame@/db?host={tmp_path}", key=KEY))

    assert isinstance(refused, errors.StoreError)
    assert "cannot be reached" in str(refused)
    assert "sesame" not in str(refused)


async def test_what_another_is_taking_is_passed_over(store: PostgresStore, other: Any) -> None:
    """A sweep takes what no other worker is taking at this moment, and does not wait for that."""
    await other.execute("""
        INSERT INTO conversation (tenant, room, channel, kind, last_message_at, last_position, learned_through,
                                  attempts, not_before, lease_until)
        SELECT 'slack:T1', 'C' || i, 'C' || i, 'public', i, 1, CASE WHEN i < 3 THEN 0 ELSE 1 END, 0, 0, 0
        FROM generate_series(1, 20000) i
    """)
    await other.execute("ANALYZE")
    claim = partial(sessions.claim_due, owner="w", idle_since=NOON, now=NOON, lease=timedelta(minutes=10), most=9)
    async with other.transaction():
        await other.execute("SELECT * FROM conversation WHERE room = 'C1' FOR UPDATE")
        taken = await store.write(claim)

    assert [one.room.channel for one in taken] == ["C2"]
    assert [one.room.channel for one in await store.write(claim)] == ["C1"]


async def test_what_is_due_is_found_by_an_index(store: PostgresStore, other: Any) -> None:
    """The sweep reads what is not learned, however much is."""
    await other.execute("""
        INSERT INTO conversation (tenant, room, channel, kind, last_message_at, last_position, learned_through,
                                  attempts, not_before, lease_until)
        SELECT 'slack:T1', 'C' || i, 'C' || i, 'public', i, 1, CASE WHEN i % 1000 = 0 THEN 0 ELSE 1 END, 0, 0, 0
        FROM generate_series(1, 20000) i
    """)
    await other.execute("ANALYZE")
    sql, names = numbered(sessions._CLAIM_DUE)
    for number in reversed(range(len(names))):
        sql = sql.replace(f"${number + 1}", "'w'" if names[number] == "owner" else "9")
    plan = "\n".join(row[0] for row in await other.fetch(f"EXPLAIN {sql}"))

    assert "conversation_due" in plan
    assert "Seq Scan on conversation" not in plan
