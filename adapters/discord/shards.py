"""Shards: several clients of one process as one adapter. Each answers for the servers that are dealt to its shard."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from adapters.discord.adapter import MAX_TEXT, DiscordAdapter
from adapters.discord.translate import DIRECT
from bot import errors, markdown
from bot.messages import Member, Message, MessageId, Platform, Room
from bot.ports import History, Post
from bot.views import View


class Shards:
    """See `bot.ports.Adapter`: hands everything on to the client of the room's shard, if it is ours."""

    platform: Platform = "discord"
    grow_every_s: float | None = 1.5
    lag_s = DiscordAdapter.lag_s

    def __init__(self, count: int) -> None:
        self.count = count
        self._adapters: dict[int, DiscordAdapter] = {}

    def add(self, shard: int, adapter: DiscordAdapter) -> None:
        """A shard is ours and connected."""
        self._adapters[shard] = adapter

    def drop(self, shard: int) -> bool:
        """A shard is not ours any more. Returns whether none is."""
        self._adapters.pop(shard, None)
        return not self._adapters

    def shard(self, room: Room) -> int:
        """Whose a room is, as Discord counts; direct messages all come to the first one."""
        server = room.tenant.partition(":")[2]
        return 0 if room.tenant == DIRECT or not server.isdecimal() else (int(server) >> 22) % self.count

    def serves(self, room: Room) -> bool:
        """See `Adapter.serves`."""
        return self.shard(room) in self._adapters

    def _of(self, room: Room) -> DiscordAdapter:
        """The adapter of a room's shard.

        Raises:
            PlatformUnreachableError: the shard is another worker's by now.
        """
        adapter = self._adapters.get(self.shard(room))
        if adapter is None:
            raise errors.PlatformUnreachableError("the room's shard is not connected here")
        return adapter

    async def classified(self, room: Room) -> Room:
        """See `Adapter.classified`."""
        return await self._of(room).classified(room)

    def parts(self, text: str) -> list[str]:
        """See `Adapter.parts`."""
        return markdown.split(text, MAX_TEXT)

    async def post(self, post: Post) -> str:
        """See `Adapter.post`."""
        return await self._of(post.room).post(post)

    async def edit(self, post: Post, post_id: str) -> str:
        """See `Adapter.edit`."""
        return await self._of(post.room).edit(post, post_id)

    async def remove(self, post: Post, post_id: str) -> None:
        """See `Adapter.remove`."""
        await self._of(post.room).remove(post, post_id)

    async def find(self, post: Post) -> str | None:
        """See `Adapter.find`."""
        return await self._of(post.room).find(post)

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """See `Adapter.working`."""
        async with self._of(message.room).working(message):
            yield

    async def locale(self, member: Member) -> str | None:
        """See `Adapter.locale`: Discord says it with interactions only."""
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """See `Adapter.notify`."""
        return await self._of(room).notify(room, member, view)

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """See `Adapter.listed_in`: what was said in a thread stands in it."""
        return room

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """See `Adapter.history`."""
        return await self._of(room).history(room, since=since, until=until)

    @property
    def streams(self) -> Collection[str]:
        """See `Adapter.streams`: each shard is one."""
        return [f"discord {shard} of {self.count}" for shard in sorted(self._adapters)]

    async def hears(self) -> bool:
        """See `Adapter.hears`."""
        return all([await adapter.hears() for adapter in self._adapters.values()])

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """See `Adapter.spoken_in`."""
        found: list[Room] = []
        for shard, adapter in list(self._adapters.items()):
            found += await adapter.spoken_in([room for room in known if self.shard(room) == shard], since=since)
        return found
