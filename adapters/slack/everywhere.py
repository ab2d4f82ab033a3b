"""Slack as an adapter for many workspaces: each thing goes to the one whose room, or member, it is about."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from adapters.slack.adapter import LAG_S, SlackAdapter, parts, with_channels
from bot import errors
from bot.messages import Member, Message, MessageId, Platform, Room, TenantId
from bot.ports import History, Post
from bot.views import View


class SlackEverywhere:
    """See `bot.ports.Adapter`. Where the app is not installed nothing can be shown, and nothing is known."""

    platform: Platform = "slack"
    lag_s = LAG_S
    streams = ("slack",)

    def __init__(
        self, of: Callable[[TenantId], Awaitable[SlackAdapter | None]], *, grow_every_s: float | None = 1.5
    ) -> None:
        self.grow_every_s = grow_every_s
        self.is_connected: Callable[[], Awaitable[bool]] | None = None
        """As of `SlackAdapter`."""
        self._of = of

    def serves(self, room: Room) -> bool:
        """See `Adapter.serves`: whoever shares our database has the tokens of all workspaces."""
        return True

    async def classified(self, room: Room) -> Room:
        """See `Adapter.classified`."""
        adapter = await self._of(room.tenant)
        if adapter is None:
            return room if room.kind == "direct" else replace(room, kind="external")
        return await adapter.classified(room)

    def parts(self, text: str) -> list[str]:
        """See `Adapter.parts`."""
        return parts(text)

    async def post(self, post: Post) -> str:
        """See `Adapter.post`."""
        return await (await self._installed(post.room.tenant)).post(post)

    async def edit(self, post: Post, post_id: str) -> str:
        """See `Adapter.edit`."""
        return await (await self._installed(post.room.tenant)).edit(post, post_id)

    async def remove(self, post: Post, post_id: str) -> None:
        """See `Adapter.remove`."""
        await (await self._installed(post.room.tenant)).remove(post, post_id)

    async def find(self, post: Post) -> str | None:
        """See `Adapter.find`."""
        return await (await self._installed(post.room.tenant)).find(post)

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """Slack shows nothing before the first words."""
        yield

    async def locale(self, member: Member) -> str | None:
        """See `Adapter.locale`."""
        adapter = await self._of(member.tenant)
        return None if adapter is None else await adapter.locale(member)

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """See `Adapter.notify`."""
        adapter = await self._of(room.tenant)
        return False if adapter is None else await adapter.notify(room, member, view)

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """See `Adapter.listed_in`."""
        return replace(room, thread=None) if message == room.thread else room

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """See `Adapter.history`."""
        adapter = await self._of(room.tenant)
        return None if adapter is None else await adapter.history(room, since=since, until=until)

    async def hears(self) -> bool:
        """See `Adapter.hears`."""
        return self.is_connected is None or await self.is_connected()

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """See `Adapter.spoken_in`."""
        return with_channels(room for room in known if room.platform == "slack")

    async def _installed(self, tenant: TenantId) -> SlackAdapter:
        adapter = await self._of(tenant)
        if adapter is None:
            raise errors.NotDeliveredError("Slack: the app is not installed in this workspace")
        return adapter
