"""A PostgreSQL whose clock a trial moves, together with the one that its processes look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from bot.store import opening
from persona.moments import to_micros
from tests.clock import StillClock

_MADE = """
    CREATE SCHEMA moved;
    CREATE SEQUENCE moved.micros;
    CREATE FUNCTION moved.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
        'SELECT timestamptz ''epoch'' + last_value * interval ''1 microsecond'' FROM moved.micros';
"""
_FOUND_FIRST = "ALTER DATABASE {name} SET search_path = public, moved, pg_catalog"
"""So that statements that ask the server for the time get ours; `public` stays where tables are made."""
_MOVED = "SELECT setval('moved.micros', $1)"
"""A sequence belongs to no transaction: to move it disturbs nobody, and everybody sees it at once."""


class ServedClock:
    """Open it with `opened`. On SQLite, where processes bring the time along, there is their clock alone."""

    def __init__(self, clock: StillClock, server: asyncpg.Connection | None) -> None:
        self._clock = clock
        self._server = server

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, clock: StillClock) -> AsyncIterator[ServedClock]:
        """Let the server of a database look at `clock` from now on, with every connection that is made later."""
        if not opening.is_postgres(url):
            yield cls(clock, None)
            return
        server = await asyncpg.connect(url)
        try:
            await server.execute(_MADE)
            await server.execute(_FOUND_FIRST.format(name=urlsplit(url).path.removeprefix("/")))
            made = cls(clock, server)
            await made.advance(seconds=0)
            yield made
        finally:
            await server.close()

    async def advance(self, *, seconds: float) -> None:
        """Put the clock on by so many seconds, or back if they are below 0."""
        self._clock.advance(seconds=seconds)
        if self._server is not None:
            await self._server.execute(_MOVED, to_micros(self._clock.now()))
