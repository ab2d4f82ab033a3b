"""Our listeners on the events of a client that may be somebody else's: beside the host's own, never in their way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import discord
import structlog
from discord.ext import commands

from bot import errors
from bot.lanes import GRACE_S

BOTS = (commands.Bot, commands.AutoShardedBot)
"""Clients with commands, and with any number of listeners on an event; the second is no subclass of the first."""

Listener = Callable[..., Coroutine[Any, Any, None]]

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def heard(client: discord.Client, listeners: Mapping[str, Listener]) -> AsyncIterator[None]:
    """Call each of `listeners` on the event it is named for, such as `on_message`, until the context is left.

    Each call is a task of ours: what it waits for delays nothing of the host's, and what it raises is logged here.
    Leaving waits for the calls that are running, up to `GRACE_S` seconds: Discord sends nothing a second time.
    """
    running: set[asyncio.Task[None]] = set()

    def call(name: str, *arguments: Any) -> None:
        task = asyncio.create_task(_guarded(name, listeners[name](*arguments)))  # noqa: TID251 - awaited below
        running.add(task)
        task.add_done_callback(running.discard)

    try:
        with ExitStack() as added:
            for name in listeners:
                added.callback(_add(client, name, partial(call, name)))
            yield
    finally:
        await _finished(running)


async def is_command(client: discord.Client, posted: discord.Message) -> bool:
    """Whether a post is one of the host's own commands, such as "@bot ping", which the host answers."""
    if not isinstance(client, BOTS):
        return False
    try:
        return (await client.get_context(posted)).valid
    except Exception as error:  # noqa: BLE001 - the host's own prefix function, which may fail where ours need not
        _log.warning("command.unknown", error=type(error).__name__)
        return False


async def _guarded(name: str, listening: Coroutine[Any, Any, None]) -> None:
    try:
        await listening
    except Exception as error:  # noqa: BLE001 - the outer edge: the next event is another one
        why = str(error) if isinstance(error, errors.BotError) else ""
        _log.error("event.failed", event_name=name, error=type(error).__name__, why=why)


async def _finished(running: set[asyncio.Task[None]]) -> None:
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=GRACE_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def _add(client: discord.Client, name: str, call: Callable[..., None]) -> Callable[[], None]:
    """Let an event make the call; what the host does on it goes on as before. Returns what undoes it."""
    if not isinstance(client, BOTS):
        return _put_before(client, name, call)

    async def listener(*arguments: Any) -> None:
        call(*arguments)

    client.add_listener(listener, name)
    return lambda: client.remove_listener(listener, name)


def _put_before(client: discord.Client, name: str, call: Callable[..., None]) -> Callable[[], None]:
    """As `_add` does, for a plain client: it has one handler for each event, the attribute with the event's name."""
    own: Listener | None = getattr(client, name, None)
    is_instances, is_on = name in vars(client), True

    async def both(*arguments: Any) -> None:
        if is_on:
            call(*arguments)
        if own is not None:
            await own(*arguments)

    def undo() -> None:
        nonlocal is_on
        is_on = False  # whoever put something before ours meanwhile still calls it
        if vars(client).get(name) is not both:
            return
        if is_instances:
            setattr(client, name, own)
        else:
            delattr(client, name)

    setattr(client, name, both)
    return undo
