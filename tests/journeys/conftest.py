"""The worlds in which journeys happen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.worlds import DiscordWorld, SlackWorld, World, world


@pytest.fixture(params=["slack", "discord"])
async def a_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Each journey happens once on every platform."""
    async with world(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def slack_world(tmp_path: Path) -> AsyncIterator[World]:
    """For what only Slack lets people do."""
    async with world("slack", tmp_path) as made:
        yield made


@pytest.fixture
async def discord_world(tmp_path: Path) -> AsyncIterator[World]:
    """For what only Discord lets people do."""
    async with world("discord", tmp_path) as made:
        yield made


@pytest.fixture
def slack(slack_world: World) -> SlackWorld:
    """The same, with what only that world has."""
    assert isinstance(slack_world, SlackWorld)
    return slack_world


@pytest.fixture
def discord(discord_world: World) -> DiscordWorld:
    """The same, with what only that world has."""
    assert isinstance(discord_world, DiscordWorld)
    return discord_world
