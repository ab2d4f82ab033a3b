"""Rapport, added to a discord.py client that may be somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import discord
from discord import app_commands

from adapters.discord import commands
from adapters.discord.listeners import DiscordListeners
from bot import logs, settings, wiring
from bot.core import Core


@asynccontextmanager
async def attach(
    client: discord.Client, core: Core | None = None, *, tree: app_commands.CommandTree[Any] | None = None
) -> AsyncIterator[Core]:
    """Let Rapport answer on the servers of `client`, until the context is left.

    Adds our commands to the client's command tree (a `Bot` has one; hand in another client's as `tree`), which the
    host syncs as it does its own, and takes them out again. Without a `core`, one is opened with the settings of the
    environment.

    The host's own listeners run as if they were alone, and a `Bot`'s own commands, such as "@bot ping", are left to it.
    A plain client has one handler for each event: set its handlers before, for one set later replaces ours.

    Raises:
        BotError: the settings or the database cannot be used.
    """
    if core is None:
        logs.use_standard_library()
        async with (
            wiring.open_core(settings.load(as_plugin=True)) as own,
            attach(client, own, tree=tree),
            own.working(),
        ):
            yield own
        return
    listeners = DiscordListeners(client, core)
    tree = tree or getattr(client, "tree", None)
    with nullcontext() if tree is None else commands.added(tree, commands.offered(listeners.interactions, core)):
        async with listeners.listening():
            yield core
