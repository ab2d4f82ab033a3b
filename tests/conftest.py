"""What every test stands on: an empty environment, a clock that stands still, a real database."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import logs
from bot.settings import NAMES
from bot.store.migrate import migrate
from bot.store.sqlite import SqliteStore
from tests.clock import StillClock


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings of the machine it runs on, nor leaves a file behind."""
    for name in set(os.environ) & {*NAMES, *(name.lower() for name in NAMES)}:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    logs.use_standard_library()


@pytest.fixture
def clock() -> StillClock:
    """A clock at noon."""
    return StillClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with this version's tables and nothing in them; copy it, never open it."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    migrate(path)
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    """The path of a fresh, migrated database."""
    path = tmp_path / "rapport.db"
    shutil.copy(migrated, path)
    return path


@pytest.fixture(scope="session")
def begun(migrated: Path) -> Path:
    """The same after its first start, with the files of its keys beside it; copy all three, never open it."""
    path = migrated.with_name("begun.db")
    shutil.copy(migrated, path)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_start(path))
    loop.close()
    return path


async def _start(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


@pytest.fixture
async def store(database: Path, begun: Path) -> AsyncIterator[SqliteStore]:
    """An open store on a database in which nothing was said yet."""
    for beside in ("", "-keys", ".key"):
        shutil.copy(f"{begun}{beside}", f"{database}{beside}")
    opened = await SqliteStore.open(database)
    yield opened
    await opened.close()


@pytest.fixture
def other_database(migrated: Path, tmp_path: Path) -> Path:
    """The path of a second database, which knows nothing of the first."""
    path = tmp_path / "other.db"
    shutil.copy(migrated, path)
    return path


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores: many tests wait for other processes, and leave theirs idle meanwhile."""
    return (os.cpu_count() or 1) + 1
