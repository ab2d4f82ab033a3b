"""The Slack twin: a workspace of people and messages behind Slack's Web API, Socket Mode and HTTP, on loopback.

Point Bolt at it with `AsyncWebClient(token=twin.bot_token, base_url=twin.api_url)`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection

from aiohttp import web

from tests.twins.server import Fault
from tests.twins.slack import chat, files, reads, surfaces
from tests.twins.slack.blocks import Json
from tests.twins.slack.oauth import WITHOUT_TOKEN, OAuth
from tests.twins.slack.pings import Ping
from tests.twins.slack.web import ALL_SCOPES, SCOPES, Args, Desk, Method, RefusalError, arguments
from tests.twins.slack.workspace import Message, Post, Workspace

METHODS: dict[str, Method] = {**chat.METHODS, **files.METHODS, **reads.METHODS, **surfaces.METHODS}


class SlackTwin(OAuth):
    """Slack, as far as the bot can tell. Use as `async with SlackTwin() as twin:`; time moves only with `now`."""

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-test-token",  # noqa: S107 - not a secret
        app_token: str = "xapp-test-token",  # noqa: S107
        team: str = "T1",
        ack_timeout_s: float = 3.0,
        scopes: Collection[str] = ALL_SCOPES,
        subscriptions: Collection[str] | None = None,
    ) -> None:
        super().__init__(Workspace(team), ack_timeout_s=ack_timeout_s, subscriptions=subscriptions)
        self.bot_token, self.app_token, self.scopes = bot_token, app_token, scopes
        self.withdrawn: set[str] = set()
        """Methods that answer `unknown_method`, as before their introduction or after their end."""
        self._revoked = False

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            web.route("*", "/api/{method}", self._api),
            web.post("/response/{name:.+}", self._respond),
            web.get("/files/{name}", self._download),
            web.post("/upload/{name}", self._upload),
        ]

    # -- what the app asks ----------------------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            given = arguments(request, await request.read())
            if request.content_type == "application/x-www-form-urlencoded":
                given |= dict(await request.post())
            answer = self._answer(request, token or str(given.pop("token", "")), Args(given))
        except RefusalError as refusal:
            answer = refusal.answer
        for workspace in self.workspaces:
            await workspace._dispatch_outbox()
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(sorted(self.scopes))})

    def _answer(self, request: web.Request, token: str, args: Args) -> Json:
        name = request.match_info["method"]
        if name in WITHOUT_TOKEN and name not in self.withdrawn:
            return self.authorized(name, request.headers.get("Authorization", ""), token, args)
        return self.whose(token)._call(name, token, args)

    def _call(self, name: str, token: str, args: Args) -> Json:
        method = METHODS.get(name)
        opens = name == "apps.connections.open"
        if name in self.withdrawn or not (method or opens):
            raise RefusalError("unknown_method")
        self._authenticate(token, app_level=opens)
        if method is None:
            return self._open_connection()
        desk = Desk(workspace=self.workspace, scopes=self.scopes, url=self.url)
        desk.demand(SCOPES.get(name))
        return method(desk, args)

    def _authenticate(self, token: str, *, app_level: bool) -> None:
        if not token:
            raise RefusalError("not_authed")
        if token not in {self.app_token, self.bot_token, *self.ends}:
            raise RefusalError("invalid_auth")
        if app_level != (token == self.app_token):
            raise RefusalError("not_allowed_token_type")
        if self._revoked and not app_level:
            raise RefusalError("token_revoked")
        if self.now >= self.ends.get(token, math.inf):
            raise RefusalError("token_expired")

    def _open_connection(self) -> Json:
        if not self.enabled:
            raise RefusalError("socket_mode_not_enabled")
        return {"ok": True, "url": self.ticket_url()}

    async def _dispatch_outbox(self) -> None:
        events, self.workspace.outbox = self.workspace.outbox, []
        for inner in events:
            await self.send_event(inner)
        await self.changed()

    async def _respond(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], json.loads(await request.read())
        place = self.workspace.response_urls.get(name)
        if place is None or self.workspace.now - place.issued_s > self.workspace.response_url_life_s:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if place.uses_left == 0:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            chat.check_content(Args(body), may_be_empty=bool(body.get("delete_original")))
        except RefusalError as refusal:
            return web.json_response(refusal.answer, status=400)
        place.uses_left -= 1
        self.respond(name, body)
        await self.changed()
        return web.Response(text="ok")

    async def _download(self, request: web.Request) -> web.Response:
        allowed = request.headers.get("Authorization") == f"Bearer {self.bot_token}" and not self._revoked
        content = self.workspace.files.get(request.match_info["name"]) if allowed else None
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _upload(self, request: web.Request) -> web.Response:
        """Take the bytes of a file; the address was given out for one file of one length."""
        upload, content = self.workspace.uploads.get(request.match_info["name"]), await request.read()
        if upload is None or upload.content is not None or len(content) != upload.length:
            return web.Response(status=400, text="not this file")
        upload.content = content
        await self.changed()
        return web.Response(text=f"OK - {len(content)}")

    # -- what a test arranges -------------------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """The `base_url` for a Slack client."""
        return f"{self.url}/api/"

    @property
    def now(self) -> float:
        """The time in this workspace, in seconds; it stands still until a test sets it."""
        return self.workspace.now

    @now.setter
    def now(self, seconds: float) -> None:
        self.workspace.now = seconds
        self.rings()

    def revoke(self) -> None:
        """Take the bot token back: every call with it answers `token_revoked`."""
        self._revoked = True

    def limit(self, method: str, *, retry_after_s: int | None = 1, times: int = 1) -> None:
        """Answer the next `times` calls of a method with 429; readers (`users.info`, `conversations.*`) use GET.

        With None the answer does not say how long to wait, as when something in between lost the header.
        """
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        body = {"ok": False, "error": "ratelimited"}
        verb = "GET" if method in reads.GET else "POST"
        self.fault(verb, f"/api/{method}", Fault.json(429, body, headers=headers, times=times))

    def file(self, name: str, content: bytes, *, mimetype: str = "text/plain") -> Json:
        """Store a file and return it as `says(files=[…])` wants it; the bot token may download it."""
        file_id = f"F{self.workspace.number()}"
        self.workspace.files[file_id] = content
        return files.file_json(file_id, name, content, url=self.url, mimetype=mimetype)

    # -- what humans see ------------------------------------------------------------------------------------------

    def messages(self, channel: str, thread: str | None = None) -> list[Message]:
        """Everything ever posted in a conversation, or a root and its replies only; oldest first, deleted included."""
        posted = [m for m in self.workspace.messages[channel].values() if m.only_for is None]
        return [m for m in posted if thread in {None, m.ts, m.thread}]

    def ephemerals(self, user: str) -> list[Message]:
        """What only this member saw, oldest first, dismissed ones excluded."""
        every = (m for posted in self.workspace.messages.values() for m in posted.values())
        return sorted((m for m in every if m.only_for == user and not m.deleted), key=lambda m: m.ts)

    @property
    def pings(self) -> list[Ping]:
        """Whom the bot's messages would have notified."""
        return self.workspace.pings

    @property
    def posts(self) -> list[Post]:
        """Every post, update and delete that took effect, with its arguments, in order."""
        return self.workspace.posts

    @property
    def views(self) -> dict[str, Json]:
        """The Home that each member sees."""
        return self.workspace.homes

    @property
    def modals(self) -> dict[str, list[Json]]:
        """The modals open before each member, the one on top last."""
        return self.workspace.modals
