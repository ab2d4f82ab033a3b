"""The worlds in which journeys happen."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys.hands import TAUGHT, Hand, Joining, Way, newcomer
from tests.journeys.hands_discord import DiscordHand
from tests.journeys.hands_slack import SlackHand
from tests.journeys.hands_terminal import TerminalHand, TerminalWorld, terminal
from tests.journeys.worlds import PLATFORMS, DiscordWorld, SlackWorld, World, learns, world


@pytest.fixture(params=PLATFORMS)
async def a_world(request: pytest.FixtureRequest, database: Path) -> AsyncIterator[World]:
    """Each journey happens once on every platform, on tables that are there already."""
    async with world(request.param, database.parent) as made:
        yield made


@pytest.fixture
async def slack_world(database: Path) -> AsyncIterator[World]:
    """For what only Slack lets people do."""
    async with world("slack", database.parent) as made:
        yield made


@pytest.fixture
async def discord_world(database: Path) -> AsyncIterator[World]:
    """For what only Discord lets people do."""
    async with world("discord", database.parent) as made:
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def joining(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Joining]:
    """Worlds that run as long as a module's tests; whoever joins one is somebody new."""
    async with AsyncExitStack() as running:
        worlds: dict[str, Joining] = {}

        async def join(way: Way) -> Hand:
            platform = way.split(maxsplit=1)[0]
            if platform not in worlds:
                folder = tmp_path_factory.mktemp(platform)
                worlds[platform] = await running.enter_async_context(joined(platform, folder))
            return await worlds[platform](way)

        yield join


@asynccontextmanager
async def joined(platform: str, folder: Path) -> AsyncIterator[Joining]:
    """A running world, as what brings a new member into it."""
    if platform == "terminal":
        async with terminal(folder) as sat:
            learns(sat.claude, *TAUGHT)
            sat.claude.default = "An answer."
            yield partial(_sitting, sat)
        return
    async with world(platform, folder) as made, made.running(persona_consent="on"):
        learns(made.claude, *TAUGHT)
        yield partial(_on, made)


async def _sitting(sat: TerminalWorld, way: Way) -> Hand:
    return TerminalHand(sat, await sat.joins(newcomer()))


async def _on(made: World, way: Way) -> Hand:
    member = await made.joins(newcomer())
    if isinstance(made, SlackWorld):
        return SlackHand(made, member, way)
    assert isinstance(made, DiscordWorld)
    return DiscordHand(made, member, way)
