"""Killed at any named point, Rapport goes on where it was: one outcome for the member, and a persona learned once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.store import opening
from tests.journeys.worlds import PLATFORMS
from tests.reliability.killer import NAMED
from tests.reliability.lives import Lives, lives
from tests.reliability.points import POINTS
from tests.reliability.prop import Trial
from tests.reliability.stage import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

NOT_HEARD = ("K1", "discord")
"""Discord delivers nothing again: what it told a process that stored nothing of it is not heard of."""

CASES = [
    (point, platform)
    for point in sorted(NAMED, key=lambda point: int(point[1:]))
    for platform in PLATFORMS
    if (point, platform) != NOT_HEARD
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Lives]:
    """What starts processes."""
    async with lives() as opened:
        yield opened


@asynccontextmanager
async def staged(folder: Path, platform: str, started: Lives) -> AsyncIterator[Stage]:
    """One platform with a member who talks to Rapport."""
    url = f"sqlite:///{folder}/rapport.db"
    await opening.migrate(url)
    trial = Trial(seed=1, tier="quick", size={}, engine="sqlite", url=url, folder=folder)
    async with stage(trial, platforms=[platform], members=1, rooms=1, started=started) as made:
        yield made


@pytest.mark.parametrize(("point", "platform"), CASES)
async def test_a_kill_loses_nothing_and_doubles_nothing(
    tmp_path: Path, started: Lives, point: str, platform: str
) -> None:
    """One message meets the point; the process is started again, and there is one answer, and one thing learned."""
    async with staged(tmp_path, platform, started) as place:
        (there,) = place.platforms
        life = await place.start(point=point)
        if point not in POINTS:
            place.trap(point, life.kill, nth=1, platform=there)
        await life.logged("bot.ready")
        place.model.slow_every = int(point == "K10")
        await place.says(there, member=0, room=0, teaches=True)
        await life.ended()
        assert "life.ended" not in life.log
        place.model.held = None
        place.account.kills = 1
        await place.settle()
        verdict = await place.verdict()

    assert verdict.faults == []
    assert verdict.figures["answered"] == 1
