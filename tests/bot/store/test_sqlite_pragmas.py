"""SQLite's settings are read back, so that none of our promises rests on one it does not keep."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bot import errors
from bot.store.sqlite import SqliteStore
from bot.store.sqlite_pragmas import set_up


@pytest.mark.parametrize(
    ("pragmas", "said"), [({"journal_mode": "wal"}, "'memory'"), ({"foreign_keys": 1, "page_size": 3}, "4096")]
)
def test_a_setting_that_is_not_taken_is_named(pragmas: dict[str, str | int], said: str) -> None:
    """What SQLite does not take is an error that names the setting and what it is instead, and no quiet difference."""
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(errors.StoreError, match=f"refuses PRAGMA {list(pragmas)[-1]}") as caught,
    ):
        set_up(connection, pragmas, busy_timeout_ms=7)

    assert said in str(caught.value)


def test_what_is_taken_is_set() -> None:
    """A connection has every setting it was given afterwards, and the time it waits for a lock."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        set_up(connection, {"foreign_keys": 1, "synchronous": 3}, busy_timeout_ms=7)
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("foreign_keys", "synchronous", "busy_timeout")
        ]

    assert found == [1, 3, 7]


@pytest.mark.parametrize("name", ["journal_mode", "synchronous", "secure_delete", "mmap_size"])
async def test_the_keys_are_kept_as_carefully(database: Path, name: str) -> None:
    """The file of the keys has its settings as well: no log beside it, and every change flushed to the disk."""
    store = await SqliteStore.open(database)
    connection = await store._writer.run(lambda ours: ours.keys._connection)
    found = connection.execute(f"PRAGMA {name}").fetchone()[0]
    await store.close()

    assert found == {"journal_mode": "delete", "synchronous": 3, "secure_delete": 1, "mmap_size": 0}[name]
