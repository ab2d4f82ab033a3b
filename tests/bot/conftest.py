"""What the tests of the core stand on."""

import pytest

from bot.store.sqlite import SqliteStore
from tests.bot.talk import Talk
from tests.clock import StillClock
from tests.models import ScriptedModel


@pytest.fixture
def talk(store: SqliteStore, clock: StillClock) -> Talk:
    """A workspace with a scripted model, in which nothing was said yet."""
    return Talk(store, clock, ScriptedModel())
