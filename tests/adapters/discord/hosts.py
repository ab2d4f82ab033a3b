"""Somebody else's client with Rapport in it: it keeps what was raised into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
import pytest
from discord import app_commands

from adapters.discord import attach
from bot import settings, wiring
from bot.core import Core
from tests.adapters.discord.clients import Client, running
from tests.clock import StillClock


@pytest.fixture
async def core(database: Path, clock: StillClock) -> AsyncIterator[Core]:
    """Rapport without a platform, a model or anybody's consent."""
    loaded = settings.load(database_url=f"sqlite:///{database}", persona_consent="off")
    async with wiring.open_core(loaded, clock=clock) as opened:
        yield opened


class Tree(app_commands.CommandTree[Client]):
    """A host's tree, which keeps what was raised into it."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.raised: list[Exception] = []

    async def on_error(self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /) -> None:
        self.raised.append(error)


@asynccontextmanager
async def hosted(core: Core) -> AsyncIterator[Tree]:
    """A host with Rapport in it, its commands registered; nothing may be raised into it."""
    client = Client()
    tree = Tree(client)
    async with running(client), attach(client, core, tree=tree):
        await tree.sync()
        yield tree
    assert tree.raised == []
