"""What a message's own menu offers: to see what Rapport knows of a member from it, and to have that forgotten."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import discord
from discord import app_commands

from adapters.discord import wording
from adapters.discord.interactions import Interactions
from adapters.discord.registration import Tree
from bot.core import Core
from bot.messages import Member, MessageId, Room
from bot.views import View

Verb = Literal["why", "forget"]

NAMES: Mapping[Verb, str] = {"why": "Why do you know this?", "forget": "Forget what this taught you"}

NOWHERE = View(
    text="Discord does not say where this message stands, so I cannot look it up. `/persona show` lists all I know."
)


class Menu(app_commands.ContextMenu):
    """A menu entry that brings its translations along, as `adapters.discord.commands.Group` does."""

    def to_dict(self, tree: Tree) -> dict[str, Any]:
        """What is registered."""
        return wording.menu(super().to_dict(tree))

    async def get_translated_payload(self, tree: Tree, translator: app_commands.Translator) -> dict[str, Any]:
        """The same, whoever translates the host's commands."""
        return self.to_dict(tree)


def menus(interactions: Interactions, core: Core) -> list[Menu]:
    """The entries, for a command tree."""
    return [_menu(verb, name, interactions, core) for verb, name in NAMES.items()]


def _menu(verb: Verb, name: str, interactions: Interactions, core: Core) -> Menu:
    async def about(interaction: discord.Interaction, message: discord.Message) -> None:
        await interactions.answer(interaction, partial(_about, core, verb, MessageId(str(message.id))))

    return Menu(name=name, callback=about, auto_locale_strings=False)


async def _about(core: Core, verb: Verb, message: MessageId, member: Member, *, room: Room | None = None) -> View:
    return NOWHERE if room is None else await core.commands.about(verb, member, room, message)
