"""What the tests of the core stand on."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.store.sqlite import SqliteStore
from tests.bot.desk import Desk
from tests.bot.talk import Talk
from tests.clock import StillClock
from tests.models import ScriptedModel


@pytest.fixture
def talk(store: SqliteStore, clock: StillClock) -> Talk:
    """A workspace with a scripted model, in which nothing was said yet."""
    return Talk(store, clock, ScriptedModel())


@pytest.fixture
async def desk(store: SqliteStore, clock: StillClock) -> AsyncIterator[Desk]:
    """Rapport with a scripted model and paper for a platform, where members are remembered by default."""
    async with Desk.opened(store, clock) as opened:
        yield opened


@pytest.fixture
def _log_as_it_was() -> Iterator[None]:
    """For who sets up the log of this process: the tests after it read its lines as the test run has them."""
    root = logging.getLogger()
    handlers, level, is_loud = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in ("bot", "adapters", "persona", "some_library")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = is_loud
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
