"""B12: a backup is a whole copy of one moment or none, whatever is written and killed meanwhile, and can be served."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg

from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import erasing, inbox, notes, opening
from bot.store.engine import Store
from persona import schema
from persona.ports import Transaction
from tests.journeys.processes import Process, python
from tests.reliability import copies
from tests.reliability.copies import Contents
from tests.reliability.prop import Property, Report, Trial

KEY = bytes(32)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
GONE, KEPT = (Member(tenant=ROOM.tenant, id=name, name=name) for name in ("UGONE", "UKEPT"))
SERVING_S = 60.0
"""Within this a copy that was put back can be served."""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What is known of the writes, and of the copies made meanwhile."""

    begun: int = 0
    durable: int = 0
    copies: list[tuple[Path, int, int]] = field(default_factory=list)
    """Each finished copy, with what was durable before it and begun after it."""
    killed: int = 0


async def run(trial: Trial) -> Report:
    """Write, copy, kill; then read every copy, and put some back."""
    report, ledger = Report(), Ledger()
    first_half = trial.size["backups"] // 2
    async with opened(trial) as store:
        await _prepare(store, trial)
        async with writing(store, ledger, trial):
            for number in range(trial.size["backups"]):
                if number == first_half:
                    await store.write(partial(_erased, member=GONE))
                await _copied(trial, ledger, trial.folder / f"copy-{number}", is_killed=False)
            for number in range(trial.size["kills"]):
                await _copied(trial, ledger, trial.folder / f"killed-{number}", is_killed=True)
    for path, before, after in ledger.copies:
        contents = await _contents(trial, path)
        report.faults += judged(path.name, contents, before=before, after=after)
    restores = ledger.copies if trial.tier == "full" else [ledger.copies[0], ledger.copies[-1]]
    slowest = max([await _restored(trial, path, report) for path, *_ in restores])
    if ledger.killed < trial.size["kills"]:
        report.faults.append(f"only {ledger.killed} backups were killed; the others were quicker")
    report.figures |= {
        "backups": len(ledger.copies),
        "kills": ledger.killed,
        "writes": ledger.durable,
        "restores": len(restores),
        "slowest_restore_s": round(slowest, 1),
        "copy_megabytes": round((_size(ledger.copies[0][0]) or 0) / 2**20, 1),
    }
    return report


def judged(name: str, contents: Contents, *, before: int, after: int) -> list[str]:
    """What is wrong with a copy of a log whose writes are numbered from 1."""
    faults = [f"{name}: {fault}" for fault in contents.faults]
    last = max(contents.numbers, default=0)
    if contents.numbers != frozenset(range(1, last + 1)):
        faults.append(f"{name}: it has holes, so it is of no one moment")
    if not before <= last <= after:
        faults.append(f"{name}: it ends with write {last}; {before} were durable before it, {after} begun after it")
    return faults


@asynccontextmanager
async def opened(trial: Trial) -> AsyncIterator[Store]:
    """The product's own store, as a process that serves would hold it."""
    store = await opening.opened(trial.url, key=KEY)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def writing(store: Store, ledger: Ledger, trial: Trial) -> AsyncIterator[None]:
    """Write a number after the other until the context is left, about fifty a second."""
    is_over = asyncio.Event()

    async def write() -> None:
        while not is_over.is_set():
            ledger.begun += 1
            number = str(ledger.begun)
            await store.write(partial(notes.write, tenant="soak", name=number, value=number))
            ledger.durable += 1
            await asyncio.sleep(1 / trial.size["writes_a_second"])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        try:
            yield
        finally:
            is_over.set()


async def _prepare(store: Store, trial: Trial) -> None:
    """Something to copy, and two members of whom one will be erased."""
    for member in (GONE, KEPT):
        said = Message(id=MessageId(f"m-{member.id}"), room=ROOM, author=member, text="I live in Lisbon", said_at=NOW)
        await store.write(partial(inbox.accept, message=said, now=NOW))
        await store.write(partial(_settled, message=said))
    chance = trial.chance("filling")
    for number in range(trial.size["megabytes"]):
        value = base64.b64encode(chance.randbytes(3 * 2**18)).decode()
        await store.write(partial(notes.write, tenant="filling", name=str(number), value=value))


async def _settled(transaction: Transaction, *, message: Message) -> None:
    await inbox.decide(transaction, message, "answered")
    await inbox.settle(transaction, message, now=NOW)


async def _erased(transaction: Transaction, *, member: Member) -> None:
    await erasing.erase(transaction, member.key, schema=schema.load("workplace"), reason="forgotten", now=NOW)


async def _copied(trial: Trial, ledger: Ledger, path: Path, *, is_killed: bool) -> None:
    """Make a copy by the command; kill it while it writes, if it is to be killed, until one was."""
    before = ledger.durable
    async with _command(trial, "backup", str(path)) as process:
        if is_killed:
            await _writes(process, path.with_name(f"{path.name}.partial"))
            await process.kill()
        else:
            status = await process.ended()
            assert status == 0, process.log
    if _size(path) is not None:
        ledger.copies.append((path, before, ledger.begun))
    else:
        ledger.killed += 1


async def _writes(process: Process, unfinished: Path) -> None:
    """Wait until a backup has begun its file."""

    async def has_begun() -> bool:
        return bool(_size(unfinished))

    await process.settles(has_begun, bool)


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


def _size(path: Path) -> int | None:
    """How many bytes a file has, or None if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


async def _contents(trial: Trial, path: Path) -> Contents:
    return copies.of_file(path) if trial.engine == "sqlite" else await copies.of_dump(path, trial.url)


async def _restored(trial: Trial, path: Path, report: Report) -> float:
    """Put a copy back by the command, and look who is in it. Returns how many seconds it took."""
    _discard(trial.folder / "rapport.db.replaced")
    began = time.perf_counter()
    async with _command(trial, "restore", str(path)) as process:
        status = await process.ended()
    took = time.perf_counter() - began
    if status:
        report.faults.append(f"{path.name}: it cannot be put back: {process.log}")
        return took
    if took > SERVING_S:
        report.faults.append(f"{path.name}: it took {took:.0f} s until it could be served")
    authors = await _authors(trial)
    if GONE.id in authors:
        report.faults.append(f"{path.name}: a member who was erased is back")
    if KEPT.id not in authors:
        report.faults.append(f"{path.name}: a member who was not erased is gone")
    return took


async def _authors(trial: Trial) -> set[str]:
    """Whose messages the database holds, asked of it directly."""
    sql = "SELECT DISTINCT author FROM message WHERE author IS NOT NULL"
    if trial.engine == "sqlite":
        return copies.column(trial.folder / "rapport.db", sql)
    connection = await asyncpg.connect(trial.url)
    try:
        return {str(row[0]) for row in await connection.fetch(sql)}
    finally:
        await connection.close()


@asynccontextmanager
async def _command(trial: Trial, *arguments: str) -> AsyncIterator[Process]:
    environment = {
        "DATABASE_URL": trial.url,
        "PERSONA_KEY": base64.urlsafe_b64encode(KEY).decode(),
        **({"PATH": copies.programs()} if trial.engine == "postgres" else {}),
    }
    async with python("-m", "bot", *arguments, folder=trial.folder, environment=environment) as process:
        yield process


PROPERTY = Property(
    name="backup",
    reference="B12",
    promise="Each finished backup is whole, of one moment, and can be put back; a killed one is never taken for one.",
    run=run,
    quick={"backups": 2, "kills": 1, "writes_a_second": 50, "megabytes": 6},
    full={"backups": 50, "kills": 10, "writes_a_second": 50, "megabytes": 200},
)
