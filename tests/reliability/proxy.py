"""A chaos proxy: TCP between Rapport and a twin, or a database, with what networks do to it.

It knows the eight toxics of Toxiproxy and draws from a seed which connection meets which. It reads no protocol.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["latency", "down", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
Way: TypeAlias = Literal["up", "down", "both"]

CHUNK = 16_384
SLICE = 7
"""Bytes of one piece that a slicer passes on: fewer than any frame has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One thing that can happen to a connection.

    latency: each chunk waits `delay_s`. down: nothing is accepted. bandwidth: `rate` bytes a second. slow_close: the
    end of a stream comes `delay_s` late. timeout: data stops, and the connection ends after `delay_s`. reset_peer: RST
    after `delay_s`. slicer: bytes come in small pieces. limit_data: the connection ends after `amount` bytes.
    """

    kind: Kind
    way: Way = "both"
    """What goes to the server, what comes from it, or both."""
    share: float = 1.0
    """Of the connections, from 0 to 1."""
    delay_s: float = 0.0
    rate: float = 10_000.0
    amount: int = 0


@dataclass(slots=True, kw_only=True)
class Proxy:
    """Stands between a client and one server; `toxics` may be changed at any time, for connections that come then."""

    target: Callable[[], tuple[str, int]]
    chance: Random
    toxics: Sequence[Toxic] = ()
    port: int = 0
    met: list[Kind] = field(default_factory=list)
    """The toxics that connections met, in order."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Reset every connection there is."""
        for writer in list(self._open):
            _reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        drawn = [toxic for toxic in self.toxics if self.chance.random() < toxic.share]
        self.met += [toxic.kind for toxic in drawn]
        if any(toxic.kind == "down" for toxic in drawn):
            _reset(writer)
            return
        try:
            upstream, sink = await asyncio.open_connection(*self.target())
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, sink}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, sink, writer, _on(drawn, "up")))
                both.create_task(_pass(upstream, writer, sink, _on(drawn, "down")))
                for toxic in [one for one in drawn if one.kind == "reset_peer"]:
                    both.create_task(_reset_later(toxic, writer, sink))
        except* (OSError, _EndedError):
            pass
        finally:
            self._open -= {writer, sink}
            for one in (writer, sink):
                one.close()


class _EndedError(Exception):
    """A toxic ended the connection."""


def _on(toxics: Sequence[Toxic], way: Way) -> list[Toxic]:
    return [toxic for toxic in toxics if toxic.way in {way, "both"}]


async def _pass(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: asyncio.StreamWriter, toxics: Sequence[Toxic]
) -> None:
    """Hand on one direction until its end, through what it meets."""
    by_kind = {toxic.kind: toxic for toxic in toxics}
    left = by_kind["limit_data"].amount if "limit_data" in by_kind else None
    while data := await source.read(CHUNK):
        if toxic := by_kind.get("timeout"):
            await asyncio.sleep(toxic.delay_s)
            raise _EndedError
        if toxic := by_kind.get("latency"):
            await asyncio.sleep(toxic.delay_s)
        if toxic := by_kind.get("bandwidth"):
            await asyncio.sleep(len(data) / toxic.rate)
        if left is not None:
            data, left = data[:left], left - len(data[:left])
        await _write(sink, data, is_sliced="slicer" in by_kind)
        if left == 0:
            raise _EndedError
    if toxic := by_kind.get("slow_close"):
        await asyncio.sleep(toxic.delay_s)
    with suppress(OSError):
        sink.write_eof()
    if back.is_closing():
        raise _EndedError


async def _write(sink: asyncio.StreamWriter, data: bytes, *, is_sliced: bool) -> None:
    step = SLICE if is_sliced else len(data) or 1
    for start in range(0, len(data), step):
        sink.write(data[start : start + step])
        await sink.drain()
        if is_sliced:
            await asyncio.sleep(0)  # so that it leaves in a packet of its own


async def _reset_later(toxic: Toxic, *writers: asyncio.StreamWriter) -> None:
    await asyncio.sleep(toxic.delay_s)
    for writer in writers:
        _reset(writer)
    raise _EndedError


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a host that knows nothing of it does: RST, what was on its way is lost."""
    if (connection := writer.get_extra_info("socket")) is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxy(
    target: Callable[[], tuple[str, int]], *, chance: Random, toxics: Sequence[Toxic] = ()
) -> AsyncIterator[Proxy]:
    """A proxy on a free loopback port, for the server that `target` names when somebody connects."""
    made = Proxy(target=target, chance=chance, toxics=toxics)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await server.wait_closed()
