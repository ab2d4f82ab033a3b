"""Rapport as a plugin: an app that existed before keeps working, and Rapport answers beside it."""

from pathlib import Path

import pytest

from tests.journeys.processes import ROOT, python
from tests.journeys.worlds import DiscordWorld, SlackWorld, World

pytestmark = pytest.mark.slow


async def test_an_existing_slack_app_keeps_its_command_and_listener(slack_world: World, tmp_path: Path) -> None:
    """The example app answers its own command and words, Rapport mentions and `/persona`, and nothing comes twice."""
    assert isinstance(slack_world, SlackWorld)
    slack = slack_world.twin
    example = str(ROOT / "examples" / "slack_host.py")
    async with python(example, folder=tmp_path, environment=slack_world.environment()):
        await slack.connected()
        rolled = await slack.command("U1", "C1", "/dice")
        await slack.says("U1", "C1", "lunch?")
        await slack.says("U1", "C1", "is anybody there?")
        post = await slack_world.says("Ana", "hello")

        assert [message.visible for message in rolled.seen] == ["You rolled a four."]
        await slack.wait_for(lambda: "Lunch is at noon." in [message.text for message in slack.messages("C1")])
        await slack.wait_for(lambda: slack_world.replies(post) == ["An answer."])
        assert "nothing about you" in await slack_world.command("Ana", "show")
        await slack.settled()
        assert slack.lost == []
        assert {event.offers for event in slack.events} == {1}


async def test_an_existing_discord_bot_keeps_its_command_and_listener(discord_world: World, tmp_path: Path) -> None:
    """The example bot answers its own command and words, and Rapport answers mentions and `/persona` beside it."""
    assert isinstance(discord_world, DiscordWorld)
    discord = discord_world.twin
    start = (
        "import os, runpy, sys, yarl; from discord.gateway import DiscordWebSocket; from discord.http import Route;"
        "Route.BASE = os.environ['DISCORD_API_URL'];"
        "DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ['DISCORD_GATEWAY_URL']);"
        f"runpy.run_path({str(ROOT / 'examples' / 'discord_host.py')!r}, run_name='__main__')"
    )
    async with python("-c", start, folder=tmp_path, environment=discord_world.environment()):
        await discord.wait_for(lambda: discord.commands.puts and discord.identifies, timeout_s=30)
        post = await discord_world.says("Ana", "hello")
        await discord.wait_for(lambda: discord_world.replies(post) == ["An answer."], timeout_s=30)
        post = await discord_world.says("Ana", "help me")
        await discord.wait_for(lambda: discord_world.replies(post) == ["An answer."])
        rolled = await discord.command("Ana", "team", "dice")
        await discord.says("Ana", "team", f"lunch, <@{discord.bot_id}>?")

        assert rolled.text == "You rolled a four."
        await discord.wait_for(lambda: "Lunch is at noon." in [message.content for message in discord.messages("team")])
        assert "nothing about you" in await discord_world.command("Ana", "show")
