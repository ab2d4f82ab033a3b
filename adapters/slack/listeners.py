"""What Rapport does with what Bolt hands it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from adapters.slack import changes, interactions, translate
from adapters.slack.changes import EVENTS, SlackChanges
from adapters.slack.errors import MALFORMED
from adapters.slack.interactions import Interactions
from adapters.slack.surfaces import Workspace
from adapters.slack.workspaces import Workspaces, told_at
from bot import errors
from bot.core import Core
from bot.messages import Deletion, Edit, Message

Body = Mapping[str, Any]

_log = structlog.get_logger(__name__)


class SlackListeners:
    """Our listeners, for every workspace that we are installed in."""

    def __init__(self, workspaces: Workspaces, core: Core) -> None:
        self._workspaces = workspaces
        self._core = core
        self._interactions: dict[Workspace, Interactions] = {}
        self._has_left = False
        core.adapters["slack"] = workspaces.adapter

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
        interactions.listen(app, [self._is_here], of=self._reached)

    def leave(self) -> None:
        """Let everything pass from now on, as if we had never listened: Bolt cannot take a listener off."""
        self._has_left = True
        if self._core.adapters.get("slack") is self._workspaces.adapter:
            del self._core.adapters["slack"]

    async def store(self, body: Body) -> None:
        """Make what an event says to us durable, and what follows from it.

        Raises:
            StoreError: it could not be stored; it must not be acknowledged, so that Slack delivers it again.
        """
        try:
            if body.get("type") == "event_callback":
                await self._store(body)
        except errors.StoreError as error:
            _log.info("message.refused", error=type(error).__name__, why=str(error))
            raise

    async def _store(self, body: Body) -> None:
        match await self._understood(body):
            case Message() as message:
                await self._core.intake.accept(message)
            case Edit() as edit:
                await self._core.intake.edit(edit)
            case Deletion() as deletion:
                await self._core.intake.delete(deletion)

    async def _understood(self, body: Body) -> Message | Edit | Deletion | None:
        """Take what follows from an event, and return what it says to us.

        What cannot be read is acknowledged all the same: it would come again as it is, and a payload that Slack never
        makes says nothing to us.
        """
        try:
            reached = await self._workspaces.reached(body)
            if reached is None:
                _log.info("event.not_installed", tenant=translate.tenant(body))
                return None
            adapter, body = reached[0].adapter, reached[1]
            if changes.is_removal(body, bot_user=adapter.bot_user):
                await self._workspaces.removed(translate.tenant(body), at=told_at(body))
                return None
            await SlackChanges(adapter, self._core.departures).take(body)
            return translate.event(body, bot_user=adapter.bot_user)
        except MALFORMED as error:
            _log.error("event.malformed", error=type(error).__name__)
            return None

    async def _store_first(self, body: Body, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
        if not self._has_left:
            await self.store(body)
        await next()

    async def _reached(self, body: Body) -> tuple[Interactions, Body] | None:
        reached = await self._workspaces.reached(body)
        if reached is None:
            return None
        workspace, body = reached
        if workspace not in self._interactions:
            self._interactions[workspace] = Interactions(workspace, self._core)
        return self._interactions[workspace], body

    async def _is_here(self) -> bool:
        return not self._has_left


async def _acknowledge() -> None:
    """Nothing: being here makes Bolt acknowledge what the middleware has stored."""
