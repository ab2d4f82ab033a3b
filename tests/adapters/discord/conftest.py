"""A Discord with one server, some channels and two members, and a client connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from tests.adapters.discord.clients import READING, Client, online
from tests.twins.discord import DiscordTwin


@pytest.fixture
async def twin(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordTwin]:
    """Where every test happens: `team` is open to everybody, `board` to Ana alone."""
    async with DiscordTwin(message_content=True) as twin:
        monkeypatch.setattr(Route, "BASE", twin.api_url)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(twin.gateway_url))
        guild = twin.guild("HQ")
        twin.member("Ana", guilds=[guild])
        twin.member("Ben", guilds=[guild])
        twin.channel(guild, "team")
        twin.channel(guild, "board", everyone_can_view=False, readers=["Ana"])
        yield twin


@pytest.fixture
async def client(twin: DiscordTwin) -> AsyncIterator[Client]:
    """A client with the intents our own host asks for."""
    async with online() as client:
        yield client


@pytest.fixture
async def reader(twin: DiscordTwin) -> AsyncIterator[Client]:
    """A client that may read every message, as a host of somebody else's may."""
    async with online(READING) as client:
        yield client
