"""The panel on Discord, with the verbs as they are: what is picked, pressed, filled in and paged through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.discord.translate import ACCOUNTS
from bot.messages import Member
from tests.bot.commands.members import WORKPLACE, told
from tests.journeys.worlds import DiscordWorld, Name, World, learns
from tests.twins.discord import Message
from tests.twins.discord.drafts import SELECT, walk

MOVED = ("set", "location", "Lisbon", "I moved to Lisbon")


async def opened(world: DiscordWorld, verb: str, **options: str) -> Message:
    """The panel of a verb that Ana uses in a channel."""
    shown = await world.twin.command("Ana", "team", f"persona {verb}", options=options)
    await world.twin.wait_for(lambda: shown.embeds)
    assert shown.message is not None
    return shown.message


async def changed(world: DiscordWorld, panel: Message) -> Message:
    """The panel once it shows something else."""
    now = await world.twin.wait_for(
        lambda: (found := world.twin.message(panel)) and found.embeds != panel.embeds and found
    )
    assert isinstance(now, Message)
    return now


def components(panel: Message) -> list[Mapping[str, Any]]:
    return [node for _, node in walk(panel.components) if "custom_id" in node]


def custom_id(panel: Message, label: str) -> str:
    """The button with this label."""
    (found,) = [node["custom_id"] for node in components(panel) if node.get("label") == label]
    return str(found)


def text(panel: Message) -> str:
    return str(panel.embeds[0]["description"]).replace("\\", "")


async def picked(world: DiscordWorld, panel: Message, label: str) -> Message:
    """The panel after Ana picked the line with this label."""
    (select,) = [node for node in components(panel) if node["type"] == SELECT]
    (value,) = [option["value"] for option in select["options"] if option["label"] == label]
    await world.twin.selects("Ana", panel, select["custom_id"], [value])
    return await changed(world, panel)


async def pressed(world: DiscordWorld, panel: Message, label: str) -> Message:
    """The panel after Ana pressed the button with this label."""
    await world.twin.press("Ana", panel, custom_id(panel, label))
    return await changed(world, panel)


async def test_a_fact_is_corrected_in_a_form(discord_world: World) -> None:
    """A member picks a fact, opens the form that holds its value, and reads that it is another one now."""
    assert isinstance(discord_world, DiscordWorld)
    learns(discord_world.claude, MOVED)
    async with discord_world.running(persona_consent="on"):
        await discord_world.answered(await discord_world.says("Ana", "Remember that I moved to Lisbon"))
        panel = await picked(discord_world, await opened(discord_world, "show"), "location: Lisbon")
        form = await discord_world.twin.press("Ana", panel, custom_id(panel, "Edit"))
        await discord_world.twin.submits_modal("Ana", form, {"value": "Porto"})

        assert "Porto" in text(await changed(discord_world, panel))
        assert "location: Porto" in await discord_world.command("Ana", "show")


async def test_a_fact_is_forgotten_where_it_is_shown(discord_world: World) -> None:
    """A member picks a fact and forgets it with the red button below."""
    assert isinstance(discord_world, DiscordWorld)
    learns(discord_world.claude, MOVED)
    async with discord_world.running(persona_consent="on"):
        await discord_world.answered(await discord_world.says("Ana", "Remember that I moved to Lisbon"))
        panel = await picked(discord_world, await opened(discord_world, "show"), "location: Lisbon")
        assert components(panel)[-1]["style"] == 4
        await pressed(discord_world, panel, "Forget this")

        assert "Lisbon" not in await discord_world.command("Ana", "show")


async def test_three_hundred_facts_are_paged_through(discord_world: World) -> None:
    """However much is known of a member, every page is a message that Discord takes, and all of it can be picked."""
    assert isinstance(discord_world, DiscordWorld)
    world = discord_world
    async with world.running(persona_consent="on"):
        await known(world, "Ana", 300)
        panel = await opened(world, "show")
        found: set[str] = set()
        while True:
            (select,) = [node for node in components(panel) if node["type"] == SELECT]
            found |= {option["label"].rpartition(" ")[2] for option in select["options"]}
            if "Next" not in {node.get("label") for node in components(panel)}:
                break
            panel = await pressed(world, panel, "Next")

    assert found == {str(number) for number in range(300)}


async def test_an_export_comes_as_files(discord_world: World) -> None:
    """All that is kept comes as files with the answer that the member alone sees."""
    assert isinstance(discord_world, DiscordWorld)
    world = discord_world
    async with world.running(persona_consent="on"):
        await known(world, "Ana", 3)
        panel = await opened(world, "export")

    assert panel.viewer == world.twin.server.user("Ana").id
    contents = {file.filename: world.twin.server.files[file.id].decode() for file in panel.attachments}
    assert contents
    assert all("Thing 2" in content for content in contents.values())


async def known(world: DiscordWorld, who: Name, number: int) -> None:
    """Let a member have said so many things, one a day, field by field."""
    member = Member(tenant=ACCOUNTS, id=world.twin.server.user(who).id, name=who)
    fields = [field.name for field in WORKPLACE.fields if field.type == "text" and not field.style]
    for said in range(number):
        at = world.clock.now() - timedelta(days=number - said)
        await told(world.core.store, member, fields[said % len(fields)], f"Thing {said}", at=at)
