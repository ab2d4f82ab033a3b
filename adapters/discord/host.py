"""Our own process on Discord: for each shard the smallest client there is, kept connected.

Each shard is one worker's at a time, whichever has its lease; another takes over when that one is gone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp
import discord
import structlog
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord import commands, registration, watchdog
from adapters.discord.adapter import SILENT
from adapters.discord.listeners import DiscordListeners
from adapters.discord.shards import Shards
from bot import errors
from bot.core import Core
from bot.settings import Settings
from bot.tasks import alongside

RESTART_WAIT_S = 5.0
"""Before connecting anew after discord.py gave up: far below the 1,000 identifies a day."""

LOG_IN_WAIT_S = 30.0
"""discord.py itself tries for 25 seconds if Discord fails, and for minutes if it is silent."""

READY_WAIT_S = 5.0
"""How long a start waits for Discord's gateway, which may be down while all else works."""

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def connected(core: Core) -> AsyncIterator[None]:
    """Be connected to Discord until the context is left, with every shard that no other worker has.

    A gateway that is down holds nothing up: it is tried until it is back, and what waited is answered then.

    Raises:
        PlatformKeyError: the token is not accepted, or the connection is refused for good, also later.
        PlatformUnreachableError: Discord cannot be reached at the start.
        PlatformError: DISCORD_GUILD_ID names a server in which we may not register commands.
    """
    _point_at(core.settings)
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns that voice is not installed
    shards = Shards(core.settings.discord_shards)
    async with AsyncExitStack() as closing:
        for shard in range(shards.count):
            work = partial(_on_shard, core, shards, shard)
            await closing.enter_async_context(core.leases.held([f"discord-shard-{shard}"], work))
        yield


@asynccontextmanager
async def _on_shard(core: Core, shards: Shards, shard: int, _lease: str) -> AsyncIterator[None]:
    """Be connected to one shard until the context is left. The first one sees to what is Rapport's as a whole, too."""
    client = discord.Client(
        intents=_intents(),
        shard_id=shard if shards.count > 1 else None,
        shard_count=shards.count if shards.count > 1 else None,
        allowed_mentions=SILENT,
        max_messages=100,  # nothing is read from this cache
        chunk_guilds_at_startup=False,
        guild_ready_timeout=0.2,  # servers that come later are as welcome
    )
    tree = app_commands.CommandTree(client)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(client.close)
        await _log_in(client, core.settings)
        listeners = DiscordListeners(client, core, shards=shards if shards.count > 1 else None)
        offered, guild_id = commands.offered(listeners.interactions, core), core.settings.discord_guild_id
        await registration.register(tree, offered, store=core.store, guild_id=guild_id, is_due=shard == 0)
        await closing.enter_async_context(listeners.listening())
        await closing.enter_async_context(alongside(partial(_stay_connected, client, core)))
        await closing.enter_async_context(alongside(partial(watchdog.watch, client, after=core.settings.probe_after)))
        name = "discord" if shards.count == 1 else f"discord-{shard}"
        core.links[name] = partial(watchdog.is_connected, client)
        closing.callback(core.links.pop, name, None)
        await _ready(client)
        yield


def _point_at(settings: Settings) -> None:
    """Where discord.py connects to; it reads these two class attributes and nothing else."""
    Route.BASE = settings.discord_api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)


def _intents() -> discord.Intents:
    """What we hear: posts and channels. None of it is privileged; mentions and direct messages carry their text."""
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    return intents


async def _log_in(client: discord.Client, settings: Settings) -> None:
    assert settings.discord_bot_token is not None
    try:
        async with asyncio.timeout(LOG_IN_WAIT_S):
            await client.login(settings.discord_bot_token.get_secret_value())
    except discord.LoginFailure as error:
        raise errors.PlatformKeyError(
            "DISCORD_BOT_TOKEN: Discord refused the token; copy it again from the page Bot of the application"
        ) from error
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise errors.PlatformUnreachableError(f"Discord could not be reached ({type(error).__name__})") from error


async def _ready(client: discord.Client) -> None:
    try:
        async with asyncio.timeout(READY_WAIT_S):
            await client.wait_until_ready()
    except TimeoutError:
        _log.error("discord.not_connected", waited_s=READY_WAIT_S)
    else:
        _log.info("discord.connected", servers=len(client.guilds))


async def _stay_connected(client: discord.Client, core: Core) -> None:
    """Connect, and connect anew when discord.py gives up: one event it cannot parse ends its loop (pitfall 2)."""
    while not client.is_closed():
        try:
            await client.connect()
        except discord.ConnectionClosed as error:
            raise errors.PlatformKeyError(f"Discord closed the connection for good (code {error.code})") from error
        except discord.PrivilegedIntentsRequired as error:
            raise errors.PlatformKeyError(
                "Discord refuses the intents; they are set in the developer portal"
            ) from error
        except Exception as error:  # noqa: BLE001 - whatever it was, staying away would be worse
            _log.error("discord.connection_lost", error=type(error).__name__)
            if client.ws is not None:  # discord.py leaves it open, with a thread that keeps it alive
                await client.ws.close()
            await core.clock.sleep(RESTART_WAIT_S)
