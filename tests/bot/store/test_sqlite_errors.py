"""The ways SQLite fails, as operators meet them: each a sentence of ours, and nothing half done."""

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from bot import errors
from bot.store import notes, sqlite
from bot.store.engine import Unit
from bot.store.sqlite import SqliteStore
from bot.store.sqlite_errors import translated
from persona.ports import Transaction

pytestmark = pytest.mark.sqlite

T = TypeVar("T")

PATIENCE_S = 2
"""What takes longer hangs."""

LONG = "x" * 100_000
"""A text of many pages."""


def keeping(name: str, value: str = "kept") -> Unit[None]:
    """A unit that keeps one note."""
    return partial(notes.write, tenant="t", name=name, value=value)


def reading(name: str) -> Unit[str | None]:
    """A unit that reads one note."""
    return partial(notes.read, tenant="t", name=name)


async def outcome_of(awaited: Awaitable[T]) -> T | Exception:
    """What came of it, be it an error."""
    try:
        return await awaited
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


@contextlib.contextmanager
def other_program(path: Path, statement: str) -> Iterator[sqlite3.Connection]:
    """Another program that has the file open and a statement running."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        yield connection


def make_read_only(path: Path) -> None:
    """Let SQLite take the file for one of a later format: it reads it and writes nothing, whoever asks."""
    overwrite(path, 18, b"\x03")


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def put_something_else(path: Path) -> None:
    """Leave a file in its place that is no database; the old one is beside it."""
    if path.exists():
        path.rename(path.with_suffix(".backup"))
    path.write_bytes(b"not a database at all " * 100)


def put_back(path: Path) -> None:
    path.with_suffix(".backup").replace(path)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage_table(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    overwrite(path, (page - 1) * size, b"\xff" * size)


# -- another program has it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_a_lock_by_another_program(database: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """A write while another program holds the file is an error with a reason; once it is free, writing works."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 1)
    store = await SqliteStore.open(database)
    with other_program(database, statement) as holder:
        outcomes = await asyncio.gather(*(store.write(keeping(name)) for name in "abc"), return_exceptions=True)
        holder.execute("ROLLBACK")
        await store.write(keeping("d"))
    rows = await store.read(lambda transaction: transaction.fetch("SELECT name FROM note"))
    await store.close()

    assert [type(outcome) for outcome in outcomes] == [errors.StoreBusyError] * 3
    assert "locked" in str(outcomes[0])
    assert "Another program" in str(outcomes[0])
    assert [row["name"] for row in rows] == ["d"]


async def test_a_short_lock_is_waited_for(store: SqliteStore, database: Path) -> None:
    """A write during another program's short transaction succeeds once that one is done."""
    with other_program(database, "BEGIN IMMEDIATE") as holder:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(store.write(keeping("n")))
            await asyncio.sleep(0)
            holder.execute("ROLLBACK")

    assert await store.read(reading("n")) == "kept"


async def test_a_file_another_program_keeps_for_itself(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program holds exclusively cannot be opened; the sentence names it."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 1)

    with other_program(database, "PRAGMA locking_mode = EXCLUSIVE") as holder:
        holder.execute("BEGIN EXCLUSIVE")
        outcome = await outcome_of(SqliteStore.open(database))

    assert isinstance(outcome, errors.StoreBusyError)
    assert repr(str(database)) in str(outcome)


# -- it cannot be written ---------------------------------------------------------------------------------------------


async def test_a_read_only_file_is_refused_at_the_start(database: Path) -> None:
    """A file that cannot be written is refused at the start, not at a member's first message."""
    make_read_only(database)

    with pytest.raises(errors.StoreReadOnlyError) as caught:
        await SqliteStore.open(database)

    assert repr(str(database)) in str(caught.value)
    assert "cannot be written" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["no/such/folder/rapport.db", "a file/rapport.db", "/proc/rapport.db"], ids=["missing", "a file", "refused"]
)
async def test_a_folder_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """A folder that is missing or refuses new files is named, with the reason."""
    (tmp_path / "a file").touch()

    with pytest.raises(errors.StoreReadOnlyError) as caught:
        await SqliteStore.open(tmp_path / name)

    assert repr(str(tmp_path / name)) in str(caught.value)
    assert "folder" in str(caught.value)


async def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    """A path that is a folder is refused with our error."""
    (tmp_path / "rapport.db").mkdir()

    with pytest.raises(errors.StoreError, match="unable to open") as caught:
        await SqliteStore.open(tmp_path / "rapport.db")

    assert repr(str(tmp_path / "rapport.db")) in str(caught.value)


