"""What Rapport does with what Bolt hands it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import translate
from adapters.slack.adapter import SlackAdapter
from adapters.slack.changes import EVENTS, SlackChanges
from adapters.slack.errors import MALFORMED, is_removal
from adapters.slack.interactions import Interactions
from adapters.slack.surfaces import Workspace
from bot import errors
from bot.core import Core
from bot.messages import Deletion, Edit, Message

Body = Mapping[str, Any]

_log = structlog.get_logger(__name__)


class SlackListeners:
    """Our listeners, for one workspace."""

    def __init__(self, client: AsyncWebClient, core: Core) -> None:
        self.adapter = SlackAdapter(client, clock=core.clock)
        self._changes = SlackChanges(self.adapter, core.departures)
        self._core = core
        self._interactions = Interactions(Workspace(client, self.adapter, core.clock), core)
        self._has_left = False
        core.adapters["slack"] = self.adapter

    async def installed(self) -> None:
        """Ask Slack who we are, and note in which workspace; the first call with the token.

        A token that worked before and is refused now means that we were removed while nobody listened.

        Raises:
            PlatformKeyError: the token is not accepted.
            PlatformError: Slack could not be asked.
        """
        account = fingerprint(self.adapter.token)
        try:
            await self.adapter.identify()
        except errors.PlatformKeyError as error:
            if is_removal(error):
                await self._core.departures.found([], account=account)
            raise
        await self._core.departures.installed(self.adapter.tenant, account=account)

    def listen(self, app: AsyncApp) -> None:
        """Store what is said to us beside the app's own listeners, and acknowledge what none of them does.

        That is ordinary talk as well: it comes with what we subscribe to, and four times if nobody acknowledges it.
        """
        app.middleware(self._store_first)
        self.listen_for_interactions(app)
        for name in ("app_mention", "message", *EVENTS):
            app.event(name, matchers=[self._is_here])(_acknowledge)

    def listen_for_interactions(self, app: AsyncApp) -> None:
        """Answer `/persona`, our buttons and forms, and whoever looks at the Home tab."""
        self._interactions.listen(app, [self._is_here])

    def leave(self) -> None:
        """Let everything pass from now on, as if we had never listened: Bolt cannot take a listener off."""
        self._has_left = True
        if self._core.adapters.get("slack") is self.adapter:
            del self._core.adapters["slack"]

    async def store(self, body: Body) -> None:
        """Make what an event says to us durable, and what follows from it.

        Raises:
            StoreError: it could not be stored; it must not be acknowledged, so that Slack delivers it again.
        """
        try:
            match await self._understood(body):
                case Message() as message:
                    await self._core.intake.accept(message)
                case Edit() as edit:
                    await self._core.intake.edit(edit)
                case Deletion() as deletion:
                    await self._core.intake.delete(deletion)
        except errors.StoreError as error:
            _log.info("message.refused", error=type(error).__name__, why=str(error))
            raise

    async def _understood(self, body: Body) -> Message | Edit | Deletion | None:
        """Take what follows from an event, and return what it says to us.

        What cannot be read is acknowledged all the same: it would come again as it is, and a payload that Slack never
        makes says nothing to us.
        """
        try:
            if body.get("type") == "event_callback":
                await self._changes.take(body)
            return self._incoming(body)
        except MALFORMED as error:
            _log.error("event.malformed", error=type(error).__name__)
            return None

    async def _store_first(self, body: Body, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
        if not self._has_left:
            await self.store(body)
        await next()

    def _incoming(self, body: Body) -> Message | Edit | Deletion | None:
        if body.get("type") != "event_callback":
            return None
        return translate.event(body, bot_user=self.adapter.bot_user)

    async def _is_here(self) -> bool:
        return not self._has_left


def fingerprint(token: str) -> str:
    """What a token is known by where it must not stand itself."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


async def _acknowledge() -> None:
    """Nothing: being here makes Bolt acknowledge what the middleware has stored."""
