"""What was said to Rapport while it did not hear is answered after the gap, once, through the real SDKs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.journeys.worlds import DiscordWorld, SlackWorld, World, answers
from tests.twins.discord import Permission
from tests.twins.server import Fault


def lose(here: World) -> None:
    """Let the platform deliver nothing later of what nobody hears now: Slack gives up after minutes."""
    if isinstance(here, SlackWorld):
        here.twin.waits = False


@pytest.mark.parametrize("way", ["channel", "direct"])
async def test_what_was_said_while_we_were_down_is_answered(a_world: World, way: str) -> None:
    """After the start a question from the gap is answered where it was asked, once, also if it is delivered late."""
    async with a_world.running(persona_consent="off"):
        before = await (a_world.says("Ana", "hello") if way == "channel" else a_world.dms("Ana", "hello"))
        await a_world.answered(before)
    lose(a_world)
    a_world.pass_time(minutes=5)
    post = await (a_world.says("Ana", "and?") if way == "channel" else a_world.dms("Ana", "and?"))
    a_world.pass_time(minutes=5)
    async with a_world.running(persona_consent="off"):
        await a_world.answered(post)
        await a_world.redeliver(post)

        assert "An answer." in a_world.replies(post)
        assert len(answers(a_world.claude)) == 2


async def test_a_horizon_of_nothing_answers_nothing_late(a_world: World) -> None:
    """CATCH_UP=0 leaves alone what was missed, and reads no history for it."""
    async with a_world.running(persona_consent="off", catch_up="0"):
        await a_world.answered(await a_world.says("Ana", "hello"))
    lose(a_world)
    post = await a_world.says("Ana", "and?")
    async with a_world.running(persona_consent="off", catch_up="0"):
        if isinstance(a_world, SlackWorld):
            a_world.twin.waits = True
        await a_world.quiet()
        await a_world.core.catching_up.sweep()
        await a_world.quiet()

        assert a_world.replies(post) == []


async def test_a_thread_is_caught_up_with(slack: SlackWorld) -> None:
    """A mention in a thread is found, in one that we know and in one that others began."""
    async with slack.running(persona_consent="off"):
        known = await slack.says("Ana", "hello")
        await slack.answered(known)
    lose(slack)
    slack.pass_time(minutes=5)
    root = await slack.twin.says(slack.user("Bo"), "C1", "who knows?")
    posts = [await slack.says("Ana", "and?", after=known), await slack.says("Ana", "you?", after=f"C1/{root}")]
    slack.pass_time(minutes=1)
    async with slack.running(persona_consent="off"):
        for post in posts:
            await slack.answered(post)

        assert len(answers(slack.claude)) == 3


async def test_talk_that_is_not_for_us_is_left_alone(a_world: World) -> None:
    """What members say to each other, and what we say ourselves, is read past."""
    async with a_world.running(persona_consent="off"):
        await a_world.answered(await a_world.says("Ana", "hello"))
    lose(a_world)
    if isinstance(a_world, SlackWorld):
        await a_world.twin.says(a_world.user("Bo"), "C1", "lunch?")
    else:
        assert isinstance(a_world, DiscordWorld)
        await a_world.twin.says("Bo", "team", "lunch?")
    async with a_world.running(persona_consent="off"):
        await a_world.core.lanes.drained()

        assert len(answers(a_world.claude)) == 1


async def test_a_channel_where_nobody_asked_before_is_caught_up_with(discord: DiscordWorld) -> None:
    """Discord says which channels have news, so that a first question there is found; one we may not read is not."""
    guild = discord.guild
    discord.twin.channel(guild, "new")
    discord.twin.channel(guild, "blind", bot_denied=Permission.READ_MESSAGE_HISTORY)
    async with discord.running(persona_consent="off"):
        await discord.delivered()
    discord.pass_time(minutes=5)
    mention = f"<@{discord.twin.bot_id}> hello"
    found = (await discord.twin.says("Ana", "new", mention)).id
    hidden = (await discord.twin.says("Ana", "blind", mention)).id
    async with discord.running(persona_consent="off"):
        await discord.answered(found)

        assert discord.replies(hidden) == []


async def test_a_socket_that_was_away_is_caught_up_with(slack: SlackWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's socket that comes back after minutes leaves a gap, which is noticed and closed without a restart."""
    monkeypatch.setattr("adapters.slack.host.PING_S", 0.2)
    monkeypatch.setattr("adapters.slack.host.RENEW_EVERY", timedelta(seconds=0.02))
    back = asyncio.Event()
    async with slack.running(persona_consent="off"):
        await slack.answered(await slack.says("Ana", "hello"))
        lose(slack)
        slack.twin.fault("POST", "/apps.connections.open", Fault(hold=back))
        await slack.twin.drop_sockets()
        slack.pass_time(minutes=5)
        post = await slack.says("Ana", "still there?")
        back.set()

        assert await slack.answered(post) == "An answer."


async def test_a_socket_that_is_renewed_costs_nothing(slack: SlackWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack asks every few hours to connect anew; nothing is lost then, and nothing is read."""
    monkeypatch.setattr("adapters.slack.host.PING_S", 0.2)
    monkeypatch.setattr("adapters.slack.host.RENEW_EVERY", timedelta(seconds=0.02))
    async with slack.running(persona_consent="off"):
        await slack.answered(await slack.says("Ana", "hello"))
        await slack.twin.disconnect()
        await slack.twin.connected(opened=2)
        await slack.answered(await slack.says("Ana", "and again"))

        assert slack.twin.calls("/conversations.history") == []
