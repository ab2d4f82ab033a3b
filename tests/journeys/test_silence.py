"""A connection that is open and mute: noticed by asking ourselves, replaced, and nothing that was said is lost."""

from __future__ import annotations

from adapters.discord import watchdog
from bot import steps
from bot.settings import Settings
from bot.steps import Event, Step
from tests.journeys.worlds import DiscordWorld, SlackWorld, World

SOON = "1s"
"""Instead of the minute and a quarter of PROBE_AFTER."""


class Silences:
    """Hears of connections that were replaced."""

    def __init__(self) -> None:
        self.platforms: list[str] = []

    def begun(self, step: Step) -> None:
        pass

    def ended(self, step: Step) -> None:
        pass

    def happened(self, event: Event, number: int, labels: dict[str, str]) -> None:
        if event == "silent":
            self.platforms.append(labels["platform"])


def test_silence_is_noticed_within_ninety_seconds() -> None:
    """With the settings as they are, whatever is mute is replaced a minute and a half after its last word."""
    assert Settings().probe_after.total_seconds() + watchdog.ANSWER_S <= 90


async def test_a_mute_socket_is_replaced(slack_world: World) -> None:
    """A Slack socket that answers pings and carries nothing is replaced, and what it swallowed is answered once."""
    assert isinstance(slack_world, SlackWorld)
    heard = Silences()
    with steps.watched(heard):
        async with slack_world.running(persona_consent="off", probe_after=SOON):
            slack_world.twin.deafen()
            post = await slack_world.says("Ana", "is anybody there?")

            assert await slack_world.answered(post) == "An answer."
            assert slack_world.twin.opened > 1
    assert "slack" in heard.platforms


async def test_a_mute_gateway_is_replaced(discord_world: World) -> None:
    """A gateway that acknowledges heartbeats and carries no event is replaced; its session goes on."""
    assert isinstance(discord_world, DiscordWorld)
    heard = Silences()
    with steps.watched(heard):
        async with discord_world.running(persona_consent="off", probe_after=SOON):
            discord_world.twin.deafen()
            post = await discord_world.says("Ana", "is anybody there?")
            await discord_world.twin.wait_for(lambda: discord_world.twin.resumes, timeout_s=30)

            assert await discord_world.answered(post) == "An answer."
            assert len(discord_world.twin.identifies) == 1
    assert heard.platforms == ["discord"]


async def test_a_quiet_gateway_is_left_alone(discord_world: World) -> None:
    """Where nobody says anything, we ask for ourselves, are answered, and keep the connection."""
    assert isinstance(discord_world, DiscordWorld)
    heard = Silences()
    with steps.watched(heard):
        async with discord_world.running(persona_consent="off", probe_after=SOON):
            asked = lambda: len([frame for frame in discord_world.twin.frames if frame["op"] == 8]) > 1  # noqa: E731
            await discord_world.twin.wait_for(asked)

            assert await discord_world.answered(await discord_world.says("Ana", "hello")) == "An answer."
    assert (heard.platforms, discord_world.twin.resumes) == ([], [])
