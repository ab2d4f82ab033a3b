"""What only SQLite has: its file, its PRAGMAs, its owner, its ways to fail."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.store import notes, sqlite
from bot.store.engine import Unit
from bot.store.sqlite import MAX_BATCH, SqliteStore
from persona.ports import Transaction

pytestmark = pytest.mark.sqlite

T = TypeVar("T")

PATIENCE_S = 2
"""What takes longer hangs."""


def keeping(name: str, value: str = "kept") -> Unit[None]:
    """A unit that keeps one note."""
    return partial(notes.write, tenant="t", name=name, value=value)


def reading(name: str) -> Unit[str | None]:
    """A unit that reads one note."""
    return partial(notes.read, tenant="t", name=name)


def pragma(name: str) -> Unit[Any]:
    """A unit that asks for a PRAGMA."""

    async def unit(transaction: Transaction) -> Any:
        row = await transaction.fetch_one(f"PRAGMA {name}")
        return None if row is None else next(iter(row))

    return unit


class Gate:
    """Holds a unit on the database's thread until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    async def unit(self, transaction: Transaction) -> None:
        await notes.write(transaction, "t", "gate", "first half")
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self._opened.wait(PATIENCE_S)
        await notes.write(transaction, "t", "gate", "whole")


async def traced(store: SqliteStore) -> list[str]:
    """The statements that run on the connection that writes, from now on."""
    statements: list[str] = []
    await store._writer.set_trace_callback(statements.append)
    return statements


async def outcome_of(awaited: Awaitable[T]) -> T | Exception:
    """What came of it, be it an error."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await awaited
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


@contextlib.contextmanager
def other_program(path: Path, statement: str) -> Iterator[sqlite3.Connection]:
    """Another program that has the file open and a statement running."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        yield connection


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python process, with a pipe to either side."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("mmap_size", 0)],
)
async def test_the_writer_is_set_up(store: SqliteStore, name: str, value: object) -> None:
    """The connection that writes has every PRAGMA our promises rest on."""
    assert await store.write(pragma(name)) == value


@pytest.mark.parametrize(("name", "value"), [("journal_mode", "wal"), ("query_only", 1), ("mmap_size", 0)])
async def test_the_reader_is_set_up(store: SqliteStore, name: str, value: object) -> None:
    """The connection that reads has its PRAGMAs, too."""
    assert await store.read(pragma(name)) == value


async def test_both_connections_wait_for_a_lock(store: SqliteStore) -> None:
    """A short lock by another program, a backup say, is waited for and not an error at once."""
    assert await store.write(pragma("busy_timeout")) == sqlite.BUSY_TIMEOUT_MS
    assert await store.read(pragma("busy_timeout")) == sqlite.BUSY_TIMEOUT_MS


async def test_a_refused_setting_stops_the_start() -> None:
    """A database that cannot keep a write-ahead log is not used: its promises would be empty."""
    with pytest.raises(errors.StoreError, match="refuses PRAGMA journal_mode"):
        await SqliteStore.open(Path(":memory:"))


async def test_a_deleted_text_leaves_no_bytes(database: Path) -> None:
    """What was deleted is in none of the database's files once it is closed."""
    secret = "Ana is allergic to peanuts. " * 200
    store = await SqliteStore.open(database)
    await store.write(keeping("n", secret))
    await store.write(lambda transaction: transaction.execute("DELETE FROM note"))
    await store.close()
    files = [path.read_bytes() for path in database.parent.iterdir()]

    assert not any(b"peanuts" in content for content in files)


async def test_a_close_leaves_one_whole_file(database: Path) -> None:
    """After a close, the one file is the database: it can be copied away without its write-ahead log."""
    store = await SqliteStore.open(database)
    await store.write(keeping("n"))
    await store.close()

    assert not list(database.parent.glob("*-wal"))
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT value FROM note").fetchone() == ("kept",)


