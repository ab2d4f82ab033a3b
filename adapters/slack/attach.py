"""Rapport, added to a Bolt app that may be somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.hosted import HostedWorkspaces
from adapters.slack.listeners import SlackListeners
from adapters.slack.workspaces import OneWorkspace, Workspaces
from bot import errors, logs, settings, wiring
from bot.core import Core


@asynccontextmanager
async def attach(app: AsyncApp, core: Core | None = None) -> AsyncIterator[Core]:
    """Let Rapport answer in the workspace of `app`, or in all that installed it, until the context is left.

    Call it after the app's own listeners are registered: Bolt runs the first that matches, and ours come last. Without
    a `core`, one is opened with the settings of the environment; how the app connects is its own affair, so the app
    token is not asked for. With OAuth, the tokens are those of the app's installation store. Nothing else of the app is
    changed, and what we added does nothing once we have left.

    Raises:
        PlatformKeyError: the app's token is not accepted, or it has neither one nor an installation store.
        BotError: the settings or the database cannot be used.
    """
    if core is None:
        logs.use_standard_library()
        async with wiring.open_core(settings.load(as_plugin=True)) as own, attach(app, own), own.working():
            yield own
        return
    listeners = SlackListeners(await _workspaces(app, core), core)
    listeners.listen(app)
    try:
        yield core
    finally:
        listeners.leave()


async def _workspaces(app: AsyncApp, core: Core) -> Workspaces:
    client = own_client(app.client)
    if app.installation_store is not None:
        return HostedWorkspaces(client, app.installation_store, core)
    if client.token is None:
        why = (
            "it finds tokens by a function of its own; give it an installation_store, so that Rapport can find them too"
        )
        raise errors.PlatformKeyError(f"Slack: this app has no token, and {why}")
    one = OneWorkspace(client, core)
    await one.installed()
    return one


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
