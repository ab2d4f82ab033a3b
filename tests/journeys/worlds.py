"""A workspace with Rapport in it, on Slack or on Discord: the same verbs for both, the real SDK in between.

Ana and Bo are members of `team` and `random`, two public channels, and of `cabin`, a private one. Time stands still in
the workspace, in Rapport and between them until a journey lets it pass.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeAlias

import pytest

from adapters.discord import host as discord_host
from adapters.discord.translate import ACCOUNTS
from adapters.slack import host as slack_host
from bot import settings, wiring
from bot.core import Core
from bot.messages import Member, Platform, TenantId
from tests.clock import StillClock
from tests.twins.anthropic import AnthropicTwin, Request
from tests.twins.discord import DiscordTwin, Permission
from tests.twins.server import Twin
from tests.twins.slack import SlackTwin

PLATFORMS: tuple[Platform, ...] = ("slack", "discord")

Name: TypeAlias = str
"""Ana, Bo, or whoever joined them."""
Place = Literal["team", "random", "cabin"]
MANIFEST: dict[str, Any] = json.loads((Path(__file__).parents[2] / "manifest.json").read_text())
"""What the README tells an admin to paste: the journeys have no more than this."""

INVITED = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.READ_MESSAGE_HISTORY
)
"""What the README's invite link asks for."""

OPTIONS = {"observe": "choice", "offers": "choice", "consent": "choice", "link": "code"}
"""What Discord calls the words after a verb, where they are not a field."""

CONSENT_YES, CONSENT_NO = "consent:on", "consent:declined"


class World(Protocol):
    """What a journey can do and see. A post is named by what `says` returned."""

    platform: Platform
    claude: AnthropicTwin
    clock: StillClock
    core: Core
    database: Path

    @property
    def twin(self) -> Twin:
        """The platform."""
        ...

    @property
    def post_path(self) -> str:
        """The end of the path a reply is posted to in `team`."""
        ...

    def running(self, **overrides: Any) -> Any:
        """Run Rapport in this world until the context is left; a second time is a restart."""
        ...

    def environment(self) -> dict[str, str]:
        """The variables with which `python -m bot` joins this world."""
        ...

    async def joins(self, who: Name) -> Member:
        """Let somebody new come into every channel; how Rapport knows them."""
        ...

    async def says(self, who: Name, text: str, *, place: Place = "team", after: str | None = None) -> str:
        """Mention Rapport in a channel, or in the conversation that `after` began."""
        ...

    async def dms(self, who: Name, text: str) -> str:
        """Write to Rapport directly."""
        ...

    def replies(self, post: str) -> list[str]:
        """What Rapport shows now in answer to a post."""
        ...

    async def answered(self, post: str) -> str:
        """Wait until Rapport answered a post and has nothing left to do; returns what it shows."""
        ...

    async def delivered(self) -> None:
        """Wait until Rapport has taken in everything that happened so far."""
        ...

    async def quiet(self) -> None:
        """Wait until everything that happened so far has been dealt with."""
        ...

    def posted(self) -> list[str]:
        """Everything Rapport shows now in the two channels, oldest first."""
        ...

    async def command(self, who: Name, words: str, *, place: Place = "team") -> str:
        """Use `/persona …`; returns what only that member sees."""
        ...

    def notices(self, who: Name) -> list[str]:
        """What only that member was shown without asking."""
        ...

    async def press(self, who: Name, action: str) -> None:
        """Press a button of the last notice."""
        ...

    async def redeliver(self, post: str) -> None:
        """Let the platform deliver a post once more."""
        ...

    async def edits(self, post: str, text: str, *, is_heard: bool = True) -> None:
        """Change a post. One that is not heard of happens while Rapport does not run."""
        ...

    async def unfurls(self, post: str) -> None: ...

    async def deletes(self, post: str, *, is_heard: bool = True) -> None:
        """Delete a post; likewise."""
        ...

    def channel(self, place: Place) -> str:
        """The platform's id of a channel."""
        ...

    def pass_time(self, *, minutes: float) -> None: ...

    @property
    def pings(self) -> Sequence[object]:
        """Everybody Rapport's posts would have notified."""
        ...


