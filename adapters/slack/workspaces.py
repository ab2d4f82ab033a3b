"""Which workspaces there are, and who speaks for each: one with a token of its own, or many."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import translate
from adapters.slack.adapter import SlackAdapter
from adapters.slack.client import Tokens, WorkspaceClient
from adapters.slack.errors import is_removal
from adapters.slack.everywhere import SlackEverywhere
from adapters.slack.surfaces import Body, Workspace
from adapters.slack.tokens import fingerprint
from bot import errors
from bot.core import Core
from bot.messages import TenantId
from bot.ports import Adapter
from bot.store.installations import Installation

CHECKED_AT_ONCE = 4
"""Workspaces that are asked at the same time whether we are still there."""

_log = structlog.get_logger(__name__)


class Workspaces(Protocol):
    """What listeners work with."""

    @property
    def adapter(self) -> Adapter:
        """What the core speaks to."""
        ...

    async def reached(self, body: Body) -> tuple[Workspace, Body] | None:
        """The workspace by which a payload reaches us, and the payload as seen from there; None if there is none."""
        ...

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """Slack says that we were removed from a workspace, at a moment."""
        ...


class OneWorkspace:
    """The workspace of one token; whatever reaches us does so by it."""

    def __init__(self, client: AsyncWebClient, core: Core) -> None:
        self.adapter = SlackAdapter(client, clock=core.clock)
        self._workspace = Workspace(client, self.adapter, core.clock)
        self._departures = core.departures

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
                await self._departures.found([], account=account)
            raise
        await self._departures.installed(self.adapter.tenant, account=account)

    async def reached(self, body: Body) -> tuple[Workspace, Body]:
        """See `Workspaces.reached`."""
        return self._workspace, body

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """See `Workspaces.removed`."""
        await self._departures.removed(tenant)


class Directory(Tokens, Protocol):
    """Knows which workspaces installed the app, and their tokens."""

    async def find(self, tenant: TenantId) -> Installation | None:
        """The installation in a workspace."""
        ...

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """See `Workspaces.removed`."""
        ...


class ManyWorkspaces:
    """The workspaces of a directory, each with a client of its own. `client` is what those are like."""

    def __init__(self, client: AsyncWebClient, directory: Directory, core: Core) -> None:
        self.adapter = SlackEverywhere(self._adapter_of)
        self._client = client
        self._directory = directory
        self._clock = core.clock
        self._made: dict[TenantId, Workspace] = {}
        """They keep no token, so they stay right whatever happens to the installation."""

    async def reached(self, body: Body) -> tuple[Workspace, Body] | None:
        """See `Workspaces.reached`: a shared channel brings events from workspaces that did not install us, too."""
        for tenant in translate.reached_by(body):
            if found := await self._workspace(tenant):
                return found, translate.seen_from(body, tenant)
        return None

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """See `Workspaces.removed`."""
        await self._directory.removed(tenant, at=at)

    async def look_after(self, tenants: Iterable[TenantId]) -> None:
        """Find out in which of these workspaces we were removed while nobody listened, a few at a time."""
        waiting = iter(tenants)

        async def check() -> None:
            for tenant in waiting:
                await self._check(tenant)

        async with asyncio.TaskGroup() as group:
            for _ in range(CHECKED_AT_ONCE):
                group.create_task(check())

    async def _check(self, tenant: TenantId) -> None:
        try:
            if workspace := await self._workspace(tenant):
                await workspace.called(workspace.client.auth_test)  # if its token is revoked, the client acts on it
        except errors.BotError as error:
            _log.warning("workspace.unreachable", tenant=tenant, error=type(error).__name__, why=str(error))

    async def _workspace(self, tenant: TenantId) -> Workspace | None:
        installation = await self._directory.find(tenant)
        if installation is None:
            return None
        if tenant not in self._made:
            client = WorkspaceClient(tenant, self._directory, like=self._client)
            self._made[tenant] = Workspace(client, SlackAdapter(client, clock=self._clock), self._clock)
        found = self._made[tenant]
        found.adapter.known_as(installation.bot_user, tenant=tenant, address=installation.address)
        return found

    async def _adapter_of(self, tenant: TenantId) -> SlackAdapter | None:
        workspace = await self._workspace(tenant)
        return None if workspace is None else workspace.adapter


def told_at(body: Body) -> datetime:
    """When what an event tells happened, to the second."""
    return datetime.fromtimestamp(int(body["event_time"]), UTC)
