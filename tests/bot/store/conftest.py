"""What the tests of the store stand on: the same tests for every engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import pytest

from bot.store.engine import Store
from bot.store.postgres import PostgresStore
from bot.store.sqlite import SqliteStore
from tests import postgres
from tests.postgres import Server

MASTER_KEY = bytes(32)

Open = Callable[[], Awaitable[Store]]
"""Opens the database of a test; again, once it was closed."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a store runs on every engine, unless it looks inside SQLite or asks for its file."""
    if "engine_name" in metafunc.fixturenames:
        is_of_sqlite = "database" in metafunc._arg2fixturedefs or metafunc.definition.get_closest_marker("sqlite")
        metafunc.parametrize("engine_name", ["sqlite"] if is_of_sqlite else ["sqlite", "postgres"])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server that runs."""
    with postgres.running() as started:
        yield started


@pytest.fixture
def postgres_url(server: Server) -> Iterator[str]:
    """The url of a database with this version's tables and nothing in them."""
    url = asyncio.run(server.take())
    yield url
    asyncio.run(server.give_back(url))


@pytest.fixture
def open_engine(engine_name: str, request: pytest.FixtureRequest) -> Open:
    """Opens the fresh database of a test on the engine it is run for."""
    if engine_name == "sqlite":
        return partial(SqliteStore.open, request.getfixturevalue("database"))
    return partial(PostgresStore.open, request.getfixturevalue("postgres_url"), key=MASTER_KEY)


@pytest.fixture
async def store(open_engine: Open) -> AsyncIterator[Store]:
    """An open store on a fresh database."""
    opened = await open_engine()
    yield opened
    await opened.close()