class _Shared:
    """What is the same on both platforms."""

    twin: Twin

    def __init__(self, claude: AnthropicTwin, folder: Path, now: datetime) -> None:
        self.claude = claude
        self.clock = StillClock(now)
        self.core: Core
        self.database = folder / "rapport.db"
        self.claude.match(is_update, '{"operations": []}')
        self.claude.default = "An answer."

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": f"sqlite:///{self.database}",
            "ANTHROPIC_API_KEY": "test-key",
            "ANTHROPIC_BASE_URL": self.claude.url,
        }

    def _settings(self, overrides: dict[str, Any]) -> settings.Settings:
        values = {name.lower(): value for name, value in self.environment().items()}
        return settings.load(**{**values, **overrides})

    async def delivered(self) -> None:
        raise AssertionError

    async def quiet(self) -> None:
        await self.delivered()
        await self.core.lanes.drained()

    def replies(self, post: str) -> list[str]:
        raise AssertionError(post)

    async def answered(self, post: str) -> str:
        await self.twin.wait_for(lambda: self.replies(post))
        await self.quiet()
        return "\n".join(self.replies(post))


def is_update(body: dict[str, Any]) -> bool:
    """Whether a request to the model asks for persona operations."""
    return "format" in body.get("output_config", {})


class SlackWorld(_Shared):
    """See `World`."""

    platform: Platform = "slack"

    def __init__(self, twin: SlackTwin, claude: AnthropicTwin, folder: Path) -> None:
        super().__init__(claude, folder, datetime.fromtimestamp(twin.now + 1, UTC))
        self.twin: SlackTwin = twin
        self._users: dict[str, str] = {"Ana": "U1", "Bo": "U2"}
        self._channels: dict[str, str] = {"team": "C1", "random": "C2"}
        for name, user in self._users.items():
            twin.member(user, name)
            twin.channel(f"D{user}", name, kind="im", members=[user])
        for name, channel in self._channels.items():
            twin.channel(channel, name, kind="public", members=[*self._users.values()])
        self._channels["cabin"] = "P1"
        twin.channel("P1", "cabin", kind="private", members=[*self._users.values()])

    @property
    def post_path(self) -> str:
        return "/api/chat.postMessage"

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "SLACK_BOT_TOKEN": "xoxb-test-token",
            "SLACK_APP_TOKEN": "xapp-test-token",
            "SLACK_API_URL": self.twin.api_url,
        }

    @asynccontextmanager
    async def running(self, **overrides: Any) -> AsyncIterator[Self]:
        loaded = self._settings(overrides)
        async with (
            wiring.open_core(loaded, clock=self.clock) as self.core,
            slack_host.connected(self.core),
            self.core.working(),
        ):
            await self.twin.connected()
            yield self

    async def joins(self, who: Name) -> Member:
        user = self._users[who] = f"U{len(self._users) + 1}"
        self.twin.member(user, who)
        self.twin.channel(f"D{user}", who, kind="im", members=[user])
        for channel in self._channels.values():
            await self.twin.joins(user, channel)
        return Member(tenant=TenantId("slack:T1"), id=user, name=who)

    def user(self, who: Name) -> str:
        """Slack's id of somebody."""
        return self._users[who]

    async def says(self, who: Name, text: str, *, place: Place = "team", after: str | None = None) -> str:
        channel, thread = (self._channels[place], None) if after is None else self._place(after)
        ts = await self.twin.says(self._users[who], channel, f"<@U0BOT> {text}", thread=thread)
        return f"{channel}/{ts}"

    async def dms(self, who: Name, text: str) -> str:
        channel = f"D{self._users[who]}"
        return f"{channel}/{await self.twin.says(self._users[who], channel, text)}"

    def replies(self, post: str) -> list[str]:
        channel, ts = post.split("/")
        posted = self.twin.messages(channel)
        if channel.startswith("D"):
            later = [message for message in posted if message.ts > ts and message.bot_id and not message.blocks]
        else:
            root = next(message.thread or message.ts for message in posted if message.ts == ts)
            later = [message for message in posted if message.thread == root and message.ts > ts and message.bot_id]
        return [message.visible for message in later if not message.deleted]

    async def command(self, who: Name, words: str, *, place: Place = "team") -> str:
        outcome = await self.twin.command(self._users[who], self._channels[place], "/persona", words)
        assert outcome.error is None
        await self.twin.wait_for(lambda: outcome.seen)
        assert all(message.only_for == self._users[who] for message in outcome.seen)
        return outcome.seen[-1].visible

    def notices(self, who: Name) -> list[str]:
        user = self._users[who]
        direct = [m for m in self.twin.messages(f"D{user}") if m.bot_id and m.blocks]
        return [message.visible for message in [*self.twin.ephemerals(user), *direct]]

    async def press(self, who: Name, action: str) -> None:
        notice = self.twin.ephemerals(self._users[who])[-1]
        outcome = await self.twin.press(self._users[who], notice, f"rapport:{action}")
        assert outcome.error is None
        await self.twin.wait_for(lambda: outcome.seen)
        self.pass_time(minutes=1)

    async def redeliver(self, post: str) -> None:
        ts = post.split("/")[1]
        for event in [event for event in self.twin.events if event.inner.get("ts") == ts]:
            await self.twin.redelivers(event.id)
        await self.quiet()

    async def delivered(self) -> None:
        await self.twin.settled()

    def posted(self) -> list[str]:
        posts = [message for channel in self._channels.values() for message in self.twin.messages(channel)]
        return [message.visible for message in posts if message.bot_id and not message.deleted]

    async def edits(self, post: str, text: str, *, is_heard: bool = True) -> None:
        channel, ts = post.split("/")
        user = next(message.user for message in self.twin.messages(channel) if message.ts == ts)
        self.twin.waits = is_heard
        await self.twin.edits(user, channel, ts, text)
        await self.delivered()

    async def unfurls(self, post: str) -> None:
        channel, ts = post.split("/")
        await self.twin.unfurls(channel, ts)
        await self.delivered()

    async def deletes(self, post: str, *, is_heard: bool = True) -> None:
        channel, ts = post.split("/")
        user = next(message.user for message in self.twin.messages(channel) if message.ts == ts)
        self.twin.waits = is_heard
        await self.twin.deletes(user, channel, ts)
        await self.delivered()

    def channel(self, place: Place) -> str:
        return self._channels[place]

    def pass_time(self, *, minutes: float) -> None:
        self.twin.now += minutes * 60
        self.clock.advance(minutes=minutes)

    @property
    def pings(self) -> Sequence[object]:
        return self.twin.pings

    def _place(self, post: str) -> tuple[str, str]:
        channel, ts = post.split("/")
        root = next(message.thread or message.ts for message in self.twin.messages(channel) if message.ts == ts)
        return channel, root


