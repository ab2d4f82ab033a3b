"""Several workspaces on Slack that installed one Rapport themselves; and the browser in which somebody does that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from adapters.slack import host, over_http
from adapters.slack.installing import INSTALL_PATH, REDIRECT_PATH
from bot import settings, wiring
from bot.core import Core
from tests.journeys.worlds import SlackWorld, slack_twin
from tests.journeys.worlds_http import SIGNING_SECRET, free_port
from tests.twins.anthropic import AnthropicTwin
from tests.twins.slack.blocks import strings

Transport: TypeAlias = Literal["socket", "http"]
CLIENT_ID, CLIENT_SECRET = "12.34", "client-sesame"
PUBLIC = "https://rapport.example.com"
"""Where browsers find us; what is in front of us passes it on."""


class Page:
    """What a browser shows."""

    def __init__(self, status: int, text: str, headers: dict[str, str]) -> None:
        self.status, self.text, self.headers = status, text, headers

    @property
    def link(self) -> str:
        """The first link on it."""
        return self.text.partition('href="')[2].partition('"')[0].replace("&amp;", "&")


class Browser:
    """Somebody's browser: it keeps cookies, and reaches us through what ends TLS."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookies = SimpleCookie()

    async def opens(self, address: str) -> Page:
        """Open a page of ours."""
        parts = urlsplit(address)
        url = f"http://127.0.0.1:{self._port}{parts.path}{'?' if parts.query else ''}{parts.query}"
        sent = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, headers={"Cookie": sent} if sent else {}, allow_redirects=False) as response,
        ):
            for line in response.headers.getall("Set-Cookie", []):
                self.cookies.load(line)
            return Page(response.status, await response.text(), dict(response.headers))


class ManyWorlds:
    """Two workspaces in which everybody and everything is called the same, and one Rapport for both."""

    def __init__(self, one: SlackWorld, two: SlackWorld, transport: Transport) -> None:
        self.one, self.two = one, two
        two.clock, two.claude, two.database = one.clock, one.claude, one.database
        self.claude, self.clock, self.database = one.claude, one.clock, one.database
        self.app = one.twin
        """Where the app is known."""
        self.transport = transport
        self.port = free_port()
        self.core: Core
        one.twin.retry_after_s = (0.0, 0.0, 0.0)
        if transport == "http":
            url = f"http://127.0.0.1:{self.port}{over_http.PATH}"
            one.twin.delivers_to(url, signing_secret=SIGNING_SECRET)

    def known(self, *, rotates: bool = False) -> None:
        """Let the app be there at Slack, installed nowhere."""
        redirect_url = f"{PUBLIC}{REDIRECT_PATH}"
        self.app.known_as(CLIENT_ID, CLIENT_SECRET, redirect_url=redirect_url, rotates=rotates)
        self.app.joined_by(self.two.twin)

    def environment(self) -> dict[str, str]:
        """The variables with which `python -m bot` joins."""
        own = {name: value for name, value in self.one.environment().items() if not name.endswith("_TOKEN")}
        socket = {"SLACK_APP_TOKEN": self.app.app_token} if self.transport == "socket" else {}
        return {
            **own,
            **socket,
            "SLACK_CLIENT_ID": CLIENT_ID,
            "SLACK_CLIENT_SECRET": CLIENT_SECRET,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "PORT": str(self.port),
        }

    @asynccontextmanager
    async def running(self, **overrides: Any) -> AsyncIterator[Self]:
        """Run Rapport until the context is left; a second time is a restart."""
        values = {name.lower(): value for name, value in self.environment().items()}
        loaded = settings.load(**{**values, **overrides})
        async with (
            wiring.open_core(loaded, clock=self.clock) as self.core,
            self.core.web.serving(self.port, host="127.0.0.1"),
            host.connected(self.core),
            self.core.working(),
        ):
            self.one.core = self.two.core = self.core
            if self.transport == "socket":
                await self.app.connected()
            yield self

    async def installs(self, world: SlackWorld, *, browser: Browser | None = None, **how: Any) -> Page:
        """Let somebody install Rapport in a workspace; returns the page they end on."""
        browser = browser or Browser(self.port)
        invitation = await browser.opens(f"{PUBLIC}{INSTALL_PATH}")
        return await browser.opens(self.app.approves(invitation.link, workspace=world.twin, **how))

    def pass_time(self, *, minutes: float) -> None:
        """Let time pass, everywhere."""
        self.clock.advance(minutes=minutes)
        for world in (self.one, self.two):
            world.twin.now += minutes * 60

    async def home(self, world: SlackWorld, who: str) -> str:
        """Let a member look at the Home tab; what it shows."""
        user = world.user(who)
        await world.twin.opens_home(user)
        view = await world.twin.wait_for(lambda: world.twin.views.get(user))
        return "\n".join(strings(view["blocks"]))


@asynccontextmanager
async def many_worlds(folder: Path, transport: Transport, *, rotates: bool = False) -> AsyncIterator[ManyWorlds]:
    """Two fresh workspaces, in neither of which Rapport is installed yet."""
    async with AsyncExitStack() as closing:
        claude = await closing.enter_async_context(AnthropicTwin())
        one, two = [
            SlackWorld(await closing.enter_async_context(slack_twin(team=team)), claude, folder)
            for team in ("T1", "T2")
        ]
        made = ManyWorlds(one, two, transport)
        made.known(rotates=rotates)
        yield made
