"""Slack and Discord as people use them: the twins make the events, and the adapters' own listeners take them.

Slack's events are handed to the listener itself, as our host does it, and apps we are attached to. Discord's come
through its gateway, by way of discord.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Literal, Protocol

from slack_sdk.web.async_client import AsyncWebClient

from adapters.discord.translate import ACCOUNTS, DIRECT
from adapters.slack.listeners import SlackListeners
from adapters.slack.workspaces import OneWorkspace
from bot.core import Core
from bot.messages import Member, TenantId
from persona.audience import RoomKind
from tests.clock import StillClock
from tests.privacy.house import Rooms
from tests.privacy.ledger import Place
from tests.twins.discord import DiscordTwin, Permission
from tests.twins.slack import SlackTwin, payloads
from tests.twins.slack.admins import Removal
from tests.twins.slack.blocks import Json
from tests.twins.slack.delivery import Event
from tests.twins.slack.workspace import BOT_USER

Spot = Literal["team", "cabin", "guests", "direct"]
"""A public channel, a private one, one with outsiders, and the member's own direct messages."""
SPOTS: tuple[Spot, ...] = ("team", "cabin", "guests", "direct")

INVITED = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.READ_MESSAGE_HISTORY
)


class Home(Protocol):
    """Where members talk: a workspace or a server. A post is named as the store names it."""

    @property
    def tenant(self) -> TenantId: ...

    @property
    def members(self) -> Sequence[Member]: ...

    async def says(self, who: Member, spot: Spot, text: str) -> Place:
        """Say something to Rapport."""
        ...

    async def edits(self, post: Place, text: str) -> None:
        """Give a post other words."""
        ...

    async def deletes(self, *posts: Place) -> int:
        """Delete posts of one room, all at once where the platform can. Returns how many went together."""
        ...

    async def repeats(self, post: Place) -> None:
        """Deliver a post once more."""
        ...

    async def heard(self) -> None:
        """Wait until Rapport has taken in everything that happened so far."""
        ...

    async def removes_us(self) -> None:
        """Rapport is uninstalled, or thrown out."""
        ...


# -- Slack ------------------------------------------------------------------------------------------------------------

CHANNELS: dict[str, RoomKind] = {"team": "public", "cabin": "private", "guests": "external"}


class _Told(SlackTwin):
    """A workspace whose events go to our listener, which acknowledges by returning."""

    listeners: SlackListeners

    async def send_event(self, inner: Json, **outer: object) -> str:
        event = Event(id=f"Ev{self.workspace.number()}", payload=payloads.event_callback(self.workspace, inner) | outer)
        self.events.append(event)
        await self.listeners.store(event.payload)
        return event.id


class Workspace:
    """A Slack workspace. See `Home`."""

    def __init__(self, twin: _Told, clock: StillClock, names: Collection[str], tells: Sequence[Removal]) -> None:
        self._twin, self._clock, self.tells = twin, clock, tells
        self.tenant = TenantId(f"slack:{twin.workspace.team}")
        self.members = [Member(tenant=self.tenant, id=f"U{name}", name=name) for name in names]
        for member in self.members:
            twin.member(member.id, member.name)
            twin.channel(f"D{member.id}", member.name, kind="im", members=[member.id])
        for name, kind in CHANNELS.items():
            twin.channel(
                f"C-{name}",
                name,
                kind="private" if kind == "private" else "public",
                external=kind == "external",
                members=[member.id for member in self.members],
            )

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, team: str, names: Collection[str], *, core: Core, rooms: Rooms, tells: Sequence[Removal] = ()
    ) -> AsyncIterator[Workspace]:
        """A workspace that Rapport is in; what it posts there goes to `rooms`. `tells` is how it says that we go."""
        clock = core.clock
        assert isinstance(clock, StillClock)
        async with _Told(team=team) as twin:
            client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, retry_handlers=[])
            one = OneWorkspace(client, core)
            await one.installed()
            twin.listeners = SlackListeners(one, core)
            core.adapters["slack"] = rooms
            made = cls(twin, clock, names, tells)
            rooms.kinds |= {(made.tenant, f"C-{name}"): kind for name, kind in CHANNELS.items()}
            rooms.kinds |= {(made.tenant, f"D{member.id}"): "direct" for member in made.members}
            yield made

    async def says(self, who: Member, spot: Spot, text: str) -> Place:
        self._tick()
        channel = f"D{who.id}" if spot == "direct" else f"C-{spot}"
        ts = await self._twin.says(who.id, channel, text if spot == "direct" else f"<@{BOT_USER}> {text}")
        return self.tenant, channel if spot == "direct" else f"{channel}/{ts}", ts

    async def edits(self, post: Place, text: str) -> None:
        self._tick()
        user, channel, ts = self._found(post)
        await self._twin.edits(user, channel, ts, text if channel.startswith("D") else f"<@{BOT_USER}> {text}")

    async def deletes(self, *posts: Place) -> int:
        self._tick()
        for post in posts:
            await self._twin.deletes(*self._found(post))
        return 0

    async def repeats(self, post: Place) -> None:
        for event in [event for event in self._twin.events if event.inner.get("ts") == post[2]]:
            await self._twin.listeners.store(event.payload)

    async def heard(self) -> None:
        pass  # an event is taken in before `send_event` returns

    async def removes_us(self) -> None:
        await self._twin.uninstalls(tells=self.tells)

    def _found(self, post: Place) -> tuple[str, str, str]:
        channel, ts = post[1].partition("/")[0], post[2]
        return self._twin.workspace.messages[channel][ts].user, channel, ts

    def _tick(self) -> None:
        self._clock.advance(seconds=1)
        self._twin.workspace.now = self._clock.now().timestamp()


