"""Slack and Discord with people in them, side by side: what is said there, and what shows of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from tests.journeys.worlds import INVITED, MANIFEST
from tests.journeys.worlds_http import SIGNING_SECRET, free_port
from tests.reliability.auditor import Said, Shown
from tests.reliability.traps import Trap
from tests.twins.discord import DiscordTwin
from tests.twins.server import Fault, Twin
from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import Json
from tests.twins.slack.delivery import Ack, EnvelopeKind, Event
from tests.twins.slack.workspace import BOT_ID

ACK_S = 0.5
"""Stands for Slack's three seconds."""


class Platform(Protocol):
    """What the bench does and sees, on either platform. Rooms and members are numbers from 0."""

    name: str

    @property
    def twin(self) -> Twin: ...

    def stand_behind(self, port: int) -> None:
        """Say of itself that it is reached at another port."""
        ...

    def environment(self) -> dict[str, str]:
        """The variables with which Rapport joins."""
        ...

    async def says(self, member: int, room: int, text: str) -> Said:
        """Let a member address Rapport; the token and what it teaches is the caller's to add."""
        ...

    async def delivers_again(self, said: Said) -> int:
        """Deliver all that announced a message once more; how many events that are."""
        ...

    def shown(self) -> list[Shown]:
        """Everything Rapport shows now."""
        ...

    def replies(self, said: Said) -> list[str]:
        """What stands below a message now, or after it, in Rapport's name."""
        ...

    def is_taken(self, said: Said) -> bool:
        """Whether the platform knows that Rapport has a message."""
        ...

    def set_trap(self, point: str, trap: Trap) -> None:
        """Let the trap spring at a point on the wire."""
        ...

    async def joined(self) -> None:
        """Wait until Rapport is connected."""
        ...

    async def delivered(self) -> None:
        """Wait until nothing is on its way to Rapport any more."""
        ...

    def pass_time(self, seconds: float) -> None: ...


class HeardSlack(SlackTwin):
    """A Slack that somebody listens to, for when an event was acknowledged."""

    trap: Trap | None = None
    looks: Callable[[Event], Awaitable[None]] | None = None
    """Is told of every event that is acknowledged, at that moment."""

    async def heard(self, frame: Json) -> None:
        before = len(self.acks)
        await super().heard(frame)
        for ack in self.acks[before:]:
            await self._tell(ack)

    async def offer(
        self, kind: EnvelopeKind, frame: Json, *, event: Event | None = None, attempt: int = 0
    ) -> Ack | None:
        ack = await super().offer(kind, frame, event=event, attempt=attempt)
        if ack is not None and self.request_url is not None:  # what came over a socket was told of already
            await self._tell(ack)
        return ack

    async def _tell(self, ack: Ack) -> None:
        if ack.event_id is not None and self.looks is not None:
            await self.looks(self.event(ack.event_id))
        if ack.event_id is not None and self.trap is not None:
            await self.trap.wait()


class Slack:
    """A workspace. Every fourth room is a direct message; the others are threads, which their first message begins."""

    name = "slack"

    def __init__(self, *, members: int, rooms: int) -> None:
        self.twin = HeardSlack(
            ack_timeout_s=ACK_S,
            scopes=set(MANIFEST["oauth_config"]["scopes"]["bot"]),
            subscriptions=set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]),
        )
        self.twin.now = _wall()
        self._port: int | None = None
        """Where Rapport is delivered to over HTTP, if it is."""
        self._roots: dict[int, str] = {}
        users = [f"U{number}" for number in range(1, members + 1)]
        for number, user in enumerate(users):
            self.twin.member(user, f"Member {number}")
            self.twin.channel(f"D{user}", user, kind="im", members=[user])
        for room in range(rooms):
            self.twin.channel(f"C{room}", f"room-{room}", members=users)

    def stand_behind(self, port: int) -> None:
        self.twin.port = port

    def delivers(self, *, over_http: bool) -> None:
        """Let an admin choose how Slack delivers; whoever starts from now on is told. It begins with sockets.

        What fails over HTTP is tried again at once: Slack's minutes are no part of what is tried here.
        """
        self._port = free_port() if over_http else None
        self.twin.request_url = None
        if over_http:
            self.twin.delivers_to(f"http://127.0.0.1:{self._port}/slack/events", signing_secret=SIGNING_SECRET)
            self.twin.retry_after_s = (0.0, 0.0, 0.0)

    def environment(self) -> dict[str, str]:
        over = {"SLACK_APP_TOKEN": "xapp-test-token"}
        if self._port is not None:
            over = {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "PORT": str(self._port)}
        return {"SLACK_BOT_TOKEN": "xoxb-test-token", "SLACK_API_URL": self.twin.api_url, **over}

    async def says(self, member: int, room: int, text: str) -> Said:
        user = f"U{member + 1}"
        if is_direct(room):
            user, channel, thread = f"U{room + 1}", f"DU{room + 1}", None
        else:
            channel, thread, text = f"C{room}", self._roots.get(room), f"<@U0BOT> {text}"
        ts = await self.twin.says(user, channel, text, thread=thread)
        place = channel if is_direct(room) else f"{channel}/{self._roots.setdefault(room, ts)}"
        return Said(platform="slack", tenant="slack:T1", room=place, channel=channel, post=ts, author=user)

    async def delivers_again(self, said: Said) -> int:
        announcing = [event for event in self.twin.events if event.inner.get("ts") == said.post]
        for event in announcing:
            await self.twin.redelivers(event.id)
        return len(announcing)

    def shown(self) -> list[Shown]:
        return [
            Shown(
                platform="slack",
                channel=channel,
                post=message.ts,
                text=message.visible,
                answer=((message.metadata or {}).get("event_payload") or {}).get("answer"),
                part=((message.metadata or {}).get("event_payload") or {}).get("part", 0),
                below=message.thread,
            )
            for channel, posted in self.twin.workspace.messages.items()
            for message in posted.values()
            if message.bot_id == BOT_ID and not message.deleted and not message.only_for and not message.blocks
        ]

    def replies(self, said: Said) -> list[str]:
        root = said.room.partition("/")[2]
        return [
            message.visible
            for message in self.twin.workspace.messages[said.channel].values()
            if message.bot_id == BOT_ID and not message.deleted and (not root or message.thread == root)
        ]

    def is_taken(self, said: Said) -> bool:
        events = [event for event in self.twin.events if event.inner.get("ts") == said.post]
        return any(event.acks for event in events)

    def set_trap(self, point: str, trap: Trap) -> None:
        if point == "K3":
            self.twin.trap = trap
        else:
            self.twin.fault("POST", "/api/chat.postMessage", Fault(hold_after=trap, times=trap.nth))

    async def joined(self) -> None:
        await self.twin.wait_for(self.twin.ready, timeout_s=30)

    async def delivered(self) -> None:
        await self.twin.settled(timeout_s=60)

    def pass_time(self, seconds: float) -> None:
        self.twin.now += seconds


