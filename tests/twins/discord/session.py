"""Gateway connections, which come and go, and sessions, which outlive them and keep what a client missed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import TYPE_CHECKING

import zstandard

from tests.twins.discord.model import JSON

if TYPE_CHECKING:
    from aiohttp import web


class Intent(IntFlag):
    """The intents the twin filters by, with Discord's bits."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One WebSocket; frames leave in the order they were sent."""

    ws: web.WebSocketResponse
    transport: asyncio.WriteTransport | None
    encode: Callable[[str], str | bytes]
    session: Session | None = None
    muted: bool = False
    deaf: bool = False
    """Swallows events, and acknowledges heartbeats as if all were well."""
    acking: bool = True
    closed_with: int | None = None
    _outbox: asyncio.Queue[JSON | int] = field(default_factory=asyncio.Queue)

    def send(self, frame: JSON) -> None:
        """Send a frame, unless the connection swallows it."""
        if not self.muted and not (self.deaf and frame["op"] == 0):
            self._outbox.put_nowait(frame)

    def close(self, code: int) -> None:
        """Close with this code after everything sent so far."""
        self.closed_with = code
        self._outbox.put_nowait(code)

    async def write(self) -> None:
        """Write what was sent until the connection ends."""
        with contextlib.suppress(ConnectionError):
            while not isinstance(item := await self._outbox.get(), int):
                encoded = self.encode(json.dumps(item))
                await (self.ws.send_str(encoded) if isinstance(encoded, str) else self.ws.send_bytes(encoded))
            await self.ws.close(code=item)


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """What an IDENTIFY began: events numbered from 1, kept for a RESUME."""

    id: str
    intents: Intent
    connection: Connection | None
    shard: tuple[int, int] = (0, 1)
    """Which shard it is, of how many."""
    events: list[JSON] = field(default_factory=list)
    down_since: datetime | None = None

    def sees(self, guild: str | None) -> bool:
        """Whether what happens in a guild, or in no guild, is dealt to its shard."""
        number, count = self.shard
        return (0 if guild is None else (int(guild) >> 22) % count) == number

    def push(self, event: str, data: object) -> None:
        """Number an event, keep it and send it if a connection is there."""
        self.events.append({"op": 0, "t": event, "s": len(self.events) + 1, "d": data})
        if self.connection is not None:
            self.connection.send(self.events[-1])

    def replay(self, seq: int) -> None:
        """Send what came after `seq` again, then RESUMED."""
        assert self.connection is not None
        for frame in self.events[seq:]:
            self.connection.send(frame)
        self.connection.send({"op": 0, "t": "RESUMED", "s": len(self.events), "d": {}})


def encoder(compress: str | None) -> Callable[[str], str | bytes]:
    """Return what turns a payload into a frame: text, or one flushed block of a single compressed stream."""
    if compress == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda text: deflate.compress(text.encode()) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if compress == "zstd-stream":
        zstd = zstandard.ZstdCompressor().compressobj()
        return lambda text: zstd.compress(text.encode()) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return str
