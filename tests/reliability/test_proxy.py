"""The chaos proxy does to connections what it says, to those it drew, and the same again with the same seed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.reliability.proxy import SLICE, Kind, Proxy, Toxic, proxy

SENT = b"0123456789" * 20


@pytest.fixture
async def echo() -> AsyncIterator[asyncio.Server]:
    """A server that says what it hears, until it hears no more."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server


def address(server: asyncio.Server) -> tuple[str, int]:
    """Where it listens."""
    host, port = server.sockets[0].getsockname()
    return host, port


async def said(chaos: Proxy) -> tuple[bytes, list[bytes]]:
    """What comes back of what was sent until the connection ends, as a whole and as it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", chaos.port)
    writer.write(SENT)
    writer.write_eof()
    pieces = []
    try:
        while piece := await reader.read(1_000):
            pieces.append(piece)
    finally:
        writer.close()
    return b"".join(pieces), pieces


async def met(echo: asyncio.Server, toxic: Toxic) -> tuple[bytes, list[bytes]]:
    """What comes back through one toxic."""
    async with proxy(lambda: address(echo), chance=Random(1), toxics=[toxic]) as chaos:  # noqa: S311 - the same again
        return await said(chaos)


async def test_without_a_toxic_everything_passes(echo: asyncio.Server) -> None:
    """A proxy alone changes nothing."""
    async with proxy(lambda: address(echo), chance=Random(1)) as chaos:  # noqa: S311
        assert (await said(chaos))[0] == SENT


@pytest.mark.parametrize("kind", ["latency", "slow_close"])
async def test_what_is_late_comes_whole(echo: asyncio.Server, kind: Kind) -> None:
    """Bytes, or the end of them, come later, and all of them come."""
    began = time.perf_counter()

    assert (await met(echo, Toxic(kind=kind, delay_s=0.05)))[0] == SENT
    assert time.perf_counter() - began >= 0.05


async def test_bandwidth_is_kept_within(echo: asyncio.Server) -> None:
    """So many bytes a second pass, and no more."""
    began = time.perf_counter()

    assert (await met(echo, Toxic(kind="bandwidth", way="up", rate=4_000)))[0] == SENT
    assert time.perf_counter() - began >= len(SENT) / 4_000


async def test_slices_are_small(echo: asyncio.Server) -> None:
    """What was sent at once arrives in pieces, in order."""
    whole, pieces = await met(echo, Toxic(kind="slicer", way="down"))

    assert whole == SENT
    assert len(pieces) > 1
    assert len(pieces[0]) % SLICE == 0


async def test_data_ends_at_its_limit(echo: asyncio.Server) -> None:
    """After so many bytes the connection ends."""
    assert (await met(echo, Toxic(kind="limit_data", way="down", amount=50)))[0] == SENT[:50]


async def test_a_timeout_passes_nothing(echo: asyncio.Server) -> None:
    """Data stops, and the connection ends without any of it."""
    assert (await met(echo, Toxic(kind="timeout", delay_s=0.01)))[0] == b""


@pytest.mark.parametrize("kind", ["down", "reset_peer"])
async def test_a_reset_is_a_reset(echo: asyncio.Server, kind: Kind) -> None:
    """Who is talking sees the connection reset, not ended."""
    toxics = [Toxic(kind=kind), Toxic(kind="latency", delay_s=1.0)]
    async with proxy(lambda: address(echo), chance=Random(1), toxics=toxics) as chaos:  # noqa: S311
        with pytest.raises(ConnectionResetError):
            await said(chaos)


async def test_a_server_that_is_away_is_a_reset(unused_tcp_port: int) -> None:
    """Nobody behind the proxy looks like nobody."""
    async with proxy(lambda: ("127.0.0.1", unused_tcp_port), chance=Random(1)) as chaos:  # noqa: S311
        with pytest.raises(ConnectionResetError):
            await said(chaos)


async def test_the_seed_draws_who_meets_what(echo: asyncio.Server) -> None:
    """The same seed lets the same connections meet the same; about as many as the share says."""
    drawn = []
    for _ in range(2):
        toxics = [Toxic(kind="slicer", share=0.5), Toxic(kind="limit_data", way="down", amount=10, share=0.3)]
        async with proxy(lambda: address(echo), chance=Random(7), toxics=toxics) as chaos:  # noqa: S311
            came = [len((await said(chaos))[0]) for _ in range(20)]
            drawn.append((came, list(chaos.met)))

    assert drawn[0] == drawn[1]
    assert set(drawn[0][0]) == {10, len(SENT)}
    assert 4 <= drawn[0][1].count("slicer") <= 16
