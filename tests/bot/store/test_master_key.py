"""The master key: given, or made once; and no database is served with another one."""

import base64
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.messages import MessageId
from bot.store import conversations, master_key, sqlite_keys
from bot.store.sqlite import SqliteStore
from tests.bot.store.test_retention import ANA, ROOM, say
from tests.clock import StillClock


async def used(database: Path, clock: StillClock, *, key: bytes | None = None) -> None:
    """Open a database, say something, and close it."""
    store = await SqliteStore.open(database, key=key)
    await say(store, clock, "m1")
    await store.close()


async def text(database: Path, *, key: bytes | None = None) -> str | None:
    store = await SqliteStore.open(database, key=key)
    line = await store.read(partial(conversations.find, room=ROOM, message=MessageId("m1")))
    await store.close()
    return None if line is None else line.text


async def refusal(database: Path, *, key: bytes | None = None) -> str:
    """Why it is not opened."""
    with pytest.raises(errors.StoreKeyError) as caught:
        await SqliteStore.open(database, key=key)
    return str(caught.value)


async def test_a_first_start_makes_a_key(database: Path, clock: StillClock) -> None:
    """Without a setting a key is made, in a file that only its owner can read, and it opens the database again."""
    await used(database, clock)
    file = master_key.file_of(database)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(file.read_text())) == 32
    assert stat.S_IMODE(sqlite_keys.file_of(database).stat().st_mode) == 0o600
    assert await text(database) == "text"


async def test_a_new_key_is_said_once(database: Path, clock: StillClock) -> None:
    """One warning names the file and says to keep a copy; the key is in no line, and later starts say nothing."""
    with capture_logs() as first:
        await used(database, clock)
    with capture_logs() as second:
        await text(database)

    (line,) = [entry for entry in first if entry["event"] == "key.created"]
    assert line["log_level"] == "warning"
    assert line["file"] == str(master_key.file_of(database))
    assert "copy" in line["advice"]
    assert master_key.file_of(database).read_text().strip() not in str(first)
    assert [entry["event"] for entry in second if entry["event"] == "key.created"] == []


async def test_a_given_key_needs_no_file(database: Path, clock: StillClock) -> None:
    """With a key from outside no key file is made."""
    await used(database, clock, key=bytes(32))

    assert not master_key.file_of(database).exists()
    assert await text(database, key=bytes(32)) == "text"


async def test_a_key_may_move_into_the_setting(database: Path, clock: StillClock) -> None:
    """What the file holds can be given instead of it."""
    await used(database, clock)
    file = master_key.file_of(database)
    key = master_key.decoded(file.read_text())
    file.unlink()

    assert await text(database, key=key) == "text"


async def test_another_key_is_refused(database: Path, clock: StillClock) -> None:
    """With the wrong key nothing is served; the sentence names the setting."""
    await used(database, clock, key=bytes(32))

    assert "PERSONA_KEY" in await refusal(database, key=os.urandom(32))
    assert await text(database, key=bytes(32)) == "text"


async def test_a_missing_key_file_is_not_made_anew(database: Path, clock: StillClock) -> None:
    """When the file is gone, a start says so and makes no other: what is sealed could not be read with it."""
    await used(database, clock)
    file = master_key.file_of(database)
    file.unlink()

    assert repr(str(file)) in await refusal(database)
    assert not file.exists()


async def test_a_broken_key_file_is_named(database: Path, clock: StillClock) -> None:
    """A file that holds no key is refused by name, without what it holds."""
    await used(database, clock)
    file = master_key.file_of(database)
    file.write_text("sesame\n")
    sentence = await refusal(database)

    assert repr(str(file)) in sentence
    assert "sesame" not in sentence


async def test_missing_keys_of_members_are_named(database: Path, clock: StillClock) -> None:
    """A database without its keys is not served, and its words are still there once they are back."""
    await used(database, clock)
    keys = sqlite_keys.file_of(database)
    shutil.move(keys, keys.with_name("elsewhere"))
    sentence = await refusal(database)
    shutil.move(keys.with_name("elsewhere"), keys)

    assert repr(str(keys)) in sentence
    assert "missing" in sentence
    assert await text(database) == "text"


async def test_keys_of_another_database_are_refused(database: Path, migrated: Path, clock: StillClock) -> None:
    """The key file of another database is not taken for this one's."""
    other = database.with_name("other.db")
    shutil.copy(migrated, other)
    await used(database, clock, key=bytes(32))
    await used(other, clock, key=bytes(32))
    sqlite_keys.file_of(other).replace(sqlite_keys.file_of(database))

    assert "belongs to another database" in await refusal(database, key=bytes(32))


async def test_a_database_begun_anew_takes_the_keys_over(database: Path, migrated: Path, clock: StillClock) -> None:
    """Whoever deletes the database and keeps its key files starts with an empty one."""
    await used(database, clock)
    shutil.copy(migrated, database)

    assert await text(database) is None
    await used(database, clock)
    assert await text(database) == "text"


async def test_a_key_file_that_is_no_database(database: Path) -> None:
    """A damaged file of keys is named."""
    sqlite_keys.file_of(database).write_bytes(b"Dear diary. " * 100)

    with pytest.raises(errors.StoreDamagedError) as caught:
        await SqliteStore.open(database)

    assert repr(str(sqlite_keys.file_of(database))) in str(caught.value)


async def test_the_master_key_is_in_no_database(database: Path, clock: StillClock) -> None:
    """Neither file holds the master key, nor a member's key as it is."""
    master = os.urandom(32)
    await used(database, clock, key=master)

    for file in (database, sqlite_keys.file_of(database)):
        assert master not in file.read_bytes()
        assert base64.urlsafe_b64encode(master)[:40] not in file.read_bytes()
    with closing(sqlite3.connect(sqlite_keys.file_of(database))) as connection:
        ((wrapped,),) = connection.execute("SELECT wrapped FROM member_key WHERE member = ?", (ANA.id,))
    assert len(base64.b64decode(wrapped)) == 12 + 32 + 16
