"""Installing the app in workspaces: Bolt's OAuth flow on our pages, keeping what comes of it in our database."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urljoin

import aiohttp
import structlog
from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackClientError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import pages
from adapters.slack.errors import called, text_of
from adapters.slack.installations import Installations
from adapters.slack.states import LIFE, States
from bot import errors
from bot.messages import TenantId
from bot.ports import Clock
from bot.store.engine import Store
from bot.store.installations import Tokens
from bot.web import Web

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "users:read",
)
"""What a workspace is asked for, as in `manifest.json`."""

_log = structlog.get_logger(__name__)


class OrganisationError(BoltError):
    """A whole organisation installed the app, which is more than we can speak for."""


class InstallationStore(AsyncInstallationStore):
    """See `AsyncInstallationStore`: keeps what a workspace agreed to. `Installations` reads it (decision 0027)."""

    def __init__(self, kept: Installations, client: AsyncWebClient, *, clock: Clock) -> None:
        self._kept = kept
        self._client = client
        self._clock = clock

    async def async_save(self, installation: Installation) -> None:
        """Keep it.

        Raises:
            BoltError: it was not kept; Bolt shows a page that says so.
        """
        if installation.is_enterprise_install or not installation.team_id or not installation.bot_token:
            await self._hand_back(installation)
            raise OrganisationError
        try:
            ask = partial(self._client.auth_test, token=installation.bot_token)
            answer = await called(ask, clock=self._clock)
            await self._kept.installed(
                TenantId(f"slack:{installation.team_id}"),
                bot_user=text_of(answer, "user_id"),
                address=text_of(answer, "url"),
                tokens=self._tokens(installation),
            )
        except (errors.StoreError, errors.PlatformError) as error:
            _log.error("workspace.not_installed", error=type(error).__name__, why=str(error))
            raise BoltError(type(error).__name__) from error

    def _tokens(self, installation: Installation) -> Tokens:
        """The bot's. The SDK counts from the machine's clock when they end, so only how long that takes is used."""
        ends = installation.bot_token_expires_at
        life = None if ends is None else datetime.fromtimestamp(ends, UTC) - _moment(installation.installed_at)
        return Tokens(
            token=str(installation.bot_token),
            refresh_token=installation.bot_refresh_token or "",
            expires_at=None if life is None else self._clock.now() + life,
        )

    async def _hand_back(self, installation: Installation) -> None:
        """Uninstall what we cannot speak for, so that nobody waits for it to answer."""
        if installation.bot_token is None:
            return
        hand_back = partial(
            self._client.apps_uninstall,
            client_id=self._kept.app,
            client_secret=self._kept.secret,
            token=installation.bot_token,
        )
        try:
            await called(hand_back, clock=self._clock)
        except errors.PlatformError as error:
            _log.warning("workspace.not_handed_back", error=type(error).__name__, why=str(error))


class _Flow(AsyncOAuthFlow):
    async def build_install_page_html(self, url: str, request: AsyncBoltRequest) -> str:
        return pages.invitation(url)


class Authorize(AsyncAuthorize):
    """See `AsyncAuthorize`, without a call to Slack: our listeners find out by which installation something reached us.

    Bolt's own would look for a token, renew it and try it before each command, and keep its member waiting.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    async def __call__(
        self, *, context: AsyncBoltContext, enterprise_id: str | None, team_id: str | None, **_: object
    ) -> AuthorizeResult:
        """Where something was done, in the words of Bolt."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def flow(kept: Installations, client: AsyncWebClient, *, store: Store, clock: Clock) -> AsyncOAuthFlow:
    """Bolt's OAuth flow, with our pages and our store."""
    return _Flow(
        client=client,
        logger=logging.getLogger("slack_bolt"),
        settings=AsyncOAuthSettings(
            client_id=kept.app,
            client_secret=kept.secret,
            scopes=SCOPES,
            user_scopes=[],
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            authorization_url=urljoin(client.base_url, "/oauth/v2/authorize"),
            callback_options=AsyncCallbackOptions(success=_succeeded, failure=_failed),
            installation_store=InstallationStore(kept, client, clock=clock),
            state_store=States(secret=kept.secret, store=store, clock=clock),
            state_expiration_seconds=int(LIFE.total_seconds()),
        ),
    )


@contextmanager
def inviting(asked: AsyncOAuthFlow, served: Web) -> Iterator[None]:
    """Offer the pages, until the context is left."""
    with (
        served.offering("GET", INSTALL_PATH, partial(_invited, asked)),
        served.offering("GET", REDIRECT_PATH, partial(_redirected, asked)),
    ):
        yield


async def _invited(asked: AsyncOAuthFlow, request: web.BaseRequest) -> web.StreamResponse:
    answer = await asked.handle_installation(_request(request))
    return _shown(await to_aiohttp_response(answer))


async def _redirected(asked: AsyncOAuthFlow, request: web.BaseRequest) -> web.StreamResponse:
    try:
        answer = await asked.handle_callback(_request(request))
    except (aiohttp.ClientError, SlackClientError, OSError) as error:
        _log.warning("workspace.not_installed", error=type(error).__name__)
        answer = _sorry(pages.UNREACHABLE, 502)
    except errors.StoreError as error:
        _log.error("workspace.not_installed", error=type(error).__name__, why=str(error))
        answer = _sorry(pages.NOT_KEPT, 500)
    return _shown(await to_aiohttp_response(answer))


def _request(request: web.BaseRequest) -> AsyncBoltRequest:
    return AsyncBoltRequest(body="", query=request.query_string, headers=dict(request.headers))


def _shown(answer: web.Response) -> web.Response:
    answer.headers.update(pages.HEADERS)
    return answer


async def _succeeded(args: AsyncSuccessArgs) -> BoltResponse:
    body = pages.installed(args.installation.team_name or "")
    forget = args.settings.state_utils.build_set_cookie_for_deletion()
    return BoltResponse(status=200, body=body, headers={"Set-Cookie": [forget]})


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    if isinstance(args.error, OrganisationError):
        return _sorry(pages.ORGANISATION, 400)
    if args.error is not None:
        return _sorry(pages.NOT_KEPT, args.suggested_status_code)
    return _sorry(pages.REASONS.get(args.reason, pages.UNKNOWN), args.suggested_status_code)


def _sorry(sentence: str, status: int) -> BoltResponse:
    return BoltResponse(status=status, body=pages.failed(sentence, install_path=INSTALL_PATH))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
