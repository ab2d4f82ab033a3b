"""Our own process on Slack: the smallest Bolt app there is, over Socket Mode or over HTTP.

Slack opens up to ten sockets for an app and hands each event to any one of them, so of several workers each takes one
that is free. An eleventh answers what the others accepted. Over HTTP whatever is in front of us chooses.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

import aiohttp
import structlog
from aiohttp import WSMessage
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import installing, over_http, translate, watchdog
from adapters.slack.adapter import SlackAdapter
from adapters.slack.errors import called
from adapters.slack.everywhere import SlackEverywhere
from adapters.slack.installations import RENEW_EVERY as RENEW_TOKENS_EVERY
from adapters.slack.installations import Installations
from adapters.slack.installing import Authorize
from adapters.slack.listeners import Body, SlackListeners
from adapters.slack.tokens import fingerprint
from adapters.slack.workspaces import ManyWorkspaces, OneWorkspace
from bot import errors, schedule
from bot.core import Core
from bot.tasks import alongside

PING_S = 10.0
"""How often the SDK looks after its socket, and how long it waits between two tries to open one; its own default."""
SOCKETS = tuple(f"slack-socket-{number}" for number in range(10))
"""The leases of the sockets that Slack gives an app (slack sheet: up to 10 connections)."""

RENEW_EVERY = timedelta(seconds=PING_S / 2)
"""At least once between two tries."""

GAP = timedelta(seconds=30)
"""Without a connection for so long, something may be lost: Slack gives up what nobody took, at the latest after some
minutes. The SDK says that a silent connection is lost when it has been for forty seconds; these are after that."""

Side: TypeAlias = SlackAdapter | SlackEverywhere
"""Our side of one workspace, or of many."""

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def connected(core: Core) -> AsyncIterator[None]:
    """Be connected to Slack until the context is left, as long as there is a socket for us.

    Raises:
        PlatformKeyError: a token is not accepted, at the start, or when Socket Mode is switched off later.
        PlatformError: Slack cannot be reached at the start.
    """
    async with AsyncExitStack() as closing:
        session = await closing.enter_async_context(aiohttp.ClientSession())
        client = AsyncWebClient(
            token=_secret(core, "slack_bot_token") or None,
            base_url=core.settings.slack_api_url,
            session=session,
            retry_handlers=[],
        )
        made = (_many if core.settings.slack_client_id else _one)(core, client)
        app, adapter = await closing.enter_async_context(made)
        await closing.enter_async_context(_delivering(core, app, adapter))
        yield


@asynccontextmanager
async def _one(core: Core, client: AsyncWebClient) -> AsyncIterator[tuple[AsyncApp, Side]]:
    """The app in the workspace of the token."""
    one = OneWorkspace(client, core)
    await _checked("SLACK_BOT_TOKEN", one.installed)
    yield _app(core, SlackListeners(one, core), client=client), one.adapter


@asynccontextmanager
async def _many(core: Core, client: AsyncWebClient) -> AsyncIterator[tuple[AsyncApp, Side]]:
    """The app in every workspace that installed it, or does so now."""
    client_id, secret = str(core.settings.slack_client_id), _secret(core, "slack_client_secret")
    kept = Installations(
        client,
        app=client_id,
        secret=secret,
        account=fingerprint(client_id),
        store=core.store,
        departures=core.departures,
        clock=core.clock,
    )
    asked = installing.flow(kept, client, store=core.store, clock=core.clock)
    many = ManyWorkspaces(client, kept, core)
    tenants = await kept.start()
    await kept.renew_due()
    async with AsyncExitStack() as closing:
        closing.enter_context(installing.inviting(asked, core.web))
        await closing.enter_async_context(schedule.every(RENEW_TOKENS_EVERY, kept.renew_due))
        await closing.enter_async_context(alongside(partial(many.look_after, tenants)))
        app = _app(core, SlackListeners(many, core), client=client, oauth_flow=asked, authorize=Authorize())
        yield app, many.adapter


@asynccontextmanager
async def _delivering(core: Core, app: AsyncApp, adapter: Side) -> AsyncIterator[None]:
    """Have Slack deliver to `app`: over a socket if there is a token for one, else over HTTP."""
    app_token = _secret(core, "slack_app_token")
    if not app_token:
        with over_http.receiving(app, core.web, signing_secret=_secret(core, "slack_signing_secret")):
            _log.info("slack.connected", path=over_http.PATH)
            yield
        return
    open_socket = lambda: app.client.apps_connections_open(app_token=app_token)  # noqa: E731
    await _checked("SLACK_APP_TOKEN", lambda: called(open_socket, clock=core.clock))
    adapter.is_connected = _unheard
    async with core.leases.held(SOCKETS, partial(_listening, core, app, adapter, app_token)):
        yield


@asynccontextmanager
async def _listening(core: Core, app: AsyncApp, adapter: Side, app_token: str, socket: str) -> AsyncIterator[None]:
    """Hear what Slack hands to one socket, until the context is left."""
    async with AsyncExitStack() as closing:
        handler = AsyncSocketModeHandler(app, app_token, ping_interval=PING_S)
        closing.push_async_callback(handler.close_async)
        await closing.enter_async_context(alongside(partial(_switched_off, handler)))
        await closing.enter_async_context(schedule.every(RENEW_EVERY, _Watch(core, handler).look))
        adapter.is_connected = handler.client.is_connected
        closing.callback(setattr, adapter, "is_connected", _unheard)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await closing.enter_async_context(alongside(partial(watchdog.watch, handler, after=core.settings.probe_after)))
        await closing.enter_async_context(alongside(partial(_hang_up, core.stopping, handler)))
        core.links["slack"] = partial(_is_connected, handler)
        closing.callback(core.links.pop, "slack", None)
        _log.info("slack.connected", socket=socket)
        yield


def _secret(core: Core, name: str) -> str:
    """A secret setting; empty if it is not set."""
    secret = getattr(core.settings, name)
    return "" if secret is None else str(secret.get_secret_value())


async def _checked(setting: str, call: Callable[[], Awaitable[object]]) -> None:
    """Make a first call with a token, and name the setting if it is refused."""
    try:
        await call()
    except (errors.PlatformKeyError, errors.NotDeliveredError) as error:
        raise errors.PlatformKeyError(f"{setting}: {error}; copy it again from the app's pages at Slack") from error


async def _unheard() -> bool:
    """Whether we hear anything without a socket: no."""
    return False


def _app(core: Core, listeners: SlackListeners, **how: Any) -> AsyncApp:
    """The Bolt app; `how` says what it is authorized by."""

    async def store_first(body: Body, next: Callable[[], Awaitable[None]]) -> BoltResponse | None:  # noqa: A002
        """Store an event and acknowledge it before anything else: no token lookup, no listener (reliability 0.1)."""
        if body.get("type") == "app_rate_limited":
            _log.error("slack.events_dropped", tenant=body.get("team_id"), why="more than 30,000 events in an hour")
        elif body.get("type") != "event_callback" or translate.is_look(body):
            await next()
            return None
        else:
            try:
                await listeners.store(body)
            except errors.StoreError:
                return BoltResponse(status=503, body="")  # no acknowledgement; raised, it is a line of Bolt's each
        return BoltResponse(status=200, body="")

    quiet = logging.getLogger("slack_bolt")
    quiet.setLevel(logging.ERROR)  # it warns of tokens in the environment that are superfluous, and quotes codes
    signing_secret = _secret(core, "slack_signing_secret")
    app = AsyncApp(logger=quiet, signing_secret=signing_secret, before_authorize=store_first, **how)
    listeners.listen_for_interactions(app)
    return app


async def _hang_up(stopping: asyncio.Event, handler: AsyncSocketModeHandler) -> None:
    """Close the socket as soon as we stop: what comes then, Slack delivers to another one, or to the next process."""
    await stopping.wait()
    await handler.close_async()  # type: ignore[no-untyped-call]


def _is_connected(handler: AsyncSocketModeHandler) -> bool:
    session = handler.client.current_session
    return session is not None and not session.closed and not handler.client.stale


class _Watch:
    """Looks after the socket: lets it come back, and notices when it was away for long."""

    def __init__(self, core: Core, handler: AsyncSocketModeHandler) -> None:
        self._core = core
        self._client = handler.client
        self._connected_at = core.clock.now()

    async def look(self) -> None:
        """While it is away, let the next try ask for a new address: each works once, and the SDK dials one for ever.

        Once it is back after a gap, what was missed is looked for. A process that slept finds the same gap.
        """
        now = self._core.clock.now()
        if not await self._client.is_connected():
            self._client.wss_uri = None
            return
        if now - self._connected_at > GAP:
            _log.warning("slack.gap", seconds=round((now - self._connected_at).total_seconds()))
            self._core.catching_up.missed("slack")
            self._core.rechecking.missed("slack")
        self._connected_at = now


async def _switched_off(handler: AsyncSocketModeHandler) -> None:
    """Raise once Slack says that Socket Mode is off: the SDK would ask for a new connection for ever."""
    is_off = asyncio.Event()

    async def look(message: WSMessage) -> None:
        if '"link_disabled"' in str(message.data) and '"disconnect"' in str(message.data):
            is_off.set()

    handler.client.on_message_listeners.append(look)
    await is_off.wait()
    raise errors.PlatformKeyError("Slack: Socket Mode was switched off for this app; switch it on and start again")