@pytest.mark.parametrize(("safe", "events"), [((0,), []), ((999, 0, 0), [("sqlite.version", "warning")])])
async def test_an_old_sqlite_is_named(
    database: Path, monkeypatch: pytest.MonkeyPatch, safe: tuple[int, ...], events: list[tuple[str, str]]
) -> None:
    """The log warns of an SQLite that is older than the one we advise, and of nothing else."""
    monkeypatch.setattr(sqlite, "SAFE_VERSION", safe)

    with capture_logs() as logged:
        store = await SqliteStore.open(database, key=bytes(32))
    await store.close()

    assert [(entry["event"], entry["log_level"]) for entry in logged] == events


# -- one owner --------------------------------------------------------------------------------------------------------


async def test_a_second_open_is_refused(store: SqliteStore, database: Path) -> None:
    """A file that is in use is not opened again; the sentence names it and says what to do."""
    with pytest.raises(errors.StoreBusyError) as caught:
        await SqliteStore.open(database)

    assert repr(str(database)) in str(caught.value)
    assert "in use by another Rapport" in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
    assert await store.read(reading("n")) is None


async def test_a_refused_open_harms_nobody(store: SqliteStore, database: Path) -> None:
    """The owner of a file goes on reading and writing after others were refused."""
    for _ in range(3):
        with pytest.raises(errors.StoreBusyError):
            await SqliteStore.open(database)
    await store.write(keeping("n"))

    assert await store.read(reading("n")) == "kept"


_OWNER = """
import asyncio, sys
from pathlib import Path
from bot import logs
from bot.store.sqlite import SqliteStore

logs.use_standard_library()

async def own():
    store = await SqliteStore.open(Path(sys.argv[1]))
    print("mine", flush=True)
    sys.stdin.read()

asyncio.run(own())
"""


@pytest.mark.slow
async def test_a_second_process_is_refused(database: Path) -> None:
    """While another process owns the file it is refused; once that one was killed, it is free."""
    with python(_OWNER, str(database)) as owner:
        assert owner.stdout
        said = owner.stdout.readline()
        with pytest.raises(errors.StoreBusyError, match="in use by another Rapport"):
            await SqliteStore.open(database)
        owner.kill()
    store = await SqliteStore.open(database)
    await store.close()

    assert said == "mine\n"


# -- commits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "commits"), [(1, 1), (MAX_BATCH, 1), (MAX_BATCH + 1, 2), (3 * MAX_BATCH, 3)])
async def test_units_of_one_moment_share_a_commit(store: SqliteStore, units: int, commits: int) -> None:
    """Units that wait at the same moment cost one flush to the disk, up to the size of a batch."""
    statements = await traced(store)

    await asyncio.gather(*(store.write(keeping(str(number))) for number in range(units)))

    assert statements.count("COMMIT") == commits


async def test_units_that_come_during_a_commit_share_the_next(store: SqliteStore) -> None:
    """What arrives while a unit is running waits, and is then committed together."""
    gate, statements = Gate(), await traced(store)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(store.write(gate.unit))
        await gate.reached.wait()
        for number in range(20):
            tasks.create_task(store.write(keeping(str(number))))
        await asyncio.sleep(0)
        gate.open()

    assert statements.count("COMMIT") == 2


async def test_reads_do_not_wait_for_a_write(store: SqliteStore) -> None:
    """While a unit writes, reads are answered, with what was there before it."""
    gate = Gate()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(store.write(gate.unit))
        await gate.reached.wait()
        during = await asyncio.wait_for(store.read(reading("gate")), PATIENCE_S)
        gate.open()
    after = await store.read(reading("gate"))

    assert (during, after) == (None, "whole")


async def test_a_read_does_not_see_what_is_committed_meanwhile(store: SqliteStore, database: Path) -> None:
    """A change that is committed between two statements of a read is not seen by the second."""

    async def twice(transaction: Transaction) -> list[str | None]:
        first = await notes.read(transaction, "t", "n")
        with other_program(database, "INSERT INTO note (tenant, name, value) VALUES ('t', 'n', 'new')"):
            return [first, await notes.read(transaction, "t", "n")]

    assert await store.read(twice) == [None, None]
    assert await store.read(reading("n")) == "new"


