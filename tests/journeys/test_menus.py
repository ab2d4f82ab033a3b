"""The menu of a message, on both platforms: what it taught of the member who asks, and to have that forgotten."""

from __future__ import annotations

from typing import Literal

import pytest

from adapters.discord.menus import NAMES
from adapters.slack.interactions import SHORTCUTS
from bot.commands.forget import NOTHING_TAUGHT
from tests.journeys.hands_discord import DiscordPanel
from tests.journeys.hands_slack import SlackPanel
from tests.journeys.worlds import DiscordWorld, SlackWorld, World, answers, learns

MOVED = ("set", "location", "Lisbon", "I moved to Lisbon")
PLACES = ["channel", "thread", "direct"]
CALLBACKS = {verb: callback for callback, verb in SHORTCUTS.items()}


async def menu(world: World, who: str, post: str, verb: Literal["why", "forget"]) -> SlackPanel | DiscordPanel:
    """What only that member sees who uses an entry of a message's menu."""
    if isinstance(world, SlackWorld):
        channel, ts = post.split("/")
        (message,) = [one for one in world.twin.messages(channel) if one.ts == ts]
        outcome = await world.twin.shortcut(world.user(who), message, CALLBACKS[verb])
        await world.twin.wait_for(lambda: outcome.seen)
        assert outcome.seen[-1].only_for == world.user(who)
        return SlackPanel(world, who, set(), outcome.seen[-1])
    assert isinstance(world, DiscordWorld)
    target = world.twin.message(post)
    assert target is not None
    shown = await world.twin.command(who, target.channel_id, NAMES[verb], target=target)
    assert shown.ephemeral
    await world.twin.wait_for(lambda: shown.embeds)
    assert shown.message is not None
    return DiscordPanel(world, who, set(), shown.message)


@pytest.mark.parametrize("place", PLACES)
async def test_a_message_says_what_it_taught_and_has_it_forgotten(a_world: World, place: str) -> None:
    """Its author sees what is known from a message, also after a restart, and has it forgotten.

    Others see what any message shows them, and can have nothing of it forgotten.
    """
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        post = await said(a_world, "Remember that I moved to Lisbon", place)
        await a_world.answered(post)
        other = await said(a_world, "hello", place)
        await a_world.answered(other)
    async with a_world.running(persona_consent="on"):
        assert "location: Lisbon" in (await menu(a_world, "Ana", post, "why")).text
        nothing = (await menu(a_world, "Ana", other, "why")).text
        assert "Lisbon" not in nothing
        if place != "direct":
            assert (await menu(a_world, "Bo", post, "why")).text == nothing
            await menu(a_world, "Bo", post, "forget")
            assert "Lisbon" in await a_world.command("Ana", "show")
        assert "I forgot what that message taught me" in (await menu(a_world, "Ana", post, "forget")).text
        assert "Lisbon" not in await a_world.command("Ana", "show")


async def test_what_a_message_taught_is_corrected_or_forgotten_from_what_it_says(a_world: World) -> None:
    """From what a message taught a fact is opened; two panels of it forget it once, and no later prompt has it."""
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "Remember that I moved to Lisbon", place="random")
        await a_world.answered(post)
        panels = [await menu(a_world, "Ana", post, "why") for _ in range(3)]
        await panels[0].open("location: Lisbon")
        assert "Edit" in panels[0].labels
        for panel in panels[1:]:
            await panel.press("Forget what it taught you")
        assert "I forgot what that message taught me" in panels[1].text
        assert NOTHING_TAUGHT.text in panels[2].text
        await panels[0].press("Back")
        assert "Lisbon" not in panels[0].text
        await a_world.answered(await a_world.says("Ana", "And now?"))

        assert "Lisbon" not in answers(a_world.claude)[-1].text


async def said(world: World, text: str, place: str) -> str:
    """Say something to Rapport as Ana."""
    if place == "direct":
        return await world.dms("Ana", text)
    if place == "channel":
        return await world.says("Ana", text)
    if isinstance(world, DiscordWorld):
        names = [channel.name for channel in world.twin.threads("team")]
        where = "plan" if "plan" in names else world.twin.channel(world.guild, "plan", kind="thread", parent="team")
        return (await world.twin.says("Ana", where, f"<@{world.twin.bot_id}> {text}")).id
    root = await world.says("Bo", "hello")
    await world.answered(root)
    return await world.says("Ana", text, after=root)
