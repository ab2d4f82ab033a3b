"""Export, erase, propagate (reliability B24), and that the auditor notices what it is there to notice.

`make privacycheck` tells the same story at full size: 100 members, 40 who leave, 500 deletions, 200 late jobs.
"""

import ast
import json
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from bot.store import erasing
from bot.store.engine import Store
from persona import forgetting
from tests.privacy import auditor, bytescan, exported, ledger
from tests.privacy.bytescan import WAYS, scan
from tests.privacy.erasure import Story
from tests.privacy.mutants import mutated
from tests.privacy.platforms import Workspace
from tests.privacy.stage import SHORT, Size, key

SEED = 24
TINY = Size(members=8, says=3, erased=2, deletions=6, edits=2, uninstalls=1, removals=1, outages=1, crew=1)

Opened = Callable[..., AbstractAsyncContextManager[Story]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A small story, with something around its store if it is given."""

    @asynccontextmanager
    async def told(around: Callable[[Store], Store] | None = None) -> AsyncIterator[Story]:
        async with Story.opened(tmp_path, size=TINY, seed=SEED, around=around) as story:
            await story.tell()
            yield story

    return told


@pytest.mark.slow
async def test_what_is_gone_is_gone(tmp_path: Path) -> None:
    """Exports are complete, and whatever is deleted, erased or left stays so: in prompts, files, backups, late jobs."""
    async with Story.opened(tmp_path, size=SHORT, seed=SEED) as story:
        await story.told_whole()

    counts = story.report.counts
    assert story.report.findings == []
    assert {name: counts[name] for name in ("exports", "deleted", "edited", "purged", "outages", "late jobs")} == {
        "exports": SHORT.members,
        "deleted": SHORT.deletions,
        "edited": SHORT.edits,
        "purged": SHORT.uninstalls + SHORT.removals,
        "outages": SHORT.outages,
        "late jobs": 5 * SHORT.erased,
    }
    assert counts["learned"] == counts["told"]
    assert min(counts[name] for name in ("kept", "retracted", "in bulk", "frozen", "rows in outages", "sealed")) > 0
    assert (counts["unopened"], counts["restored"]) == (1, SHORT.erased + 1)
    assert counts["began anew"] == SHORT.erased // 2


# -- the auditor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [auditor, bytescan, exported, ledger], ids=lambda module: module.__name__)
def test_the_auditor_is_no_part_of_what_it_judges(module: ModuleType) -> None:
    """Nothing of the product is imported where it is judged."""
    nodes = list(ast.walk(ast.parse(Path(str(module.__file__)).read_text())))
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [one.name for node in nodes if isinstance(node, ast.Import) for one in node.names]

    assert names
    assert [name for name in names if name.partition(".")[0] in {"bot", "persona", "adapters"}] == []


@pytest.mark.parametrize("way", WAYS)
def test_words_are_found_however_they_are_written(tmp_path: Path, way: str) -> None:
    """Whatever a program may have made of a word, it is found in the middle of other bytes, and no other word is."""
    noise = random.Random(SEED).randbytes(10_000)  # noqa: S311 - the same every time
    (tmp_path / "file").write_bytes(noise + WAYS[way]("zqö0000abz") + noise)
    looked = scan(tmp_path, [f"zqö{number:06x}z" for number in range(0x100)])

    assert set(looked.hits) == {"zqö0000abz"}
    assert f"file ({way})" in looked.hits["zqö0000abz"]


async def test_words_in_any_file_are_noticed(opened: Opened) -> None:
    """A word of somebody who left is noticed in a file that nobody thought of, and so is what was sealed with it."""
    async with opened() as story:
        await story.erase()
        await story.pass_hour()
        (story.folder / "data" / "spool").write_bytes(f"{min(story.ledger.erased)} {story.keys[0]}".encode())
        await story.scan()

    words, sealed = story.report.findings
    assert min(story.ledger.erased) in words
    assert story.keys[0] in sealed


LISTS = (
    "facts",
    "operations",
    "messages",
    "replies",
    "answers",
    "usage",
    "off_record",
    "refused",
    "wrong_codes",
    "agreements",
)
MOMENTS = ("tidied_at", "link_code_expires_at", "seen_at")


async def test_an_export_that_lacks_something_is_noticed(opened: Opened) -> None:
    """Whatever is left out of an export is missed."""
    missed = set()
    async with opened() as story:
        await story.export()
        assert story.report.findings == []
        for _, who in story.everybody(story.homes):
            export = json.loads(await story.exported(who))
            for name in [name for name in LISTS + MOMENTS if export[name]]:
                lacking = export | {name: export[name][1:] if name in LISTS else None}
                found = exported.compare(story.database, story.ledger, key(who), json.dumps(lacking))
                missed |= {name} if found.lacking else set()

    assert missed == {*LISTS, *MOMENTS}


async def test_a_table_nobody_told_the_auditor_of_is_noticed(opened: Opened) -> None:
    """A new table, or a new column, is a finding until somebody decides what an export has of it."""
    async with opened() as story:
        for sql in ("CREATE TABLE mood (tenant TEXT, member TEXT)", "ALTER TABLE fact ADD COLUMN shade TEXT"):
            await story.house.store.write(lambda transaction, sql=sql: transaction.execute(sql))  # type: ignore[misc]

        assert exported.unknown(story.database) == ["fact.shade", "mood.member", "mood.tenant"]


# -- defects it has to notice -----------------------------------------------------------------------------------------

ERASING = {
    "message": erasing._MESSAGES,
    "outbox": erasing._OUTBOX,
    "tidying": erasing._TIDYING,
    "operation": forgetting._FORGET_OPERATIONS,
    "evidence": forgetting._FORGET_EVIDENCE,
    "fact": forgetting._FORGET_FACTS,
}


@pytest.mark.parametrize("tables", [set(ERASING) - {"fact"}, {"fact"}], ids=["what was said", "what follows"])
async def test_an_erasure_that_skips_a_table_is_noticed(opened: Opened, tables: set[str]) -> None:
    """Rows that an erasure leaves are found, in each table of its own, though nobody can read them any more."""
    skipped = {ERASING[table] for table in tables}
    async with opened(partial(mutated, leaves_out=lambda sql: sql in skipped)) as story:
        await story.erase()

    assert {finding.partition(" of ")[0] for finding in story.report.findings} >= tables


async def test_an_erasure_that_keeps_the_key_is_noticed(opened: Opened) -> None:
    """A key that is not destroyed leaves its id in the file of the keys."""
    async with opened(partial(mutated, keeps_keys=True)) as story:
        await story.erase()
        await story.pass_hour()
        await story.scan()

    assert {finding.partition(" stands in ")[2] for finding in story.report.findings} >= {"rapport.db-keys"}


async def test_a_late_job_that_ignores_the_fence_is_noticed(opened: Opened) -> None:
    """What is learned from words that were erased while it was learned is seen where it is shown."""
    around = partial(mutated, leaves_out=lambda sql: "FROM fence" in sql or sql == erasing._MESSAGES, keeps_keys=True)
    async with opened(around) as story:
        await story.erase()

    assert any(finding.endswith("stands in what `show` shows") for finding in story.report.findings)


async def test_a_restored_backup_that_does_not_catch_up_is_noticed(opened: Opened) -> None:
    """Rows that come back with a backup are found, though nobody can read them any more."""
    async with opened() as story:
        await story.erase()
        assert story.report.findings == []
        await story.look_into(story.restored(keys=story.database), around=partial(mutated, forgets_erasures=True))

    assert {finding.partition(" ")[0] for finding in story.report.findings} >= {"message", "operation", "fact"}


async def test_a_backup_with_the_keys_of_its_time_is_noticed(opened: Opened) -> None:
    """With a key file from before the erasures everything would be back: that is why only today's is kept."""
    async with opened() as story:
        before = story.folder / "before" / story.database.name
        before.parent.mkdir()
        for beside in ("-keys", ".key"):
            shutil.copy(f"{story.database}{beside}", f"{before}{beside}")
        await story.erase()
        await story.look_into(story.restored(keys=before))

    assert any("stands in what `export` shows" in finding for finding in story.report.findings)


async def test_a_deletion_that_leaves_its_fact_is_noticed(opened: Opened) -> None:
    """A fact whose only message was deleted is found where it is shown."""
    around = partial(mutated, leaves_out=lambda sql: sql in {forgetting._DROP_EVIDENCE, forgetting._DROP_UNSUPPORTED})
    async with opened(around) as story:
        await story.export()
        await story.take_back()

    assert any(finding.endswith("is known though its messages are gone") for finding in story.report.findings)


async def test_a_removal_that_freezes_nothing_is_noticed(opened: Opened) -> None:
    """What is known from where we were thrown out, and is shown and answered with still, is found."""
    async with opened() as story:
        await story.export()
        (home,) = story.uninstalled
        assert isinstance(home, Workspace)
        home.tells = ()
        await story.throw_out()

    ends = ("is not frozen", f"of {home.tenant} is shown", f"{home.tenant} is answered though we are gone")
    assert [any(finding.endswith(end) for finding in story.report.findings) for end in ends] == [True] * 3
    assert any(finding.endswith("stands in a persona") for finding in story.report.findings)


async def test_an_outage_that_is_taken_for_a_removal_is_noticed(opened: Opened) -> None:
    """A server whose rows change while it is unavailable is found."""
    async with opened() as story:
        (server,) = story.unavailable
        before = auditor.of_tenant(story.database, server.tenant)
        await story.house.core.departures.removed(server.tenant)
        after = auditor.of_tenant(story.database, server.tenant)

    assert {name for name in before if before[name] != after[name]} >= {"origin.tenant", "operations that rest on it"}