# -- Discord ----------------------------------------------------------------------------------------------------------


class Gateway:
    """Discord, with a server in which nobody says anything but that everything before it was heard."""

    SENTINEL = "Sentinel"

    def __init__(self, twin: DiscordTwin, clock: StillClock) -> None:
        self.twin, self.clock = twin, clock
        guild = twin.guild("Sentinels", bot_permissions=INVITED)
        self._sentinel, self._channel = twin.member(self.SENTINEL, guilds=[guild]), twin.channel(guild, "post")

    def tick(self) -> None:
        """Let a second pass, for Discord too."""
        self.clock.advance(seconds=1)
        self.twin.advance((self.clock.now() - self.twin.server.now).total_seconds())

    async def heard(self) -> None:
        """Discord acknowledges nothing: what came before a later message that was answered has been heard."""
        self.tick()
        sent = await self.twin.says(self._sentinel, self._channel, f"<@{self.twin.bot_id}> Heard?")
        await self.twin.wait_for(lambda: any(one.reference for one in self.twin.messages(self._channel)[-1:]))
        assert sent.id in str(self.twin.messages(self._channel)[-1].reference)


class Server:
    """A Discord server. See `Home`."""

    def __init__(self, gateway: Gateway, name: str, names: Collection[str]) -> None:
        self._gateway, self._twin = gateway, gateway.twin
        self.guild = self._twin.guild(name, bot_permissions=INVITED)
        self.tenant = TenantId(f"discord:{self.guild}")
        ids = [self._twin.member(one, guilds=[self.guild]) for one in names]
        self.members = [Member(tenant=ACCOUNTS, id=id_, name=one) for id_, one in zip(ids, names, strict=True)]
        self._channels = {
            "team": self._twin.channel(self.guild, "team"),
            "cabin": self._twin.channel(self.guild, "cabin", everyone_can_view=False, readers=list(names)),
        }

    async def says(self, who: Member, spot: Spot, text: str) -> Place:
        self._gateway.tick()
        if spot == "direct":
            said = await self._twin.dms(who.id, text)
            return DIRECT, said.channel_id, said.id
        channel = self._channels["cabin" if spot == "cabin" else "team"]
        said = await self._twin.says(who.id, channel, f"<@{self._twin.bot_id}> {text}")
        return self.tenant, said.channel_id, said.id

    async def edits(self, post: Place, text: str) -> None:
        self._gateway.tick()
        message = self._twin.message(post[2])
        assert message is not None
        await self._twin.edits(message, text if post[0] == DIRECT else f"<@{self._twin.bot_id}> {text}")

    async def deletes(self, *posts: Place) -> int:
        self._gateway.tick()
        messages = [message for post in posts if (message := self._twin.message(post[2])) is not None]
        if len(messages) > 1 and posts[0][0] != DIRECT:
            await self._twin.bulk_deletes(*messages)
            return len(messages)
        for message in messages:
            await self._twin.deletes(message)
        return 0

    async def repeats(self, post: Place) -> None:
        message = self._twin.message(post[2])
        assert message is not None
        await self._twin.redeliver(message)

    async def heard(self) -> None:
        await self._gateway.heard()

    async def removes_us(self) -> None:
        await self._twin.bot_leaves(self.guild)

    async def outage(self) -> None:
        """Discord cannot reach the server for a while."""
        await self._twin.outage(self.guild)

    async def outage_ends(self) -> None:
        """It is there again."""
        await self._twin.outage_ends(self.guild)