async def test_a_caller_that_leaves_during_its_unit(store: SqliteStore, database: Path) -> None:
    """A caller cancelled while its unit runs leaves the unit to be finished, and no transaction open."""
    gate = Gate()

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(store.write(gate.unit))
        await gate.reached.wait()
        caller.cancel()
        gate.open()
    kept = await store.write(reading("gate"))

    assert caller.cancelled()
    assert kept == "whole"
    with other_program(database, "BEGIN IMMEDIATE"):
        assert not await store._writer.run(lambda connection: connection.in_transaction)


async def test_a_cancelled_close_can_be_repeated(database: Path) -> None:
    """A close that is interrupted loses no unit and no caller; the next one finishes it and frees the file."""
    store, gate = await SqliteStore.open(database), Gate()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outcome_of(store.write(gate.unit)))
        waiting = tasks.create_task(outcome_of(store.write(keeping("n"))))
        await gate.reached.wait()
        closing = tasks.create_task(store.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.sleep(0)
        gate.open()
    await store.close()
    again = await outcome_of(SqliteStore.open(database))
    for left_open in (store, again):
        if isinstance(left_open, SqliteStore):
            await left_open._reader.close()
            await left_open._writer.close()
            left_open._owner.close()

    assert (running.result(), waiting.result()) == (None, None)
    assert isinstance(again, SqliteStore)


_KILLED_AFTER = """
import asyncio, os, signal, sys
from functools import partial
from pathlib import Path
from bot.store import notes
from bot.store.sqlite import SqliteStore

async def write():
    store = await SqliteStore.open(Path(sys.argv[1]))
    await store.write(partial(notes.write, tenant="t", name="n", value="kept"))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(write())
"""

_KILLED_DURING = """
import asyncio, os, signal, sys
from functools import partial
from pathlib import Path
from bot.store import notes
from bot.store.sqlite import SqliteStore

async def unit(transaction):
    await notes.write(transaction, "t", "n", "half")
    os.kill(os.getpid(), signal.SIGKILL)

async def write():
    store = await SqliteStore.open(Path(sys.argv[1]))
    await asyncio.gather(store.write(partial(notes.write, tenant="t", name="n", value="early")), store.write(unit))

asyncio.run(write())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("code", "found"), [(_KILLED_AFTER, "kept"), (_KILLED_DURING, None)], ids=["after", "during"])
async def test_a_killed_process_loses_nothing_and_leaves_no_half(database: Path, code: str, found: str | None) -> None:
    """What a write returned from survives a kill; what a kill interrupted is gone as a whole."""
    with python(code, str(database)) as killed:
        killed.wait()
    store = await SqliteStore.open(database)
    value = await store.read(reading("n"))
    await store.close()

    assert killed.returncode == -signal.SIGKILL
    assert value == found


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "50%.db", "#1.db", "naïve 日本.db", "file:x.db"])
async def test_any_file_name_will_do(database: Path, name: str) -> None:
    """A file may be called anything the file system takes; that very file is used."""
    path = named(database, name)
    store = await SqliteStore.open(path)
    await store.write(keeping("n"))
    await store.close()

    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT value FROM note").fetchone() == ("kept",)


def named(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


async def test_scrubbing_leaves_no_copy_of_what_was_erased(database: Path) -> None:
    """Words that were erased are in no file of the database once it was scrubbed."""
    words = "the-purple-elephant"
    store = await SqliteStore.open(database)
    insert = "INSERT INTO note (tenant, name, value) VALUES ('t', 'n', :value)"
    await store.write(lambda transaction: transaction.execute(insert, value=words))
    await store.write(lambda transaction: transaction.execute("DELETE FROM note"))
    files = [database, database.with_name(f"{database.name}-wal")]
    before = any(words.encode() in file.read_bytes() for file in files)
    await store.scrub()
    after = any(words.encode() in file.read_bytes() for file in files)
    await store.close()

    assert (before, after) == (True, False)
