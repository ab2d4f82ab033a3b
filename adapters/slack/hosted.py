"""Many workspaces of somebody else's Bolt app: its installation store knows the tokens, and its OAuth flow renews them.

The store says nothing of when the app is installed or removed; the first thing that reaches us from a workspace does.
"""

from datetime import UTC, datetime

import structlog
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.changes import is_removal
from adapters.slack.errors import is_removal_code, text_of
from adapters.slack.surfaces import Body, Workspace
from adapters.slack.tokens import fingerprint
from adapters.slack.workspaces import ManyWorkspaces
from bot import errors
from bot.core import Core
from bot.departures import Departures
from bot.messages import TenantId
from bot.store.installations import Installation, Tokens

ACCOUNT = fingerprint("the installation store of a host")

_log = structlog.get_logger(__name__)


class HostedInstallations:
    """See `adapters.slack.workspaces.Directory`, from the store of a host, which is only read."""

    def __init__(self, store: AsyncInstallationStore, departures: Departures) -> None:
        self._store = store
        self._departures = departures
        self.organisations: dict[TenantId, str] = {}
        """XX"""
        self.addresses: dict[TenantId, str] = {}

    async def find(self, tenant: TenantId) -> Installation | None:
        """See `Directory.find`.

        Raises:
            PlatformUnreachableError: the host's store failed.
        """
        team = tenant.partition(":")[2]
        try:
            found = await self._store.async_find_bot(enterprise_id=self.organisations.get(tenant), team_id=team)
        except Exception as error:
            raise errors.PlatformUnreachableError(f"the host's installation store: {type(error).__name__}") from error
        if found is None or not found.bot_token:
            return None
        return Installation(
            tenant=tenant,
            app=found.app_id or "",
            bot_user=found.bot_user_id,
            address=self.addresses.get(tenant, "https://slack.com/"),
            tokens=Tokens(token=found.bot_token),
            installed_at=datetime.fromtimestamp(found.installed_at, UTC),
        )

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """See `Workspaces.removed`. What becomes of the token is the host's own affair.

        Not all stores say rightly when the app was installed, so an echo of an earlier removal counts as one, too: the
        next thing that reaches us from there ends it.
        """
        await self._departures.removed(tenant)

    async def current(self, tenant: TenantId) -> str:
        """See `Tokens.current`."""
        known = await self.find(tenant)
        if known is None:
            raise errors.PlatformKeyError("Slack: the app is not installed in this workspace")
        return known.tokens.token

    async def instead(self, tenant: TenantId, *, refused: str, code: str) -> str | None:
        """See `Tokens.instead`."""
        known = await self.find(tenant)
        if known is not None and known.tokens.token != refused:
            return known.tokens.token
        if is_removal_code(code):
            await self._departures.removed(tenant)
        return None


class HostedWorkspaces(ManyWorkspaces):
    """See `Workspaces`."""

    def __init__(self, client: AsyncWebClient, store: AsyncInstallationStore, core: Core) -> None:
        self._hosted = HostedInstallations(store, core.departures)
        super().__init__(client, self._hosted, core)
        self._departures = core.departures
        self._met: set[TenantId] = set()

    async def reached(self, body: Body) -> tuple[Workspace, Body] | None:
        """See `Workspaces.reached`. Whatever comes from a workspace, but its goodbye, says that we are installed."""
        if body.get("team_id") and body.get("enterprise_id"):
            self._hosted.organisations[TenantId(f"slack:{body['team_id']}")] = str(body["enterprise_id"])
        found = await super().reached(body)
        if found is not None and not is_removal(body, bot_user=found[0].adapter.bot_user):
            await self._meet(found[0])
        return found

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """See `Workspaces.removed`."""
        self._met.discard(tenant)
        await super().removed(tenant, at=at)

    async def _meet(self, workspace: Workspace) -> None:
        tenant = workspace.adapter.tenant
        if tenant in self._met:
            return
        await self._departures.installed(tenant, account=ACCOUNT)
        self._met.add(tenant)
        try:
            answer = await workspace.called(workspace.client.auth_test)
            self._hosted.addresses[tenant] = text_of(answer, "url")
        except errors.PlatformError as error:  # only links need it
            _log.info("workspace.address_unknown", tenant=tenant, why=str(error))