class Discord:
    """A server. Every fourth room is a direct message; the others are channels."""

    name = "discord"

    def __init__(self, *, members: int, rooms: int) -> None:
        self.twin = DiscordTwin(now=datetime.fromtimestamp(_wall(), UTC))
        guild = self.twin.guild("HQ", bot_permissions=INVITED)
        self._tenant = f"discord:{guild}"
        self._members = [self.twin.member(f"member-{number}", guilds=[guild]) for number in range(members)]
        self._rooms = {room: self.twin.channel(guild, f"room-{room}") for room in range(rooms)}

    def stand_behind(self, port: int) -> None:
        self.twin.port = port
        self.twin.server.url = self.twin.url

    def environment(self) -> dict[str, str]:
        return {
            "DISCORD_BOT_TOKEN": "test-token",
            "DISCORD_API_URL": self.twin.api_url,
            "DISCORD_GATEWAY_URL": self.twin.gateway_url,
        }

    async def says(self, member: int, room: int, text: str) -> Said:
        if is_direct(room):
            user, tenant = self._members[room], "discord:direct"
            message = await self.twin.dms(user, text)
        else:
            user, tenant = self._members[member], self._tenant
            message = await self.twin.says(user, self._rooms[room], f"<@{self.twin.bot_id}> {text}")
        channel = message.channel_id
        return Said(platform="discord", tenant=tenant, room=channel, channel=channel, post=message.id, author=user)

    async def delivers_again(self, said: Said) -> int:
        await self.twin.redeliver(self.twin.server.messages[said.post])
        return 1

    def shown(self) -> list[Shown]:
        return [
            Shown(
                platform="discord",
                channel=message.channel_id,
                post=message.id,
                text=message.content,
                below=message.reference["message_id"] if message.reference else None,
            )
            for message in self.twin.server.messages.values()
            if message.author_id == self.twin.bot_id and message.viewer is None and not message.embeds
        ]

    def replies(self, said: Said) -> list[str]:
        return [
            message.content
            for message in self.twin.messages(said.channel)
            if message.author_id == self.twin.bot_id
            and message.reference
            and message.reference["message_id"] == said.post
        ]

    def is_taken(self, said: Said) -> bool:
        return False

    def set_trap(self, point: str, trap: Trap) -> None:
        ending = "/typing" if point == "K3" else "/messages"
        self.twin.fault("POST", ending, Fault(hold_after=trap, times=trap.nth))

    async def joined(self) -> None:
        await self.twin.wait_for(lambda: any(one.session for one in self.twin.gateway.connections), timeout_s=30)

    async def delivered(self) -> None:
        await self.joined()

    def pass_time(self, seconds: float) -> None:
        self.twin.advance(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One room of one platform."""

    platform: Platform
    number: int


MADE: dict[str, Callable[..., Platform]] = {"slack": Slack, "discord": Discord}


def is_direct(room: int) -> bool:
    """Whether a room is a direct message."""
    return room % 4 == 3


def _wall() -> float:
    """The computer's time, whole seconds: what is said must not be later than the clock of whoever hears it."""
    return float(int(datetime.now(UTC).timestamp()))  # noqa: TID251 - the processes' clock is the computer's
