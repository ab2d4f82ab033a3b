"""Our commands, registered with Discord: in the server that DISCORD_GUILD_ID names, or everywhere, but not in both.

Registering is limited to 200 commands a day (Discord sheet, section 1), so what is registered is noted, not repeated.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord.translate import ACCOUNTS
from bot import errors
from bot.store import notes
from bot.store.engine import Store

TIMEOUT_S = 30.0
"""Then we go on without: discord.py would wait for as long as a spent daily limit lasts."""

EVERYWHERE = "everywhere"

_log = structlog.get_logger(__name__)

Tree = app_commands.CommandTree[Any]
Offered = app_commands.Group | app_commands.ContextMenu


async def register(
    tree: Tree, offered: Iterable[Offered], *, store: Store, guild_id: int | None, is_due: bool = True
) -> None:
    """Register `offered` in the server with this id, or everywhere, if that is not how they were registered last.

    If it is not due, since another client sees to it, the tree learns them all the same: it finds them by their names.

    Trouble is logged and tried again at the next start: a bot without commands still answers mentions. Only a server
    that does not have us ends the start, as nobody would find commands there, and a setting is to be mended.

    Raises:
        PlatformError: DISCORD_GUILD_ID names a server in which we may not register commands.
    """
    guild = None if guild_id is None else discord.Object(guild_id)
    for command in offered:
        tree.add_command(command, guild=guild)
    if not is_due:
        return
    scope, name = str(guild_id or EVERYWHERE), f"commands {tree.client.application_id}"
    wanted = f"{scope} {_digest(tree, guild)}"
    known = await store.read(partial(notes.read, tenant=ACCOUNTS, name=name))
    if known == wanted:
        return
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await tree.sync(guild=guild)
            await _clear_other(tree, scope, known)
    except (discord.Forbidden, discord.NotFound) as error:
        if guild is not None:
            raise errors.PlatformError(
                f"DISCORD_GUILD_ID: Discord lets us register no commands in the server {guild_id} (code {error.code});"
                " check the id, and invite the bot there with the scopes bot and applications.commands"
            ) from error
        _log_failure(error)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        _log_failure(error)
    else:
        await store.write(partial(notes.write, tenant=ACCOUNTS, name=name, value=wanted))
        _log.info("discord.commands_registered", scope=scope)


async def _clear_other(tree: Tree, scope: str, known: str | None) -> None:
    """Take the commands away from where they were: both sets would be shown.

    Those that are registered everywhere are cleared even if no note says so. Of servers we know the last one, and it
    may have removed us since, with our commands.
    """
    if scope != EVERYWHERE:
        await tree.sync()
    before = (known or EVERYWHERE).partition(" ")[0]
    if before not in {scope, EVERYWHERE}:
        try:
            await tree.sync(guild=discord.Object(int(before)))
        except (discord.Forbidden, discord.NotFound) as error:
            _log.info("discord.commands_not_cleared", scope=before, code=error.code)


def _digest(tree: Tree, guild: discord.Object | None) -> str:
    described = [command.to_dict(tree) for command in tree.get_commands(guild=guild)]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _log_failure(error: Exception) -> None:
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    _log.error("discord.commands_not_registered", error=type(error).__name__, status=status, code=code)