class DiscordWorld(_Shared):
    """See `World`."""

    platform: Platform = "discord"

    def __init__(self, twin: DiscordTwin, claude: AnthropicTwin, folder: Path) -> None:
        super().__init__(claude, folder, twin.server.now)
        self.twin: DiscordTwin = twin
        self.clock.advance(seconds=1)
        guild = twin.guild("HQ", bot_permissions=INVITED)
        self._users = {name: twin.member(name, guilds=[guild]) for name in ("Ana", "Bo", "Sentinel")}
        self._channels = {name: twin.channel(guild, name) for name in ("team", "random", "sentinel")}
        self._channels["cabin"] = twin.channel(guild, "cabin", everyone_can_view=False, readers=["Ana", "Bo"])
        self.guild = guild

    @property
    def post_path(self) -> str:
        return f"/channels/{self._channels['team']}/messages"

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "DISCORD_BOT_TOKEN": "test-token",
            "DISCORD_API_URL": self.twin.api_url,
            "DISCORD_GATEWAY_URL": self.twin.gateway_url,
        }

    @asynccontextmanager
    async def running(self, **overrides: Any) -> AsyncIterator[Self]:
        loaded = self._settings(overrides)
        async with (
            wiring.open_core(loaded, clock=self.clock) as self.core,
            discord_host.connected(self.core),
            self.core.working(),
        ):
            yield self

    async def joins(self, who: Name) -> Member:
        user = self._users[who] = self.twin.member(who, guilds=[self.guild])
        readers = self.twin.server.room("cabin").readers
        await self.twin.alters("cabin", readers=readers | {user})
        return Member(tenant=ACCOUNTS, id=user, name=who)

    async def says(self, who: Name, text: str, *, place: Place = "team", after: str | None = None) -> str:
        mention = f"<@{self.twin.bot_id}> {text}"
        return (await self.twin.says(self._users[who], self._channels[place], mention)).id

    async def dms(self, who: Name, text: str) -> str:
        return (await self.twin.dms(self._users[who], text)).id

    def replies(self, post: str) -> list[str]:
        asked = self.twin.message(post)
        channel = asked.channel_id if asked else self._channels["team"]
        return [
            message.content
            for message in self.twin.messages(channel)
            if message.author_id == self.twin.bot_id and message.reference and message.reference["message_id"] == post
        ]

    def posted(self) -> list[str]:
        posts = [message for name in ("team", "random") for message in self.twin.messages(self._channels[name])]
        return [message.content for message in posts if message.author_id == self.twin.bot_id]

    async def delivered(self) -> None:
        """Discord acknowledges nothing: what came before a later message that was answered has been heard."""
        sentinel = await self.twin.says("Sentinel", self._channels["sentinel"], f"<@{self.twin.bot_id}>")
        await self.twin.wait_for(lambda: self.replies(sentinel.id))

    async def command(self, who: Name, words: str, *, place: Place = "team") -> str:
        verb, _, rest = words.partition(" ")
        field, _, value = rest.partition(" ") if verb in {"add", "edit"} else (rest, "", "")
        given = {OPTIONS.get(verb, "field"): field, "value": value}
        options = {name: text for name, text in given.items() if text}
        shown = await self.twin.command(self._users[who], self._channels[place], f"persona {verb}", options=options)
        assert shown.ephemeral
        await self.twin.wait_for(lambda: shown.embeds)
        return str(shown.embeds[0]["description"])

    def notices(self, who: Name) -> list[str]:
        channel = self.twin.dm(self._users[who])
        return [str(message.embeds[0]["description"]) for message in self.twin.messages(channel) if message.embeds]

    async def press(self, who: Name, action: str) -> None:
        notice = next(message for message in self.twin.messages(self.twin.dm(self._users[who])) if message.components)
        await self.twin.press(self._users[who], notice, f"rapport:{action}")
        await self.twin.wait_for(lambda: (now := self.twin.message(notice)) and not now.components)
        self.pass_time(minutes=1)

    async def redeliver(self, post: str) -> None:
        message = self.twin.message(post)
        assert message is not None
        await self.twin.redeliver(message)
        await self.quiet()

    async def edits(self, post: str, text: str, *, is_heard: bool = True) -> None:
        message = self.twin.message(post)
        assert message is not None
        await self.twin.edits(message, f"<@{self.twin.bot_id}> {text}")
        if is_heard:
            await self.delivered()

    async def unfurls(self, post: str) -> None:
        message = self.twin.message(post)
        assert message is not None
        await self.twin.unfurls(message, {"type": "link", "title": "A page"})
        await self.delivered()

    async def deletes(self, post: str, *, is_heard: bool = True) -> None:
        message = self.twin.message(post)
        assert message is not None
        await self.twin.deletes(message)
        if is_heard:
            await self.delivered()

    def channel(self, place: Place) -> str:
        return self._channels[place]

    def pass_time(self, *, minutes: float) -> None:
        self.twin.advance(minutes * 60)
        self.clock.advance(minutes=minutes)

    @property
    def pings(self) -> Sequence[object]:
        return self.twin.pings


