"""The SDK's client for one workspace among many: asks for the token with each call, since tokens change and end."""

from typing import Any, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.errors import code_of, is_about_token
from bot.messages import TenantId


class Tokens(Protocol):
    """Knows the token of each workspace."""

    async def current(self, tenant: TenantId) -> str:
        """The token that holds now.

        Raises:
            PlatformKeyError: there is none; the app has to be installed there, again.
            PlatformUnreachableError: it is over, and could not be renewed now.
        """
        ...

    async def instead(self, tenant: TenantId, *, refused: str, code: str) -> str | None:
        """Another token for one that Slack refused, or None. Slack's word for it may mean that we were removed."""
        ...


class WorkspaceClient(AsyncWebClient):
    """Like `like`, with the token of one workspace, and without retry handlers."""

    def __init__(self, tenant: TenantId, tokens: Tokens, *, like: AsyncWebClient) -> None:
        super().__init__(
            base_url=like.base_url,
            session=like.session,
            proxy=like.proxy,
            ssl=like.ssl,
            timeout=like.timeout,
            retry_handlers=[],
        )
        self._tenant = tenant
        self._tokens = tokens

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """See `AsyncWebClient.api_call`; repeated once if the token was the trouble, since nothing was done then."""
        token = await self._tokens.current(self._tenant)
        try:
            return await self._called(token, api_method, arguments)
        except SlackApiError as error:
            code = code_of(error)
            if not is_about_token(code):
                raise
            other = await self._tokens.instead(self._tenant, refused=token, code=code)
            if other is None:
                raise
        return await self._called(other, api_method, arguments)

    async def _called(self, token: str, api_method: str, arguments: dict[str, Any]) -> AsyncSlackResponse:
        self.token = token  # read before the first await of the call, so that no other call's is in its place
        return await super().api_call(api_method, **arguments)
