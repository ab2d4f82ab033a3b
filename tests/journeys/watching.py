"""Whoever keeps Rapport running: asks over HTTP how it is, and reads Prometheus' text."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was answered."""

    status: int
    checks: dict[str, str]


class Watch:
    """Asks one process."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def health(self, path: str) -> Health:
        async with self._session.get(path) as answer:
            body: dict[str, Any] = await answer.json()
            assert body["status"] == ("ok" if answer.status == 200 else "failing")
            return Health(status=answer.status, checks=body["checks"])

    async def is_ready(self) -> bool:
        """Whether the process takes messages; not while nobody listens yet."""
        try:
            return (await self.health("/readyz")).status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def text(self) -> str:
        async with self._session.get("/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, as `name{label="value"}`."""
        found = _SAMPLE.findall(await self.text())
        return {f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in found}


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[Watch]:
    """Ask what is served on a port of this machine."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield Watch(session)
