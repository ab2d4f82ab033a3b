"""The entries of a message's menu in a command tree: ours, translated, and no more than a host has room for."""

from __future__ import annotations

import logging

import discord
import pytest
from discord import app_commands

from adapters.discord import commands, wording
from adapters.discord.listeners import DiscordListeners
from adapters.discord.menus import NAMES
from bot.core import Core
from tests.adapters.discord.clients import Client, running
from tests.adapters.discord.hosts import Tree, core, hosted
from tests.twins.discord import DiscordTwin

__all__ = ["core"]


async def test_the_entries_are_offered_and_translated(twin: DiscordTwin, core: Core) -> None:
    """A message's menu has both entries, in every language of ours."""
    async with hosted(core):
        menus = [command for command in twin.commands.of(None) if command["type"] == 3]

    assert [menu["name"] for menu in menus] == list(NAMES.values())
    assert [list(menu["name_localizations"]) for menu in menus] == [["de", "fr", "es-ES", "es-419", "ja"]] * 2


@pytest.mark.parametrize("name", NAMES.values())
def test_every_entry_is_translated(name: str) -> None:
    """Every entry has a name of at most 32 characters in every language."""
    found = {language: entry["name"] for language, entry in wording._TABLES["menus"][name].items()}

    assert found.keys() == wording.LOCALES.keys()
    assert all(0 < len(text) <= 32 for text in [name, *found.values()])


@pytest.mark.parametrize("name", NAMES.values())
async def test_an_entry_answers_its_member_alone(twin: DiscordTwin, core: Core, name: str) -> None:
    """A message that taught nothing says so, to whoever asks; also one the client never saw, wherever it stands."""
    said = [await twin.says("Ben", "team", "hello"), await twin.dms("Ana", "hello")]
    async with hosted(core):
        for message in said:
            shown = await twin.command("Ana", message.channel_id, name, target=message)
            await twin.wait_for(lambda shown=shown: shown.embeds)  # type: ignore[misc]

            assert shown.ephemeral
            assert "nothing" in shown.embeds[0]["description"]


async def test_a_message_nobody_knows_where_is_honest(twin: DiscordTwin, core: Core) -> None:
    """If Discord does not say where a message stands, the member hears that instead of a wrong answer."""
    said = await twin.says("Ana", "team", "hello")
    twin.interactions.say_where = False
    async with hosted(core):
        shown = await twin.command("Ana", "team", NAMES["why"], target=said)
        await twin.wait_for(lambda: shown.embeds)

    assert "does not say where" in shown.embeds[0]["description"]


async def test_a_full_menu_of_a_host_is_left_as_it_is(
    twin: DiscordTwin, core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    """A host whose menus are full keeps them; ours are missing, and the log says so. All else of ours is there."""
    client = Client()
    tree = Tree(client)

    async def theirs(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(str(message.id), ephemeral=True)

    for number in range(4):
        tree.add_command(app_commands.ContextMenu(name=f"Entry {number}", callback=theirs))
    before = {command.name for command in tree.get_commands()}
    async with running(client):
        with commands.added(tree, commands.offered(DiscordListeners(client, core).interactions, core)):
            during = {command.name for command in tree.get_commands()}

        assert during == before | {"persona", "persona-admin", NAMES["why"]}
        assert {command.name for command in tree.get_commands()} == before
    logged = [str(record.msg) for record in caplog.records if record.levelno == logging.WARNING]
    assert any("command.no_room" in line and NAMES["forget"] in line for line in logged)
