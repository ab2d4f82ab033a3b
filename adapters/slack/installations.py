"""The workspaces that installed our app themselves: their tokens, renewed in time, and gone when we are removed."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import called, is_removal_code, text_of, understood
from bot import errors
from bot.departures import Departures
from bot.messages import TenantId
from bot.ports import Clock
from bot.store import installations
from bot.store.engine import Store
from bot.store.installations import Installation, Tokens

RENEW_BEFORE = timedelta(hours=2)
"""How long before its end a token is renewed; Bolt's own default, of the twelve hours that Slack gives it."""
RENEW_EVERY = timedelta(minutes=10)
"""How often that is looked for."""
RENEWS_FOR = timedelta(seconds=60)
"""After which another process may try: twice as long as the SDK waits for an answer."""
LOOKS_AGAIN_S = 0.5
"""Between two looks whether another process has renewed a token."""

_log = structlog.get_logger(__name__)


class Installations:
    """See `adapters.slack.client.Tokens`, from our own database. `client` is asked for tokens, and needs none."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        app: str,
        secret: str,
        account: str,
        store: Store,
        departures: Departures,
        clock: Clock,
    ) -> None:
        self.app = app
        self.secret = secret
        self.account = account
        """The name under which tenants are ours (`Departures.found`)."""
        self._client = client
        self._store = store
        self._departures = departures
        self._clock = clock

    async def find(self, tenant: TenantId) -> Installation | None:
        """The installation in a workspace."""
        return await self._store.read(partial(installations.find, tenant=tenant, app=self.app))

    async def start(self) -> list[TenantId]:
        """Find out which workspaces are gone that we knew; returns those that installed us."""
        tenants = list(await self._store.read(partial(installations.every, app=self.app)))
        await self._departures.found(tenants, account=self.account)
        return tenants

    async def installed(self, tenant: TenantId, *, bot_user: str, address: str, tokens: Tokens) -> None:
        """A workspace installed us, perhaps not for the first time."""
        installation = Installation(
            tenant=tenant,
            app=self.app,
            bot_user=bot_user,
            address=address,
            tokens=tokens,
            installed_at=self._clock.now(),
        )
        await self._store.write(partial(installations.save, installed=installation))
        await self._departures.installed(tenant, account=self.account)
        _log.info("workspace.installed", tenant=tenant)

    async def removed(self, tenant: TenantId, *, at: datetime) -> None:
        """A workspace removed us at a moment, as Slack says: its tokens are destroyed, unless they are later ones."""
        known = await self.find(tenant)
        if known is not None and known.installed_at <= at + timedelta(seconds=1):  # Slack tells whole seconds
            await self._remove(known)

    async def current(self, tenant: TenantId) -> str:
        """See `Tokens.current`."""
        known = await self.find(tenant)
        if known is None:
            raise errors.PlatformKeyError("Slack: the app is not installed in this workspace")
        return await self._renewed(known) if self._is_over(known) else known.tokens.token

    async def instead(self, tenant: TenantId, *, refused: str, code: str) -> str | None:
        """See `Tokens.instead`."""
        known = await self.find(tenant)
        if known is None:
            return None
        if known.tokens.token != refused:
            return known.tokens.token  # it was renewed, or the app was installed again, while Slack was asked
        if code == "token_expired" and known.tokens.refresh_token:
            return await self._renewed(known)
        if is_removal_code(code):
            await self._remove(known)
        return None

    async def renew_due(self) -> None:
        """Renew every token that ends soon, one after the other. What does not work is tried again next time."""
        soon = self._clock.now() + RENEW_BEFORE
        for tenant in await self._store.read(partial(installations.ending, app=self.app, before=soon)):
            known = await self.find(tenant)
            if known is not None and await self._claim(known):
                try:
                    await self._renew(known)
                except errors.PlatformError as error:
                    _log.warning("token.not_renewed", tenant=tenant, error=type(error).__name__, why=str(error))

    async def _renewed(self, known: Installation) -> str:
        """Another token in the place of one that is over, by us or by whoever renews it already."""
        while not await self._claim(known):
            latest = await self.find(known.tenant)
            if latest is None:
                raise errors.PlatformKeyError("Slack: the app is not installed in this workspace")
            if latest.version != known.version:
                return latest.tokens.token
            await self._clock.sleep(LOOKS_AGAIN_S)
        return await self._renew(known)

    async def _claim(self, known: Installation) -> bool:
        now = self._clock.now()
        return await self._store.write(partial(installations.claim, known=known, now=now, until=now + RENEWS_FOR))

    async def _renew(self, known: Installation) -> str:
        try:
            tokens = await self._asked_anew(known.tokens)
        except errors.PlatformError:
            await self._store.write(partial(installations.give_up, known=known))
            raise
        await self._store.write(partial(installations.renew, known=known, tokens=tokens))
        return await self.current(known.tenant)

    async def _asked_anew(self, tokens: Tokens) -> Tokens:
        ask = partial(
            self._client.oauth_v2_access,
            client_id=self.app,
            client_secret=self.secret,
            grant_type="refresh_token",
            refresh_token=tokens.refresh_token,
        )
        try:
            answer = await called(ask, clock=self._clock)
            with understood():
                life = timedelta(seconds=int(answer["expires_in"]))
            token, refresh_token = text_of(answer, "access_token"), text_of(answer, "refresh_token")
        except errors.NotDeliveredError as refused:
            raise errors.PlatformKeyError(f"{refused}; install the app again in that workspace") from refused
        except errors.UnclearDeliveryError as unclear:
            raise errors.PlatformUnreachableError(str(unclear)) from unclear  # what the token is for was not even tried
        return Tokens(token=token, refresh_token=refresh_token, expires_at=self._clock.now() + life)

    async def _remove(self, known: Installation) -> None:
        """Stop first, then destroy: if we die in between, what told us tells us again."""
        await self._departures.removed(known.tenant)
        remove = partial(installations.remove, tenant=known.tenant, app=self.app, version=known.version)
        if await self._store.write(remove):
            await self._store.scrub()

    def _is_over(self, known: Installation) -> bool:
        return known.tokens.expires_at is not None and known.tokens.expires_at <= self._clock.now()
