"""Erasing, on both platforms: what a member had forgotten stays so, whatever copy of the database comes back."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot import core
from tests.journeys.worlds import World, learns
from tests.scan import found


@asynccontextmanager
async def both_known(world: World) -> AsyncIterator[World]:
    """A world in which something is known of two members."""
    learns(
        world.claude,
        ("set", "location", "Xanadu", "I moved to Xanadu"),
        ("set", "location", "Zembla", "I moved to Zembla"),
    )
    async with world.running(persona_consent="on"):
        await world.answered(await world.says("Ana", "I moved to Xanadu"))
        await world.answered(await world.says("Bo", "I moved to Zembla", place="random"))
        world.pass_time(minutes=31)
        await world.core.learning.sweep()
        yield world


async def free_pages(world: World) -> int:
    (row,) = await world.core.store.read(lambda transaction: transaction.fetch("PRAGMA freelist_count"))
    return int(row["freelist_count"])


async def test_a_restored_backup_revives_nobody(a_world: World) -> None:
    """After an old copy of the database is put back, whoever had everything forgotten since is still forgotten.

    The others are known as before, and who was forgotten is answered like anybody, and learned from anew.
    """
    copy = a_world.database.with_name("copy")
    async with both_known(a_world):
        assert "Xanadu" in await a_world.command("Ana", "show")
    shutil.copy(a_world.database, copy)
    async with a_world.running(persona_consent="on"):
        await a_world.command("Ana", "forget all")
        a_world.pass_time(minutes=1)
    shutil.copy(copy, a_world.database)
    with capture_logs() as logged:
        async with a_world.running(persona_consent="on"):
            ana, bo = [await a_world.command(name, "show") for name in ("Ana", "Bo")]
            answer = await a_world.answered(await a_world.says("Ana", "I moved to Xanadu"))
            a_world.pass_time(minutes=31)
            await a_world.core.learning.sweep()
            anew = await a_world.command("Ana", "show")

    assert "Xanadu" not in ana
    assert "Zembla" in bo
    assert "An answer." in answer
    assert "Xanadu" in anew
    assert [entry["members"] for entry in logged if entry["event"] == "erasures.repeated"] == [1]
    assert found(a_world.database.parent, ["Xanadu", "Zembla"]) == {}


async def test_the_file_is_written_anew_after_an_erasure(slack_world: World) -> None:
    """A sweep gives back what an erasure freed, once; without an erasure it leaves the file as it is."""
    async with both_known(slack_world):
        insert = "INSERT INTO note (tenant, name, value) VALUES ('t', 'n', :value)"
        await slack_world.core.store.write(lambda transaction: transaction.execute(insert, value="x" * 50_000))
        await slack_world.core.store.write(lambda transaction: transaction.execute("DELETE FROM note"))
        before = await free_pages(slack_world)
        await slack_world.core._compact()
        without = await free_pages(slack_world)
        await slack_world.command("Ana", "forget all")
        await slack_world.core._compact()

        assert before == without > 0
        assert await free_pages(slack_world) == 0
        assert "Zembla" in await slack_world.command("Bo", "show")


async def test_a_large_database_is_not_held_up(slack_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database too large to be written anew while members wait is left, and one line says so."""
    monkeypatch.setattr(core, "MAX_COMPACTED_BYTES", 1)
    async with both_known(slack_world):
        await slack_world.command("Ana", "forget all")
        with capture_logs() as logged:
            await slack_world.core._compact()
            await slack_world.core._compact()

        assert [entry["event"] for entry in logged if entry["event"].startswith("store.")] == ["store.not_compacted"]
