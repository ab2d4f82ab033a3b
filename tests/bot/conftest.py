"""What the tests of the core stand on."""

from collections.abc import AsyncIterator

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
