"""Notices a gateway connection that is open and carries nothing, while its heartbeats may be answered.

After a silence we ask for ourselves as a member of a server (op 8): the answer comes as an event, by the way all others
come. If it does not, the connection is closed so that discord.py resumes its session, and Discord repeats what it held.
"""

import asyncio
from datetime import timedelta

import discord
import structlog

from bot import steps

ANSWER_S = 10.0
"""How long Discord may take to send us ourselves; it takes a fraction of a second."""

RESUMABLE = 4000
"""A close code after which the session lives on."""

_log = structlog.get_logger(__name__)


async def watch(client: discord.Client, *, after: timedelta) -> None:
    """Ask whenever no event came for so long, and replace the connection if nothing comes then either."""
    heard, silence_s = asyncio.Event(), after.total_seconds()

    async def on_socket_event_type(_event: str) -> None:
        heard.set()

    client.event(on_socket_event_type)
    while True:
        if await _came(heard, silence_s) or not is_connected(client):
            continue
        if not await _answers(client, heard, within_s=min(ANSWER_S, silence_s)) and is_connected(client):
            _log.warning("discord.silent")
            steps.happened("silent", platform="discord")
            await client.ws.close(RESUMABLE)


def is_connected(client: discord.Client) -> bool:
    """Whether a connection is open over which events should come."""
    connection: discord.gateway.DiscordWebSocket | None = client.ws  # it is None before the first
    return client.is_ready() and connection is not None and connection.open


async def _answers(client: discord.Client, heard: asyncio.Event, *, within_s: float) -> bool:
    """Whether anything comes once we asked; on no server there is nobody to ask for, and the session is resumed."""
    server = next((guild for guild in client.guilds if not guild.unavailable), None)
    if server is None or client.user is None:
        return False
    asking = asyncio.ensure_future(server.query_members(user_ids=[client.user.id], cache=False))
    try:
        return await _came(heard, within_s)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _came(heard: asyncio.Event, within_s: float) -> bool:
    heard.clear()
    try:
        async with asyncio.timeout(within_s):
            await heard.wait()
    except TimeoutError:
        return False
    return True
