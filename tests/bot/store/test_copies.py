"""Backups: a whole copy of one moment or none, put back with what was erased since erased again, on every engine."""

from __future__ import annotations

import base64
import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot import backups, errors, settings
from bot.settings import Settings
from bot.store import notes, opening
from bot.store.engine import Store
from persona.ports import Transaction
from tests import postgres
from tests.bot.desk import TENANT
from tests.bot.hall import Hall
from tests.bot.store.conftest import MASTER_KEY
from tests.bot.talk import ANA, BO, LISBON
from tests.clock import StillClock

PORTO = LISBON.replace("Lisbon", "Porto")


@pytest.fixture
def values(engine_name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a fresh database on the engine a test is run for, with PostgreSQL's programs on PATH."""
    if engine_name == "sqlite":
        return {"database_url": f"sqlite:///{request.getfixturevalue('tmp_path')}/rapport.db"}
    monkeypatch.setenv("PATH", f"{postgres.programs()}:{os.environ['PATH']}")
    key = base64.urlsafe_b64encode(MASTER_KEY).decode()
    return {"database_url": request.getfixturevalue("postgres_url"), "persona_key": key}


@pytest.fixture
def loaded(values: dict[str, Any]) -> Settings:
    """The same, read."""
    return settings.load(**values)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def opened(loaded: Settings) -> Store:
    url = loaded.database_url.get_secret_value()
    await opening.migrate(url)
    return await opening.opened(url, key=loaded.master_key)


async def noted(loaded: Settings) -> str | None:
    """What the note of a database says."""
    store = await opened(loaded)
    try:
        return await store.read(partial(notes.read, tenant="t", name="n"))
    finally:
        await store.close()


async def note(store: Store, value: str) -> None:
    await store.write(partial(notes.write, tenant="t", name="n", value=value))


# -- making one -------------------------------------------------------------------------------------------------------


async def test_a_copy_is_of_one_moment(loaded: Settings, tmp_path: Path) -> None:
    """What was committed before is in the copy, what came after is not; the database goes on meanwhile."""
    store = await opened(loaded)
    await note(store, "before")
    await backups.make(loaded, tmp_path / "copy", keys=None)
    await note(store, "after")
    await store.close()

    assert await noted(loaded) == "after"
    await backups.restore(loaded, tmp_path / "copy")
    assert await noted(loaded) == "before"


async def test_a_copy_is_its_owners_alone(loaded: Settings, tmp_path: Path) -> None:
    """Ids, times and fields stand in it unsealed, so nobody else may read it; nothing else is left beside it."""
    store = await opened(loaded)
    before = names(tmp_path)
    await backups.make(loaded, tmp_path / "copy", keys=tmp_path / "keys")
    await store.close()

    assert names(tmp_path) - before == {"copy", "keys"}
    for name in ("copy", "keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_a_file_that_is_there_is_kept(loaded: Settings, tmp_path: Path) -> None:
    """Nobody loses a file to a backup of the wrong name, least of all the database."""
    await (await opened(loaded)).close()
    (tmp_path / "copy").write_text("mine")

    with pytest.raises(errors.StoreError, match="is there already; name another file"):
        await backups.make(loaded, tmp_path / "copy", keys=None)
    assert (tmp_path / "copy").read_text() == "mine"


async def test_the_keys_replace_their_last_copy(loaded: Settings, tmp_path: Path) -> None:
    """The keys are copied over their last copy, since an older one could bring back who was erased."""
    await (await opened(loaded)).close()
    (tmp_path / "keys").write_text("old")

    await backups.make(loaded, tmp_path / "copy", keys=tmp_path / "keys")

    assert (tmp_path / "keys").stat().st_size > 1_000


async def test_a_copy_that_was_killed_is_written_anew(loaded: Settings, tmp_path: Path) -> None:
    """What a killed backup leaves has another name, and the next one of that name is not held up by it."""
    await (await opened(loaded)).close()
    (tmp_path / "copy.partial").write_text("half of it")

    await backups.make(loaded, tmp_path / "copy", keys=None)

    assert not (tmp_path / "copy.partial").exists()
    await backups.restore(loaded, tmp_path / "copy")


async def test_two_backups_do_not_write_one_file(loaded: Settings, tmp_path: Path) -> None:
    """A file that another backup is writing is left to it."""
    await (await opened(loaded)).close()
    with (tmp_path / "copy.partial").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(errors.StoreBusyError, match="being written by another backup"):
            await backups.make(loaded, tmp_path / "copy", keys=None)

    assert (tmp_path / "copy.partial").exists()


async def test_a_folder_that_cannot_be_written_is_named(loaded: Settings, tmp_path: Path) -> None:
    """Where no file can be made, the message names it."""
    await (await opened(loaded)).close()

    with pytest.raises(errors.StoreReadOnlyError, match=r"nowhere/copy.partial' cannot be written"):
        await backups.make(loaded, tmp_path / "nowhere" / "copy", keys=None)


# -- putting one back -------------------------------------------------------------------------------------------------


async def test_who_was_erased_since_is_erased_again(values: dict[str, Any], tmp_path: Path, clock: StillClock) -> None:
    """Before anybody is served, a member who had everything erased after the copy is gone from it, the others stay."""
    loaded = settings.load(**values)
    async with Hall.opened(tmp_path / "rapport.db", clock, **values) as hall:
        for who, place, update in ((ANA, "Lisbon", LISBON), (BO, "Porto", PORTO)):
            await hall.says(who, f"I live in {place}")
            await hall.learns(update)
        await backups.make(loaded, tmp_path / "copy", keys=None)
        assert "location: Lisbon" in await hall.facts(ANA)
        await hall.asks(ANA, "forget all")
        assert await hall.facts(ANA) == []

    restored = await backups.restore(loaded, tmp_path / "copy")

    assert restored.erased == 1
    async with Hall.opened(tmp_path / "rapport.db", clock, **values) as hall:
        assert await hall.facts(ANA) == []
        assert await hall.facts(BO) == ["location: Porto"]
        assert await hall.store.read(partial(said_by, who=ANA.id)) == 0
        assert await hall.store.read(partial(said_by, who=BO.id)) > 0


async def said_by(transaction: Transaction, *, who: str) -> int:
    row = await transaction.fetch_one(
        "SELECT count(*) AS number FROM message WHERE tenant = :tenant AND author = :who", tenant=TENANT, who=who
    )
    assert row is not None
    return int(row["number"])


async def test_nothing_is_put_back_while_rapport_runs(loaded: Settings, tmp_path: Path) -> None:
    """A database that somebody serves is left as it is."""
    store = await opened(loaded)
    await note(store, "before")
    await backups.make(loaded, tmp_path / "copy", keys=None)
    await note(store, "after")

    with pytest.raises(errors.StoreBusyError):
        await backups.restore(loaded, tmp_path / "copy")
    await store.close()
    assert await noted(loaded) == "after"


async def test_a_copy_of_another_database_is_refused(loaded: Settings, tmp_path: Path, clock: StillClock) -> None:
    """Where the keys do not open what the copy holds, nothing is changed, and the message says whose keys are meant."""
    store = await opened(loaded)
    await note(store, "mine")
    await backups.make(loaded, tmp_path / "copy", keys=None)
    await store.write(partial(resealed, vault="another"))
    await backups.make(loaded, tmp_path / "other", keys=None)
    await store.write(partial(resealed, vault=None))
    await store.close()
    await backups.restore(loaded, tmp_path / "copy")

    with pytest.raises(errors.StoreKeyError, match="belongs to another database"):
        await backups.restore(loaded, tmp_path / "other")
    assert await noted(loaded) == "mine"


async def resealed(transaction: Transaction, *, vault: str | None) -> None:
    """Let a database say that another vault sealed it, or what it said before."""
    row = await transaction.fetch_one("SELECT id FROM vault WHERE tenant = ''")
    assert row is not None
    if vault is not None:
        await notes.write(transaction, "t", "vault", row["id"])
    named = vault or await notes.read(transaction, "t", "vault")
    await transaction.execute("UPDATE vault SET id = :id WHERE tenant = ''", id=named)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"nothing of ours"), lambda path: path.unlink()])
