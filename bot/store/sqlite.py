"""SQLite on aiosqlite: one writer, a hop to its thread per batch of units, readers that cannot write.

Why it is built this way: decision 0002 and reliability findings 8 to 11. Writing is serial in SQLite anyway, so units
that wait at the same moment share one commit: a durable commit costs a disk flush, and fifty units cost one.
"""

import asyncio
import fcntl
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import aiosqlite
import structlog

from bot import errors
from bot.store import sealing, sqlite_keys, sqlite_pragmas
from bot.store.engine import Unit
from bot.store.sqlite_errors import translated
from bot.store.sqlite_keys import Keys
from bot.store.trouble import Trouble
from bot.store.vault import Vault
from persona.moments import to_micros
from persona.persona import MemberKey
from persona.ports import Cell, DestroyedKey, Destruction, Row, Transaction, Value

T = TypeVar("T")
P = ParamSpec("P")

MAX_BATCH = 50
"""Units in one commit. More gains nothing once the flush is spread this thin, and delays the first of them."""

BUSY_TIMEOUT_MS = 5_000
MAX_REPORTED = 10_000
SAFE_VERSION = (3, 51, 3)
"""From here on the WAL-reset corruption bug is fixed (reliability finding 11). One writer per file avoids it below."""

_WRITER: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "mmap_size": 0,
}
_READER: dict[str, str | int] = {"query_only": 1, "mmap_size": 0}

_log = structlog.get_logger(__name__)


class _Database(sqlite3.Connection):
    """A connection to the database with another one to its keys beside it; both live on one thread."""

    keys: Keys
    reported: frozenset[str] = frozenset()
    """The keys of which it was said already that they cannot be used."""

    def close(self) -> None:
        if hasattr(self, "keys"):
            self.keys.close()
        super().close()


class _Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its thread instead of one statement a hop."""

    async def run(self, function: Callable[Concatenate[_Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        connection = cast("_Database", self._conn)
        # aiosqlite logs what it runs with its arguments, and a unit of work holds what members said: this hides it.
        result = await self._execute(lambda: function(connection, *args, **kwargs))  # type: ignore[no-untyped-call]
        return cast("T", result)

    async def ended(self) -> None:
        """Wait for the thread of a connection that could not be opened: it still has to tell the event loop so."""
        await asyncio.to_thread(self._thread.join)


class _Transaction:
    """Runs statements at once on the thread it lives in; its awaits never wait."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    async def execute(self, sql: str, **parameters: Value) -> int:
        return self._connection.execute(sql, parameters).rowcount

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        rows = await self.fetch(sql, **parameters)
        return rows[0] if rows else None

    async def seal(self, text: str, *, owner: MemberKey, cell: Cell) -> str:
        return self._keys.seal(text, owner=owner, cell=cell)

    async def unseal(self, sealed: Iterable[tuple[str, Cell]]) -> list[str | None]:
        return self._keys.unseal(sealed)

    async def destroy_key(self, owner: MemberKey, *, at: datetime, reason: Destruction) -> None:
        self._keys.destroy(owner, at=to_micros(at), reason=reason)

    async def key_owners(self, tenant: str, *, most: int) -> Sequence[MemberKey]:
        return self._keys.owners(tenant, most=most)

    async def destroyed_keys(self, *, after: datetime) -> Sequence[DestroyedKey]:
        return self._keys.destroyed(after=to_micros(after))


