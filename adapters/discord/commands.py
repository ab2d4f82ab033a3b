"""`/persona` as a group of slash commands, one for each verb."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord
import structlog
from discord import app_commands

from adapters.discord import translate, views
from adapters.discord.adapter import DiscordAdapter
from bot import errors
from bot.commands.command import Command
from bot.commands.registry import COMMANDS
from bot.core import Core
from bot.messages import Member
from bot.views import View

_CHOICES = re.compile(r"\[(\w+(?:\|\w+)+)\]")
"""What is typed after a verb that knows only these words."""

_log = structlog.get_logger(__name__)


class Interactions:
    """Answers slash commands and buttons, for the member alone."""

    def __init__(self, adapter: DiscordAdapter, core: Core) -> None:
        self._adapter = adapter
        self._core = core

    def group(self) -> app_commands.Group:
        """The commands, for a command tree."""
        group = app_commands.Group(name="persona", description="What Rapport remembers about you")
        for command in COMMANDS.values():
            group.add_command(self._slash(command))
        return group

    async def pressed(self, interaction: discord.Interaction) -> None:
        """Listener: do what one of our buttons stands for, in place of what stood there."""
        pressed: Mapping[str, Any] = interaction.data or {}
        action = str(pressed.get("custom_id", ""))
        if interaction.type is not discord.InteractionType.component or not action.startswith(views.ACTION_PREFIX):
            return
        await interaction.response.defer()
        action = action.removeprefix(views.ACTION_PREFIX)
        await self._answer(interaction, lambda member: self._core.commands.press(action, member))

    def _slash(self, command: Command) -> app_commands.Command[app_commands.Group, ..., None]:
        async def without_words(interaction: discord.Interaction) -> None:
            await self._run(interaction, command.name)

        async def with_words(interaction: discord.Interaction, field: str | None = None) -> None:
            await self._run(interaction, f"{command.name} {field or ''}")

        async def must_have_words(interaction: discord.Interaction, field: str) -> None:
            await self._run(interaction, f"{command.name} {field}")

        _, _, argument = command.usage.partition(" ")
        callback = with_words if argument.startswith("[") else must_have_words if argument else without_words
        slash: app_commands.Command[app_commands.Group, ..., None] = app_commands.Command(
            name=command.name, description=command.summary[:100], callback=callback
        )
        if choices := _CHOICES.fullmatch(argument):
            picks = [app_commands.Choice(name=choice, value=choice) for choice in choices[1].split("|")]
            slash = app_commands.rename(field="choice")(app_commands.choices(field=picks)(slash))
        return app_commands.describe(field=command.words)(slash) if argument else slash

    async def _run(self, interaction: discord.Interaction, words: str) -> None:
        await interaction.response.defer(ephemeral=True)
        await self._answer(interaction, lambda member: self._core.commands.run(words, member))

    async def _answer(self, interaction: discord.Interaction, work: Callable[[Member], Awaitable[View]]) -> None:
        """Fill the deferred reply with what `work` finds, or with an honest sentence."""
        try:
            view = await work(translate.member(interaction.user))
        except errors.BotError as error:
            _log.error("command.failed", error=type(error).__name__, why=str(error))
            view = View(text=error.for_member)
        await interaction.edit_original_response(content=None, **self._adapter.drawn(view))
