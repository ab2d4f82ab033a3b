"""A real discord.py client on the twin: it keeps what it hears until a test asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import discord

from adapters.discord.adapter import SILENT

PLAIN = discord.Intents.none()
PLAIN.guilds = PLAIN.guild_messages = PLAIN.dm_messages = True
READING = discord.Intents(PLAIN.value)
READING.message_content = True
UNTOLD = discord.Intents(PLAIN.value)
UNTOLD.guilds = False
"""For a host that hears posts and is told of no server."""

QUICK: dict[str, Any] = {"guild_ready_timeout": 0.02, "chunk_guilds_at_startup": False}
"""What makes a client ready soon."""

C = TypeVar("C", bound=discord.Client)


class Client(discord.Client):
    """A client like our own host's."""

    def __init__(self, *, intents: discord.Intents = PLAIN, **options: Any) -> None:
        super().__init__(intents=intents, **QUICK, **options)
        self._events: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        self._events[event].put_nowait(args[0] if len(args) == 1 else args)

    async def next(self, event: str) -> Any:
        """The next event of this name that was not asked for yet."""
        async with asyncio.timeout(5):
            return await self._events[event].get()

    @property
    def me(self) -> discord.ClientUser:
        """Who the bot is."""
        assert self.user is not None
        return self.user


@contextlib.asynccontextmanager
async def online(intents: discord.Intents = PLAIN, **options: Any) -> AsyncIterator[Client]:
    """A client that is ready; it is closed afterwards, and must have run without an error."""
    async with running(Client(intents=intents, **{"allowed_mentions": SILENT} | options)) as client:
        yield client


@contextlib.asynccontextmanager
async def running(client: C) -> AsyncIterator[C]:
    """Any client, ready; it is closed afterwards, and must have run without an error."""
    async with asyncio.TaskGroup() as tasks:
        await client.login("test-token")
        tasks.create_task(client.connect())
        try:
            await client.wait_until_ready()
            yield client
        finally:
            await client.close()