@dataclass(slots=True, kw_only=True)
class _Waiting:
    unit: Unit[Any]
    done: asyncio.Future[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    result: Any = None
    error: BaseException | None = None
    has_written: bool = False


class SqliteStore:
    """A SQLite file of our own. Open it with `SqliteStore.open`."""

    def __init__(self, *, writer: _Connection, reader: _Connection, owner: IO[bytes]) -> None:
        self._writer = writer
        self._reader = reader
        self._owner = owner
        self._waiting: deque[_Waiting] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_closed = False
        self._trouble_reading = Trouble(doing="reading")
        self._trouble_writing = Trouble(doing="writing")

    @classmethod
    async def open(cls, path: Path, *, key: bytes | None = None) -> Self:
        """Open a file that was migrated already, seal what is not sealed yet, and make it ours until `close`.

        Without a `key` the one in the file beside it is used, or made.

        Raises:
            StoreBusyError: another process owns the file.
            StoreKeyError: it was sealed with another key, or its keys are missing.
            StoreError: SQLite cannot use it, or refuses a setting we rely on.
        """
        _warn_of_old_sqlite()
        async with AsyncExitStack() as on_failure:
            owner = own(path)
            on_failure.callback(owner.close)
            writer = await _connect(path, _WRITER)
            on_failure.push_async_callback(writer.close)
            name, vault = await writer.run(_unlock, path, key)
            reader = await _connect(path, _READER)
            on_failure.push_async_callback(reader.close)
            await reader.run(_take_keys, path, vault)
            store = cls(writer=writer, reader=reader, owner=owner)
            if await store.write(partial(sealing.seal_all, vault=name)):
                await store.compact()
            on_failure.pop_all()
        return store

    async def write(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.write`."""
        self._check_open()
        waiting = _Waiting(unit=unit, done=asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())  # noqa: TID251 - close() awaits it
        return cast("T", await asyncio.shield(waiting.done))

    async def read(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.read`."""
        self._check_open()
        outcome = await self._reader.run(_run_read, unit)
        error = outcome.error and translated(outcome.error)
        self._trouble_reading.met(error)
        if error is not None:
            raise error
        return cast("T", outcome.result)

    async def scrub(self) -> None:
        """See `bot.store.engine.Store.scrub`: moves the write-ahead log into the file and empties it.

        A reader that is busy keeps a part of it until the next time.
        """
        self._check_open()
        try:
            await self._writer.run(_empty_log)
        except sqlite3.Error as error:
            raise translated(error) from error

    async def compact(self, *, max_bytes: int | None = None) -> bool:
        """See `bot.store.engine.Store.compact`."""
        self._check_open()
        try:
            return await self._writer.run(_vacuum, max_bytes)
        except sqlite3.Error as error:
            raise translated(error) from error

    async def close(self) -> None:
        """See `bot.store.engine.Store.close`."""
        self._is_closed = True
        if self._closing is None:
            self._closing = asyncio.create_task(self._let_go())  # noqa: TID251 - awaited here, by whoever comes first
        await asyncio.shield(self._closing)

    async def _let_go(self) -> None:
        if self._committer is not None:
            await self._committer
        await self._reader.close()
        await self._writer.close()
        self._owner.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise errors.StoreError("the database was closed")

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            outcomes = await self._writer.run(_run_batch, [waiting.unit for waiting in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                error = outcome.error and translated(outcome.error)
                self._trouble_writing.met(error, is_proof=outcome.has_written)
                if error is None:
                    waiting.done.set_result(outcome.result)
                else:
                    waiting.done.set_exception(error)


def _run_batch(connection: _Database, units: list[Unit[Any]]) -> list[_Outcome]:
    """Run the units in one transaction, each behind its own savepoint, and commit them together.

    Keys are committed first: whatever breaks in between, nothing is sealed with a key that is not there, and what a
    destroyed key had sealed is gone.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_run_unit(connection, unit) for unit in units]
        connection.keys.commit()
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            connection.keys.rollback()
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # it is gone already, or the next BEGIN will say so
                connection.execute("ROLLBACK")
        return [_Outcome(error=error)] * len(units)
    return outcomes


def _empty_log(connection: _Database) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _vacuum(connection: _Database, max_bytes: int | None) -> bool:
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    if max_bytes is not None and pages * size > max_bytes:
        return False
    connection.execute("VACUUM")
    _empty_log(connection)
    return True


def _run_unit(connection: _Database, unit: Unit[Any]) -> _Outcome:
    connection.execute("SAVEPOINT unit")
    before = connection.total_changes
    outcome = _drive(connection, unit)
    if outcome.error is not None:
        if not connection.in_transaction:  # SQLite gave up the whole transaction: disk full, or worse
            raise sqlite3.OperationalError(str(outcome.error)) from outcome.error
        connection.keys.undo()
        connection.execute("ROLLBACK TO unit")
    else:
        connection.keys.keep()
    connection.execute("RELEASE unit")
    return replace(outcome, has_written=connection.total_changes > before)


def _run_read(connection: _Database, unit: Unit[Any]) -> _Outcome:
    try:
        connection.execute("BEGIN")
        outcome = _drive(connection, unit)
        connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return _Outcome(error=error)
    return outcome


def _drive(connection: _Database, unit: Unit[Any]) -> _Outcome:
    """Run a unit to its end right here: its transaction never waits, so one step must be enough."""
    keys = connection.keys
    keys.begin()
    outcome = _stepped(unit, _Transaction(connection, keys))
    unknown = set(keys.unreadable) - connection.reported
    if unknown:
        connection.reported = (
            frozenset(unknown) if len(connection.reported) > MAX_REPORTED else connection.reported | unknown
        )
        _log.warning("values.unreadable", values=len(keys.unreadable), keys=len(unknown))
    return outcome


def _stepped(unit: Unit[Any], transaction: _Transaction) -> _Outcome:
    try:
        running = cast("Coroutine[Any, Any, Any]", unit(cast("Transaction", transaction)))
        running.send(None)
        running.close()
    except StopIteration as finished:
        return _Outcome(result=finished.value)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller, and to nobody else's unit
        return _Outcome(error=error)
    return _Outcome(error=errors.StoreError("a unit of work may await nothing but its transaction"))


async def _connect(path: Path, pragmas: dict[str, str | int]) -> _Connection:
    def connector() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=_Database)
        connection.row_factory = sqlite3.Row
        return connection

    connection = _Connection(connector, iter_chunk_size=64)
    try:
        await connection
    except sqlite3.Error as error:
        await connection.ended()
        raise translated(error, path) from error
    try:
        await connection.run(_prepare, pragmas)
    except (sqlite3.Error, errors.StoreError) as error:
        await connection.close()
        raise translated(error, path) from error
    return connection


