"""What the tests of several workers stand on: one PostgreSQL, and as many whole cores on it as they like."""

import asyncio
from collections.abc import Iterator

import pytest

from tests import postgres
from tests.postgres import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server that runs."""
    with postgres.running() as started:
        yield started


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """The url of a database with this version's tables and nothing in them."""
    taken = asyncio.run(server.take())
    yield taken
    asyncio.run(server.give_back(taken))
