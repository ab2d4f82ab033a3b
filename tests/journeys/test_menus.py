"""The menu of a message on Discord: what it taught Rapport of the member who asks, and to have that forgotten."""

from __future__ import annotations

import pytest

from adapters.discord.menus import NAMES
from tests.journeys.worlds import DiscordWorld, World, learns

MOVED = ("set", "location", "Lisbon", "I moved to Lisbon")


async def menu(world: World, who: str, post: str, name: str) -> str:
    """Use an entry of a message's menu; returns what only that member sees."""
    assert isinstance(world, DiscordWorld)
    message = world.twin.message(post)
    assert message is not None
    shown = await world.twin.command(who, message.channel_id, name, target=message)
    assert shown.ephemeral
    await world.twin.wait_for(lambda: shown.embeds)
    return str(shown.embeds[0]["description"])


@pytest.mark.parametrize("place", ["channel", "thread", "direct"])
async def test_a_message_says_what_it_taught(discord_world: World, place: str) -> None:
    """Its author sees what is known from a message, also after a restart; others see what any message shows them."""
    assert isinstance(discord_world, DiscordWorld)
    learns(discord_world.claude, MOVED)
    async with discord_world.running(persona_consent="on"):
        post = await said(discord_world, "Remember that I moved to Lisbon", place)
        await discord_world.answered(post)
        other = await said(discord_world, "hello", place)
        await discord_world.answered(other)
    async with discord_world.running(persona_consent="on"):
        assert "location: Lisbon" in await menu(discord_world, "Ana", post, NAMES["why"])
        nothing = await menu(discord_world, "Ana", other, NAMES["why"])
        assert "Lisbon" not in nothing
        if place != "direct":
            assert await menu(discord_world, "Bo", post, NAMES["why"]) == nothing


@pytest.mark.parametrize("place", ["channel", "thread", "direct"])
async def test_what_a_message_taught_is_forgotten(discord_world: World, place: str) -> None:
    """Its author has what a message taught forgotten; nobody else does."""
    assert isinstance(discord_world, DiscordWorld)
    learns(discord_world.claude, MOVED)
    async with discord_world.running(persona_consent="on"):
        post = await said(discord_world, "Remember that I moved to Lisbon", place)
        await discord_world.answered(post)
        if place != "direct":
            await menu(discord_world, "Bo", post, NAMES["forget"])
            assert "Lisbon" in await discord_world.command("Ana", "show")
        await menu(discord_world, "Ana", post, NAMES["forget"])

        assert "Lisbon" not in await discord_world.command("Ana", "show")


async def said(world: DiscordWorld, text: str, place: str) -> str:
    """Say something to Rapport as Ana."""
    if place == "direct":
        return await world.dms("Ana", text)
    if place == "thread":
        names = [channel.name for channel in world.twin.threads("team")]
        guild = next(iter(world.twin.server.guilds))
        where = "plan" if "plan" in names else world.twin.channel(guild, "plan", kind="thread", parent="team")
        return (await world.twin.says("Ana", where, f"<@{world.twin.bot_id}> {text}")).id
    return await world.says("Ana", text)
