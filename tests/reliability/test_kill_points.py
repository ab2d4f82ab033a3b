"""Killed at any named point, Rapport goes on where it was: one outcome for the member, and a persona learned once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from bot.store import opening
from tests import postgres
from tests.journeys.worlds import PLATFORMS
from tests.reliability import copies
from tests.reliability.auditor import Verdict
from tests.reliability.killer import NAMED
from tests.reliability.lives import WAIT_S, Lives, lives
from tests.reliability.points import POINTS
from tests.reliability.prop import Engine, Trial
from tests.reliability.stage import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CASES = [(point, platform) for point in sorted(NAMED, key=lambda point: int(point[1:])) for platform in PLATFORMS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Lives]:
    """What starts processes."""
    async with lives() as opened:
        yield opened


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server that runs."""
    with postgres.running() as running:
        yield running


@asynccontextmanager
async def staged(folder: Path, platform: str, started: Lives, *, url: str = "") -> AsyncIterator[Stage]:
    """One platform with a member who talks to Rapport."""
    if not url:
        url = f"sqlite:///{folder}/rapport.db"
        await opening.migrate(url)
    engine: Engine = "postgres" if opening.is_postgres(url) else "sqlite"
    trial = Trial(seed=1, tier="quick", size={}, engine=engine, url=url, folder=folder)
    async with stage(trial, platforms=[platform], members=1, rooms=1, started=started) as made:
        yield made


@pytest.mark.parametrize(("point", "platform"), CASES)
async def test_a_kill_loses_nothing_and_doubles_nothing(
    tmp_path: Path, started: Lives, point: str, platform: str
) -> None:
    """One message meets the point; the process is started again, and there is one answer, and one thing learned."""
    async with staged(tmp_path, platform, started) as place:
        (there,) = place.platforms
        life = await place.start(point=point)
        if point not in POINTS:
            place.trap(point, life.kill, nth=1, platform=there)
        await life.logged("bot.ready")
        place.model.slow_every = int(point == "K10")
        await place.says(there, member=0, room=0, teaches=True)
        await life.ended()
        assert "life.ended" not in life.log
        place.model.held = None
        place.account.kills = 1
        await place.settle()
        verdict = await place.verdict()

    assert verdict.faults == []
    assert verdict.figures["answered"] == 1


async def answered_once(place: Stage) -> Verdict:
    """What the auditor says after one message to a process that was started anew."""
    (there,) = place.platforms
    life = await place.start()
    await life.logged("bot.ready")
    await place.answered(there, await place.says(there, member=0, room=0, teaches=True))
    life.kill()
    await life.ended()
    await place.settle()
    return await place.verdict()


def copied_to(folder: Path) -> list[str]:
    """The names of what backups left in a folder."""
    return [one.name for one in folder.glob("copy*")]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_k13_a_backup_that_is_killed_is_none(
    tmp_path: Path, started: Lives, server: postgres.Server, engine: str, platform: str
) -> None:
    """The machine goes down while a copy has no name yet: it is no backup, the next one is, and no message is lost."""
    url = await server.take() if engine == "postgres" else ""
    target = tmp_path / "copy"
    async with staged(tmp_path, platform, started, url=url) as place:
        (there,) = place.platforms
        life = await place.start()
        await life.logged("bot.ready")
        await place.answered(there, await place.says(there, member=0, room=0, teaches=True))
        killed = await place.copies(target, point="K13")
        life.kill()
        await life.ended()
        place.account.kills = 2
        assert "life.ended" not in killed.log
        assert copied_to(tmp_path) == ["copy.partial"]

        await place.copies(target)
        contents = copies.of_file(target) if engine == "sqlite" else await copies.of_dump(target, url)
        await place.settle()
        verdict = await place.verdict()

    assert copied_to(tmp_path) == ["copy"]
    assert contents.faults == ()
    assert verdict.faults == []


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("statement", [2, 40])
async def test_k14_a_migration_that_is_killed_leaves_nothing(
    tmp_path: Path, started: Lives, platform: str, statement: int
) -> None:
    """The tables come all together or not at all, and with the next start."""
    async with staged(tmp_path, platform, started, url=f"sqlite:///{tmp_path}/rapport.db") as place:
        life = await place.start(point="K14", nth=statement)
        await life.ended()
        assert "life.ended" not in life.log
        with closing(sqlite3.connect(tmp_path / "rapport.db")) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []

        assert (await answered_once(place)).faults == []


STUCK = """
    CREATE FUNCTION stick() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN IF to_regclass('inbox') IS NOT NULL THEN PERFORM pg_advisory_xact_lock(1); END IF; END $$;
    CREATE EVENT TRIGGER stick ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION stick();
"""
"""Lets a migration stop between two tables."""
IS_STUCK = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_k14_a_migration_of_postgresql_that_is_killed_leaves_nothing(
    tmp_path: Path, started: Lives, server: postgres.Server, platform: str
) -> None:
    """The same where a server goes on for a while with what its client began."""
    url = await server.empty()
    connection = await asyncpg.connect(url)
    await connection.execute(STUCK)
    await connection.execute("SELECT pg_advisory_lock(1)")
    async with staged(tmp_path, platform, started, url=url) as place:
        life = await place.start()
        async with asyncio.timeout(WAIT_S):
            while not await connection.fetchval(IS_STUCK):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.05)
        life.kill()
        await life.ended()
        await connection.execute("SELECT pg_advisory_unlock(1); DROP EVENT TRIGGER stick; DROP FUNCTION stick()")

        assert (await answered_once(place)).faults == []
    await connection.close()
