"""An outage of the model: members hear it at once, what is to be learned waits unharmed, and admins see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.models.breaker import ANSWER_FAILURES, UPDATE_FAILURES
from tests.bot.commands.members import ANA, everything
from tests.bot.desk import room
from tests.bot.hall import Hall
from tests.clock import StillClock
from tests.journeys.worlds import is_update, learns
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply

DOWN = Reply(error=ApiError(status=529))


@asynccontextmanager
async def opened(database: Path, clock: StillClock, twin: AnthropicTwin) -> AsyncIterator[Hall]:
    """A workspace whose model is the twin, asked as the settings say."""
    values = {"anthropic_api_key": "test-key", "anthropic_base_url": twin.url}
    async with Hall.connected(database, clock, **values) as hall:
        yield hall


@pytest.fixture
async def twin() -> AsyncIterator[AnthropicTwin]:
    async with AnthropicTwin() as server:
        yield server


async def test_members_hear_it_at_once(database: Path, clock: StillClock, twin: AnthropicTwin) -> None:
    """While the model is away each question gets an honest sentence with a next step, and no request is made."""
    twin.default = DOWN
    async with opened(database, clock, twin) as hall:
        replies = [await hall.says(ANA, "Hello?", room(f"C{number}")) for number in range(6)]

    assert all("overloaded right now. Please ask again in a few minutes. (reference" in reply for reply in replies)
    assert len(twin.requests) == ANSWER_FAILURES


async def test_nothing_that_waits_to_be_learned_is_lost(database: Path, clock: StillClock, twin: AnthropicTwin) -> None:
    """Ten hours of outage park nothing: with the first sweep after it everything is learned."""
    twin.default = "Noted."
    twin.match(is_update, DOWN)
    async with opened(database, clock, twin) as hall:
        for number in range(8):
            await hall.says(ANA, "I live in Lisbon", room(f"P{number}", kind="private"))
        clock.advance(hours=1)
        for _ in range(20):
            await hall.core.learning.sweep()
            clock.advance(minutes=30)
        asked = len(twin.requests) - 8
        learns(twin, ("set", "location", "Lisbon", "I live in Lisbon"))
        done = await hall.core.learning.sweep()

        assert (done.sessions, done.failures, done.operations) == (8, 0, 8)
        assert await hall.facts(ANA) == ["location: Lisbon"] * 8
    assert asked <= UPDATE_FAILURES + 20


async def test_what_is_put_off_counts_as_no_failure(database: Path, clock: StillClock, twin: AnthropicTwin) -> None:
    """Sessions that were not even asked about come due again after a minute; only what was asked in vain failed."""
    twin.default = "Noted."
    twin.match(is_update, Reply(error=ApiError(status=401)))
    async with opened(database, clock, twin) as hall:
        for number in range(8):
            await hall.says(ANA, "I live in Lisbon", room(f"P{number}", kind="private"))
        clock.advance(hours=1)
        swept = await hall.core.learning.sweep()
        shown = everything(await hall.rules("status"))

    assert (swept.sessions, swept.calls, swept.failures) == (8, 1, 1)
    assert "8 conversations waiting; 1 failed and tried again, 0 parked" in shown


async def test_status_says_so(database: Path, clock: StillClock, twin: AnthropicTwin) -> None:
    """An admin sees which model fails, since when and why, and nothing of it once it is back."""
    twin.default = DOWN
    async with opened(database, clock, twin) as hall:
        well = everything(await hall.rules("status"))
        for _ in range(2):
            await hall.says(ANA, "Hello?")
        ill = everything(await hall.rules("status"))
        twin.default = "Hello."
        clock.advance(seconds=20)
        await hall.says(ANA, "Hello?")
        again = everything(await hall.rules("status"))

    assert "The model for answers fails since 2026-11-22 12:00 UTC" in ill
    assert "overloaded or rate limited" in ill
    assert "fails since" not in well + again
