"""Bringing a database up to date: whole or not at all, however often, whatever stands in the way."""

import contextlib
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot import errors
from bot.store import migrate as migrations
from bot.store.migrate import VERSIONS, migrate


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


def tables(path: Path) -> set[str]:
    return {str(name) for (name,) in query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def python(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code


# -- what it does -----------------------------------------------------------------------------------------------------


def test_a_new_file_gets_every_table(tmp_path: Path) -> None:
    """A database that does not exist yet is made, with every table and the newest version in it."""
    has_changed = migrate(tmp_path / "rapport.db")

    assert has_changed
    expected = {"member", "conversation", "message", "inbox", "outbox", "fact", "evidence", "operation", "note"}
    assert expected <= tables(tmp_path / "rapport.db")
    assert query(tmp_path / "rapport.db", "SELECT version_num FROM alembic_version") == [(VERSIONS[-1],)]


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """A file without content, as a start that was killed leaves behind, is filled like a new one."""
    (tmp_path / "rapport.db").touch()

    assert migrate(tmp_path / "rapport.db")
    assert "inbox" in tables(tmp_path / "rapport.db")


def test_a_second_time_changes_nothing(database: Path) -> None:
    """A database that is up to date is left as it is, byte for byte, and its rows with it."""
    query(database, "INSERT INTO note (tenant, name, value) VALUES ('t', 'n', 'kept')")
    before = database.read_bytes()

    assert not migrate(database)
    assert database.read_bytes() == before


def test_it_works_silently(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Alembic's own lines reach nobody: what is said is the caller's business."""
    migrate(tmp_path / "rapport.db")

    assert capfd.readouterr() == ("", "")


def test_every_primary_key_begins_with_the_tenant(database: Path) -> None:
    """Every table's primary key begins with the tenant, so that a distributed database can shard by it."""
    ours = tables(database) - {"alembic_version"}
    first = {table: query(database, f"SELECT name FROM pragma_table_info('{table}') WHERE pk = 1") for table in ours}  # noqa: S608 - the names of our tables

    assert first == {table: [("tenant",)] for table in ours}


def test_no_part_of_a_key_may_be_empty(database: Path) -> None:
    """No column of a primary key can be NULL: SQLite would take two of them for different keys."""
    ours = tables(database) - {"alembic_version"}
    nullable = {
        table: query(database, f"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 AND \"notnull\" = 0")  # noqa: S608 - the names of our tables
        for table in ours
    }

    assert nullable == {table: [] for table in ours}


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "50%.db", "%d.db", "#1.db", "a:b@c.db", "naïve 日本.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    """A file may be called anything the file system takes; that very file is migrated, and no other."""
    has_changed = [migrate(tmp_path / name), migrate(tmp_path / name)]

    assert has_changed == [True, False]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_relative_path_will_do(tmp_path: Path) -> None:
    """A path is taken from the working directory."""
    migrate(Path("rapport.db"))

    assert "inbox" in tables(tmp_path / "rapport.db")


@pytest.mark.slow
def test_alembic_is_not_imported_for_nothing(database: Path) -> None:
    """A start with a database that is up to date does not pay for Alembic and SQLAlchemy."""
    code = """
import sys
from pathlib import Path
from bot.store.migrate import migrate
assert migrate(Path(sys.argv[1])) is False
print(sorted({"alembic", "sqlalchemy", "mako"} & set(sys.modules)))
"""
    ended = python(code, database)

    assert (ended.stdout, ended.stderr) == ("[]\n", "")


@pytest.mark.slow
def test_two_processes_at_once(tmp_path: Path) -> None:
    """Processes that start at the same moment on one new database both succeed, and it is migrated once."""
    code = "import sys, pathlib; from bot.store.migrate import migrate; migrate(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "rapport.db")]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]  # noqa: S603 - our own code
    said = [process.communicate()[1] for process in started]

    assert said == ["", ""]
    assert not migrate(tmp_path / "rapport.db")


# -- what it refuses --------------------------------------------------------------------------------------------------


def test_a_newer_database_is_refused(database: Path) -> None:
    """A database that a newer version wrote is left alone; the sentence names both versions and a way out."""
    query(database, "UPDATE alembic_version SET version_num = '9876'")
    before = database.read_bytes()

    with pytest.raises(errors.StoreNewerError) as caught:
        migrate(database)

    assert repr(str(database)) in str(caught.value)
    assert "9876" in str(caught.value)
    assert VERSIONS[-1] in str(caught.value)
    assert "run that version" in str(caught.value)
    assert database.read_bytes() == before


@pytest.mark.parametrize("content", [b"Dear diary. " * 1_000, b"\x00" * 8_192], ids=["a text", "zeros"])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is refused and stays as it is."""
    path = tmp_path / "diary.txt"
    path.write_bytes(content)

    with pytest.raises(errors.StoreDamagedError) as caught:
        migrate(path)

    assert repr(str(path)) in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("folder", ["missing", "file", "/proc"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, folder: str) -> None:
    """A folder that is missing or refuses new files is an error of ours that names the file."""
    (tmp_path / "file").touch()

    with pytest.raises(errors.StoreReadOnlyError) as caught:
        migrate(tmp_path / folder / "rapport.db")

    assert repr(str(tmp_path / folder / "rapport.db")) in str(caught.value)


def test_a_read_only_database_that_is_behind(database: Path) -> None:
    """A database that has to be migrated and cannot be written is an error of ours."""
    query(database, "DELETE FROM alembic_version")
    content = bytearray(database.read_bytes())
    content[18] = 3  # SQLite takes it for a later format, which it reads and does not write
    database.write_bytes(content)

    with pytest.raises(errors.StoreReadOnlyError):
        migrate(database)


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads the file; one that was there keeps the mode its owner gave it."""
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    old.touch(mode=0o640)
    old.chmod(0o640)
    for path in (new, old):
        migrate(path)

    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, old)] == [0o600, 0o640]


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that another program does not let go of is an error of ours, after a patient wait."""
    monkeypatch.setattr("bot.store.migrate.BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "rapport.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(errors.StoreBusyError) as caught:
            migrate(path)

    assert repr(str(path)) in str(caught.value)


# -- what is interrupted ----------------------------------------------------------------------------------------------


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """When a statement fails in the middle, not one table is left, and the reason is one of our errors."""
    path = tmp_path / "other program.db"
    query(path, "CREATE TABLE note (mine TEXT)")

    with pytest.raises(errors.StoreError, match="note already exists"):
        migrate(path)

    assert tables(path) == {"note"}


def test_a_failed_migration_can_be_repeated(tmp_path: Path) -> None:
    """Once the reason of a failure is gone, migrating works."""
    path = tmp_path / "rapport.db"
    query(path, "CREATE TABLE note (mine TEXT)")
    with contextlib.suppress(errors.StoreError):
        migrate(path)
    query(path, "DROP TABLE note")

    assert migrate(path)
    assert not migrate(path)


_KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from bot.store.migrate import migrate

@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, *_):
    if "CREATE TABLE fact" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_killed_migration_leaves_nothing(tmp_path: Path) -> None:
    """A process killed in the middle of a migration leaves no table, and the next start migrates."""
    path = tmp_path / "rapport.db"
    ended = python(_KILLED, path)
    left = tables(path)

    assert ended.returncode == -signal.SIGKILL
    assert left == set()
    assert migrate(path)


def test_the_versions_are_known_in_order() -> None:
    """Every migration in the folder is known, oldest first, each with its own number."""
    folder = Path(migrations.__file__).parent / "migrations" / "versions"
    numbers = [path.name[:4] for path in folder.glob("[0-9]*.py")]

    assert list(VERSIONS) == sorted(set(numbers))
    assert len(numbers) == len(VERSIONS)