# -- it is not what it should be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"Dear diary. " * 1_000, b"\x00" * 8192, b"SQLite format 3\x00" + b"\xff" * 9000, b"\x89PNG\r\n\x1a\n" * 99],
    ids=["a text", "zeros", "only a header", "a picture"],
)
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is refused with our error, and not a byte of it is changed."""
    path = tmp_path / "diary.txt"
    path.write_bytes(content)

    with pytest.raises(errors.StoreDamagedError) as caught:
        asyncio.run(SqliteStore.open(path))

    assert repr(str(path)) in str(caught.value)
    assert "restore a backup" in str(caught.value)
    assert path.read_bytes() == content


async def test_a_failed_open_lets_go(database: Path) -> None:
    """After a failed open the file is not held: once another one is in its place, the same process can open it."""
    put_something_else(database)
    failure = await outcome_of(SqliteStore.open(database))
    put_back(database)
    second = await outcome_of(SqliteStore.open(database))
    if isinstance(second, SqliteStore):
        await second.close()

    assert isinstance(failure, errors.StoreDamagedError)
    assert isinstance(second, SqliteStore)


@pytest.mark.parametrize("spoil", [put_something_else, Path.mkdir], ids=["not a database", "a folder"])
def test_a_failed_open_ends_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    """A start that fails at the database leaves no thread behind that keeps the process, or complains at its end."""
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    before = set(threading.enumerate())
    spoil(tmp_path / "rapport.db")

    for _ in range(10):
        with pytest.raises(errors.StoreError):
            asyncio.run(SqliteStore.open(tmp_path / "rapport.db"))
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(PATIENCE_S)

    assert not any(thread.is_alive() for thread in left)
    assert complaints == []


async def test_a_truncated_file(database: Path) -> None:
    """A file whose end is missing gives our error, at the latest where the missing part is needed."""
    store = await SqliteStore.open(database)
    await store.write(keeping("n", LONG))
    await store.close()
    cut_in_half(database)
    outcome: object = await outcome_of(SqliteStore.open(database))
    if isinstance(outcome, SqliteStore):
        store, outcome = outcome, await outcome_of(outcome.read(reading("n")))
        await store.close()

    assert isinstance(outcome, errors.StoreDamagedError)
    assert "malformed" in str(outcome)


async def test_a_damaged_page_spoils_only_what_it_holds(database: Path) -> None:
    """A write that meets a damaged page fails with our error; the store lives on, and other tables work."""
    damage_table(database, "note")
    store = await SqliteStore.open(database)
    outcome = await outcome_of(store.write(keeping("n")))
    fine = await store.write(lambda transaction: transaction.execute("DELETE FROM member"))
    await store.close()

    assert isinstance(outcome, errors.StoreDamagedError)
    assert fine == 0


# -- there is no room left --------------------------------------------------------------------------------------------


async def limit(transaction: Transaction, *, more_pages: int) -> None:
    """Let the file grow by so many pages and no more, as a full disk would."""
    row = await transaction.fetch_one("PRAGMA page_count")
    assert row
    await transaction.fetch(f"PRAGMA max_page_count = {row['page_count'] + more_pages}")


async def test_a_full_disk(store: SqliteStore) -> None:
    """When there is no room left, the write fails with a reason and keeps nothing; with room again, all is well."""
    await store.write(keeping("before"))
    await store.write(partial(limit, more_pages=1))
    outcome = await outcome_of(store.write(keeping("big", LONG)))
    read = await store.read(reading("before"))
    await store.write(partial(limit, more_pages=1_000))
    await store.write(keeping("after", LONG))

    assert isinstance(outcome, errors.StoreFullError)
    assert "no room left" in str(outcome)
    assert (read, await store.read(reading("big"))) == ("kept", None)


async def test_a_full_disk_answers_every_caller(store: SqliteStore) -> None:
    """Of units that meet a full disk together, each is kept, or not kept and told why."""
    await store.write(partial(limit, more_pages=1))
    units = [keeping("a"), keeping("big", LONG), keeping("c")]
    outcomes = await asyncio.gather(*(store.write(unit) for unit in units), return_exceptions=True)
    kept = [await store.read(reading(name)) is not None for name in ("a", "big", "c")]

    assert isinstance(outcomes[1], errors.StoreFullError)
    assert [outcome is None for outcome in outcomes] == kept
    assert all(outcome is None or isinstance(outcome, errors.StoreFullError) for outcome in outcomes)


async def test_a_full_disk_that_a_unit_hides(store: SqliteStore) -> None:
    """A unit that swallows the error of a full disk is not reported as kept."""

    async def hiding(transaction: Transaction) -> None:
        with contextlib.suppress(sqlite3.Error):
            await notes.write(transaction, "t", "n", LONG)

    await store.write(partial(limit, more_pages=1))
    outcome = await outcome_of(store.write(hiding))
    await store.write(keeping("after"))

    assert isinstance(outcome, errors.StoreError)
    assert await store.read(reading("n")) is None


# -- the errors themselves --------------------------------------------------------------------------------------------


async def test_text_no_database_can_hold(store: SqliteStore) -> None:
    """A text that cannot be encoded fails its own unit and nobody else's."""
    outcome, _ = await asyncio.gather(
        store.write(keeping("a", "half a pair: \ud83d")), store.write(keeping("b")), return_exceptions=True
    )

    assert isinstance(outcome, UnicodeEncodeError)
    assert await store.read(reading("b")) == "kept"


async def test_the_cause_is_kept(store: SqliteStore) -> None:
    """Our error carries SQLite's own as its cause, for whoever reads the traceback."""
    outcome = await outcome_of(store.read(lambda transaction: transaction.fetch("SELECT * FROM no_such_table")))

    assert isinstance(outcome, errors.StoreError)
    assert isinstance(outcome.__cause__, sqlite3.OperationalError)
    assert "no such table: no_such_table" in str(outcome)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("database is locked", errors.StoreBusyError),
        ("database table is locked", errors.StoreBusyError),
        ("attempt to write a readonly database", errors.StoreReadOnlyError),
        ("unable to open database file", errors.StoreReadOnlyError),
        ("database or disk is full", errors.StoreFullError),
        ("file is not a database", errors.StoreDamagedError),
        ("database disk image is malformed", errors.StoreDamagedError),
        ("malformed database schema (note)", errors.StoreDamagedError),
        ("disk I/O error", errors.StoreError),
    ],
)
def test_each_failure_has_its_class(words: str, kind: type[errors.StoreError]) -> None:
    """Each of SQLite's failures becomes the error of ours that says what to do, naming the file if it is known."""
    error = translated(sqlite3.OperationalError(words), Path("/data/rapport.db"))

    assert type(error) is kind
    assert str(error) == f"'/data/rapport.db': {words}. {kind.__doc__}"


def test_other_errors_stay_themselves() -> None:
    """What SQLite did not raise is not ours to explain."""
    error = KeyError("n")

    assert translated(error) is error
