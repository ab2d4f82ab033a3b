"""B10: several workers learn of the same members at once, some tries are given up, and no update is lost."""

import asyncio
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from bot.store import opening
from tests.journeys.processes import ROOT
from tests.reliability import tables
from tests.reliability.persona_worker import KEY, Try, worked
from tests.reliability.prop import Property, Report, Trial

_OPERATIONS = "SELECT id, member, said_at FROM operation"
_EVIDENCE = "SELECT operation, count(*) FROM evidence GROUP BY operation"
_FACTS = "SELECT member, valid_from, valid_until FROM fact ORDER BY member, valid_from"
# An operation is there as a hash.
_AUDIT = "SELECT number, operation FROM audit ORDER BY number"
_HEAD = "SELECT number FROM audit_head"


async def run(trial: Trial) -> Report:
    """Let the workers learn side by side, as processes where they may, then compare the tables with their ledgers."""
    ledger = await (_in_processes(trial) if trial.engine == "postgres" else _in_tasks(trial))
    outcomes = Counter(one.outcome for one in ledger)
    report = Report(figures={"tries": len(ledger), **{name: outcomes[name] for name in ("cancelled", "parked")}})
    report.faults += await tables.damage(trial.url)
    report.faults += await _faults(trial.url, ledger)
    report.figures["kept"] = len(await tables.rows(trial.url, _OPERATIONS))
    return report


async def _in_tasks(trial: Trial) -> list[Try]:
    """The workers as tasks on one store."""
    size = trial.size
    store = await opening.opened(trial.url, key=KEY)
    try:
        working = [
            worked(
                store,
                seed=trial.seed,
                worker=number,
                workers=size["workers"],
                members=size["members"],
                operations=size["operations"],
            )
            for number in range(size["workers"])
        ]
        return [one for ledger in await asyncio.gather(*working) for one in ledger]
    finally:
        await store.close()


async def _in_processes(trial: Trial) -> list[Try]:
    """Each worker as a process of its own."""
    size = trial.size
    ledgers = await asyncio.gather(*(_process(trial, number) for number in range(size["workers"])))
    return [Try(**json.loads(line)) for ledger in ledgers for line in ledger.splitlines()]


async def _process(trial: Trial, worker: int) -> bytes:
    """What a worker writes; one that fails says why, and fails the trial."""
    size = trial.size
    numbers = (trial.seed, worker, size["workers"], size["members"], size["operations"])
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.reliability.persona_worker",
        trial.url,
        *map(str, numbers),
        cwd=trial.folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    ledger, _ = await child.communicate()
    assert child.returncode == 0, f"worker {worker} ended with {child.returncode}"
    return ledger


async def _faults(url: str, ledger: Sequence[Try]) -> list[str]:
    stored = {name: (member, said_at) for name, member, said_at in await tables.rows(url, _OPERATIONS)}
    faults = _of_operations(ledger, stored)
    evidence = dict(await tables.rows(url, _EVIDENCE))
    if evidence != dict.fromkeys(stored, 1):
        faults.append("an operation has not exactly the evidence it came with")
    faults += _of_facts(stored, await tables.rows(url, _FACTS))
    logged = await tables.rows(url, _AUDIT)
    if [number for number, _ in logged] != list(range(1, len(stored) + 1)):
        faults.append(f"the audit log has {len(logged)} rows for {len(stored)} operations, or a gap")
    if len({name for _, name in logged}) != len(stored):
        faults.append("the audit log tells of an operation twice, or not at all")
    if await tables.rows(url, _HEAD) != [(len(stored),)]:
        faults.append("the head of the audit log is not at its end")
    return faults


def _of_operations(ledger: Sequence[Try], stored: dict[str, tuple[str, int]]) -> list[str]:
    """What was kept is there once, what is there was asked for, and one worker alone was first."""
    asked = {one.id: (one.member, one.said_at) for one in ledger}
    kept = {one.id for one in ledger if one.outcome == "kept"}
    firsts = Counter(one.id for one in ledger if one.is_new)
    unclear = {one.id for one in ledger if one.outcome != "kept"}
    faults = [f"{len(lost)} updates are lost"] if (lost := kept - stored.keys()) else []
    if any(asked.get(name) != row for name, row in stored.items()):
        faults.append("there is an operation that nobody asked for")
    if any(number > 1 for number in firsts.values()):
        faults.append("two workers were told that they kept an operation first")
    if nobody := kept - firsts.keys() - unclear:
        faults.append(f"{len(nobody)} operations are kept that nobody was first to keep")
    return faults


def _of_facts(stored: dict[str, tuple[str, int]], facts: Sequence[tuple[str, int, int | None]]) -> list[str]:
    """Whoever says where they live ends what they said before: the facts of a member follow one another."""
    said: defaultdict[str, list[int]] = defaultdict(list)
    for member, said_at in stored.values():
        said[member].append(said_at)
    expected = [
        (member, begin, end)
        for member, moments in sorted(said.items())
        for begin, end in pairwise([*sorted(moments), None])
    ]
    different = len(set(expected) ^ set(facts))
    return [f"{different} facts are not those of the operations that are kept"] if expected != list(facts) else []


PROPERTY = Property(
    name="persona_race",
    reference="B10",
    promise="What a worker was told is kept stays kept, once, and the facts follow from it, whoever else learns.",
    run=run,
    quick={"workers": 4, "members": 20, "operations": 500},
    full={"workers": 4, "members": 20, "operations": 5_000},
)
