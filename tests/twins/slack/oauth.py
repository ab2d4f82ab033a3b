"""Installing the app in several workspaces (docs.slack.dev, Installing with OAuth; Using token rotation).

The twin that an app is pointed at is where the app is known. Other twins are further workspaces: it answers for their
tokens, and their events take the same way to the app.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.twins.slack.admins import Admins
from tests.twins.slack.blocks import Json
from tests.twins.slack.web import Args, RefusalError
from tests.twins.slack.workspace import APP_ID, BOT_USER

if TYPE_CHECKING:
    from tests.twins.slack.twin import SlackTwin

CODE_LIFE_S = 600.0
TOKEN_LIFE_S = 43_200
WITHOUT_TOKEN = ("oauth.v2.access", "apps.uninstall")


@dataclass(slots=True, kw_only=True)
class Grant:
    """What somebody agreed to on Slack's page, until the app fetches its tokens with the code."""

    workspace: OAuth
    user: str
    redirect_uri: str | None
    given_s: float
    is_organisation: bool


class OAuth(Admins):
    """A workspace, and the app's own settings if this is where the app is known."""

    app_token: str

    def known_as(self, client_id: str, client_secret: str, *, redirect_url: str, rotates: bool = False) -> None:
        """Enter the app's OAuth settings. With `rotates`, tokens end after twelve hours and are renewed."""
        self.client_id, self.client_secret, self.redirect_url = client_id, client_secret, redirect_url
        self.rotates = rotates
        self._revoked = True  # until somebody installs it
        self._grants: dict[str, Grant] = {}
        self._refreshing: dict[str, OAuth] = {}
        """Refresh tokens that were not used, and whose they are."""
        self.handed_back: list[str] = []
        """Tokens with which the app uninstalled itself."""

    def joined_by(self, other: OAuth) -> None:
        """Let there be another workspace in which the app can be installed."""
        self.workspaces.append(cast("SlackTwin", other))
        other.app_token, other._revoked = self.app_token, True
        other.sockets, other._envelopes, other.request_url = self.sockets, self._envelopes, self.request_url
        other.retry_after_s = self.retry_after_s

    @property
    def workspaces(self) -> list[SlackTwin]:
        """All workspaces that are answered for here."""
        if not hasattr(self, "_workspaces"):
            self._workspaces = [cast("SlackTwin", self)]
        return self._workspaces

    @property
    def ends(self) -> dict[str, float]:
        """When bot tokens end, or ended."""
        if not hasattr(self, "_ends"):
            self._ends: dict[str, float] = {}
        return self._ends

    def whose(self, token: str) -> SlackTwin:
        """The workspace of a token; this one for what is nobody's."""
        theirs = [one for one in self.workspaces if token in {one.bot_token, *one.ends} and token]
        return theirs[0] if theirs else cast("SlackTwin", self)

    # -- what people do -------------------------------------------------------------------------------------------

    def approves(
        self, page: str, *, user: str = "U1", workspace: OAuth | None = None, is_organisation: bool = False
    ) -> str:
        """Agree on the page that the app sent somebody to; returns the address their browser is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        assert page.startswith(f"{self.url}/oauth/v2/authorize?"), page
        assert asked["client_id"] == self.client_id
        assert set(asked["scope"].split(",")) <= set(self.scopes), "the app may not ask for more than its settings say"
        redirect_uri = asked.get("redirect_uri")
        assert redirect_uri in {None, self.redirect_url}, "bad_redirect_uri"
        code = f"code-{self.workspace.unique()}"
        self._grants[code] = Grant(
            workspace=workspace or self,
            user=user,
            redirect_uri=redirect_uri,
            given_s=self.workspace.now,
            is_organisation=is_organisation,
        )
        return f"{self.redirect_url}?{urlencode({'code': code, 'state': asked['state']})}"

    def declines(self, page: str) -> str:
        """Press *Cancel* there."""
        state = parse_qs(urlsplit(page).query)["state"][0]
        return f"{self.redirect_url}?{urlencode({'error': 'access_denied', 'state': state})}"

    # -- what the app asks ----------------------------------------------------------------------------------------

    def authorized(self, name: str, header: str, token: str, args: Args) -> Json:
        """Answer a method for which the app shows its secret."""
        given = args.text("client_id"), args.text("client_secret")
        if header.startswith("Basic "):
            given = tuple(base64.b64decode(header.removeprefix("Basic ")).decode().split(":", 1))  # type: ignore[assignment]
        if given[0] != self.client_id:
            raise RefusalError("invalid_client_id")
        if given[1] != self.client_secret:
            raise RefusalError("bad_client_secret")
        if name == "apps.uninstall":
            return self._handed_back(token)
        return self._renewed(args) if args.text("grant_type") == "refresh_token" else self._granted(args)

    def _granted(self, args: Args) -> Json:
        grant = self._grants.pop(args.text("code"), None)
        if grant is None:
            raise RefusalError("invalid_code")
        if self.workspace.now - grant.given_s > CODE_LIFE_S:
            raise RefusalError("code_expired")
        if args.text("redirect_uri") != (grant.redirect_uri or ""):
            raise RefusalError("bad_redirect_uri")
        whole = {"team": None, "enterprise": {"id": "E1", "name": "Org"}, "is_enterprise_install": True}
        team = {"id": grant.workspace.workspace.team, "name": f"Team {grant.workspace.workspace.team}"}
        one = {"team": team, "enterprise": None, "is_enterprise_install": False}
        grant.workspace._revoked = False
        return {
            **self._tokens(grant.workspace),
            **(whole if grant.is_organisation else one),
            "authed_user": {"id": grant.user},
        }

    def _renewed(self, args: Args) -> Json:
        workspace = self._refreshing.pop(args.text("refresh_token"), None)
        if workspace is None or workspace._revoked:
            raise RefusalError("invalid_refresh_token")
        return {**self._tokens(workspace), "team": {"id": workspace.workspace.team}, "enterprise": None}

    def _tokens(self, workspace: OAuth) -> Json:
        number = self.workspace.number()
        answer: Json = {"ok": True, "app_id": APP_ID, "token_type": "bot", "bot_user_id": BOT_USER}
        answer["scope"] = ",".join(sorted(self.scopes))
        workspace.bot_token = f"xoxb-{workspace.workspace.team}-{number}"
        workspace.ends[workspace.bot_token] = math.inf
        if self.rotates:
            refresh_token = f"xoxe-1-{workspace.workspace.team}-{number}"
            workspace.ends[workspace.bot_token] = self.workspace.now + TOKEN_LIFE_S
            self._refreshing[refresh_token] = workspace
            answer |= {"refresh_token": refresh_token, "expires_in": TOKEN_LIFE_S}
        return answer | {"access_token": workspace.bot_token}

    def _handed_back(self, token: str) -> Json:
        self.whose(token)._revoked = True
        self.handed_back.append(token)
        return {"ok": True}
