"""Notices a socket that is open and carries nothing, which Slack's SDK takes for healthy as long as pings come back.

Slack has nothing that we could ask it to send, so a socket that was silent for too long is replaced: what it swallowed
was not acknowledged, and Slack delivers that again. In a quiet workspace each costs one call of a method for that.
"""

import asyncio
from datetime import timedelta

import structlog
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bot import steps

_log = structlog.get_logger(__name__)


async def watch(handler: AsyncSocketModeHandler, *, after: timedelta) -> None:
    """Replace the socket whenever no envelope, hello or warning came over it for so long."""
    heard = asyncio.Event()

    async def note(_message: WSMessage) -> None:
        heard.set()

    handler.client.on_message_listeners.append(note)
    while not handler.client.closed:
        heard.clear()
        try:
            async with asyncio.timeout(after.total_seconds()):
                await heard.wait()
        except TimeoutError:
            if not handler.client.closed:
                await _replace(handler)


async def _replace(handler: AsyncSocketModeHandler) -> None:
    _log.debug("slack.silent")
    try:
        await handler.client.connect_to_new_endpoint(force=True)
    except Exception as error:  # noqa: BLE001 - whatever kept us from a new socket, the old one is tried again later
        _log.warning("slack.not_replaced", error=type(error).__name__)
    else:
        steps.happened("silent", platform="slack")