def _prepare(connection: sqlite3.Connection, pragmas: dict[str, str | int]) -> None:
    """Give it its settings, and look whether it is a database at all."""
    sqlite_pragmas.set_up(connection, pragmas, busy_timeout_ms=BUSY_TIMEOUT_MS)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _unlock(connection: _Database, path: Path, key: bytes | None) -> tuple[str, Vault]:
    """Open the keys of the connection that writes; the name of their vault, and the vault."""
    try:
        row = connection.execute("SELECT id FROM vault WHERE tenant = ''").fetchone()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    keys = sqlite_keys.connect(path, timeout_ms=BUSY_TIMEOUT_MS, is_writer=True)
    try:
        name, vault = sqlite_keys.unlock(keys, path, sealed_by=row and row["id"], given=key)
    except BaseException:
        keys.close()
        raise
    connection.keys = Keys(keys, vault)
    return name, vault


def _take_keys(connection: _Database, path: Path, vault: Vault) -> None:
    connection.keys = Keys(sqlite_keys.connect(path, timeout_ms=BUSY_TIMEOUT_MS, is_writer=False), vault)


def own(path: Path) -> IO[bytes]:
    """Hold a lock on a file beside the database: two processes on one SQLite file would answer everything twice.

    Raises:
        StoreBusyError: another process holds it.
        StoreReadOnlyError: the folder cannot be written.
    """
    try:
        owner = path.with_name(f"{path.name}-owner").open("wb")
    except OSError as error:
        raise errors.StoreReadOnlyError(f"{str(path)!r}: the folder cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner.close()
        raise errors.StoreBusyError(
            f"{str(path)!r} is in use by another Rapport; stop that one, or set DATABASE_URL to another file."
            " Several processes share a PostgreSQL: DATABASE_URL=postgresql://…"
        ) from error
    return owner


def _warn_of_old_sqlite() -> None:
    if sqlite3.sqlite_version_info < SAFE_VERSION:
        _log.warning("sqlite.version", version=sqlite3.sqlite_version, advised=".".join(map(str, SAFE_VERSION)))
