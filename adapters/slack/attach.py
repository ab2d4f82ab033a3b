"""Rapport, added to a Bolt app that may be somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.listeners import SlackListeners
from adapters.slack.workspaces import OneWorkspace
from bot import logs, settings, wiring
from bot.core import Core


@asynccontextmanager
async def attach(app: AsyncApp, core: Core | None = None) -> AsyncIterator[Core]:
    """Let Rapport answer in the workspace of `app`, until the context is left.

    Call it after the app's own listeners are registered: Bolt runs the first that matches, and ours come last. Without
    a `core`, one is opened with the settings of the environment; how the app connects is its own affair, so the app
    token is not asked for. Nothing else of the app is changed, and what we added does nothing once we have left.

    Raises:
        PlatformKeyError: the app's token is not accepted.
        BotError: the settings or the database cannot be used.
    """
    if core is None:
        logs.use_standard_library()
        async with wiring.open_core(settings.load(as_plugin=True)) as own, attach(app, own), own.working():
            yield own
        return
    one = OneWorkspace(own_client(app.client), core)
    await one.installed()
    listeners = SlackListeners(one, core)
    listeners.listen(app)
    try:
        yield core
    finally:
        listeners.leave()


def own_client(client: AsyncWebClient) -> AsyncWebClient:
    """A client like `client`, with its session, but without retry handlers."""
    return AsyncWebClient(
        token=client.token,
        base_url=client.base_url,
        session=client.session,
        proxy=client.proxy,
        ssl=client.ssl,
        timeout=client.timeout,
        retry_handlers=[],
    )