async def test_what_is_no_copy_is_refused(loaded: Settings, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A file that is something else, or not there, changes nothing."""
    store = await opened(loaded)
    await note(store, "mine")
    await store.close()
    await backups.make(loaded, tmp_path / "copy", keys=None)
    spoil(tmp_path / "copy")

    with pytest.raises(errors.StoreError):
        await backups.restore(loaded, tmp_path / "copy")
    assert await noted(loaded) == "mine"


async def test_a_missing_program_is_named(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL its own programs do the copying; where they are missing, the message says which."""
    monkeypatch.setenv("PATH", str(tmp_path))
    key = base64.urlsafe_b64encode(MASTER_KEY).decode()
    loaded = settings.load(database_url=postgres_url, persona_key=key)

    with pytest.raises(errors.SettingsError, match="pg_dump is not on PATH; install"):
        await backups.make(loaded, tmp_path / "copy", keys=None)
    assert names(tmp_path) == set()


# -- SQLite's file ----------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
async def test_the_replaced_file_is_kept(loaded: Settings, tmp_path: Path) -> None:
    """What was there before is kept beside, whole; a second restore does not overwrite it."""
    store = await opened(loaded)
    await backups.make(loaded, tmp_path / "copy", keys=None)
    await note(store, "replaced")
    await store.close()

    restored = await backups.restore(loaded, tmp_path / "copy")

    assert restored.replaced == tmp_path / "rapport.db.replaced"
    with closing(sqlite3.connect(restored.replaced)) as connection:
        assert connection.execute("SELECT value FROM note WHERE name = 'n'").fetchall() == [("replaced",)]
    with pytest.raises(errors.StoreError, match="from the last restore; move it away first"):
        await backups.restore(loaded, tmp_path / "copy")


@pytest.mark.sqlite
async def test_a_damaged_database_can_be_replaced(loaded: Settings, tmp_path: Path) -> None:
    """That is what backups are for: a file that SQLite cannot read is kept as it is and replaced."""
    store = await opened(loaded)
    await note(store, "kept")
    await store.close()
    await backups.make(loaded, tmp_path / "copy", keys=None)
    (tmp_path / "rapport.db").write_bytes(b"no database" * 1_000)

    await backups.restore(loaded, tmp_path / "copy")

    assert await noted(loaded) == "kept"
