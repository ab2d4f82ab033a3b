"""DATABASE_URL decides which engine keeps everything, and nothing else has to be changed."""

import sys
from functools import partial
from pathlib import Path

import pytest

from bot import errors, settings
from bot.store import notes, opening
from bot.wiring import open_core
from tests.postgres import Server

KEY = "A" * 43


@pytest.fixture
def url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of either engine."""
    if engine_name == "sqlite":
        return f"sqlite:///{tmp_path / 'rapport.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("spelling", ["postgresql", "postgres"])
async def test_the_address_decides(url: str, spelling: str) -> None:
    """Rapport starts on either engine, and finds what it kept when it starts again."""
    loaded = settings.load(database_url=url.replace("postgresql", spelling), persona_key=KEY)
    async with open_core(loaded) as core:
        await core.store.write(partial(notes.write, tenant="t", name="n", value="kept"))
    async with open_core(loaded) as core:
        found = await core.store.read(partial(notes.read, tenant="t", name="n"))

    assert found == "kept"


async def test_a_missing_driver_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the sentence says how to install it."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(errors.SettingsError, match=r"pip install 'rapport-bot\[postgres\]'"):
        await opening.migrate(server.url("postgres"))


async def test_postgresql_is_not_opened_without_a_key(postgres_url: str) -> None:
    """The master key is never made and kept in the database that it seals."""
    with pytest.raises(errors.SettingsError, match="PERSONA_KEY is missing"):
        await opening.opened(postgres_url, key=None)
