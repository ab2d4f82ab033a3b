"""B11: SQLite while many write and read, copies are taken, and callers go away in the middle."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bot import errors
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import conversations, inbox
from bot.store.sqlite import SqliteStore
from persona.ports import Transaction
from tests.reliability import files
from tests.reliability.pacing import milliseconds, paced
from tests.reliability.prop import Property, Report, Trial

TENANT = TenantId("slack:T1")
ROOMS = [Room(tenant=TENANT, channel=f"C{number}", kind="public") for number in range(40)]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
READS_PER_SECOND = 10
"""Of each reader: together more than twice as many as are written."""
WAL_LIMIT = 64 * 2**20

_KEPT = "SELECT message FROM inbox WHERE settled_at IS NOT NULL"
_SAID = "SELECT id FROM message"


async def run(trial: Trial) -> Report:
    """Write at a steady rate beside readers and copies, cancel some callers, then look at the file from outside."""
    path = Path(trial.url.removeprefix("sqlite:///"))
    store = await SqliteStore.open(path, key=bytes(32))
    load = _Load(store, path, trial)
    try:
        await load.carried()
    finally:
        await store.close()
    report = Report(figures=load.figures(), faults=load.faults)
    report.faults += files.damage(path) + _lost(path, load)
    return report


class _Load:
    """What is done to the database, and what those who did it heard."""

    def __init__(self, store: SqliteStore, path: Path, trial: Trial) -> None:
        self.faults: list[str] = []
        self.kept: set[str] = set()
        """Messages whose writer was told that they are kept."""
        self.asked: set[str] = set()
        self._store = store
        self._path = path
        self._trial = trial
        self._random = trial.chance("cancelled")
        self._took: list[float] = []
        self._wal_bytes = 0
        self._locked = 0
        self._cancelled = 0
        self._reads = 0
        self._copies = 0

    def figures(self) -> dict[str, str | int | float]:
        """What was counted."""
        return {
            "sqlite": sqlite3.sqlite_version,
            "writes": len(self.asked),
            "reads": self._reads,
            "copies": self._copies,
            "cancelled": self._cancelled,
            "locked": self._locked,
            "write_p50_ms": milliseconds(self._took, 50),
            "write_p99_ms": milliseconds(self._took, 99),
            "wal_most_mib": round(self._wal_bytes / 2**20, 1),
        }

    async def carried(self) -> None:
        """Do all of it."""
        size = self._trial.size
        async with asyncio.TaskGroup() as beside:
            readers = [beside.create_task(self._read(number)) for number in range(size["readers"])]
            await self._written(size)
            for reader in readers:
                reader.cancel()
        if self._locked:
            self.faults.append(f"{self._locked} callers heard that the database is locked")
        if self._wal_bytes > WAL_LIMIT:
            self.faults.append(f"the write-ahead log grew to {self._wal_bytes} bytes")

    async def _written(self, size: Mapping[str, int]) -> None:
        leaving = set(self._random.sample(range(size["writes"]), size["cancelled"]))
        copy_every = size["writes"] // size["copies"]
        async with asyncio.TaskGroup() as writers:
            async for number in paced(size["writes"], per_second=size["per_second"]):
                writer = writers.create_task(self._write(f"{number}"))
                if number in leaving:
                    writers.create_task(self._leave(writer))
                if number % copy_every == copy_every - 1:
                    writers.create_task(self._copy(number))

    async def _write(self, name: str) -> None:
        self.asked.add(name)
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_kept = await self._heard(self._store.write(partial(_say, message=_message(name))))
        self._took.append(loop.time() - began)
        if is_kept:
            self.kept.add(name)
        log = self._path.with_name(f"{self._path.name}-wal")
        self._wal_bytes = max(self._wal_bytes, log.stat().st_size)

    async def _heard(self, write: Awaitable[None]) -> bool:
        try:
            await write
        except errors.StoreBusyError:
            self._locked += 1
        except errors.StoreError as error:
            self.faults.append(f"a write failed: {type(error).__name__}")
        else:
            return True
        return False

    async def _leave(self, writer: asyncio.Task[None]) -> None:
        """Cancel somebody who writes, at any moment of that; nobody may find the file locked for it afterwards."""
        for _ in range(self._random.randrange(6)):
            await asyncio.sleep(0)
        self._cancelled += writer.cancel()
        if not await asyncio.to_thread(files.is_free, self._path):
            self.faults.append("a transaction stood open after its caller was cancelled")

    async def _copy(self, number: int) -> None:
        copy = self._trial.folder / f"copy-{number}.db"
        await asyncio.to_thread(files.copied, self._path, copy)
        self.faults += await asyncio.to_thread(files.damage, copy)
        copy.unlink()
        self._copies += 1

    async def _read(self, number: int) -> None:
        rooms = ROOMS[number:] + ROOMS[:number]
        async for turn in paced(10**9, per_second=READS_PER_SECOND):
            recent = partial(conversations.recent, room=rooms[turn % len(rooms)], before=10**9, most=20)
            try:
                await self._store.read(recent)
            except errors.StoreError as error:
                self.faults.append(f"a read failed: {type(error).__name__}")
            self._reads += 1


async def _say(transaction: Transaction, *, message: Message) -> None:
    """A message that comes and is settled, in one unit."""
    await inbox.accept(transaction, message, now=NOW)
    await inbox.decide(transaction, message, "answered")
    await inbox.settle(transaction, message, now=NOW)


def _message(name: str) -> Message:
    room = ROOMS[int(name) % len(ROOMS)]
    author = Member(tenant=TENANT, id=f"U{int(name) % 7}", name="Ana")
    return Message(id=MessageId(name), room=room, author=author, text=f"Words of message {name}.", said_at=NOW)


def _lost(path: Path, load: _Load) -> list[str]:
    """What is not in the file as its writers were told, or is there by half."""
    kept, said = ({str(name) for (name,) in files.rows(path, sql)} for sql in (_KEPT, _SAID))
    faults = [f"{len(kept ^ said)} writes are there by half"] if kept != said else []
    if missing := load.kept - kept:
        faults.append(f"{len(missing)} writes are gone whose callers were told that they are kept")
    if kept - load.asked:
        faults.append("there is something that nobody wrote")
    return faults


PROPERTY = Property(
    name="sqlite_load",
    reference="B11",
    promise="Nobody who writes hears that the database is locked, whoever reads, copies it or goes away meanwhile.",
    run=run,
    quick={"writes": 200, "per_second": 50, "readers": 8, "copies": 2, "cancelled": 20},
    full={"writes": 30_000, "per_second": 50, "readers": 8, "copies": 20, "cancelled": 200},
    engines=("sqlite",),
)
