"""A town: one platform with many rooms, and Rapport in it, on one clock; and what people read there in the end.

It drives the product. Whoever judges takes `seen`, which comes from the platform's twin alone, and the database.
"""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from adapters.discord import host as discord_host
from adapters.slack import host as slack_host
from bot import settings, wiring
from bot.core import Core
from bot.messages import Platform
from bot.ports import Model
from bot.prompt import Prompt
from persona.ports import StructuredReply, StructuredRequest, Usage
from tests.reliability import open_rows
from tests.reliability.clocks import SharedClock
from tests.reliability.prop import Trial
from tests.twins.discord import DiscordTwin
from tests.twins.server import Twin
from tests.twins.slack import SlackTwin

PLATFORMS: tuple[Platform, ...] = ("slack", "discord")

PATIENCE_S = 30.0
"""How long something may take that nobody delays; generous for a busy machine."""

PIECES = 3
"""Of an answer, as it streams."""

ROUNDS = 20
"""Sweeps after which nothing may be open any more."""

KEY = base64.urlsafe_b64encode(bytes(32)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A post of Rapport's as people read it now."""

    room: str
    """A channel, a thread or a direct message."""
    post: str
    text: str
    reply_to: str | None
    """The post it answers, where the platform shows it."""


class Town(Protocol):
    """What a trial does and sees on either platform. A post is named by what `asks` returned."""

    platform: Platform
    clock: SharedClock

    @property
    def twin(self) -> Twin:
        """The platform."""
        ...

    def running(self, model: Model | None, **overrides: Any) -> Any:
        """Run Rapport until the context is left; a second time is a restart."""
        ...

    async def asks(self, text: str, *, room: str) -> str:
        """Ask Rapport in a channel of this name, or directly if it begins with `@`."""
        ...

    async def answers_in(self, post: str, text: str) -> str:
        """Ask Rapport in the conversation that a post began."""
        ...

    async def edits(self, post: str, text: str) -> None: ...

    async def deletes(self, post: str) -> None: ...

    async def unfurls(self, post: str) -> None: ...

    def lags(self, seconds: float) -> None:
        """Let histories lag from now on."""
        ...

    def seen(self) -> list[Seen]:
        """Every post of Rapport's that stands, oldest first."""
        ...


class Echo:
    """See `bot.ports.Model`: answers each question with what `says` makes of it, in some pieces."""

    name = "echo"

    def __init__(
        self, says: Callable[[str], Awaitable[str]], *, midway: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        self._says = says
        self._midway = midway
        """What happens once the beginning of an answer to a question was handed out."""
        self.asked: list[str] = []
        """Every question it was asked, in order, those asked again included."""

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        self.asked.append(prompt.question.text)
        text = await self._says(prompt.question.text)
        length = -(-len(text) // PIECES)
        for start in range(0, len(text), length):
            yield text[start : start + length]
            if start == 0 and self._midway is not None:
                await self._midway(prompt.question.text)
        yield Usage(model=self.name, input_tokens=1, output_tokens=1)

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        raise AssertionError("nothing is learned here")

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


class _Shared:
    """What is the same on both."""

    clock: SharedClock

    def __init__(self, trial: Trial) -> None:
        self._url = trial.url

    def _settings(self, **overrides: Any) -> settings.Settings:
        given = {"persona_consent": "off", "sweep_every": "1h", "persona_key": KEY}
        return settings.load(database_url=self._url, **{**given, **overrides})


class SlackTown(_Shared):
    """See `Town`. Whoever asks in a channel begins a thread."""

    platform: Platform = "slack"

    def __init__(self, twin: SlackTwin, trial: Trial) -> None:
        super().__init__(trial)
        self.twin: SlackTwin = twin
        self.clock = SharedClock(datetime.fromtimestamp(twin.now + 1, UTC), moves=self._move)
        self._rooms: dict[str, str] = {}
        twin.member("U1", "Ana")

    def _move(self, seconds: float) -> None:
        self.twin.now += seconds

    @asynccontextmanager
    async def running(self, model: Model | None, **overrides: Any) -> AsyncIterator[Core]:
        tokens = {"slack_bot_token": self.twin.bot_token, "slack_app_token": self.twin.app_token}
        loaded = self._settings(slack_api_url=self.twin.api_url, **tokens, **overrides)
        async with (
            wiring.open_core(loaded, clock=self.clock, model=model) as core,
            slack_host.connected(core),
            core.working(),
        ):
            await self.twin.connected()
            yield core

    async def asks(self, text: str, *, room: str) -> str:
        if room.startswith("@"):
            user, channel = f"U{room[1:]}", f"D{room[1:]}"
            if channel not in self.twin.workspace.channels:
                self.twin.member(user, room[1:])
                self.twin.channel(channel, "", kind="im", members=[user])
            return f"{channel}/{await self.twin.says(user, channel, text)}"
        if room not in self._rooms:
            self._rooms[room] = f"C{len(self._rooms) + 1}"
            self.twin.channel(self._rooms[room], room, members=["U1"])
        channel = self._rooms[room]
        return f"{channel}/{await self.twin.says('U1', channel, f'<@U0BOT> {text}')}"

    async def answers_in(self, post: str, text: str) -> str:
        channel, root = post.split("/")
        return f"{channel}/{await self.twin.says('U1', channel, f'<@U0BOT> {text}', thread=root)}"

    async def edits(self, post: str, text: str) -> None:
        channel, ts = post.split("/")
        await self.twin.edits(self._author(post), channel, ts, text)
        await self.twin.acked()

    async def deletes(self, post: str) -> None:
        channel, ts = post.split("/")
        await self.twin.deletes(self._author(post), channel, ts)
        await self.twin.acked()

    async def unfurls(self, post: str) -> None:
        await self.twin.unfurls(*post.split("/"))

    def _author(self, post: str) -> str:
        channel, ts = post.split("/")
        return self.twin.workspace.messages[channel][ts].user

    def lags(self, seconds: float) -> None:
        self.twin.workspace.history_lag_s = seconds

    def seen(self) -> list[Seen]:
        posts = [one for posted in self.twin.workspace.messages.values() for one in posted.values()]
        ours = [one for one in posts if one.bot_id and not one.deleted and one.only_for is None]
        return [
            Seen(
                room=f"{one.channel}/{one.thread}" if one.thread else one.channel,
                post=f"{one.channel}/{one.ts}",
                text=one.visible,
                reply_to=one.thread and f"{one.channel}/{one.thread}",
            )
            for one in sorted(ours, key=lambda one: one.ts)
        ]


class DiscordTown(_Shared):
    """See `Town`. Whoever asks in the conversation of a post asks in its channel."""

    platform: Platform = "discord"

    def __init__(self, twin: DiscordTwin, trial: Trial) -> None:
        super().__init__(trial)
        self.twin: DiscordTwin = twin
        self.clock = SharedClock(twin.server.now, moves=twin.advance)
        self.clock.advance(seconds=1)
        self._channels: dict[str, str] = {}
        """Where what was asked in a channel stands, or stood before it was deleted."""
        self.guild = twin.guild("HQ")
        twin.member("Ana", guilds=[self.guild])

    @asynccontextmanager
    async def running(self, model: Model | None, **overrides: Any) -> AsyncIterator[Core]:
        loaded = self.settings(**overrides)
        async with (
            wiring.open_core(loaded, clock=self.clock, model=model) as core,
            discord_host.connected(core),
            core.working(),
        ):
            yield core

    def settings(self, **overrides: Any) -> settings.Settings:
        """What Rapport runs with here."""
        where = {"discord_api_url": self.twin.api_url, "discord_gateway_url": self.twin.gateway_url}
        return self._settings(discord_bot_token=self.twin.server.token, **where, **overrides)

    async def asks(self, text: str, *, room: str) -> str:
        server = self.twin.server
        names = {one.name for one in server.channels.values()} | {one.name for one in server.users.values()}
        if room.startswith("@"):
            if room[1:] not in names:
                self.twin.member(room[1:], guilds=[self.guild])
            return (await self.twin.dms(room[1:], text)).id
        if room not in names:
            self.twin.channel(self.guild, room)
        said = await self.twin.says("Ana", room, f"<@{self.twin.bot_id}> {text}")
        self._channels[said.id] = said.channel_id
        return said.id

    async def answers_in(self, post: str, text: str) -> str:
        return (await self.twin.says("Ana", self._channels[post], f"<@{self.twin.bot_id}> {text}")).id

    async def edits(self, post: str, text: str) -> None:
        await self.twin.edits(self.twin.server.messages[post], f"<@{self.twin.bot_id}> {text}")

    async def deletes(self, post: str) -> None:
        await self.twin.deletes(self.twin.server.messages[post])

    async def unfurls(self, post: str) -> None:
        await self.twin.unfurls(self.twin.server.messages[post], {"type": "link", "title": "A page"})

    def lags(self, seconds: float) -> None:
        self.twin.server.history_lag_s = seconds

    def seen(self) -> list[Seen]:
        return [
            Seen(
                room=one.channel_id,
                post=one.id,
                text=one.content,
                reply_to=one.reference["message_id"] if one.reference else None,
            )
            for one in self.twin.server.messages.values()
            if one.author_id == self.twin.bot_id and one.viewer is None
        ]


@asynccontextmanager
async def town(platform: Platform, trial: Trial) -> AsyncIterator[Town]:
    """A town in which nobody has said anything yet."""
    if platform == "slack":
        async with SlackTwin(ack_timeout_s=PATIENCE_S) as slack:
            yield SlackTown(slack, trial)
        return
    async with DiscordTwin() as discord:
        yield DiscordTown(discord, trial)


async def until(is_so: Callable[[], object]) -> bool:
    """Wait until something is so. False if it is not after `PATIENCE_S`."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - what is waited for is not ours to signal
                await asyncio.sleep(0.005)
    except TimeoutError:
        return False
    return True


async def calm(core: Core, clock: SharedClock) -> int:
    """Let everything that is open come to its end, sweep by sweep. Returns how many sweeps it took."""
    for sweeps in range(ROUNDS):
        await core.lanes.drained()
        if not await core.intake.recover():
            return sweeps
        clock.advance(minutes=1)
    return ROUNDS


async def settled(core: Core, url: str, *, count: int) -> bool:
    """Let this worker take over what one that is gone had, until `count` messages came to their end.

    False if they do not.
    """

    async def is_owed() -> bool:
        await core.intake.recover()
        await core.intake.take_over()
        await core.lanes.drained()
        return sum(is_settled for _, is_settled in await open_rows.outcomes(url)) < count

    try:
        async with asyncio.timeout(PATIENCE_S):
            while await is_owed():  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


def by_question(posts: Sequence[Seen]) -> dict[str, list[str]]:
    """What stands for each question, part by part: a part without a reference belongs to the reply before it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    last: dict[str, str] = {}
    for one in posts:
        question = one.reply_to or last.get(one.room) or one.room
        last[one.room] = question
        found[question].append(one.text)
    return dict(found)
