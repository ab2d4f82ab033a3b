"""Running properties: each trial gets a folder and a database of its own."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bot.store import opening
from tests import postgres
from tests.reliability.prop import Engine, Property, Report, Tier, Trial


class Bench:
    """Where trials run. It starts a PostgreSQL server with the first trial that needs one."""

    def __init__(self, server: Iterator[postgres.Server]) -> None:
        self._server = server
        self._started: postgres.Server | None = None

    async def tried(self, prop: Property, engine: Engine, *, seed: int, tier: Tier) -> Report:
        """Run a property once."""
        async with self._database(engine) as (url, folder):
            size = prop.quick if tier == "quick" else prop.full
            trial = Trial(seed=seed, tier=tier, size=size, engine=engine, url=url, folder=folder)
            began = time.perf_counter()
            report = await prop.run(trial)
        report.figures["seconds"] = round(time.perf_counter() - began)
        return report

    @asynccontextmanager
    async def _database(self, engine: Engine) -> AsyncIterator[tuple[str, Path]]:
        with tempfile.TemporaryDirectory(prefix="rapport-") as name:
            if engine == "sqlite":
                url = f"sqlite:///{name}/rapport.db"
                await opening.migrate(url)
                yield url, Path(name)
                return
            if self._started is None:  # in a thread, since it is prepared by a loop of its own
                self._started = await asyncio.to_thread(next, self._server)
            url = await self._started.take()
            try:
                yield url, Path(name)
            finally:
                await self._started.drop(url)


@contextmanager
def bench() -> Iterator[Bench]:
    """A place for trials, until the context is left."""
    server = _servers()
    try:
        yield Bench(server)
    finally:
        server.close()


def _servers() -> Generator[postgres.Server]:
    with postgres.running() as started:
        yield started