def taking_turns(name: str, cases: Iterable[str]) -> pytest.MarkDecorator:
    """Each case on one of the platforms, in turn: for what differs in the model, and is the same on all of them."""
    return pytest.mark.parametrize(("a_world", name), list(zip(cycle(PLATFORMS), cases)), indirect=["a_world"])


@asynccontextmanager
async def world(platform: str, folder: Path) -> AsyncIterator[World]:
    """A fresh world on `slack` or `discord`."""
    async with AsyncExitStack() as closing:
        claude = await closing.enter_async_context(AnthropicTwin())
        if platform == "slack":
            yield SlackWorld(await closing.enter_async_context(slack_twin()), claude, folder)
        else:
            yield DiscordWorld(await closing.enter_async_context(DiscordTwin()), claude, folder)


def slack_twin(**more: Any) -> SlackTwin:
    """A workspace with the app that the manifest describes."""
    return SlackTwin(
        ack_timeout_s=2.0,
        scopes=set(MANIFEST["oauth_config"]["scopes"]["bot"]),
        subscriptions=set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]),
        **more,
    )


def learns(claude: AnthropicTwin, *operations: tuple[str, str, str, str], **more: str) -> None:
    """Let every coming update propose these: (op, field, value, quote), each for the messages that hold the quote.

    `more` holds for each of them: `kind`, `since`, `until`.
    """

    def propose(body: dict[str, Any]) -> dict[str, object]:
        data = json.loads(str(body["messages"][0]["content"]))
        said = [message for session in data["sessions"] for message in session["messages"]]
        return {
            "operations": [
                {
                    "op": op,
                    "field": field,
                    "value": value,
                    "evidence": [f"{message} {quote}" for message, _, text, *_ in said if quote in text],
                    **more,
                }
                for op, field, value, quote in operations
                if any(quote in text for _, _, text, *_ in said)
            ]
        }

    claude.match(is_update, propose)


def updates(claude: AnthropicTwin) -> list[Request]:
    """The requests for persona operations so far."""
    return [request for request in claude.requests if is_update(request.body)]


def answers(claude: AnthropicTwin) -> list[Request]:
    """The requests for answers so far."""
    return [request for request in claude.requests if not is_update(request.body)]


Found = Callable[[], object]
